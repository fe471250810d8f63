use super::*;
use proptest::prelude::*;

fn tag(key: u8, nonce: u8, associated_data: &[u8], text: &[u8]) -> [u8; 32] {
    *SigningKey::new(&[key; 32]).sign(&[nonce; 24], associated_data, text).unwrap().expose()
}

/// A byte that moves from one part to the next must change the tag.
#[test]
fn every_input_and_every_boundary_is_signed() {
    let right = tag(1, 2, b"context", b"text");
    for other in [
        tag(9, 2, b"context", b"text"),
        tag(1, 9, b"context", b"text"),
        tag(1, 2, b"contexu", b"text"),
        tag(1, 2, b"contex", b"ttext"),
        tag(1, 2, b"context\x02", b"text"),
        tag(1, 2, b"context", b"text\0"),
        tag(1, 2, b"context", b""),
    ] {
        assert_ne!(right, other);
    }
}

/// If a part of the tag were not compared, it could be guessed.
#[test]
fn a_change_of_any_bit_is_not_authentic() {
    let (key, tag) = (SigningKey::new(&[1; 32]), tag(1, 2, b"context", b"a path"));
    let open = |nonce: u8, text: &[u8], tag: &[u8; 32]| key.verify(&[nonce; 24], b"context", text, tag);
    assert_eq!(open(2, b"a path", &tag), Ok(()));
    assert_eq!(open(3, b"a path", &tag), Err(NotAuthentic));
    for bit in 0..32 * 8 {
        let mut flipped = tag;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(open(2, b"a path", &flipped), Err(NotAuthentic), "bit {bit}");
    }
    assert_eq!(open(2, b"a path", &[0; 32]), Err(NotAuthentic));
}

/// With the length cut to 16 bits, two texts would have the same tag.
#[test]
fn a_text_that_no_length_holds_is_not_signed() {
    let key = SigningKey::new(&[1; 32]);
    assert!(key.sign(&[2; 24], b"", &[0; 65_535]).is_ok());
    assert_eq!(key.sign(&[2; 24], b"", &[0; 65_536]).err(), Some(NotAuthentic));
    assert_eq!(key.sign(&[2; 24], &[0; 65_536], b"").err(), Some(NotAuthentic));
}

#[test]
fn debug_shows_no_key_bytes() {
    assert_eq!(format!("{:?}", SigningKey::new(&[7; 32])), "SigningKey(HmacKey([redacted]))");
}

proptest! {
    /// Compared with the HMAC of another crate, over the bytes as the page on the wire format joins them.
    #[test]
    fn it_is_the_hmac_of_the_page(
        key: [u8; 32],
        nonce: [u8; 24],
        associated_data in prop::collection::vec(any::<u8>(), 0..200),
        text in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        use hmac::{Hmac, KeyInit, Mac};
        let mut oracle = <Hmac<sha2::Sha256>>::new_from_slice(&key).unwrap();
        oracle.update(&(associated_data.len() as u16).to_be_bytes());
        oracle.update(&[associated_data.as_slice(), &nonce].concat());
        oracle.update(&(text.len() as u16).to_be_bytes());
        oracle.update(&text);
        let theirs: [u8; 32] = oracle.finalize().into_bytes().into();
        let ours = SigningKey::new(&key).sign(&nonce, &associated_data, &text).unwrap();
        prop_assert_eq!(ours.expose(), &theirs);
    }
}
