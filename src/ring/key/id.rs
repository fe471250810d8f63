//! Public names of keys.

use std::fmt;

/// The public name of a root key: 8 bytes, printed as 16 hexadecimal digits. It says nothing about the key.
///
/// A ring document names revoked keys by it, and health checks and logs may show it.
///
/// # Examples
///
/// ```
/// use oauth_state::ring::{RootKey, RootKeyId};
/// let id = RootKey::generate()?.id();
/// assert_eq!(RootKeyId::parse(&id.to_string()), Some(id));
/// # Ok::<(), oauth_state::error::RandomnessError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RootKeyId(pub(super) [u8; 8]);

impl RootKeyId {
    /// Reads 16 lower-case hexadecimal digits.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::RootKeyId;
    /// assert!(RootKeyId::parse("00112233aabbccdd").is_some());
    /// assert!(RootKeyId::parse("00112233AABBCCDD").is_none());
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let number = digits.then(|| u64::from_str_radix(text, 16).ok())??;
        Some(Self(number.to_be_bytes()))
    }

    /// The 8 bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::RootKeyId;
    /// assert_eq!(RootKeyId::parse("00000000000000ff").unwrap().as_bytes()[7], 255);
    /// ```
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 8] {
        &self.0
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

/// The four bytes in a token that say which derived key sealed it: one per root key, purpose, application and
/// environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyId(pub(crate) [u8; 4]);

#[cfg(test)]
mod tests;
