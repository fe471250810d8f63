//! What `oauth-state doctor` learns of a server that is to serve as a guard.

use std::time::SystemTime;

use super::Flaw;
use crate::replay::GuardError;

/// What there is to say of a server, well or not.
#[derive(Debug)]
pub(crate) struct Examined {
    /// What is as it should be: the names of flaws that are not there, and what was found instead.
    pub(crate) well: Vec<(&'static str, String)>,
    pub(crate) flaws: Vec<Flaw>,
    /// How many milliseconds the server's clock is ahead of this machine's; `None` if it was not told.
    pub(crate) ahead: Option<i64>,
}

/// How far a clock that was read between two moments of ours is ahead of their middle. Milliseconds; theirs since 1970.
pub(in crate::replay) fn ahead(before: SystemTime, after: SystemTime, theirs: i64) -> i64 {
    let milliseconds = |at: SystemTime| {
        let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    };
    let (before, after) = (milliseconds(before), milliseconds(after));
    let middle = before.saturating_add(after.saturating_sub(before) / 2);
    theirs.saturating_sub(middle)
}

/// An error and what is behind it.
pub(crate) fn with_cause(error: &GuardError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(" ({cause})")).unwrap_or_default();
    format!("{error}{cause}")
}

/// What to say of replicas: their number alone is no flaw, but one loss window hangs on it.
pub(in crate::replay) fn replicas(number: u64) -> (&'static str, String) {
    let found = match number {
        0 => "none: callbacks are refused while the server is down".to_owned(),
        _ => format!("{number}: one that is promoted may lack the marks of the last moments"),
    };
    ("replicas", found)
}

#[cfg(test)]
#[path = "examined_tests.rs"]
mod tests;
