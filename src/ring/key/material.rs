//! The root key: its text form, and the checks of its bytes.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::random::{self, RandomnessError};
use crate::secret::{SecretBytes, SecretString};
use crate::{base64url, framing};

/// The prefix of a root key's text.
pub(crate) const PREFIX: &str = "osk1.";
/// The bytes of a root key.
const KEY_BYTES: usize = 32;
/// The bytes of its checksum.
const CHECKSUM_BYTES: usize = 6;

/// 32 secret bytes from which all keys of a purpose are derived. All servers of an application share it.
///
/// Its text form is `osk1.<43 characters>.<8 characters>`, 57 characters in total: the key and a checksum in base64url. Only
/// [`RootKey::to_secret_text`] returns it; `Debug` prints the id, and the memory is zeroized on drop.
// Boxed: a growing list of keys, or a move, would otherwise leave copies of the bytes behind.
#[derive(Clone)]
pub struct RootKey(Box<SecretBytes<KEY_BYTES>>);

impl RootKey {
    /// Draws a new root key from the operating system.
    ///
    /// # Security
    ///
    /// Generate a key once, when you set up the service, and store its text in the secret manager that all servers read. A server that
    /// generates its own key at startup cannot finish the logins of other servers.
    ///
    /// # Errors
    ///
    /// [`RandomnessError`] if the operating system returns no randomness.
    pub fn generate() -> Result<Self, RandomnessError> {
        let mut bytes = Box::new(SecretBytes::<KEY_BYTES>::new([0; KEY_BYTES]));
        random::operating_system(bytes.expose_mut())?;
        Ok(Self(bytes))
    }

    /// A key from 32 bytes that you drew at random and keep secret, such as those from a key management service.
    ///
    /// # Errors
    ///
    /// [`RootKeyError`] for bytes that cannot be random; the same checks apply to the text form.
    ///
    /// # Security
    ///
    /// The bytes must come from a cryptographic generator, and must not be used for anything else. You have to clear `bytes` yourself.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::{RootKey, RootKeyError};
    ///
    /// assert_eq!(RootKey::from_secret_bytes(b"correct horse battery staple 31\n").unwrap_err(), RootKeyError::Printable);
    /// ```
    pub fn from_secret_bytes(bytes: &[u8; KEY_BYTES]) -> Result<Self, RootKeyError> {
        refuse_what_is_not_random(bytes)?;
        Ok(Self(Box::new(SecretBytes::new(*bytes))))
    }

    /// A key whose material was checked before the derivation.
    pub(super) fn from_derived(bytes: SecretBytes<KEY_BYTES>) -> Self {
        Self(Box::new(bytes))
    }

    /// A key from public bytes, for tests and vectors.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn from_public_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Box::new(SecretBytes::new(bytes)))
    }

    /// The text form, for storing.
    ///
    /// # Security
    ///
    /// An attacker who reads this text can forge states. Keep it in a secret manager.
    #[must_use]
    pub fn to_secret_text(&self) -> SecretString {
        // Allocated in full, so that growing leaves no copy of the key behind.
        let length = PREFIX
            .len()
            .saturating_add(1)
            .saturating_add(base64url::encoded_len(KEY_BYTES).saturating_add(base64url::encoded_len(CHECKSUM_BYTES)));
        let mut text = String::with_capacity(length);
        text.push_str(PREFIX);
        base64url::encode_onto(self.0.expose(), &mut text);
        text.push('.');
        base64url::encode_onto(checksum_of(self.0.expose()), &mut text);
        SecretString::from(text)
    }

    pub(super) fn expose(&self) -> &[u8; KEY_BYTES] {
        self.0.expose()
    }
}

impl FromStr for RootKey {
    type Err = RootKeyError;

    /// Parses the text form, and refuses bytes that cannot be random. The error says what is wrong and what to do; it never repeats the
    /// text.
    fn from_str(text: &str) -> Result<Self, RootKeyError> {
        let (key, checksum) =
            text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('.')).ok_or(RootKeyError::Form)?;
        if key.len() != base64url::encoded_len(KEY_BYTES) {
            return Err(RootKeyError::Length);
        }
        let mut bytes = Box::new(SecretBytes::<KEY_BYTES>::new([0; KEY_BYTES]));
        base64url::decode_onto(key.as_bytes(), bytes.expose_mut()).map_err(|_| RootKeyError::Alphabet)?;
        if checksum.as_bytes() != base64url::encode(checksum_of(bytes.expose())).as_bytes() {
            return Err(RootKeyError::Checksum);
        }
        refuse_what_is_not_random(bytes.expose())?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKey({}, [redacted])", self.id())
    }
}

/// Why a text is not accepted as a root key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RootKeyError {
    /// Not `osk1.`, a key, a dot and a checksum.
    #[error("a root key has the form osk1.<43 characters>.<8 characters>; make one with RootKey::generate")]
    Form,
    /// The key part is not 43 characters.
    #[error(
        "the key part of a root key must have 43 characters (32 bytes), but some were cut off or added; copy the whole text again"
    )]
    Length,
    /// The key part is not base64url.
    #[error(
        "the key part of a root key must be base64url without padding, but a character was changed; copy the whole text again"
    )]
    Alphabet,
    /// The checksum does not match.
    #[error("the checksum of the root key does not match; copy the whole text again")]
    Checksum,
    /// Every byte is printable ASCII, a tab or a line end.
    #[error(
        "the root key's bytes are all printable text, such as a password or a hex string, and not random; make one with RootKey::generate"
    )]
    Printable,
    /// 16 or fewer distinct bytes.
    #[error("the root key has 16 or fewer distinct bytes, so it is not random; make one with RootKey::generate")]
    FewDistinctBytes,
    /// Every byte differs from the one before by the same step.
    #[error("the root key counts in even steps, so it is not random; make one with RootKey::generate")]
    Step,
    /// Key material of fewer than 32 bytes.
    #[error("key material must have at least 32 random bytes; make a key with RootKey::generate instead")]
    Short,
    /// The bytes repeat.
    #[error("the root key repeats itself, so it is not random; make one with RootKey::generate")]
    Period,
    /// A key that is printed in this crate's documentation, tests or vectors.
    #[error("this root key is printed in public documentation; make one with RootKey::generate")]
    Sample,
}

/// Detects copying mistakes, not attacks: every holder of the key can compute it.
fn checksum_of(key: &[u8; KEY_BYTES]) -> [u8; CHECKSUM_BYTES] {
    let mut framed = Vec::with_capacity(64);
    framing::length_prefixed(b"oauth-state/v1/root-key-checksum", &mut framed);
    let mut hash = Sha256::new_with_prefix(&framed);
    hash.update(key);
    let digest: [u8; 32] = hash.finalize().into();
    let mut checksum = [0; CHECKSUM_BYTES];
    checksum.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    checksum
}

/// The keys that this crate's pages, tests and vectors print. Public keys never seal.
pub(crate) const SAMPLE_KEYS: [[u8; KEY_BYTES]; 2] = [
    // SHA-256("oauth-state sample key 1") and ("… 2"), so that anyone can reproduce them.
    *include_bytes!("sample-key-1.bin"),
    *include_bytes!("sample-key-2.bin"),
];

/// A random key fails one of these checks with a probability below 2^-40; most keys made by hand fail one.
pub(super) fn refuse_what_is_not_random(key: &[u8]) -> Result<(), RootKeyError> {
    if key.len() < KEY_BYTES {
        return Err(RootKeyError::Short);
    }
    if SAMPLE_KEYS.iter().any(|sample| sample == key) {
        return Err(RootKeyError::Sample);
    }
    if key.iter().all(|byte| matches!(byte, 0x20..=0x7e | b'\t' | b'\r' | b'\n')) {
        return Err(RootKeyError::Printable);
    }
    let steps = || key.iter().zip(key.iter().skip(1)).map(|(left, right)| right.wrapping_sub(*left));
    if steps().all(|step| Some(step) == steps().next()) {
        return Err(RootKeyError::Step);
    }
    if (1..=key.len() / 2).any(|period| key.iter().zip(key.iter().skip(period)).all(|(left, right)| left == right)) {
        return Err(RootKeyError::Period);
    }
    let mut seen = [false; 256];
    key.iter().for_each(|byte| {
        if let Some(slot) = seen.get_mut(usize::from(*byte)) {
            *slot = true;
        }
    });
    if seen.iter().filter(|seen| **seen).count() <= 16 {
        return Err(RootKeyError::FewDistinctBytes);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
