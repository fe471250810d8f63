use super::*;

/// Log injection: what a server answers must not write log lines of its own, nor fill the log.
#[test]
fn an_answer_is_one_short_line() {
    let answer = format!("503\r\nlevel=info {}", "x".repeat(5_000));
    let error = SourceError::new("it\n", SourceErrorKind::Unavailable, answer).to_do("do\nthis");
    assert!(!error.to_string().contains(['\r', '\n']));
    assert!(error.to_string().len() < 700);
}
