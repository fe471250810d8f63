use super::*;
use crate::ring::key::material::{RootKey, SAMPLE_KEYS};
use crate::token::wire::LONGEST_BYTES;

const NONCE: [u8; NONCE_BYTES] = [5; NONCE_BYTES];

fn root() -> RootKey {
    RootKey::from_public_bytes(SAMPLE_KEYS[0])
}

fn app() -> App {
    App::new("shop", "test").unwrap()
}

fn table(form: Form) -> KeyTable {
    KeyTable::new(KeyRing::from(root()), &[Purpose::Login], &app(), form).unwrap()
}

/// A token whose text is `text`, sealed by the keys of its form.
fn sealed(form: Form, text: &[u8]) -> Vec<u8> {
    let table = table(form);
    let keys = table.sealing(Purpose::Login, 1).unwrap();
    let mut token = Vec::new();
    wire::write_head(form, keys.id, &NONCE, &mut token);
    token.extend_from_slice(text);
    keys.seal(&NONCE, &mut token).unwrap();
    token
}

/// Opens without the check of the form, as if that check did not exist.
fn opened(by: Form, token: &[u8]) -> Result<Vec<u8>, NotAuthentic> {
    let (table, mut buffer) = (table(by), [0; LONGEST_BYTES]);
    let token = wire::read(&crate::base64url::encode(token), &mut buffer).unwrap();
    table.opening(token.key_id, 1).unwrap().open(token).map(<[u8]>::to_vec)
}

#[test]
fn each_form_opens_what_it_sealed_and_a_signed_text_is_readable() {
    let text = [b'x'; 40];
    for form in Form::ALL {
        let token = sealed(form, &text);
        assert_eq!(opened(form, &token).unwrap(), text);
        let readable = token[HEAD_BYTES..].starts_with(&text);
        assert_eq!(readable, form == Form::Signed, "{form:?}");
        assert_eq!(token.len(), form.around_bytes() + text.len());
    }
}

/// Form confusion (RFC 8725 section 3.1): a token must not choose how, or with which key, it is opened.
#[test]
fn a_token_is_opened_by_the_construction_of_its_own_form_alone() {
    for form in Form::ALL {
        let token = sealed(form, &[b'x'; 40]);
        for other in Form::ALL.into_iter().filter(|other| *other != form) {
            assert_eq!(opened(other, &token), Err(NotAuthentic), "{form:?} by {other:?}");
            let relabelled = [&other.magic()[..], &token[3..]].concat();
            assert_eq!(opened(other, &relabelled), Err(NotAuthentic), "{form:?} called {other:?}");
            // Between encrypted forms, the earlier check of the form stops it.
            if (form == Form::Signed) != (other == Form::Signed) {
                assert_eq!(opened(form, &relabelled), Err(NotAuthentic), "{form:?} called {other:?}, by {form:?}");
            }
        }
    }
}

/// Key confusion: an attacker with one key of a root must not be able to sign with it.
#[test]
fn no_other_key_of_the_root_signs() {
    let table = table(Form::Signed);
    let keys = table.sealing(Purpose::Login, 1).unwrap();
    for (label, opens) in [("sign", true), ("enc", false), ("flow", false), ("key-id", false)] {
        let key = SigningKey::new(derive(&root(), label, Purpose::Login, &app()).expose());
        let mut token = Vec::new();
        wire::write_head(Form::Signed, keys.id, &NONCE, &mut token);
        token.extend_from_slice(&[b'x'; 40]);
        let tag = key.sign(&NONCE, &keys.associated_data, &token[HEAD_BYTES..]).unwrap();
        token.extend_from_slice(tag.expose());
        assert_eq!(opened(Form::Signed, &token).is_ok(), opens, "{label}");
    }
}

#[test]
fn debug_shows_no_key_bytes() {
    for form in [Form::Sealed, Form::Signed] {
        let shown = format!("{:?}", table(form).sealing(Purpose::Login, 1).unwrap());
        assert!(shown.contains("[redacted]") && !shown.contains(&format!("{:?}", SAMPLE_KEYS[0])), "{shown}");
    }
}
