//! A key ring from an environment variable.

use super::document::RingError;
use crate::key::KeyRing;
use crate::secret::SecretText;

/// The variable that [`KeyRing::from_env`] reads.
const VARIABLE: &str = "OAUTH_STATE_KEYS";

impl KeyRing {
    /// Reads the ring from the environment variable `OAUTH_STATE_KEYS`: a bare root key or a ring document.
    ///
    /// # Security
    ///
    /// The environment of a process can be read by its user and is inherited by its children; prefer a file or a
    /// secret manager where there is one.
    ///
    /// # Errors
    ///
    /// [`RingError`] says what is missing or wrong.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{KeyRing, RingError};
    /// // No key is ever made up: without the variable there is no ring.
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
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::KeyRing;
    /// assert!(KeyRing::from_variable("NO_SUCH_VARIABLE").is_err());
    /// ```
    pub fn from_variable(name: &str) -> Result<Self, RingError> {
        let text = std::env::var(name).map_err(|_| RingError::NoVariable(name.to_owned()))?;
        Self::parse(SecretText::from(text).expose())
    }
}
