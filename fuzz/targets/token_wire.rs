//! A text parses into a token in one way, and a token has one text: read, print, read again, in both directions.
//!
//! It finds a decoder that accepts padding, white space, another alphabet or unused bits (one state with two texts), a
//! length that is off by one, a form that is accepted as another, and a state that goes to the wrong store because too
//! little of its form is compared.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oauth_state::fuzzing::Token;
use oauth_state::inspect::{ParseStateError, StateForm, is_state};
use oauth_state_fuzz::Bytes;

const FORMS: [&str; 6] = ["ost1", "osm1", "osr1", "osp1", "osx1", "oss1"];

fn from_text(text: &str) {
    let (token, form) = (Token::read(text), StateForm::read(text));
    assert_eq!(token.as_ref().err(), form.as_ref().err());
    // The look of a text tells everything except whether it is the canonical text of its bytes.
    let of_ours = is_state(text);
    assert!(
        of_ours == token.is_ok() || of_ours && token == Err(ParseStateError::NotBase64Url),
        "{of_ours}, but {token:?}"
    );
    let (Ok(token), Ok(form)) = (token, form) else { return };
    assert_eq!(token.print().unwrap(), text, "one token has two texts");
    assert!(text.starts_with(token.form) && form.prefix() == token.form);
    assert_eq!(token.tag.len(), if form.prefix() == "oss1" { 32 } else { 16 });
    let bytes = 31 + token.text.len() + token.tag.len();
    assert_eq!((form.characters, form.bytes, form.key_id), (text.len(), bytes, token.key_id));
}

fn from_parts(data: &[u8]) {
    let mut bytes = Bytes(data);
    let form = FORMS[usize::from(bytes.byte()) % FORMS.len()];
    let (key_id, nonce) = (bytes.array(), bytes.array());
    let tag = if form == "oss1" { bytes.array::<32>().to_vec() } else { bytes.array::<16>().to_vec() };
    let token = Token { form, key_id, nonce, tag, text: bytes.0.to_vec() };
    let text = token.print().unwrap();
    assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
    match Token::read(&text) {
        Ok(again) => assert_eq!(again, token),
        Err(refused) => assert!(refused == ParseStateError::TooLong && text.len() > 2048, "{refused}"),
    }
}

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        from_text(text);
    }
    from_parts(data);
});
