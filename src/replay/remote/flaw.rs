//! What is wrong with a server that is to serve as a guard: found where a guard connects, and by `oauth-state doctor`.

use crate::replay::GuardError;

/// One of them, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// The stable word for pipelines.
    pub(crate) name: &'static str,
    pub(crate) found: String,
    pub(crate) to_do: &'static str,
    /// Whether a guard refuses to work over this server; otherwise it warns.
    pub(crate) fatal: bool,
}

impl Flaw {
    pub(crate) fn fatal(name: &'static str, found: impl Into<String>, to_do: &'static str) -> Self {
        Self { name, found: found.into(), to_do, fatal: true }
    }

    pub(crate) fn warning(name: &'static str, found: impl Into<String>, to_do: &'static str) -> Self {
        Self { name, found: found.into(), to_do, fatal: false }
    }
}

/// The first fatal one refuses the server; the others are logged.
pub(in crate::replay) fn refuse(flaws: &[Flaw]) -> Result<(), GuardError> {
    for Flaw { found, to_do, .. } in flaws.iter().filter(|flaw| !flaw.fatal) {
        tracing::warn!("{found}; {to_do}");
    }
    match flaws.iter().find(|flaw| flaw.fatal) {
        Some(Flaw { found, to_do, .. }) => Err(GuardError::misconfigured(format!("{found}; {to_do}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "flaw_tests.rs"]
mod tests;
