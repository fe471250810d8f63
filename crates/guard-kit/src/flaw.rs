//! The flaws of a server that is to serve as a guard, found at the connect of a guard and by `oauth-state doctor`.

use oauth_state::guard::GuardError;

/// A flaw, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The stable word for pipelines.
    pub name: &'static str,
    /// The finding, on one line.
    pub found: String,
    /// How to fix it.
    pub remedy: &'static str,
    /// Whether a guard refuses to work with this server; otherwise it logs a warning.
    pub fatal: bool,
}

impl Flaw {
    /// A flaw with which a guard refuses to work.
    pub fn fatal(name: &'static str, found: impl Into<String>, remedy: &'static str) -> Self {
        Self { name, found: found.into(), remedy, fatal: true }
    }

    /// A flaw with which a guard works, and logs a warning.
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
