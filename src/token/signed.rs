//! The signed form: its text is readable by anybody, and made by nobody without the key.
//!
//! ```text
//! tag = HMAC-SHA256(K_sign, lp(associated data) ‖ nonce ‖ lp(plaintext))
//! ```

use super::aead::{NONCE_BYTES, NotAuthentic};
use crate::key::derive::HmacKey;
use crate::secret::{SecretBytes, equal_in_constant_time};

/// Bytes of a tag: the whole of HMAC-SHA256, not cut.
pub(crate) const TAG_BYTES: usize = 32;

/// `K_sign`. It is derived under a label of its own and has a type of its own, so that what it signs is never taken for a
/// binding tag or a user tag, which are HMACs, too.
#[derive(Debug)]
pub(crate) struct SigningKey(HmacKey);

impl SigningKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(HmacKey::new(key))
    }

    /// The tag of `text`, which stays as it is.
    pub(crate) fn sign(
        &self,
        nonce: &[u8; NONCE_BYTES],
        associated_data: &[u8],
        text: &[u8],
    ) -> Result<SecretBytes<TAG_BYTES>, NotAuthentic> {
        Ok(self.0.tag(&[
            // The associated data, against substitution: a state of another purpose, application, environment or form has another
            // tag (RFC 8725 sections 2.7 and 2.8). Its length, so that no byte moves over into the nonce and makes another text of
            // the same bytes.
            &length(associated_data)?,
            associated_data,
            // The nonce, against replay: it is the id that the guard knows the state by, and whoever could change it would use
            // one state many times. It has one length.
            nonce,
            // The text, against forgery, and its length, so that none is continued.
            &length(text)?,
            text,
        ]))
    }

    /// Whether `tag` is that of `text`.
    pub(crate) fn verify(
        &self,
        nonce: &[u8; NONCE_BYTES],
        associated_data: &[u8],
        text: &[u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), NotAuthentic> {
        // The right tag of a forger's text is what he looks for: it stays in memory that is cleared, and goes into no error.
        let right = self.sign(nonce, associated_data, text)?;
        // All 32 bytes, against guessing a shorter tag; in constant time, against learning it byte by byte from how long a refusal
        // takes.
        if equal_in_constant_time(right.expose(), tag) { Ok(()) } else { Err(NotAuthentic) }
    }
}

/// The length before a part, as 16 bits. A text that is too long for them is refused, not cut: two texts would have one tag.
fn length(part: &[u8]) -> Result<[u8; 2], NotAuthentic> {
    u16::try_from(part.len()).map(u16::to_be_bytes).map_err(|_| NotAuthentic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tag(key: u8, nonce: u8, associated_data: &[u8], text: &[u8]) -> [u8; 32] {
        *SigningKey::new(&[key; 32]).sign(&[nonce; 24], associated_data, text).unwrap().expose()
    }

    /// A byte that moves from one part to the next must not leave the tag as it was.
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

    /// A tag of which a part is not compared can be guessed.
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

    /// Cut to 16 bits, two texts would have one tag.
    #[test]
    fn a_text_that_no_length_holds_is_not_signed() {
        let key = SigningKey::new(&[1; 32]);
        assert!(key.sign(&[2; 24], b"", &[0; 65_535]).is_ok());
        assert_eq!(key.sign(&[2; 24], b"", &[0; 65_536]).err(), Some(NotAuthentic));
        assert_eq!(key.sign(&[2; 24], &[0; 65_536], b"").err(), Some(NotAuthentic));
    }

    #[test]
    fn a_key_shows_its_kind_alone() {
        assert_eq!(format!("{:?}", SigningKey::new(&[7; 32])), "SigningKey(HmacKey([redacted]))");
    }

    proptest! {
        /// Against HMAC of another crate's making, over the bytes as the page on the wire format joins them.
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
}
