//! What is wrong with a server that is to serve as a guard: found where a guard connects, and by `oauth-state doctor`.

use oauth_state::guard::GuardError;

/// One of them, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The stable word for pipelines.
    pub name: &'static str,
    /// What was found, on one line.
    pub found: String,
    /// What to change.
    pub to_do: &'static str,
    /// Whether a guard refuses to work over this server; otherwise it warns.
    pub fatal: bool,
}

impl Flaw {
    /// A guard refuses to work over such a server.
    pub fn fatal(name: &'static str, found: impl Into<String>, to_do: &'static str) -> Self {
        Self { name, found: found.into(), to_do, fatal: true }
    }

    /// A guard works over such a server, and warns.
    pub fn warning(name: &'static str, found: impl Into<String>, to_do: &'static str) -> Self {
        Self { name, found: found.into(), to_do, fatal: false }
    }
}

/// The first fatal one refuses the server; the others are logged.
///
/// # Errors
///
/// [`GuardErrorKind::Misconfigured`](oauth_state::guard::GuardErrorKind::Misconfigured) with the first fatal flaw.
pub fn refuse(flaws: &[Flaw]) -> Result<(), GuardError> {
    for Flaw { found, to_do, .. } in flaws.iter().filter(|flaw| !flaw.fatal) {
        tracing::warn!("{found}; {to_do}");
    }
    match flaws.iter().find(|flaw| flaw.fatal) {
        Some(Flaw { found, to_do, .. }) => Err(GuardError::misconfigured(format!("{found}; {to_do}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
