use super::*;
use crate::base64url;
use crate::token::aead::NONCE_BYTES;
use crate::token::wire::{Form, HEAD_BYTES};

/// A token of `form` whose nonce starts with these bytes.
fn token(form: Form, nonce: [u8; 4]) -> String {
    let mut bytes = form.magic().to_vec();
    bytes.extend([7; HEAD_BYTES - NONCE_BYTES - 3]);
    bytes.extend(nonce);
    bytes.resize(60, 9);
    base64url::encode(bytes)
}

/// Another implementation, or support with a calculator, must get the same characters: the numbers of docs/wire-format.md.
#[test]
fn the_first_thirty_bits_of_the_nonce_in_crockfords_base_32() {
    for (nonce, expected) in [
        ([0x00, 0x00, 0x00, 0x00], "0000-00"),
        ([0xff, 0xff, 0xff, 0xff], "ZZZZ-ZZ"),
        // 7 K 2 P 9 Q: 00111 10011 00010 10110 01001 10111
        ([0b0011_1100, 0b1100_0101, 0b0110_0100, 0b1101_1100], "7K2P-9Q"),
    ] {
        for form in Form::ALL {
            assert_eq!(Reference::of(&token(form, nonce)).to_string(), expected);
        }
    }
}

/// Support often gets half of a state: what comes behind the nonce must not matter, nor whether it can be decoded.
#[test]
fn a_state_that_was_changed_or_cut_short_keeps_its_reference() {
    let state = token(Form::Sealed, [1, 2, 3, 4]);
    let reference = Reference::of(&state);
    for changed in [&state[..16], &state[..41], &format!("{state}x"), &format!("{}%3D", &state[..50])] {
        assert_eq!(Reference::of(changed), reference, "{changed}");
    }
    assert_ne!(Reference::of(&token(Form::Sealed, [1, 2, 4, 4])), reference);
}

/// The states of another service often start alike; two of them must not share a reference for that.
#[test]
fn a_text_of_another_kind_has_the_reference_of_its_digest() {
    // SHA-256 of `abc` starts with ba7816bf (FIPS 180-2, appendix B.1).
    assert_eq!(Reference::of("abc"), Reference([0xba, 0x78, 0x16, 0xbf]));
    assert_eq!(Reference::of("abc").to_string(), "Q9W1-DF");
    for short in
        ["", "o", "ost1", "ost1AAAA", "ost1AAAAAAAAAAA", "ost1AAAA????AAAA", "ost1\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}"]
    {
        let expected: [u8; 32] = Sha256::digest(short).into();
        assert_eq!(Reference::of(short).0, expected[..4], "{short}");
    }
}

#[test]
fn random_ones_differ() {
    assert_ne!(Reference::random(), Reference::random());
}
