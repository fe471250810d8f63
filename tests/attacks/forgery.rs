//! Forgery (RFC 6749 section 10.10): states that are made up, cut, extended, rewritten or combined from two.
//!
//! Without the tag, an attacker writes a state with any provider, tenant and return path. Without the strict encoding,
//! one state has several spellings, and filters and logs see another one than the service opens. A signed state is
//! readable, and as hard to forge as an encrypted one.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use oauth_state::{Callback, Expect, Login, ReturnTo};
use proptest::prelude::*;
use sha2::Digest;
use support::shop::{Shop, callback, session, shop, signed_shop};

#[test]
fn every_changed_bit_is_refused() {
    [shop(), signed_shop()].iter().for_each(every_changed_bit_is_refused_by);
}

fn every_changed_bit_is_refused_by(shop: &Shop) {
    let login = Login::with("github").tenant([9; 16]).return_to("/home".parse::<ReturnTo>().unwrap());
    let begun = shop.flow.begin(session(), login).unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(&begun.state).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let state = URL_SAFE_NO_PAD.encode(flipped);
        let refused = shop.flow.check(session(), Expect::provider("github"), callback(&state)).unwrap_err();
        let expected: &[&str] = match bit / 8 {
            0..3 => &["malformed"],
            // Another key's id is unknown here, unless it happens to be the id of another purpose.
            3..7 => &["unknown_key", "wrong_purpose"],
            _ => &["forged"],
        };
        assert!(expected.contains(&refused.code()), "bit {bit}: {}", refused.code());
    }
    assert_eq!(shop.guard.calls(), 0);
}

#[test]
fn every_cut_extension_and_second_spelling_is_refused() {
    [shop(), signed_shop()].iter().for_each(every_cut_extension_and_second_spelling_is_refused_by);
}

fn every_cut_extension_and_second_spelling_is_refused_by(shop: &Shop) {
    let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
    let state = begun.state;
    let bytes = URL_SAFE_NO_PAD.decode(&state).unwrap();
    let mut others: Vec<String> = (0..state.len()).map(|cut| state[..cut].to_owned()).collect();
    others.extend((0..bytes.len()).map(|cut| URL_SAFE_NO_PAD.encode(&bytes[..cut])));
    others.extend((0..=255u8).map(|byte| URL_SAFE_NO_PAD.encode([bytes.as_slice(), &[byte]].concat())));
    others.extend(["A", "=", "==", " ", "\n", "%", ".", "&", "\0", "AAAA"].map(|more| format!("{state}{more}")));
    others.extend([" ", "\n", "A", "ost1"].map(|before| format!("{before}{state}")));
    others.push(state.to_uppercase());
    others.push(format!("{state}{state}"));
    // The same bytes in other encodings.
    others.extend([STANDARD.encode(&bytes), URL_SAFE.encode(&bytes)].into_iter().filter(|other| *other != state));
    others.extend(
        ["ost1", "oss1"].map(|form| format!("{form}{}", &state[4..])).into_iter().filter(|other| *other != state),
    );
    for other in others.iter().filter(|other| !other.is_empty()) {
        let refused = shop.flow.check(session(), Expect::provider("github"), callback(other)).unwrap_err();
        assert!(["malformed", "forged", "unknown_key"].contains(&refused.code()), "{}", refused.code());
    }
    assert_eq!(shop.guard.calls(), 0);
}

/// The last character of some lengths has unused bits: setting them gives the same bytes another text.
#[test]
fn unused_bits_make_no_second_spelling() {
    let lenient = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_encode_padding(false);
    let lenient = GeneralPurpose::new(
        &base64::alphabet::URL_SAFE,
        lenient.with_decode_padding_mode(DecodePaddingMode::RequireNone),
    );
    for shop in [shop(), signed_shop()] {
        let mut spellings = 0;
        for path in ["/a", "/ab", "/abc"] {
            let login = Login::with("github").return_to(path.parse::<ReturnTo>().unwrap());
            let state = shop.flow.begin(session(), login).unwrap().state;
            let bytes = URL_SAFE_NO_PAD.decode(&state).unwrap();
            for last in base64::alphabet::URL_SAFE.as_str().chars() {
                let other = format!("{}{last}", &state[..state.len() - 1]);
                if other != state && lenient.decode(&other).is_ok_and(|decoded| decoded == bytes) {
                    spellings += 1;
                    let refused = shop.flow.check(session(), Expect::provider("github"), callback(&other)).unwrap_err();
                    assert_eq!(refused.code(), "malformed");
                }
            }
        }
        assert_eq!(spellings, 3 + 15, "one length has two such bits, one has four, and one has none");
        assert_eq!(shop.guard.calls(), 0);
    }
}

/// Two genuine states, cut apart and recombined.
#[test]
fn parts_of_two_states_do_not_make_a_third() {
    [shop(), signed_shop()].iter().for_each(parts_of_two_states_do_not_make_a_third_for);
}

fn parts_of_two_states_do_not_make_a_third_for(shop: &Shop) {
    let bytes = |provider: &str| {
        let begun = shop.flow.begin(session(), Login::with(provider)).unwrap();
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

/// An attacker can read a signed state, but not write another return path, provider or user into it.
#[test]
fn a_signed_state_is_readable_but_not_forgeable() {
    let shop = signed_shop();
    let path = "/account/settings".parse::<ReturnTo>().unwrap();
    let begun = shop.flow.begin(session(), Login::with("github").return_to(path)).unwrap();
    let rewritten = |from: &[u8], to: &[u8]| {
        let mut bytes = URL_SAFE_NO_PAD.decode(&begun.state).unwrap();
        let at = bytes.windows(from.len()).position(|part| part == from).expect("anyone can read it");
        bytes[at..at + to.len()].copy_from_slice(to);
        URL_SAFE_NO_PAD.encode(bytes)
    };
    for (from, to, provider) in [
        (&b"/account/settings"[..], &b"/account/deletion"[..], "github"),
        (b"github", b"google", "google"),
        // Lifetimes of ten and fifty minutes; bound to a session, and unbound.
        (&[0x02, 0x58, 0, 4], &[0x0b, 0xb8, 0, 4], "github"),
        (&[0x02, 0x58, 0, 4], &[0x02, 0x58, 0, 0], "github"),
    ] {
        let state = rewritten(from, to);
        let refused = shop.flow.check(session(), Expect::provider(provider), callback(&state)).unwrap_err();
        assert_eq!(refused.code(), "forged");
        assert!(refused.restart().is_none(), "a forged state offers no restart");
    }
    assert_eq!(shop.guard.calls(), 0);
}

/// The tags that an attacker without the key can make: none, a constant, or a hash of the visible bytes.
#[test]
fn a_tag_that_takes_no_key_is_refused() {
    let shop = signed_shop();
    let bytes = URL_SAFE_NO_PAD.decode(shop.flow.begin(session(), Login::with("github")).unwrap().state).unwrap();
    let text = &bytes[..bytes.len() - 32];
    let hash = |data: &[u8]| -> [u8; 32] { sha2::Sha256::digest(data).into() };
    for tag in [[0; 32], [0xff; 32], hash(text), hash(&text[31..]), hash(&bytes)] {
        let state = URL_SAFE_NO_PAD.encode([text, &tag].concat());
        let refused = shop.flow.check(session(), Expect::provider("github"), callback(&state)).unwrap_err();
        assert_eq!(refused.code(), "forged");
    }
    assert_eq!(shop.guard.calls(), 0);
}

proptest! {
    #[test]
    fn no_state_that_was_not_sealed_is_accepted_and_none_panics(state in "(os[ts]1)?[A-Za-z0-9_-]{0,300}") {
        for shop in [shop(), signed_shop()] {
            if let Ok(callback) = Callback::from_pairs([("code", "code"), ("state", &state)]) {
                prop_assert!(shop.flow.check(session(), Expect::provider("github"), callback).is_err());
            }
            prop_assert_eq!(shop.guard.calls(), 0);
        }
    }

    #[test]
    fn any_text_at_all_is_refused(state: String, cookies: Vec<u8>) {
        let shop = shop();
        if let Ok(callback) = Callback::from_pairs([("code", "code"), ("state", &state)]) {
            let binding = oauth_state::Binding::cookie_headers([cookies.as_slice()]);
            prop_assert!(shop.flow.check(binding, Expect::provider("github"), callback).is_err());
        }
    }
}
