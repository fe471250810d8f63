//! A check of a server for use as a guard, for `oauth-state doctor` and health checks.

use std::time::SystemTime;

use super::Flaw;
use oauth_state::guard::GuardError;

/// The result of checking a server.
#[derive(Debug)]
pub struct Examined {
    /// The checks that passed: the name of the absent flaw, and the finding.
    pub well: Vec<(&'static str, String)>,
    /// The checks that failed.
    pub flaws: Vec<Flaw>,
    /// The names under which the store keeps the marks: its prefix, or its database and schema. Give each environment
    /// its own name.
    pub kept_in: Vec<(&'static str, String)>,
    /// How many milliseconds the server's clock is ahead of this machine's; `None` if the server did not report it.
    pub ahead: Option<i64>,
}

/// How far the server's clock, in milliseconds since 1970, is ahead of the middle of the two local readings around it.
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

/// An error and its cause.
#[must_use]
pub fn with_cause(error: &GuardError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(" ({cause})")).unwrap_or_default();
    format!("{error}{cause}")
}

/// The result to report for replicas. Their number alone is no flaw, but one loss window depends on it.
#[must_use]
pub fn replicas(number: u64) -> (&'static str, String) {
    let found = match number {
        0 => "none: callbacks are refused while the server is down".to_owned(),
        _ => format!("{number}: a promoted replica may lack the most recent marks"),
    };
    ("replicas", found)
}

#[cfg(test)]
mod tests;
