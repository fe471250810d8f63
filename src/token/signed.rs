//! The signed form: its text is readable by anybody, and made by nobody without the key.
//!
//! ```text
//! tag = HMAC-SHA256(K_sign, lp(associated data) ‖ nonce ‖ lp(plaintext))
//! ```

use super::aead::{NONCE_BYTES, NotAuthentic};
use crate::ring::key::derive::HmacKey;
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
        Ok(SecretBytes::new(self.0.tag(&[
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
        ])))
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
mod tests;
