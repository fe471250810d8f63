//! A key ring from an environment variable.

use super::document::{RingError, text_of};
use super::{Fetched, KeySource, SourceError, SourceErrorKind};
use crate::future::BoxFuture;
use crate::ring::key::KeyRing;

/// The variable that [`KeyRing::from_env`] and [`EnvSource::new`] read.
const VARIABLE: &str = "OAUTH_STATE_KEYS";

/// The environment variable `OAUTH_STATE_KEYS`, or another: a bare root key or a ring document.
///
/// A process gets its environment when it starts, so a rotation reaches a server with its next start. Read
/// `docs/sources/environment.md` before you choose it.
///
/// # Security
///
/// The environment of a process can be read by its user and is inherited by its children; prefer a file or a secret manager if you have
/// one.
///
/// # Examples
///
/// ```
/// use oauth_state::ring::source::{EnvSource, KeySource, SourceErrorKind};
/// use oauth_state::testing::block_on;
///
/// // An unset variable is an error; no key is generated in its place.
/// let error = block_on(EnvSource::variable("NO_SUCH_VARIABLE").fetch(None)).unwrap_err();
/// assert_eq!(error.kind(), SourceErrorKind::Missing);
/// ```
#[derive(Clone, Debug)]
pub struct EnvSource {
    variable: String,
    name: String,
}

impl EnvSource {
    /// The variable `OAUTH_STATE_KEYS`.
    #[must_use]
    pub fn new() -> Self {
        Self::variable(VARIABLE)
    }

    /// The variable of this name.
    #[must_use]
    pub fn variable(variable: impl Into<String>) -> Self {
        let variable = variable.into();
        Self { name: format!("the environment variable {variable}"), variable }
    }
}

impl Default for EnvSource {
    fn default() -> Self {
        Self::new()
    }
}

impl KeySource for EnvSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn fetch<'a>(&'a self, _known_version: Option<&'a str>) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        Box::pin(async move {
            let value = std::env::var_os(&self.variable).ok_or_else(|| {
                SourceError::new(&self.name, SourceErrorKind::Missing, "it is not set")
                    .with_remedy("set it to a root key or to a ring document (oauth-state keys generate)")
            })?;
            Fetched::from_bytes(&self.name, value.into_encoded_bytes(), None)
        })
    }
}

impl KeyRing {
    /// Reads the ring from the environment variable `OAUTH_STATE_KEYS`: a bare root key or a ring document.
    ///
    /// # Security
    ///
    /// The environment of a process can be read by its user and is inherited by its children; prefer a file or a secret manager if you have
    /// one.
    ///
    /// # Errors
    ///
    /// [`RingError`] says what is missing or wrong.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::RingError;
    /// use oauth_state::KeyRing;
    ///
    /// // An unset variable is an error; no key is generated in its place.
    /// # if std::env::var_os("OAUTH_STATE_KEYS").is_none() {
    /// let error = KeyRing::from_env().unwrap_err();
    /// assert!(matches!(error, RingError::NoVariable(name) if name == "OAUTH_STATE_KEYS"));
    /// # }
    /// ```
    pub fn from_env() -> Result<Self, RingError> {
        Self::from_variable(VARIABLE)
    }

    /// Reads the ring from the environment variable `name`.
    ///
    /// # Errors
    ///
    /// [`RingError`] says what is missing or wrong.
    pub fn from_variable(name: &str) -> Result<Self, RingError> {
        let value = std::env::var_os(name).ok_or_else(|| RingError::NoVariable(name.to_owned()))?;
        text_of(&zeroize::Zeroizing::new(value.into_encoded_bytes()))?.parse()
    }
}
