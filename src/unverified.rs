//! Unverified parameters of a callback.

use std::fmt;

/// The other parameters of a callback: text that anyone may have written.
///
/// Apple sends `user` once, here. The `iss` of a provider without a configured issuer is here as well. The state vouches for none of it;
/// treat it as a suggestion.
#[derive(Clone, Default)]
pub struct UnverifiedParameters(Vec<(String, String)>);

impl UnverifiedParameters {
    pub(crate) fn new(decoded: Vec<(String, String)>) -> Self {
        Self(decoded)
    }

    pub(crate) fn as_slice(&self) -> &[(String, String)] {
        &self.0
    }

    /// The decoded value of a parameter; the first one if it occurs several times.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All decoded values of a parameter, in their order. A parameter of an authorization response occurs at most once.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn push(&mut self, name: &str, value: String) {
        self.0.push((name.to_owned(), value));
    }

    /// Removes a value, to be used under another name.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let position = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(position).1)
    }
}

impl fmt::Debug for UnverifiedParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnverifiedParameters({}, [redacted])", self.0.len())
    }
}
