//! What a guard answers when it cannot answer.

use std::fmt;

/// A guard could not answer. The callback is refused: an error never means "first".
///
/// # Examples
///
/// ```
/// use oauth_state::{GuardError, GuardErrorKind};
/// let error = GuardError::unavailable(std::io::Error::other("connection refused"));
/// assert_eq!(error.kind(), GuardErrorKind::Unavailable);
/// assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "connection refused");
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct GuardError {
    kind: GuardErrorKind,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Why a guard could not answer.
///
/// # Examples
///
/// ```
/// use oauth_state::GuardErrorKind;
/// assert_eq!(GuardErrorKind::Full.to_string(), "the replay guard is full");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GuardErrorKind {
    /// Nothing was sent to the store; the callback may be tried again.
    Unavailable,
    /// The store was asked and its answer is not known; the state may be used up.
    OutcomeUnknown,
    /// The store holds as many live marks as it may.
    Full,
    /// The store cannot do what a guard needs.
    Misconfigured,
}

impl fmt::Display for GuardErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "the replay guard's store cannot be reached",
            Self::OutcomeUnknown => "the replay guard's store did not say whether it took the mark",
            Self::Full => "the replay guard is full",
            Self::Misconfigured => "the replay guard's store cannot serve as one",
        })
    }
}

impl GuardError {
    /// Nothing was sent to the store: the same callback may be tried again.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{GuardError, GuardErrorKind};
    /// assert_eq!(GuardError::unavailable("pool timed out").kind(), GuardErrorKind::Unavailable);
    /// ```
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: GuardErrorKind::Unavailable, source: Some(cause.into()) }
    }

    /// The store was asked and the answer is not known.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{GuardError, GuardErrorKind};
    /// assert_eq!(GuardError::outcome_unknown("connection reset").kind(), GuardErrorKind::OutcomeUnknown);
    /// ```
    pub fn outcome_unknown(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: GuardErrorKind::OutcomeUnknown, source: Some(cause.into()) }
    }

    /// The store cannot do what a guard needs.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{GuardError, GuardErrorKind};
    /// assert_eq!(GuardError::misconfigured("read-only replica").kind(), GuardErrorKind::Misconfigured);
    /// ```
    pub fn misconfigured(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: GuardErrorKind::Misconfigured, source: Some(cause.into()) }
    }

    /// The store holds as many live marks as it may.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{GuardError, GuardErrorKind};
    /// assert_eq!(GuardError::full().kind(), GuardErrorKind::Full);
    /// ```
    #[must_use]
    pub fn full() -> Self {
        Self { kind: GuardErrorKind::Full, source: None }
    }

    /// Which of the four it is.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{GuardError, GuardErrorKind};
    /// assert_eq!(GuardError::full().kind(), GuardErrorKind::Full);
    /// ```
    #[must_use]
    pub fn kind(&self) -> GuardErrorKind {
        self.kind
    }
}
