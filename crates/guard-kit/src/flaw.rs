//! The flaws of a server for use as a guard, found when a guard connects and by `oauth-state doctor`.

use std::net::IpAddr;

use oauth_state::guard::GuardError;

/// A difference of two clocks that is worth a warning.
const CLOCK_MILLISECONDS: u64 = 10_000;

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

/// The flaw of a connection that is not encrypted, to this host on a network.
#[must_use]
pub fn not_encrypted(host: &str, remedy: &'static str) -> Flaw {
    let found =
        format!("the connection to {host} is not encrypted: anyone on the way can read the password and delete marks");
    Flaw::warning("encryption", found, remedy)
}

/// Whether a host of an address is this machine, so that nothing crosses a network.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The flaw of a store whose clock is more than ten seconds ahead of this machine's, or behind it. A guard does not know the ring's skew,
/// which must cover the difference.
#[must_use]
pub fn clock_apart(ahead_milliseconds: i64) -> Option<Flaw> {
    if ahead_milliseconds.unsigned_abs() < CLOCK_MILLISECONDS {
        return None;
    }
    let direction = if ahead_milliseconds < 0 { "behind" } else { "ahead of" };
    let seconds = ahead_milliseconds.unsigned_abs() / 1_000;
    let found = format!("the store's clock is {seconds} s {direction} this machine's");
    Some(Flaw::warning("clock", found, "synchronize both clocks (NTP)"))
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
