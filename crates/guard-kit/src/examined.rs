//! A look at a server that is to serve as a guard, for `oauth-state doctor` and health checks.

use std::time::SystemTime;

use super::Flaw;
use oauth_state::guard::GuardError;

/// What there is to say of a server, well or not.
#[derive(Debug)]
pub struct Examined {
    /// What is as it should be: the names of flaws that are not there, and what was found instead.
    pub well: Vec<(&'static str, String)>,
    /// What is not as it should be.
    pub flaws: Vec<Flaw>,
    /// What the store names that keeps the marks: its prefix, or its database and its schema. An environment of its own should be one
    /// of these names.
    pub kept_in: Vec<(&'static str, String)>,
    /// How many milliseconds the server's clock is ahead of this machine's; `None` if it was not told.
    pub ahead: Option<i64>,
}

/// How far a clock that was read between two moments of ours is ahead of their middle. Milliseconds; theirs since 1970.
#[must_use]
pub fn ahead(before: SystemTime, after: SystemTime, theirs: i64) -> i64 {
    let milliseconds = |at: SystemTime| {
        let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    };
    let (before, after) = (milliseconds(before), milliseconds(after));
    let middle = before.saturating_add(after.saturating_sub(before) / 2);
    theirs.saturating_sub(middle)
}

/// An error and what is behind it.
#[must_use]
pub fn with_cause(error: &GuardError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(" ({cause})")).unwrap_or_default();
    format!("{error}{cause}")
}

/// What to say of replicas: their number alone is no flaw, but one loss window hangs on it.
#[must_use]
pub fn replicas(number: u64) -> (&'static str, String) {
    let found = match number {
        0 => "none: callbacks are refused while the server is down".to_owned(),
        _ => format!("{number}: one that is promoted may lack the marks of the last moments"),
    };
    ("replicas", found)
}

#[cfg(test)]
mod tests;
