//! The root key: its text form, and what is refused as one.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::random::{self, RandomnessError};
use crate::secret::{SecretBytes, SecretString};
use crate::{base64url, framing};

/// How a root key's text begins.
pub(crate) const PREFIX: &str = "osk1.";
/// The bytes of a root key.
const KEY_BYTES: usize = 32;
/// The bytes of its checksum.
const CHECKSUM_BYTES: usize = 6;

/// 32 secret bytes from which every key of a purpose is derived; shared by all servers of an application.
///
/// Its text form is `osk1.<43 characters>.<8 characters>`, 57 characters in all: the key and a checksum in base64url.
/// It can be shown only through [`RootKey::to_secret_text`]; `Debug` prints the id, and the memory is zeroized on drop.
// Boxed: a list of keys that grows, and a key that is moved, would leave the bytes behind where they were.
#[derive(Clone)]
pub struct RootKey(Box<SecretBytes<KEY_BYTES>>);

impl RootKey {
    /// Draws a new root key from the operating system.
    ///
    /// # Security
    ///
    /// Generate a key once, when you set the service up, and put its text into the secret manager that all servers
    /// read. A server that generates its own key at start cannot finish the logins of the others.
    ///
    /// # Errors
    ///
    /// [`RandomnessError`] if the operating system gives none.
    pub fn generate() -> Result<Self, RandomnessError> {
        let mut bytes = Box::new(SecretBytes::<KEY_BYTES>::new([0; KEY_BYTES]));
        random::operating_system(bytes.expose_mut())?;
        Ok(Self(bytes))
    }

    /// A key from 32 bytes that you drew at random and keep secret, as a key management service gives them.
    ///
    /// # Errors
    ///
    /// [`RootKeyError`] for bytes that cannot have been drawn at random, as for a text.
    ///
    /// # Security
    ///
    /// The bytes must come from a generator for cryptography, and be of this crate's use alone. `bytes` itself is yours to clear.
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

    /// A key whose bytes were checked before they were derived.
    pub(super) fn from_derived(bytes: SecretBytes<KEY_BYTES>) -> Self {
        Self(Box::new(bytes))
    }

    /// A key from bytes that are public, for tests and vectors.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn from_public_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Box::new(SecretBytes::new(bytes)))
    }

    /// The text form, to be stored.
    ///
    /// # Security
    ///
    /// An attacker who reads this text can forge states. Keep it in a secret manager.
    #[must_use]
    pub fn to_secret_text(&self) -> SecretString {
        // Filled in place and never grown, so that no copy of the key is left behind.
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

    /// Reads the text form, and refuses what cannot be a random key. The error says what is wrong and what to do; it never repeats the
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

/// Why a text is not taken as a root key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RootKeyError {
    /// Not `osk1.`, a key, a dot and a checksum.
    #[error("a root key reads osk1.<43 characters>.<8 characters>; make one with RootKey::generate")]
    Form,
    /// The key part is not 43 characters.
    #[error("the key part of a root key has 43 characters (32 bytes); part of it was cut off or added")]
    Length,
    /// The key part is not base64url.
    #[error("the key part of a root key is base64url without padding; a character was changed")]
    Alphabet,
    /// The checksum does not match.
    #[error("the checksum of the root key does not match; copy the whole text again")]
    Checksum,
    /// Every byte is printable ASCII, a tab or a line end.
    #[error("the root key's bytes are all printable text: a password or a hex string was encoded, not 32 random bytes")]
    Printable,
    /// 16 or fewer distinct bytes.
    #[error("the root key has 16 or fewer distinct bytes, so it is not random; make one with RootKey::generate")]
    FewDistinctBytes,
    /// Every byte differs from the one before by the same step.
    #[error("the root key counts in even steps, so it is not random; make one with RootKey::generate")]
    Step,
    /// Key material of less than 32 bytes.
    #[error("key material has at least 32 random bytes; make a key with RootKey::generate instead")]
    Short,
    /// The bytes repeat.
    #[error("the root key repeats itself, so it is not random; make one with RootKey::generate")]
    Period,
    /// A key that is printed in this crate's documentation, tests or vectors.
    #[error("this root key is printed in public documentation; make one with RootKey::generate")]
    Sample,
}

/// Guards against a slip of copying, not against an attacker: whoever has the key can compute it.
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

/// The keys that this crate's own pages, tests and vectors print. Public keys seal nothing.
pub(crate) const SAMPLE_KEYS: [[u8; KEY_BYTES]; 2] = [
    // SHA-256("oauth-state sample key 1") and ("… 2"), so that anybody can write them down again.
    *include_bytes!("sample-key-1.bin"),
    *include_bytes!("sample-key-2.bin"),
];

/// A random key fails one of these with a probability below 2^-40; a key made by hand mostly fails one.
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
