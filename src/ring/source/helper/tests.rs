use super::*;

const ID: &str = "00112233aabbccdd";

/// Revocations of a document that the source itself refuses reach the process that called the helper.
#[test]
fn revocations_of_a_refused_document_pass_through_a_helper() {
    let latin_1 = [format!(r#"{{"revoked": ["{ID}"], "note": ""#).as_bytes(), b"\xfc\"}"].concat();
    let error = Fetched::from_bytes("the store", latin_1, None).unwrap_err();
    let reply = Reply::<&str> { error: Some(Failure::from(error)), ..Reply::default() };
    let mut written = Vec::new();
    write_json(&reply, &mut written).unwrap();
    let read = parsed(&written, "demo:prod").unwrap().ok().unwrap();
    let error = read.error.unwrap().of_source("demo:prod");
    assert_eq!((error.kind(), error.revoked()[0].to_string()), (SourceErrorKind::Document, ID.to_owned()));
}

/// A helper that copies the bytes of a document into its reply.
#[test]
fn a_reply_that_is_no_text_revokes() {
    let reply =
        [format!(r#"{{"document": "{{\"revoked\": [\"{ID}\"], \"note\": \""#).as_bytes(), b"\xfc\\\"}\"}"].concat();
    let error = parsed(&reply, "demo:prod").unwrap().err().unwrap();
    assert_eq!((error.kind(), error.revoked()[0].to_string()), (SourceErrorKind::Document, ID.to_owned()));
    assert!(parsed(b"\xfc", "demo:prod").is_none());
    assert!(parsed(b"{}", "demo:prod").unwrap().is_ok());
}

/// Also for a document that is too long.
#[test]
fn a_reply_has_room_for_every_byte_in_which_revocations_are_looked_for() {
    let reply = "x".repeat(LONGEST_REPLY + 10);
    for (given, read) in [(0, 0), (LARGEST, LARGEST), (LARGEST + 1, LARGEST + 1), (reply.len(), LONGEST_REPLY)] {
        assert_eq!(bytes::read(&reply.as_bytes()[..given], LONGEST_REPLY).unwrap().len(), read);
    }
}
