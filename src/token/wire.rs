//! The layout of a token, drawn once (docs/wire-format.md):
//!
//! ```text
//! text  = base64url, no padding, canonical
//! bytes = magic 3 ‖ key id 4 ‖ nonce 24 ‖ ciphertext n ‖ tag 16
//! ```

use super::aead::{NONCE_BYTES, TAG_BYTES};
use crate::base64url;
use crate::framing::length_prefixed;
use crate::key::id::KeyId;
use crate::name::{App, Purpose};

/// The first three bytes of an encrypted token; they make the text begin with `ost1`.
pub(crate) const MAGIC: [u8; MAGIC_BYTES] = [0xa2, 0xcb, 0x75];
const MAGIC_BYTES: usize = 3;
const KEY_ID_BYTES: usize = 4;
/// The bytes before the ciphertext.
pub(crate) const HEAD_BYTES: usize = MAGIC_BYTES + KEY_ID_BYTES + NONCE_BYTES;
/// The bytes around the plaintext.
pub(crate) const AROUND_BYTES: usize = HEAD_BYTES + TAG_BYTES;
/// The longest state that is looked at; anything longer is refused before it is decoded.
pub(crate) const LONGEST_TEXT: usize = 2048;
/// The bytes of the longest state.
pub(crate) const LONGEST_BYTES: usize = LONGEST_TEXT / 4 * 3;

// The layout as the design draws it; a change here breaks every state under way.
const _: () = assert!(HEAD_BYTES == 31 && AROUND_BYTES == 47 && LONGEST_BYTES == 1536);

/// What goes before the ciphertext.
pub(crate) fn write_head(key_id: KeyId, nonce: &[u8; NONCE_BYTES], out: &mut Vec<u8>) {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&key_id.0);
    out.extend_from_slice(nonce);
}

/// The parts of a token whose outer form is right. Nothing in it has been authenticated.
pub(crate) struct Unverified<'b> {
    pub(crate) key_id: KeyId,
    pub(crate) nonce: [u8; NONCE_BYTES],
    pub(crate) ciphertext: &'b mut [u8],
    pub(crate) tag: [u8; TAG_BYTES],
}

/// Why a text is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAToken {
    TooLong,
    NotBase64Url,
    TooShort,
    OtherMagic,
}

/// Takes a text apart: length, canonical base64url, magic, in that order.
pub(crate) fn read<'b>(text: &str, buffer: &'b mut [u8; LONGEST_BYTES]) -> Result<Unverified<'b>, NotAToken> {
    if text.len() > LONGEST_TEXT {
        return Err(NotAToken::TooLong);
    }
    let length = base64url::decode_into(text.as_bytes(), buffer).map_err(|_| NotAToken::NotBase64Url)?.len();
    let bytes = buffer.get_mut(..length).ok_or(NotAToken::TooLong)?;
    // The magic first, so that a text of another kind is told from a state that was cut short.
    if !bytes.starts_with(&MAGIC) {
        return Err(NotAToken::OtherMagic);
    }
    let (_, rest) = bytes.split_first_chunk_mut::<MAGIC_BYTES>().ok_or(NotAToken::TooShort)?;
    let (key_id, rest) = rest.split_first_chunk_mut::<KEY_ID_BYTES>().ok_or(NotAToken::TooShort)?;
    let (nonce, rest) = rest.split_first_chunk_mut::<NONCE_BYTES>().ok_or(NotAToken::TooShort)?;
    let (ciphertext, tag) = rest.split_last_chunk_mut::<TAG_BYTES>().ok_or(NotAToken::TooShort)?;
    Ok(Unverified { key_id: KeyId(*key_id), nonce: *nonce, ciphertext, tag: *tag })
}

/// The associated data: what must be the same at both ends and does not travel, each part with its length.
///
/// It stops a token of another format, purpose, application or environment from opening here, even where the same
/// key were to be derived for both.
pub(crate) fn associated_data(key_id: KeyId, purpose: Purpose, app: &App) -> Box<[u8]> {
    let mut out = Vec::with_capacity(128);
    length_prefixed(b"oauth-state/v1/encrypted", &mut out);
    length_prefixed(&MAGIC, &mut out);
    length_prefixed(&key_id.0, &mut out);
    purpose.frame_with(app, &mut out);
    out.into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut bytes = Vec::new();
        write_head(KeyId([1, 2, 3, 4]), &[5; 24], &mut bytes);
        bytes.extend([6; 10]);
        bytes.extend([7; 16]);
        bytes
    }

    #[test]
    fn the_text_begins_with_ost1_and_comes_apart_as_it_was_put_together() {
        let text = base64url::encode(sample());
        assert!(text.starts_with("ost1"));
        let mut buffer = [0; LONGEST_BYTES];
        let parts = read(&text, &mut buffer).unwrap();
        assert_eq!((parts.key_id, parts.nonce, parts.tag), (KeyId([1, 2, 3, 4]), [5; 24], [7; 16]));
        assert_eq!(parts.ciphertext, [6; 10]);
    }

    #[test]
    fn every_other_form_is_refused_for_its_own_reason() {
        let refusal = |text: &str| read(text, &mut [0; LONGEST_BYTES]).err();
        assert_eq!(refusal(""), Some(NotAToken::OtherMagic));
        assert_eq!(refusal("ost1"), Some(NotAToken::TooShort));
        assert_eq!(refusal(&base64url::encode(&sample()[..46])), Some(NotAToken::TooShort));
        assert_eq!(refusal("oss1AAAA"), Some(NotAToken::OtherMagic));
        assert_eq!(refusal("ost1="), Some(NotAToken::NotBase64Url));
        assert_eq!(refusal(&"A".repeat(2049)), Some(NotAToken::TooLong));
        assert_eq!(refusal(&"A".repeat(2048)), Some(NotAToken::OtherMagic));
        assert_eq!(refusal(&"é".repeat(1000)), Some(NotAToken::NotBase64Url));
    }
}
