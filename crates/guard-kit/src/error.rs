//! A guard's error, passed to another caller or after a retry.

use std::fmt;
use std::sync::Arc;

use oauth_state::guard::{GuardError, GuardErrorKind};

/// The same error for another caller.
pub(crate) fn again(error: &Arc<GuardError>) -> GuardError {
    GuardError::because(error.kind(), SharedCause(Arc::clone(error)))
}

/// The error of a connection attempt: no claim was sent, so no outcome can be unknown.
#[must_use]
pub fn before_any_claim(error: GuardError) -> GuardError {
    if error.kind() != GuardErrorKind::OutcomeUnknown {
        return error;
    }
    let cause = error.into_cause().unwrap_or_else(|| "failed to connect".into());
    GuardError::unavailable(cause)
}

/// The error of a retry. The outcome of the first attempt is unknown and stays so.
pub(crate) fn after_unknown_outcome(error: GuardError) -> GuardError {
    match error.kind() {
        GuardErrorKind::OutcomeUnknown => error,
        _ => GuardError::outcome_unknown(error),
    }
}

/// The cause of an error that several callers receive.
#[derive(Debug)]
struct SharedCause(Arc<GuardError>);

impl fmt::Display for SharedCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::error::Error::source(&*self.0) {
            Some(cause) => fmt::Display::fmt(cause, f),
            None => fmt::Display::fmt(&self.0, f),
        }
    }
}

impl std::error::Error for SharedCause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.0)?.source()
    }
}

#[cfg(test)]
mod tests;
