//! What a guard over a pool of the caller's own needs besides [`INSERT`](crate::INSERT) and [`FIND`](crate::FIND):
//! purging, and the meaning of errors.

use std::time::SystemTime;

use oauth_state::guard::{GuardError, GuardErrorKind};

use crate::unix_seconds;

/// Deletes up to [`PURGE_BATCH`] expired marks. The parameter is [`purge_before`]; run the statement again while it
/// affects as many rows, about once a minute, on as many servers as you like.
///
/// * The database compares the parameter with its own clock and takes the earlier time, so that one wrong clock cannot
///   delete live marks.
/// * Each mark goes by its own time, so that claims may run at the same time.
/// * Purgers take turns by an advisory lock that ends with the transaction: a second one at the same moment deletes
///   nothing. A pooler in transaction mode is no obstacle.
/// * The role needs `DELETE` besides `SELECT` and `INSERT`: `GRANT DELETE ON oauth_state_marks TO service`. Autovacuum
///   frees the space. `PostgresGuard::purge` truncates partitions instead, which leaves nothing to vacuum and
///   needs `TRUNCATE` on each partition; both may run over the same table.
pub const PURGE: &str = "WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(7886763431052369013) AS is_ours), \
    expired AS MATERIALIZED (SELECT bucket, id FROM oauth_state_marks, turn WHERE turn.is_ours \
    AND keep_until <= least($1, floor(extract(epoch FROM clock_timestamp()))::bigint - 60) LIMIT 10000) \
    DELETE FROM oauth_state_marks AS mark USING expired WHERE mark.bucket = expired.bucket AND mark.id = expired.id";

/// The most marks that one [`PURGE`] deletes.
pub const PURGE_BATCH: u64 = 10_000;

/// How long a claim may take, in seconds: a claim may be sent that much later than its expiry was checked. [`PURGE`]
/// allows for the same.
const LONGEST_CLAIM: u64 = 60;

/// The parameter of [`PURGE`], in Unix seconds: 60 seconds before `now`, the time of your server. Your guard must not
/// send a claim later than that after the callback arrived.
#[must_use]
pub fn purge_before(now: SystemTime) -> i64 {
    i64::try_from(unix_seconds(now).saturating_sub(LONGEST_CLAIM)).unwrap_or_default()
}

/// The error of a claim by its SQLSTATE, such as `53300`, or `None` if the database sent no reply: the outcome is then
/// unknown. If the database replied with an error, it stored nothing.
///
/// Tells apart what an attacker can cause (locks, time limits, too many connections: [`GuardErrorKind::Overloaded`])
/// from a full disk ([`GuardErrorKind::Full`]), from mistakes such as a missing table
/// ([`GuardErrorKind::Misconfigured`]), and from outages. `DangerouslyFailOpen` opens for outages alone.
pub fn claim_error(sqlstate: Option<&str>, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> GuardError {
    let code = sqlstate.unwrap_or_default();
    let kind = match (code, code.get(..2)) {
        // The server is read-only now, after a failover: another one accepts the claim.
        ("25006", _) => GuardErrorKind::Unavailable,
        ("53100", _) => GuardErrorKind::Full,
        _ if is_busy(code) => GuardErrorKind::Overloaded,
        // No reply, or the server shut down or crashed during the call: it may have committed before.
        (_, None | Some("08" | "57" | "58" | "XX")) | ("40003", _) => GuardErrorKind::OutcomeUnknown,
        _ => GuardErrorKind::Misconfigured,
    };
    GuardError::because(kind, cause)
}

/// The error of connecting, before a claim was sent, by its SQLSTATE; `None` if the database was not reached.
///
/// If your pool had no free connection, return [`GuardError::overloaded`] instead.
pub fn connect_error(sqlstate: Option<&str>, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> GuardError {
    let code = sqlstate.unwrap_or_default();
    match code.get(..2) {
        // Authentication, a missing database, missing rights: waiting does not help.
        Some("28" | "3D" | "42") => GuardError::misconfigured(cause),
        _ if code == "53100" => GuardError::because(GuardErrorKind::Full, cause),
        _ if is_busy(code) => GuardError::overloaded(cause),
        _ => GuardError::unavailable(cause),
    }
}

/// Conflicts, time limits, too many connections or locks: the server is up and overloaded. A second claim of one state
/// may wait for the lock of the first, so an attacker can cause this.
pub(super) fn is_busy(code: &str) -> bool {
    code == "57014" || (code != "40003" && matches!(code.get(..2), Some("40" | "53" | "55")))
}

#[cfg(test)]
mod tests;
