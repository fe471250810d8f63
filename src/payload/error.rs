//! Errors of a store.

use std::fmt;

use crate::guard::{GuardError, GuardErrorKind};

/// A store of rows failed.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct StoreError {
    kind: StoreErrorKind,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Why a store failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store was not reached, or did not answer in time.
    Unavailable,
    /// The store holds as many rows as it is allowed to.
    Full,
    /// The address or a setting is wrong, or a table or a right is missing.
    Misconfigured,
}

impl fmt::Display for StoreErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "the state store cannot be reached",
            Self::Full => "the state store is full",
            Self::Misconfigured => "the state store is misconfigured",
        })
    }
}

impl StoreError {
    /// The store was not reached, or did not answer in time.
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::Unavailable, source: Some(cause.into()) }
    }

    /// The store is misconfigured.
    pub fn misconfigured(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::Misconfigured, source: Some(cause.into()) }
    }

    /// The store holds as many rows as it is allowed to.
    #[must_use]
    pub fn full() -> Self {
        Self { kind: StoreErrorKind::Full, source: None }
    }

    /// The kind of error.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

/// Row stores share connections with guards. An unknown outcome is harmless here: an unneeded row is removed in time, and reading changes
/// nothing.
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
