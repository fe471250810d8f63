//! Forgery (RFC 6749 section 10.10): states that were made up, cut, extended, written anew, or put together of two.
//!
//! Without the tag anybody writes a state: any provider, any tenant, any return path. Without the strict text one state has
//! several spellings, and filters and logs see another than the one that is opened.

use crate::common::{callback, session, shop};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use oauth_state::{Callback, Expect, Login, ReturnTo};
use proptest::prelude::*;

#[test]
fn every_changed_bit_is_refused() {
    let shop = shop();
    let login = Login::at("github").tenant([9; 16]).return_to(ReturnTo::parse("/home").unwrap());
    let begun = shop.flow.begin(session(), login).unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(&begun.state).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let state = URL_SAFE_NO_PAD.encode(flipped);
        let refused = shop.flow.check(session(), Expect::provider("github"), callback(&state)).unwrap_err();
        let expected: &[&str] = match bit / 8 {
            0..3 => &["malformed"],
            // Another key's id: none here, unless by chance the id of another purpose.
            3..7 => &["unknown_key", "wrong_purpose"],
            _ => &["forged"],
        };
        assert!(expected.contains(&refused.code()), "bit {bit}: {}", refused.code());
    }
    assert_eq!(shop.guard.calls(), 0);
}

#[test]
fn every_cut_extension_and_second_spelling_is_refused() {
    let shop = shop();
    let begun = shop.flow.begin(session(), Login::at("github")).unwrap();
    let state = begun.state;
    let bytes = URL_SAFE_NO_PAD.decode(&state).unwrap();
    let mut others: Vec<String> = (0..state.len()).map(|cut| state[..cut].to_owned()).collect();
    others.extend((0..bytes.len()).map(|cut| URL_SAFE_NO_PAD.encode(&bytes[..cut])));
    others.extend((0..=255u8).map(|byte| URL_SAFE_NO_PAD.encode([bytes.as_slice(), &[byte]].concat())));
    others.extend(["A", "=", "==", " ", "\n", "%", ".", "&", "\0", "AAAA"].map(|more| format!("{state}{more}")));
    others.extend([" ", "\n", "A", "ost1"].map(|before| format!("{before}{state}")));
    others.push(state.to_uppercase());
    others.push(format!("{state}{state}"));
    // The same bytes in other spellings.
    others.extend([STANDARD.encode(&bytes), URL_SAFE.encode(&bytes)].into_iter().filter(|other| *other != state));
    others.push(state.replacen("ost1", "oss1", 1));
    for other in others.iter().filter(|other| !other.is_empty()) {
        let refused = shop.flow.check(session(), Expect::provider("github"), callback(other)).unwrap_err();
        assert!(["malformed", "forged", "unknown_key"].contains(&refused.code()), "{}", refused.code());
    }
    assert_eq!(shop.guard.calls(), 0);
}

/// Two genuine states cut apart and put together anew.
#[test]
fn parts_of_two_states_do_not_make_a_third() {
    let shop = shop();
    let bytes = |provider: &str| {
        let begun = shop.flow.begin(session(), Login::at(provider)).unwrap();
        URL_SAFE_NO_PAD.decode(begun.state).unwrap()
    };
    let (one, other) = (bytes("github"), bytes("google"));
    assert_eq!(one.len(), other.len());
    for cut in 1..one.len() {
        let swapped = [&one[..cut], &other[cut..]].concat();
        if swapped == one || swapped == other {
            continue;
        }
        for provider in ["github", "google"] {
            let state = URL_SAFE_NO_PAD.encode(&swapped);
            let refused = shop.flow.check(session(), Expect::provider(provider), callback(&state));
            assert_eq!(refused.unwrap_err().code(), "forged");
        }
    }
    assert_eq!(shop.guard.calls(), 0);
}

proptest! {
    #[test]
    fn no_state_that_was_not_sealed_is_accepted_and_none_panics(state in "(ost1)?[A-Za-z0-9_-]{0,300}") {
        let shop = shop();
        if let Ok(callback) = Callback::from_code(state, "code") {
            prop_assert!(shop.flow.check(session(), Expect::provider("github"), callback).is_err());
        }
        prop_assert_eq!(shop.guard.calls(), 0);
    }

    #[test]
    fn any_text_at_all_is_refused(state: String, cookies: Vec<u8>) {
        let shop = shop();
        if let Ok(callback) = Callback::from_code(state, "code") {
            let binding = oauth_state::Binding::cookie_headers([cookies.as_slice()]);
            prop_assert!(shop.flow.check(binding, Expect::provider("github"), callback).is_err());
        }
    }
}
