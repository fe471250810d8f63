//! Every malformed callback has a defined answer.

use super::*;
use FinishErrorKind::{CodeAndError, DuplicateParameter, Malformed, MissingState, TooLong};
use proptest::prelude::*;

#[test]
fn every_malformed_callback_has_its_defined_answer() {
    let long = format!("state=s&code={}", "c".repeat(LARGEST));
    let many = format!("state=s&code=c{}", (0..63).map(|i| format!("&p{i}=1")).collect::<String>());
    for (query, kind) in [
        ("", MissingState),
        ("code=c", MissingState),
        ("state=&code=c", MissingState),
        ("error=access_denied&error_description=hello", MissingState),
        ("code=c&error=e", MissingState),
        ("State=s&code=c", MissingState),
        ("state=s&state=s&code=c", DuplicateParameter),
        ("state=s&state=&code=c", DuplicateParameter),
        ("state=s&code=c&code=d", DuplicateParameter),
        ("state=s&error=e&error=f", DuplicateParameter),
        ("state=s&code=c&iss=a&iss=b", DuplicateParameter),
        ("state=s&code=c&user=a&user=b", DuplicateParameter),
        ("state=s&%73tate=t&code=c", DuplicateParameter),
        ("state=s&code=c&error=e", CodeAndError),
        ("state=s&code=%00", Malformed),
        ("state=s&code=%ff", Malformed),
        ("state=s&code=%0d%0aa", Malformed),
        ("state=s&error=%C3%A9", Malformed),
        (&long, TooLong),
        (&many, TooLong),
    ] {
        assert_eq!(Callback::from_query(query).unwrap_err().kind(), kind, "{query:.60}");
    }
}

/// A reader that took the last of two states would finish another login than the one that was checked.
#[test]
fn pairs_are_held_to_the_rules_of_a_query_and_decoded_no_more() {
    let read = |pairs: &[(&'static str, &'static str)]| Callback::from_pairs(pairs.iter().copied());
    assert_eq!(read(&[("state", "s"), ("state", "t"), ("code", "c")]).unwrap_err().kind(), DuplicateParameter);
    assert_eq!(read(&[("state", "s"), ("code", "c"), ("error", "e")]).unwrap_err().kind(), CodeAndError);
    assert_eq!(read(&[("state", ""), ("code", "c")]).unwrap_err().kind(), MissingState);
    assert_eq!(read(&[("code", "c"); MOST_PARAMETERS + 1]).unwrap_err().kind(), DuplicateParameter);
    let callback = read(&[("code", "c%20d"), ("state", "s"), ("scope", "a b")]).unwrap();
    assert!(matches!(&callback.answer, Answer::Code(code) if code == "c%20d"));
    assert_eq!(callback.others.get("scope"), Some("a b"));
    assert_eq!(callback.way, Way::Direct);
}

#[test]
fn parameters_are_decoded_once_and_empty_ones_are_absent() {
    let callback = Callback::from_query("code=a%2Bb+c&state=s%2573&error=&iss=&user=%7B%22a%22:1%7D").unwrap();
    assert_eq!(callback.state, "s%73");
    assert!(matches!(callback.answer, Answer::Code(code) if code == "a+b c"));
    assert_eq!(callback.iss, None);
    assert_eq!(callback.others.get("user"), Some(r#"{"a":1}"#));
}

#[test]
fn an_error_keeps_its_code() {
    let error = |query: &str| match Callback::from_query(query).unwrap().answer {
        Answer::Error(error) => error,
        Answer::Code(_) | Answer::Nothing => panic!("no error"),
    };
    assert_eq!(error("state=s&error=access_denied"), AuthorizationError::AccessDenied);
    assert_eq!(error("state=s&error=strange").as_str(), "strange");
    for (known, text, _) in AuthorizationError::KNOWN {
        assert_eq!((&AuthorizationError::from_text(text.into()), known.as_str()), (&known, text));
    }
}

proptest! {
    #[test]
    fn no_body_panics(body: Vec<u8>) {
        let _ = Callback::from_form(&body);
    }

    #[test]
    fn no_query_panics(query in "((state|code|error|iss|user|%[0-9a-f]{2})(=[a-zA-Z0-9%&+=]{0,8})?&?){0,6}") {
        let _ = Callback::from_query(&query);
    }
}
