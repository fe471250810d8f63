use super::*;

/// Log injection: a server's answer must not write its own log lines, nor fill the log.
#[test]
fn an_answer_is_one_short_line() {
    let answer = format!("503\r\nlevel=info {}", "x".repeat(5_000));
    let error = SourceError::new("it\n", SourceErrorKind::Unavailable, answer).with_remedy("do\nthis");
    assert!(!error.to_string().contains(['\r', '\n']));
    assert!(error.to_string().len() < 700);
}

/// A source may have read several documents, each with its own revocations.
#[test]
fn a_second_document_takes_no_revocation_back() {
    let (one, other) = (br#"{"revoked": ["00112233aabbccdd"]}"#, br#"{"revoked": ["8899aabbccddeeff"]}"#);
    let error = SourceError::new("it", SourceErrorKind::Document, "two").revoking(one).revoking(other).revoking(one);
    let ids: Vec<String> = error.revoking(b"nothing").revoked().iter().map(ToString::to_string).collect();
    assert_eq!(ids, ["00112233aabbccdd", "8899aabbccddeeff"]);
}
