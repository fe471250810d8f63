//! What a store answers when it cannot answer.

use std::fmt;

use crate::guard::{GuardError, GuardErrorKind};

/// A store of rows could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct StoreError {
    kind: StoreErrorKind,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Why a store could not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// It was not reached, or did not answer in time.
    Unavailable,
    /// It holds as many rows as it may.
    Full,
    /// The address or a setting is wrong, or a table or a right is missing.
    Misconfigured,
}

impl fmt::Display for StoreErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "the state store cannot be reached",
            Self::Full => "the state store is full",
            Self::Misconfigured => "the state store cannot work as it is configured",
        })
    }
}

impl StoreError {
    /// It was not reached, or did not answer in time.
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::Unavailable, source: Some(cause.into()) }
    }

    /// It cannot work as it is configured.
    pub fn misconfigured(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::Misconfigured, source: Some(cause.into()) }
    }

    /// It holds as many rows as it may.
    #[must_use]
    pub fn full() -> Self {
        Self { kind: StoreErrorKind::Full, source: None }
    }

    /// Which of the three it is.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

/// Rows lie behind the connections of guards. An outcome that is not known is no danger here: a row that was written for
/// nothing is removed in time, and reading changes nothing.
impl From<GuardError> for StoreError {
    fn from(error: GuardError) -> Self {
        let kind = match error.kind() {
            GuardErrorKind::Unavailable | GuardErrorKind::Overloaded | GuardErrorKind::OutcomeUnknown => {
                StoreErrorKind::Unavailable
            }
            GuardErrorKind::Full => StoreErrorKind::Full,
            GuardErrorKind::Misconfigured => StoreErrorKind::Misconfigured,
        };
        Self { kind, source: error.into_cause() }
    }
}
