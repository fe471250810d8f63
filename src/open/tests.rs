//! States that only a holder of the key can make: another release, another implementation, or a thief of the key.

use super::*;
use crate::claims::codec::BindingKind;
use crate::name::{App, Purpose};
use crate::ring::key::material::{RootKey, SAMPLE_KEYS};
use crate::ring::key::ring::KeyRing;
use crate::seal;
use crate::token::wire::Form;

const NOW: u64 = 1_800_000_000;

fn table() -> KeyTable {
    let ring = KeyRing::from(RootKey::from_public_bytes(SAMPLE_KEYS[0]));
    KeyTable::new(ring, &[Purpose::Login, Purpose::Link], &App::new("shop", "test").unwrap(), Form::Sealed).unwrap()
}

fn claims<'a>(return_to: &'a str, user_tag: Option<[u8; 16]>) -> Claims<'a> {
    Claims {
        issued_at: NOW as u32,
        lifetime: 600,
        restarts: 0,
        kind: BindingKind::Session,
        binding_tag: [0; 16],
        user_tag,
        connection_tag: None,
        provider: "github",
        tenant: b"",
        redirect: "",
        return_to,
        data: b"",
    }
}

fn opened(table: &KeyTable, purpose: Purpose, claims: &Claims<'_>) -> Result<(), &'static str> {
    let keys = table.sealing(purpose, NOW).unwrap();
    let state = seal::seal(keys, &[1; NONCE_BYTES], claims, &(), 2048).unwrap();
    let mut buffer = [0; LONGEST_BYTES];
    authenticate(&state, table, NOW, &mut buffer).map(|_| ()).map_err(|error| error.code())
}

/// A return path that a server with other rules sealed must not become an open redirect here.
#[test]
fn a_return_path_that_breaks_the_rules_is_refused_although_it_is_authentic() {
    let table = table();
    assert_eq!(opened(&table, Purpose::Login, &claims("/home", None)), Ok(()));
    for path in ["//evil.example", "https://evil.example", "/a/../b", "/\\evil.example"] {
        assert_eq!(opened(&table, Purpose::Login, &claims(path, None)), Err("malformed"), "{path}");
    }
}

/// A link that names no user would attach an identity to whichever user comes back.
#[test]
fn a_link_without_a_user_is_refused_although_it_is_authentic() {
    let table = table();
    assert_eq!(opened(&table, Purpose::Link, &claims("", Some([0; 16]))), Ok(()));
    assert_eq!(opened(&table, Purpose::Link, &claims("", None)), Err("malformed"));
    assert_eq!(opened(&table, Purpose::Login, &claims("", None)), Ok(()));
}

/// A plaintext of another form under the right key: refused, not guessed at.
#[test]
fn an_authentic_plaintext_that_does_not_read_is_refused() {
    let table = table();
    let nameless = Claims { provider: "", ..claims("", None) };
    let for_ever = Claims { lifetime: 3601, ..claims("", None) };
    for claims in [nameless, for_ever] {
        assert_eq!(opened(&table, Purpose::Login, &claims), Err("malformed"));
    }
}

/// Times are compared in 64 bits: nothing wraps at either end.
#[test]
fn the_ends_of_time_do_not_wrap() {
    let table = table();
    let keys = table.sealing(Purpose::Login, NOW).unwrap();
    let at = |issued_at: u32, now: u64| {
        let claims = Claims { issued_at, ..claims("", None) };
        let state = seal::seal(keys, &[1; NONCE_BYTES], &claims, &(), 2048).unwrap();
        let mut buffer = [0; LONGEST_BYTES];
        let authentic = authenticate(&state, &table, now, &mut buffer).unwrap();
        authentic.check_time(now, table.ring().timing()).err().map(|late| late.kind)
    };
    assert_eq!(at(u32::MAX, u64::from(u32::MAX)), None);
    assert_eq!(at(u32::MAX, u64::MAX), Some(FinishErrorKind::Expired));
    assert_eq!(at(u32::MAX, 0), Some(FinishErrorKind::IssuedInFuture));
    assert_eq!(at(0, 0), None);
    assert_eq!(at(0, 659), None);
    assert_eq!(at(0, 660), Some(FinishErrorKind::Expired));
}
