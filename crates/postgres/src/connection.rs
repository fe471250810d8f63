//! The connections of a guard, and the statements of a claim.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Once, PoisonError};

use tokio::sync::Semaphore;
use tokio_postgres::Client;

use super::literals::{base64url, bytes, run, with_literals};
use super::purge;
use super::server;
use super::settings::Settings;
use super::table::{FIND, INSERT, MarkRow};
use oauth_state::guard::{GuardError, Mark, Marked};
use oauth_state_guard_kit::{Call, Claim, Failure, Store};

/// A Postgres store, as a [`Link`](oauth_state_guard_kit::Link) requires it.
pub(super) struct PostgresStore {
    pub(super) settings: Arc<Settings>,
    purging: Once,
}

/// A few connections, each for one claim at a time. A claim that waits for a lock or the disk must not delay another
/// one sent behind it, whose outcome would then be unknown.
pub(super) struct Clients {
    free: Mutex<VecDeque<Client>>,
    permits: Semaphore,
}

/// One of the connections. It is returned on drop.
pub(super) struct Lease {
    clients: Arc<Clients>,
    client: Option<Client>,
}

impl Clients {
    fn free(&self) -> std::sync::MutexGuard<'_, VecDeque<Client>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            self.clients.free().push_back(client);
            self.clients.permits.add_permits(1);
        }
    }
}

impl PostgresStore {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings: Arc::new(settings), purging: Once::new() }
    }
}

impl Store for PostgresStore {
    type Connection = Arc<Clients>;
    type Lease = Lease;
    const NAME: &'static str = "postgres";

    async fn connect(&self) -> Result<Arc<Clients>, GuardError> {
        let first = self.settings.connect().await?;
        server::look_at(&first, &self.settings).await?;
        // Open the others in parallel: one after the other, they might not be ready in time.
        let mut others = tokio::task::JoinSet::new();
        for _ in 1..self.settings.connections {
            let settings = Arc::clone(&self.settings);
            others.spawn(async move {
                // Check each one: with several hosts, another connection may lead to another server.
                let client = settings.connect().await?;
                server::look_at(&client, &settings).await?;
                Ok::<_, GuardError>(client)
            });
        }
        let mut clients = VecDeque::from([first]);
        while let Some(other) = others.join_next().await {
            clients.push_back(other.map_err(GuardError::unavailable)??);
        }
        self.purging.call_once(|| purge::start(&self.settings));
        let permits = Semaphore::new(clients.len());
        Ok(Arc::new(Clients { free: Mutex::new(clients), permits }))
    }

    async fn lease(&self, clients: Arc<Clients>) -> Lease {
        // The semaphore is never closed. It has a permit for each free connection; a lease gives both back.
        if let Ok(permit) = clients.permits.acquire().await {
            permit.forget();
        }
        // The longest idle connection: a statement that timed out may still occupy the most recent one.
        let client = clients.free().pop_front();
        Lease { clients, client }
    }
}

impl Lease {
    /// The client, for one call.
    pub(super) fn client(&self) -> Result<&Client, Failure> {
        self.client.as_ref().ok_or_else(|| Failure::refused(GuardError::overloaded("no connection is free")))
    }
}

impl Call<PostgresStore> for Claim<'_> {
    type Answer = Marked;

    async fn ask(&self, store: &PostgresStore, lease: Lease) -> Result<Marked, Failure> {
        claim(lease.client()?, &store.settings, self.0).await
    }
}

/// One statement in its own transaction, as for every statement outside of one; the reply comes after its commit.
async fn claim(client: &Client, settings: &Settings, mark: &Mark) -> Result<Marked, Failure> {
    let row = MarkRow::of(mark);
    let literals = [row.bucket.to_string(), bytes(&row.id), base64url(&row.value), row.keep_until.to_string()];
    if run(client, settings, &with_literals(INSERT, &literals)).await?.0 == 1 {
        return Ok(Marked::First);
    }
    let (_, value) = run(client, settings, &with_literals(FIND, &literals)).await?;
    mark.seen_after_insert(value.as_deref().map(str::as_bytes)).map_err(Failure::refused)
}
