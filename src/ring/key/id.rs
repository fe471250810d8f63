//! Public names of keys.

use std::fmt;
use std::str::FromStr;

/// The public name of a root key: 8 bytes, printed as 16 hexadecimal digits. It reveals nothing about the key.
///
/// Ring documents name revoked keys by it, and health checks and logs may show it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RootKeyId(pub(super) [u8; 8]);

impl RootKeyId {
    /// The 8 bytes, in the order of the printed digits.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

/// The text is not 16 lowercase hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a root key id must be 16 lowercase hexadecimal digits")]
pub struct ParseRootKeyIdError;

impl FromStr for RootKeyId {
    type Err = ParseRootKeyIdError;

    /// Parses the output of `Display`.
    fn from_str(text: &str) -> Result<Self, ParseRootKeyIdError> {
        let is_digits = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let number = is_digits.then(|| u64::from_str_radix(text, 16).ok()).flatten().ok_or(ParseRootKeyIdError)?;
        Ok(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for RootKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RootKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKeyId({self})")
    }
}

/// The four bytes in a token that name the derived key that sealed it: one for each root key, purpose, application and environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyId(pub(crate) [u8; 4]);

#[cfg(test)]
mod tests;
