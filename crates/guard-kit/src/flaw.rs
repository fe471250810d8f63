//! The flaws of a server for use as a guard, found when a guard connects and by `oauth-state doctor`.

use oauth_state::guard::GuardError;

/// A flaw with its description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The stable name, for pipelines.
    pub name: &'static str,
    /// The finding, on one line.
    pub found: String,
    /// How to fix it.
    pub remedy: &'static str,
    /// Whether a guard refuses to work with this server; otherwise the guard logs a warning.
    pub fatal: bool,
}

impl Flaw {
    /// A flaw that makes a guard refuse the server.
    pub fn fatal(name: &'static str, found: impl Into<String>, remedy: &'static str) -> Self {
        Self { name, found: found.into(), remedy, fatal: true }
    }

    /// A flaw for which a guard only logs a warning.
    pub fn warning(name: &'static str, found: impl Into<String>, remedy: &'static str) -> Self {
        Self { name, found: found.into(), remedy, fatal: false }
    }
}

/// Refuses the server because of its first fatal flaw, and logs the others.
///
/// # Errors
///
/// [`GuardErrorKind::Misconfigured`](oauth_state::guard::GuardErrorKind::Misconfigured) with the first fatal flaw.
pub fn refuse(flaws: &[Flaw]) -> Result<(), GuardError> {
    for Flaw { found, remedy, .. } in flaws.iter().filter(|flaw| !flaw.fatal) {
        tracing::warn!("{found}; {remedy}");
    }
    match flaws.iter().find(|flaw| flaw.fatal) {
        Some(Flaw { found, remedy, .. }) => Err(GuardError::misconfigured(format!("{found}; {remedy}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
