//! Secret bytes and secret text: redacted, zeroized, compared in constant time.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// `N` secret bytes, zeroized on drop.
#[derive(Clone)]
pub(crate) struct SecretBytes<const N: usize>([u8; N]);

impl<const N: usize> Drop for SecretBytes<N> {
    fn drop(&mut self) {
        // As a slice, which is cleared many bytes at a time; an array would be cleared byte by byte.
        self.0.as_mut_slice().zeroize();
    }
}

impl<const N: usize> SecretBytes<N> {
    pub(crate) fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// The bytes, for reading.
    pub(crate) fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// The bytes, for filling in place.
    pub(crate) fn expose_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

impl<const N: usize> fmt::Debug for SecretBytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes<{N}>([redacted])")
    }
}

/// Whether two byte strings are equal, in time that depends only on their lengths.
///
/// Keeps an attacker from learning a tag byte by byte from the time of a refusal.
pub(crate) fn equal_in_constant_time(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// Secret text: a root key, or a whole key ring document.
///
/// It has no `Display`, `Serialize` or `Deref`: [`SecretString::expose`] is the only way to the text, so you can find every use by
/// searching for that word. `Debug` shows `[redacted]`. The memory is zeroized on drop.
#[derive(Clone)]
pub struct SecretString(Zeroizing<String>);

impl SecretString {
    /// The text itself.
    ///
    /// # Security
    ///
    /// Write it to a secret manager or to a file of mode 0600, never to a log or a terminal.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretString {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString([redacted])")
    }
}

impl<'de> serde::Deserialize<'de> for SecretString {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}
