//! The layout of a token (docs/wire-format.md):
//!
//! ```text
//! text  = base64url, no padding, canonical
//! bytes = magic 3 ‖ key id 4 ‖ nonce 24 ‖ ciphertext n ‖ tag 16        encrypted
//! bytes = magic 3 ‖ key id 4 ‖ nonce 24 ‖ plaintext n ‖ tag 32         signed
//! ```

use super::aead::{self, NONCE_BYTES};
use super::signed;
use crate::base64url;
use crate::framing::length_prefixed;
use crate::name::{App, Purpose};
use crate::ring::key::id::KeyId;

/// The first three bytes of an encrypted token, which make the text start with `ost1`. They also represent this version of the format in
/// every derivation, whatever the form.
pub(crate) const MAGIC: [u8; MAGIC_BYTES] = [0xa2, 0xcb, 0x75];
const MAGIC_BYTES: usize = 3;

/// The forms of a token: two that carry everything, and handles to a payload in a store. Each magic names one construction, and no other
/// field names one. The magic is authenticated, so that no form is taken for another; it also identifies a store's own handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `ost1`: it carries the application's data.
    Sealed,
    /// `oss1`: it carries the application's data, and anyone can read all of it.
    Signed,
    /// `osm1` and others: the application's data is in a store.
    Handle(HandleKind),
}

/// The kind of a store's handles: the letter between `os` and `1` in their first four characters names the store, so that a `Migration`
/// recognizes each store's handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HandleKind(pub(crate) u8);

/// The number of `a` in base64url (RFC 4648 section 5).
const NUMBER_OF_A: u8 = 26;

#[cfg(test)]
impl Form {
    /// The two forms that carry everything, and the handles of the known stores.
    pub(crate) const ALL: [Self; 6] = [
        Self::Sealed,
        Self::Handle(HandleKind(b'm')),
        Self::Handle(HandleKind(b'r')),
        Self::Handle(HandleKind(b'p')),
        Self::Handle(HandleKind(b'x')),
        Self::Signed,
    ];
}

impl Form {
    const fn letter(self) -> u8 {
        match self {
            Self::Sealed => b't',
            Self::Signed => b's',
            Self::Handle(HandleKind(letter)) => letter,
        }
    }

    /// The form that a text's first characters name.
    pub(crate) fn of_prefix(text: &str) -> Option<Self> {
        let mut magic = [0; MAGIC_BYTES];
        let prefix = text.get(..4)?.as_bytes();
        base64url::decode_into(prefix, &mut magic).ok().filter(|magic| magic.len() == MAGIC_BYTES)?;
        Self::of_magic(magic)
    }

    /// The form that a token's first bytes name.
    fn of_magic(magic: [u8; MAGIC_BYTES]) -> Option<Self> {
        let [_, second, third] = magic;
        let number = ((second & 0x0f) << 2) | (third >> 6);
        let form = match number.wrapping_sub(NUMBER_OF_A).wrapping_add(b'a') {
            b't' => Self::Sealed,
            b's' => Self::Signed,
            // Only the letters of `HandleKind`: a state of another service must not look like ours.
            letter @ (b'm' | b'p' | b'r' | b'x') => Self::Handle(HandleKind(letter)),
            _ => return None,
        };
        (form.magic() == magic).then_some(form)
    }

    /// The first three bytes of its tokens: the prefix, decoded.
    pub(crate) const fn magic(self) -> [u8; MAGIC_BYTES] {
        let number = self.letter().wrapping_sub(b'a').wrapping_add(NUMBER_OF_A);
        let [first, second, third] = MAGIC;
        [first, (second & 0xf0) | (number >> 2), (number << 6) | (third & 0x3f)]
    }

    /// The first four characters of its texts: the magic in base64url.
    pub(crate) fn prefix(self) -> &'static str {
        match self.letter() {
            b't' => "ost1",
            b's' => "oss1",
            b'm' => "osm1",
            b'p' => "osp1",
            b'r' => "osr1",
            _ => "osx1",
        }
    }

    /// Whether the application's data is in a store, and not in the token.
    pub(crate) const fn is_handle(self) -> bool {
        matches!(self, Self::Handle(_))
    }

    /// The size of its tokens' tag, in bytes.
    pub(crate) const fn tag_bytes(self) -> usize {
        match self {
            Self::Signed => signed::TAG_BYTES,
            Self::Sealed | Self::Handle(_) => aead::TAG_BYTES,
        }
    }

    /// The bytes around the plaintext.
    pub(crate) const fn around_bytes(self) -> usize {
        HEAD_BYTES.saturating_add(self.tag_bytes())
    }

    /// The characters of a token with an empty plaintext, which is the shortest.
    const fn shortest_text(self) -> usize {
        base64url::encoded_len(self.around_bytes())
    }

    /// Whether a text looks like this form, judged by its first characters, its length and its alphabet.
    pub(crate) fn is_form_of(self, text: &str) -> bool {
        text.starts_with(self.prefix())
            && (self.shortest_text()..=LONGEST_TEXT).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    }
}
/// The id of a state in guards and stores, from which its login's values are derived: unique and authenticated, like the nonce. It reveals
/// nothing of the state's text, which is a live credential.
pub(crate) fn replay_id(nonce: &[u8; NONCE_BYTES]) -> [u8; REPLAY_ID_BYTES] {
    let mut id = [0; REPLAY_ID_BYTES];
    id.copy_from_slice(&nonce[..REPLAY_ID_BYTES]);
    id
}

/// Bytes of a replay id.
pub(crate) const REPLAY_ID_BYTES: usize = 16;
const KEY_ID_BYTES: usize = 4;
/// The bytes before the ciphertext, or before the plaintext of a signed token.
pub(crate) const HEAD_BYTES: usize = MAGIC_BYTES + KEY_ID_BYTES + NONCE_BYTES;
/// The longest state that is read; a longer one is refused before it is decoded.
pub(crate) const LONGEST_TEXT: usize = 2048;
/// The bytes of the longest state.
pub(crate) const LONGEST_BYTES: usize = LONGEST_TEXT / 4 * 3;

// A change of the layout breaks every state under way.
const _: () = assert!(HEAD_BYTES == 31 && Form::Sealed.around_bytes() == 47 && LONGEST_BYTES == 1536);
const _: () = assert!(Form::Signed.around_bytes() == 63);
const _: () = assert!(matches!(Form::Sealed.magic(), MAGIC));

/// Writes the part before the ciphertext, or before the plaintext of a signed token.
pub(crate) fn write_head(form: Form, key_id: KeyId, nonce: &[u8; NONCE_BYTES], out: &mut Vec<u8>) {
    out.extend_from_slice(&form.magic());
    out.extend_from_slice(&key_id.0);
    out.extend_from_slice(nonce);
}

/// The parts of a well-formed token. Nothing in it has been authenticated.
pub(crate) struct Unverified<'b> {
    pub(crate) form: Form,
    pub(crate) key_id: KeyId,
    pub(crate) nonce: [u8; NONCE_BYTES],
    /// The ciphertext; the plaintext of a signed token.
    pub(crate) text: &'b mut [u8],
    pub(crate) tag: Tag,
}

/// The authentication tag of a token. Each construction has its own type, so that no tag reaches the wrong one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// The tag of XAES-256-GCM.
    Aead([u8; aead::TAG_BYTES]),
    /// HMAC-SHA256 of a signed token.
    Mac([u8; signed::TAG_BYTES]),
}

impl Tag {
    /// Its bytes, as in the token.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Aead(tag) => tag,
            Self::Mac(tag) => tag,
        }
    }
}

/// Why a text is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAToken {
    TooLong,
    NotBase64Url,
    TooShort,
    OtherMagic,
}

/// Parses a text: length, canonical base64url, magic, in that order.
pub(crate) fn read<'b>(text: &str, buffer: &'b mut [u8; LONGEST_BYTES]) -> Result<Unverified<'b>, NotAToken> {
    if text.len() > LONGEST_TEXT {
        return Err(NotAToken::TooLong);
    }
    let length = base64url::decode_into(text.as_bytes(), buffer).map_err(|_| NotAToken::NotBase64Url)?.len();
    let bytes = buffer.get_mut(..length).ok_or(NotAToken::TooLong)?;
    // The magic first, to distinguish a text of another kind from a state that was cut short.
    let (magic, rest) = bytes.split_first_chunk_mut::<MAGIC_BYTES>().ok_or(NotAToken::OtherMagic)?;
    let form = Form::of_magic(*magic).ok_or(NotAToken::OtherMagic)?;
    let (key_id, rest) = rest.split_first_chunk_mut::<KEY_ID_BYTES>().ok_or(NotAToken::TooShort)?;
    let (nonce, rest) = rest.split_first_chunk_mut::<NONCE_BYTES>().ok_or(NotAToken::TooShort)?;
    let (text, tag) = match form {
        Form::Signed => {
            let (text, tag) = rest.split_last_chunk_mut().ok_or(NotAToken::TooShort)?;
            (text, Tag::Mac(*tag))
        }
        Form::Sealed | Form::Handle(_) => {
            let (text, tag) = rest.split_last_chunk_mut().ok_or(NotAToken::TooShort)?;
            (text, Tag::Aead(*tag))
        }
    };
    Ok(Unverified { form, key_id: KeyId(*key_id), nonce: *nonce, text, tag })
}

/// The associated data: values that must be equal at both ends and are not sent, each with a length prefix.
///
/// It keeps a token of another format, form, purpose, application or environment from opening here, even if both had the same derived key.
/// `label` names the sealed thing: a token, or the row of a handle.
pub(crate) fn associated_data(label: &str, form: Form, key_id: KeyId, purpose: Purpose, app: &App) -> Box<[u8]> {
    let mut out = Vec::with_capacity(128);
    length_prefixed(format!("oauth-state/v1/{label}").as_bytes(), &mut out);
    length_prefixed(&form.magic(), &mut out);
    length_prefixed(&key_id.0, &mut out);
    purpose.frame_with(app, &mut out);
    out.into_boxed_slice()
}

#[cfg(test)]
mod tests;
