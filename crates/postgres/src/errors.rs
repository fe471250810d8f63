//! The meaning of errors, in a claim and outside of one.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::own_pool::{self, claim_error};
use oauth_state::guard::{GuardError, GuardErrorKind};
use oauth_state_guard_kit::Failure;

/// An error outside of a claim: no claim was sent, so its outcome cannot be unknown.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn cannot_use(error: Error) -> GuardError {
    #[cfg(feature = "tls")]
    if let Some(fault) = oauth_state_guard_kit::tls_fault(&error) {
        return fault;
    }
    let cause = match std::error::Error::source(&error).filter(|_| error.as_db_error().is_none()) {
        Some(deeper) => format!("{error}: {deeper}"),
        None => told(&error),
    };
    let Some(said) = error.as_db_error() else {
        return match not_postgres(&cause) {
            Some(remedy) => GuardError::misconfigured(format!("{remedy} ({cause})")),
            None => GuardError::unavailable(cause),
        };
    };
    match said.code() {
        code if *code == SqlState::TOO_MANY_CONNECTIONS => {
            GuardError::overloaded(format!("{cause}; raise max_connections, close idle connections, or use a pooler"))
        }
        code if *code == SqlState::DISK_FULL => GuardError::because(GuardErrorKind::Full, cause),
        code if is_busy(code) => GuardError::overloaded(cause),
        code if is_down(code) => GuardError::unavailable(cause),
        // Authentication, a missing database, missing rights, another table than ours: a retry does not help.
        _ => GuardError::misconfigured(match remedy(said.message()) {
            Some(remedy) => format!("{cause}; {remedy}"),
            None => cause,
        }),
    }
}

/// Connections that fail, read-only servers, shutdowns, faults of the system or of the server itself.
fn is_down(code: &SqlState) -> bool {
    matches!(code.code().get(..2), Some("08" | "25" | "57" | "58" | "XX"))
}

/// What to do where the server's message does not say it. It is in English unless `lc_messages` is set.
fn remedy(message: &str) -> Option<&'static str> {
    let is_not_encrypted = message.ends_with("no encryption") || message.ends_with("SSL off");
    if message.contains("pg_hba.conf") && is_not_encrypted {
        Some("if the server wants TLS, use sslmode=verify-full")
    } else if message.contains("valid client certificate") {
        Some("give one with sslcert and sslkey, or client_certificate(certificate, key)")
    } else {
        None
    }
}

/// What the client says about an answer of another protocol, such as HTTP.
const NOT_THE_PROTOCOL: [&str; 3] =
    ["unexpected message from server", "error parsing response from server", "bytes remaining on stream"];

/// The setting behind an error that is not the server's, if it is one. The client has only texts for these.
fn not_postgres(cause: &str) -> Option<&'static str> {
    let has = |text| cause.contains(text);
    if has("invalid configuration") {
        Some("correct the address: each host needs as many ports and hostaddr")
    } else if has("invalid dns name") || has("no hostname provided") {
        Some("TLS verifies the host's name: use host=NAME in the address, and hostaddr=… only besides it")
    } else if has("server does not support TLS") {
        Some("the server has no TLS: turn it on there (ssl = on), or use sslmode=disable on a trusted network")
    } else if NOT_THE_PROTOCOL.iter().any(|text| has(text)) {
        Some("the server does not speak the Postgres protocol: is this the port of another service?")
    } else {
        None
    }
}

/// The meaning of an error: if the server replied, nothing was committed; otherwise the outcome is unknown.
pub(super) fn failure(error: Error) -> Failure {
    let Some(code) = error.code().cloned() else { return Failure::interrupted(error) };
    let mut cause = told(&error);
    if code == SqlState::READ_ONLY_SQL_TRANSACTION {
        cause = format!("the server is read-only now: {cause}");
    }
    let error = claim_error(Some(code.code()), cause);
    match error.kind() {
        // A new connection may reach the new primary.
        GuardErrorKind::Unavailable => Failure::turned_away(error),
        GuardErrorKind::OutcomeUnknown => {
            Failure::interrupted(error.into_cause().unwrap_or_else(|| "the server went away".into()))
        }
        _ => Failure::refused(error),
    }
}

/// Whether the server is up and overloaded.
pub(super) fn is_busy(code: &SqlState) -> bool {
    own_pool::is_busy(code.code())
}

/// The error on one line, without parameters of a statement.
pub(super) fn told(error: &Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |said| format!("{}: {}", said.code().code(), said.message()))
}

#[cfg(test)]
mod tests;
