//! The settings of connections, how to connect, and the meaning of errors outside of a claim.

use std::time::Duration;

use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Error, NoTls};

use oauth_state::guard::GuardError;
use oauth_state::observe::Observers;
use oauth_state_guard_kit::Failure;

/// The settings of a connection, shared with the purging task.
pub(super) struct Settings {
    pub(super) config: Config,
    /// PEM, instead of the operating system's certificates.
    pub(super) root_certificates: Option<Vec<u8>>,
    pub(super) connections: usize,
    pub(super) budget: Duration,
    pub(super) durability: Durability,
    pub(super) create_tables: bool,
    /// `None`: another process purges.
    pub(super) purge_every: Option<Duration>,
    pub(super) observers: Observers,
}

/// When a claim counts as successful.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// Once it is on disk.
    Durable,
    /// Before that.
    SynchronousCommitOff,
}

impl Settings {
    /// One connection. Nothing is set in its session, which a pooler may lend to others.
    pub(super) async fn connect(&self) -> Result<Client, GuardError> {
        match self.config.get_ssl_mode() {
            SslMode::Require => self.connect_with_tls().await,
            _ => drive(self.config.connect(NoTls).await),
        }
    }

    /// The settings of a claim, to be sent in front of its statement in one message. The server runs the message as one transaction, and
    /// the settings end with it: behind a pooler, other clients use the same session.
    pub(super) fn of_transaction(&self) -> String {
        let durability = match self.durability {
            // A role or a database may have it off, now or later: set for each claim, whatever it is. Stricter ones than `on` stay.
            Durability::Durable => {
                "SELECT set_config('synchronous_commit', coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'), true)"
            }
            Durability::SynchronousCommitOff => "SET LOCAL synchronous_commit = off",
        };
        let budget = self.budget.as_millis().max(4);
        // Less than a claim keeps for the answer, so that the server says it before time runs out.
        let lock = budget / 4;
        format!(
            "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = {budget}; \
             SET LOCAL lock_timeout = {lock}; {durability}; "
        )
    }

    #[cfg(feature = "tls")]
    async fn connect_with_tls(&self) -> Result<Client, GuardError> {
        let connector = super::tls::connector(self.root_certificates.as_deref())?;
        drive(self.config.connect(connector).await)
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_async, reason = "the other form waits")]
    async fn connect_with_tls(&self) -> Result<Client, GuardError> {
        let _ = &self.root_certificates;
        Err(GuardError::misconfigured("sslmode=require needs TLS: enable the feature `tls` of oauth-state-postgres"))
    }
}

/// Runs the connection on its own task, which ends with its client.
fn drive<S>(
    connected: Result<(Client, tokio_postgres::Connection<tokio_postgres::Socket, S>), Error>,
) -> Result<Client, GuardError>
where
    S: tokio_postgres::tls::TlsStream + Unpin + Send + 'static,
{
    let (client, connection) = connected.map_err(cannot_use)?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(cause = told(&error), "a connection to Postgres ended");
        }
    });
    Ok(client)
}

/// An error outside of a claim: no claim was sent, so its outcome cannot be unknown.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn cannot_use(error: Error) -> GuardError {
    let cause = match std::error::Error::source(&error).filter(|_| error.as_db_error().is_none()) {
        Some(deeper) => format!("{error}: {deeper}"),
        None => told(&error),
    };
    // Authentication, a missing database, missing rights: a retry does not help.
    match error.as_db_error().map(|said| (said.code(), said.code().code().get(..2))) {
        Some((_, Some("28" | "3D" | "42"))) => GuardError::misconfigured(cause),
        Some((code, _)) if is_busy(code) => GuardError::overloaded(cause),
        _ => GuardError::unavailable(cause),
    }
}

/// The meaning of an error: if the server replied, nothing was committed; otherwise the outcome is unknown.
pub(super) fn failure(error: Error) -> Failure {
    let Some(code) = error.code().cloned() else { return Failure::interrupted(error) };
    let cause = told(&error);
    if code == SqlState::READ_ONLY_SQL_TRANSACTION {
        return Failure::turned_away(GuardError::unavailable(format!("the server is read-only now: {cause}")));
    }
    if code == SqlState::DISK_FULL {
        return Failure::refused(GuardError::because(oauth_state::guard::GuardErrorKind::Full, cause));
    }
    match code.code().get(..2) {
        // Shut down or crashed during the call: it may have committed before.
        Some("57") if code != SqlState::QUERY_CANCELED => Failure::interrupted(cause),
        Some("08" | "58" | "XX") => Failure::interrupted(cause),
        Some("40") if code == SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN => Failure::interrupted(cause),
        // The transaction was rolled back.
        _ if is_busy(&code) => Failure::refused(GuardError::overloaded(cause)),
        _ => Failure::refused(GuardError::misconfigured(cause)),
    }
}

/// Conflicts, locks, time limits, too many connections: the server is up and overloaded. A second claim of one state
/// may wait for the lock of the first, so an attacker can cause this.
pub(super) fn is_busy(code: &SqlState) -> bool {
    *code == SqlState::QUERY_CANCELED || matches!(code.code().get(..2), Some("40" | "53" | "55"))
}

/// The error on one line, without parameters of a statement.
pub(super) fn told(error: &Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |said| format!("{}: {}", said.code().code(), said.message()))
}

#[cfg(test)]
mod tests;
