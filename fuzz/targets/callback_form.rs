//! A callback's query or form, against an independent copy of the rules: decoded once, no response parameter twice, a
//! state, and not both a code and an error. Parsing and printing must agree.
//!
//! It finds a parameter that two parsers would read differently (`state=a&%73tate=b`), a code with an error, a value
//! that is decoded twice, and a form with too many parameters that is not refused.

#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use oauth_state::Callback;
use oauth_state::fuzzing::{fields, is_reposted};

const REPOSTED: &str = "oauth_state_reposted";
/// The parameters that may come once.
const ONCE: [&str; 18] = [
    "state",
    "code",
    "error",
    "error_description",
    "error_uri",
    "error_code",
    "error_message",
    "error_reason",
    "iss",
    "id_token",
    "access_token",
    "token_type",
    "expires_in",
    "scope",
    "response",
    "session_state",
    "user",
    REPOSTED,
];

/// application/x-www-form-urlencoded (WHATWG URL section 5.1), by hand.
fn decoded(text: &[u8]) -> String {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let hex = after.get(..2).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        match (first, hex) {
            (b'+', _) => bytes.push(b' '),
            (b'%', Some(hex)) => {
                bytes.push(u8::from_str_radix(std::str::from_utf8(hex).unwrap(), 16).unwrap());
                rest = &after[2..];
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn pairs(body: &[u8]) -> Vec<(String, String)> {
    let parts = body.split(|byte| *byte == b'&').filter(|part| !part.is_empty());
    let split = |part: &[u8]| {
        let equals = part.iter().position(|byte| *byte == b'=');
        let (name, value) = part.split_at(equals.unwrap_or(part.len()));
        (decoded(name), decoded(value.get(1..).unwrap_or_default()))
    };
    parts.map(split).collect()
}

/// The error of a callback without a code, in the parameters that some providers use.
fn error_in_other_words(pairs: &[(String, String)]) -> Option<&str> {
    let value = |name: &&str| pairs.iter().find(|(known, value)| known == name && !value.is_empty());
    let (_, text) = ["error_reason", "error_code"].iter().find_map(value)?;
    Some(if text == "user_denied" { "access_denied" } else { text })
}

/// The expected refusal, if the callback is not too long and has not too many parameters.
fn expected(pairs: &[(String, String)]) -> Option<&'static str> {
    let mut seen = HashMap::new();
    let mut twice = pairs.iter().filter(|(name, value)| seen.insert(name.as_str(), value.as_str()).is_some());
    if twice.any(|(name, _)| ONCE.contains(&name.as_str())) {
        return Some("duplicate_parameter");
    }
    let get = |name| seen.get(name).copied().filter(|value| !value.is_empty());
    let visible = |text: &str| text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    let error = get("error").or_else(|| error_in_other_words(pairs).filter(|_| get("code").is_none()));
    match (get("state"), get("code"), error) {
        (None, ..) => Some("missing_state"),
        (_, Some(_), Some(_)) => Some("code_and_error"),
        (_, None, None) => None,
        (_, Some(text), None) | (_, None, Some(text)) if !visible(text) => Some("malformed"),
        (_, None, Some(error)) if error.len() > 200 => Some("too_long"),
        _ => None,
    }
}

fuzz_target!(|data: &[u8]| {
    let pairs = pairs(data);
    let callback = match Callback::from_form(data) {
        Ok(callback) => callback,
        Err(refused) => {
            let many = pairs.len() > 64 || data.len() > 32_768;
            assert!(
                expected(&pairs) == Some(refused.code()) || many && refused.code() == "too_long",
                "{}",
                refused.code()
            );
            return;
        }
    };
    assert_eq!(expected(&pairs), None, "it should have been refused");
    assert!(pairs.iter().filter(|(name, _)| name != REPOSTED).count() <= 64);
    let known = ["state", "code", "error", "iss"];
    let is_said = |name: &str, value: &str| name == "error" && error_in_other_words(&pairs) == Some(value);
    let wanted = |(name, value): &&(String, String)| {
        name != REPOSTED && !(known.contains(&name.as_str()) && value.is_empty()) && !is_said(name, value)
    };
    let mut wanted: Vec<_> = pairs.iter().filter(wanted).map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut had = fields(&callback);
    wanted.sort_unstable();
    had.sort_unstable();
    assert_eq!(had, wanted);
    assert_eq!(is_reposted(&callback), pairs.iter().any(|(name, value)| name == REPOSTED && !value.is_empty()));

    let printed = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields(&callback)).finish();
    if printed.len() <= 32_768 {
        let again = Callback::from_query(&printed).expect("an accepted callback can be sent again");
        assert_eq!(fields(&again), fields(&callback));
    }
});
