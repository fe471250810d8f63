//! The signed form: anyone can read its text, but only a holder of the key can make it.
//!
//! ```text
//! tag = HMAC-SHA256(K_sign, lp(associated data) ‖ nonce ‖ lp(plaintext))
//! ```

use super::aead::{NONCE_BYTES, NotAuthentic};
use crate::ring::key::derive::HmacKey;
use crate::secret::{SecretBytes, equal_in_constant_time};

/// Bytes of a tag: the whole HMAC-SHA256, not truncated.
pub(crate) const TAG_BYTES: usize = 32;

/// `K_sign`. It has its own label and its own type, so that its signatures are never taken for a binding tag or a user tag, which are
/// HMACs, too.
#[derive(Debug)]
pub(crate) struct SigningKey(HmacKey);

impl SigningKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(HmacKey::new(key))
    }

    /// The tag of `text`, which is not changed.
    pub(crate) fn sign(
        &self,
        nonce: &[u8; NONCE_BYTES],
        associated_data: &[u8],
        text: &[u8],
    ) -> Result<SecretBytes<TAG_BYTES>, NotAuthentic> {
        Ok(SecretBytes::new(self.0.tag(&[
            // The associated data, against substitution: a state of another purpose, application, environment or form has another tag (RFC
            // 8725 sections 2.7 and 2.8). With its length, so that no byte can move into the nonce and make another text of the same bytes.
            &length(associated_data)?,
            associated_data,
            // The nonce, against replay: the guard knows the state by it, and an attacker who could change it would use one state many
            // times. Its length is fixed.
            nonce,
            // The text, against forgery, with its length, so that it cannot be extended.
            &length(text)?,
            text,
        ])))
    }

    /// Whether `tag` belongs to `text`.
    pub(crate) fn verify(
        &self,
        nonce: &[u8; NONCE_BYTES],
        associated_data: &[u8],
        text: &[u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), NotAuthentic> {
        // The right tag is what a forger needs: it stays in memory that is cleared, and is part of no error.
        let right = self.sign(nonce, associated_data, text)?;
        // All 32 bytes, against guessing a shorter tag; in constant time, against learning it byte by byte from the time of a refusal.
        if equal_in_constant_time(right.expose(), tag) { Ok(()) } else { Err(NotAuthentic) }
    }
}

/// The 16-bit length of a part. A text that is too long is refused, not cut: otherwise two texts would have the same tag.
fn length(part: &[u8]) -> Result<[u8; 2], NotAuthentic> {
    u16::try_from(part.len()).map(u16::to_be_bytes).map_err(|_| NotAuthentic)
}

#[cfg(test)]
mod tests;
