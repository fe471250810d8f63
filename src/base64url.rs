//! Canonical base64url without padding (RFC 4648 section 5): every byte string has exactly one text.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The text is not the canonical form of its bytes, or does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotCanonical;

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Appends the text of `bytes` to `out`.
pub(crate) fn encode_onto(bytes: impl AsRef<[u8]>, out: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, out);
}

/// Writes the text of 32 bytes, which has 43 characters.
pub(crate) fn encode_into(bytes: &[u8; 32], text: &mut [u8; 43]) {
    // A buffer of exactly this length is never too small.
    let written = URL_SAFE_NO_PAD.encode_slice(bytes, text);
    debug_assert!(written.is_ok_and(|length| length == 43));
}

/// The number of characters for `bytes` bytes.
pub(crate) const fn encoded_len(bytes: usize) -> usize {
    bytes.saturating_mul(4).div_ceil(3)
}

/// Decodes into the front of `buffer`, which may be larger than needed.
///
/// The engine refuses padding, white space, other alphabets and non-zero trailing bits, so that an attacker cannot present one state under
/// a second spelling (which would defeat a guard that knew states by their text).
pub(crate) fn decode_into<'b>(text: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], NotCanonical> {
    let length = URL_SAFE_NO_PAD.decode_slice(text, buffer).map_err(|_| NotCanonical)?;
    buffer.get(..length).ok_or(NotCanonical)
}

/// Decodes exactly `N` bytes.
pub(crate) fn decode_exact<const N: usize>(text: &[u8]) -> Result<[u8; N], NotCanonical> {
    let mut bytes = [0; N];
    decode_onto(text, &mut bytes)?;
    Ok(bytes)
}

/// Decodes exactly `N` bytes into place.
pub(crate) fn decode_onto<const N: usize>(text: &[u8], bytes: &mut [u8; N]) -> Result<(), NotCanonical> {
    if text.len() != encoded_len(N) {
        return Err(NotCanonical);
    }
    match decode_into(text, bytes)?.len() {
        length if length == N => Ok(()),
        _ => Err(NotCanonical),
    }
}

#[cfg(test)]
mod tests;
