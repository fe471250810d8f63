//! Errors of a guard.

use std::fmt;

use crate::refusal::{FinishError, FinishErrorKind};

/// A guard could not answer. The callback is refused: an error never means "first".
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct GuardError {
    kind: GuardErrorKind,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Why a guard could not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GuardErrorKind {
    /// Nothing was written to the store, which was not reached or refused. The callback may be tried again.
    Unavailable,
    /// Nothing was written to the store: the call waited too long for a free connection, or the store answered that it is too busy. Load
    /// causes this as well as an outage. The callback may be tried again.
    Overloaded,
    /// The store was asked, and its answer is unknown. The state may be used up.
    OutcomeUnknown,
    /// The store holds as many live marks as it is allowed to.
    Full,
    /// The address or a setting is wrong, or the store cannot do what a guard needs.
    Misconfigured,
}

impl GuardErrorKind {
    /// A word for metrics.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Overloaded => "overloaded",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Full => "full",
            Self::Misconfigured => "misconfigured",
        }
    }
}

impl fmt::Display for GuardErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "the replay guard's store cannot be reached",
            Self::Overloaded => "the replay guard is too busy to answer",
            Self::OutcomeUnknown => "the replay guard's store did not say whether it stored the mark",
            Self::Full => "the replay guard is full",
            Self::Misconfigured => "the replay guard is misconfigured",
        })
    }
}

impl GuardError {
    /// Nothing was written to the store, because it was not reached or refused: the same callback may be tried again.
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: GuardErrorKind::Unavailable, source: Some(cause.into()) }
    }

    /// Nothing was sent to the store, because no connection was free in time. An exhausted pool is not an outage, because an attacker can
    /// exhaust it, so [`DangerouslyFailOpen`](crate::guard::DangerouslyFailOpen) stays closed.
    ///
    /// # Examples
    ///
    /// A guard of your own over a pool distinguishes a pool timeout from a store that is down:
    ///
    /// ```
    /// use oauth_state::guard::{GuardError, GuardErrorKind};
    /// # enum PoolError { TimedOut, Refused(std::io::Error) }
    /// fn cannot_ask(error: PoolError) -> GuardError {
    ///     match error {
    ///         PoolError::TimedOut => GuardError::overloaded("no connection was free in time"),
    ///         PoolError::Refused(error) => GuardError::unavailable(error),
    ///     }
    /// }
    /// # assert_eq!(cannot_ask(PoolError::Refused(std::io::Error::other("x"))).kind(), GuardErrorKind::Unavailable);
    /// assert_eq!(cannot_ask(PoolError::TimedOut).kind(), GuardErrorKind::Overloaded);
    /// ```
    pub fn overloaded(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: GuardErrorKind::Overloaded, source: Some(cause.into()) }
    }

    /// The store was asked, and its answer is unknown.
    pub fn outcome_unknown(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: GuardErrorKind::OutcomeUnknown, source: Some(cause.into()) }
    }

    /// The store cannot do what a guard needs.
    pub fn misconfigured(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: GuardErrorKind::Misconfigured, source: Some(cause.into()) }
    }

    /// The store holds as many live marks as it is allowed to. The error has no cause; [`GuardError::because`] adds one.
    #[must_use]
    pub fn full() -> Self {
        Self { kind: GuardErrorKind::Full, source: None }
    }

    /// An error of this kind with its cause.
    pub fn because(kind: GuardErrorKind, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind, source: Some(cause.into()) }
    }

    /// The cause, if there is one.
    #[must_use]
    pub fn into_cause(self) -> Option<Box<dyn std::error::Error + Send + Sync>> {
        self.source
    }

    /// The kind of error.
    #[must_use]
    pub fn kind(&self) -> GuardErrorKind {
        self.kind
    }
}

impl From<GuardError> for FinishError {
    fn from(error: GuardError) -> Self {
        let refused = match error.kind() {
            GuardErrorKind::OutcomeUnknown => FinishErrorKind::GuardOutcomeUnknown.into(),
            GuardErrorKind::Full => FinishErrorKind::GuardFull.into(),
            GuardErrorKind::Unavailable => FinishErrorKind::GuardUnavailable.into(),
            GuardErrorKind::Overloaded => Self::because(
                FinishErrorKind::GuardUnavailable,
                "the replay guard had no free connection in time, or its store is too busy: limit the rate of login starts \
                 and callbacks, or give the guard more connections; the error's source says which",
            ),
            // The same code to the outside, but waiting does not help.
            GuardErrorKind::Misconfigured => Self::because(
                FinishErrorKind::GuardUnavailable,
                "the replay guard is misconfigured; the error's source says what to change",
            ),
        };
        refused.with_source(error)
    }
}
