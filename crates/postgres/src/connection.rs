//! The connections of a guard, and the statements of a claim.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_postgres::Client;

use super::literals::{base64url, bytes, run, with_literals};
use super::server::{self, Warnings};
use super::settings::Settings;
use super::table::{FIND, INSERT, MarkRow};
use super::tasks::Tasks;
use super::trial::Trial;
use oauth_state::guard::{GuardError, Marked};
use oauth_state::observe::{Event, Observer as _};
use oauth_state_guard_kit::{CONNECT_TIME, Call, Claim, Failure, Store, with_jitter};

/// A connection that does not answer for this long, or for a whole budget if that is longer, is replaced.
const LONGEST_SILENCE: Duration = Duration::from_secs(1);
/// The pause after a failed attempt to replace one; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A Postgres store, as a [`Link`](oauth_state_guard_kit::Link) requires it.
pub(super) struct PostgresStore {
    pub(super) settings: Arc<Settings>,
    pub(super) tasks: Arc<Tasks>,
}

/// A few connections, each for one claim at a time. A claim that waits for a lock or the disk must not delay another
/// one sent behind it, whose outcome would then be unknown.
pub(super) struct Clients {
    /// `None`: a connection that is to be replaced, because the runtime that awaited its answer has ended.
    free: Mutex<VecDeque<Option<Client>>>,
    /// One for each of them. Closed if no connection answers.
    permits: Semaphore,
    /// How many are being replaced.
    stuck: AtomicUsize,
    settings: Arc<Settings>,
}

/// One of the connections. It is returned on drop.
pub(super) struct Lease {
    clients: Arc<Clients>,
    client: Option<Client>,
    /// A call was sent, and its answer did not arrive.
    is_awaited: bool,
}

impl Clients {
    fn free(&self) -> MutexGuard<'_, VecDeque<Option<Client>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, client: Option<Client>) {
        self.free().push_back(client);
        self.permits.add_permits(1);
    }
}

/// A connection whose answer is awaited, or which is being replaced: it may be stuck alone, and each claim that gets it
/// would wait in vain.
struct Missing {
    clients: Weak<Clients>,
    is_stuck: bool,
}

impl Missing {
    /// Gives the connection back once it answers, or else another in its place.
    async fn restore(mut self, client: Option<Client>) {
        let Some(settings) = self.clients.upgrade().map(|clients| Arc::clone(&clients.settings)) else { return };
        if let Some(client) = client {
            let time = settings.budget.max(LONGEST_SILENCE);
            // Its answer comes after that of the call before it, and no other call receives it.
            if let Ok(Ok(_)) = timeout(time, client.simple_query("")).await {
                return self.done(client);
            }
            tracing::debug!("a connection to Postgres did not answer and is replaced");
        }
        if let Some(clients) = self.clients.upgrade() {
            self.is_stuck = true;
            // If none answers, the server is down and not overloaded: the next call loses the link, which then says so.
            if clients.stuck.fetch_add(1, Ordering::Relaxed).saturating_add(1) >= settings.connections {
                clients.permits.close();
            }
        }
        let mut pause = FIRST_PAUSE;
        // As long as the others are used. A link that is lost makes all of them anew.
        while self.clients.strong_count() > 0 {
            if let Ok(Ok(client)) = timeout(CONNECT_TIME, checked(&settings, Warnings::Leave)).await {
                return self.done(client);
            }
            tokio::time::sleep(with_jitter(pause)).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    fn done(mut self, client: Client) {
        self.give_back(Some(client));
    }

    fn give_back(&mut self, client: Option<Client>) {
        if let Some(clients) = std::mem::take(&mut self.clients).upgrade() {
            if self.is_stuck {
                clients.stuck.fetch_sub(1, Ordering::Relaxed);
            }
            clients.give_back(client);
        }
    }
}

impl Drop for Missing {
    /// Also if the task is dropped with its runtime: the next call replaces the connection.
    fn drop(&mut self) {
        self.give_back(None);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        if !self.is_awaited {
            return self.clients.give_back(Some(client));
        }
        let missing = Missing { clients: Arc::downgrade(&self.clients), is_stuck: false };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(missing.restore(Some(client)));
        }
    }
}

impl PostgresStore {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings: Arc::new(settings), tasks: Arc::default() }
    }
}

/// A connection to a server that can serve as a guard: with several hosts, each connection may lead to another one.
async fn checked(settings: &Settings, warnings: Warnings) -> Result<Client, GuardError> {
    let client = settings.connect().await?;
    match server::look_at(&client, settings, warnings).await? {
        Trial::NoTransactions => settings.connect().await,
        Trial::Passed | Trial::NotPossible(_) => Ok(client),
    }
}

impl Store for PostgresStore {
    type Connection = Arc<Clients>;
    type Lease = Lease;
    const NAME: &'static str = "postgres";

    async fn connect(&self) -> Result<Arc<Clients>, GuardError> {
        let (settings, all) = (&self.settings, self.settings.connections);
        // The first one alone: it may have to create the table.
        let mut clients = VecDeque::from([Some(checked(settings, Warnings::Log).await?)]);
        // Open the others in parallel: one after the other, they might not be ready in time.
        let mut others = JoinSet::new();
        for _ in 1..all {
            let settings = Arc::clone(settings);
            others.spawn(async move { checked(&settings, Warnings::Leave).await });
        }
        let mut failed = None;
        while let Some(other) = others.join_next().await {
            match other.map_err(GuardError::unavailable)? {
                Ok(client) => clients.push_back(Some(client)),
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            let counted = format!("{} of {all} connections were made: {cause}", clients.len());
            return Err(GuardError::because(error.kind(), counted));
        }
        self.tasks.start(settings);
        let permits = Semaphore::new(clients.len());
        let (free, stuck) = (Mutex::new(clients), AtomicUsize::new(0));
        Ok(Arc::new(Clients { free, permits, stuck, settings: Arc::clone(settings) }))
    }

    fn is_up(&self, up: bool) {
        self.settings.observers.event(&Event::GuardConnected { up });
    }

    async fn lease(&self, clients: Arc<Clients>) -> Lease {
        // The runtime on which they ran may have ended, and the connections may be of another.
        self.tasks.start(&self.settings);
        loop {
            // There is a permit for each free connection; a lease gives both back.
            let Ok(permit) = clients.permits.acquire().await else {
                return Lease { clients, client: None, is_awaited: false };
            };
            permit.forget();
            // The longest idle connection.
            let free = clients.free().pop_front();
            match free.flatten() {
                Some(client) => return Lease { clients, client: Some(client), is_awaited: false },
                None => {
                    let missing = Missing { clients: Arc::downgrade(&clients), is_stuck: false };
                    tokio::spawn(missing.restore(None));
                }
            }
        }
    }
}

impl Lease {
    /// Runs one statement, as one transaction.
    pub(super) async fn run(&mut self, settings: &Settings, statement: &str) -> Result<(u64, Option<String>), Failure> {
        let none_answers = || Failure::turned_away(GuardError::unavailable("no connection to the server answers"));
        let client = self.client.as_ref().ok_or_else(none_answers)?;
        self.is_awaited = true;
        let answer = run(client, settings, statement).await;
        self.is_awaited = false;
        answer
    }
}

impl Call<PostgresStore> for Claim<'_> {
    type Answer = Marked;

    /// One statement in its own transaction; the reply comes after its commit.
    async fn ask(&self, store: &PostgresStore, mut lease: Lease) -> Result<Marked, Failure> {
        let (Claim(mark), settings) = (self, &store.settings);
        let row = MarkRow::of(mark);
        let literals = [row.bucket.to_string(), bytes(&row.id), base64url(&row.value), row.keep_until.to_string()];
        if lease.run(settings, &with_literals(INSERT, &literals)).await?.0 == 1 {
            return Ok(Marked::First);
        }
        let (_, value) = lease.run(settings, &with_literals(FIND, &literals)).await?;
        mark.seen_after_insert(value.as_deref().map(str::as_bytes)).map_err(Failure::refused)
    }
}
