//! The settings of connections, and those of the transaction of a claim.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, Config};

use super::hosts;
use super::transport::Transport;
use oauth_state::guard::GuardError;
use oauth_state::observe::Observers;
use oauth_state_guard_kit::CredentialSource;

/// The settings of a connection, shared with the purging task.
pub(super) struct Settings {
    pub(super) config: Config,
    /// Asked before every connection; `None`: those of the address.
    pub(super) credentials: Option<CredentialSource>,
    pub(super) transport: Transport,
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
        let mut config = self.config.clone();
        if let Some(source) = &self.credentials {
            let given = source.ask().await?;
            config.user(given.user()).password(given.password());
        }
        let hosts = hosts::one_by_one(&config);
        // The time to reach one is that of the address, and includes its answer; one host alone may take all of the caller's time.
        let limit = (hosts.len() > 1).then(|| hosts::time_for_each(hosts.len()));
        let mut failed = GuardError::misconfigured("the address has no host");
        for host in hosts {
            let time = limit.map(|least| least.max(host.get_connect_timeout().copied().unwrap_or_default()));
            let connecting = self.transport.connect(host);
            let silent = |_| Err(GuardError::unavailable("the server accepted the connection and does not answer"));
            let connected = match time {
                Some(time) => timeout(time, connecting).await.unwrap_or_else(silent),
                None => connecting.await,
            };
            match connected {
                Ok(client) => return Ok(client),
                Err(error) => failed = error,
            }
        }
        Err(failed)
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
}

#[cfg(test)]
mod tests;
