//! The configuration of a guard over Postgres.

use std::fmt;
use std::time::Duration;

use tokio_postgres::Config;

use super::connection::PostgresStore;
use super::guard::PostgresGuard;
use super::settings::{Durability, Settings};
use oauth_state::guard::GuardError;
use oauth_state::observe::Observers;
use oauth_state_guard_kit::{CONNECT_TIME, DEFAULT_BUDGET, Link, check_budget};

const DEFAULT_CONNECTIONS: usize = 4;
const MOST_CONNECTIONS: usize = 64;
const PURGE_EVERY: Duration = Duration::from_secs(60);
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3_600);

/// Configures a [`PostgresGuard`].
///
/// # Examples
///
/// ```
/// use oauth_state_postgres::PostgresGuard;
/// use std::time::Duration;
///
/// let guard = PostgresGuard::builder("postgres://10.0.0.1,10.0.0.2/shop?target_session_attrs=read-write")
///     .credentials("service", "a password from the secret manager")
///     .connections(8)
///     .budget(Duration::from_millis(500))
///     .connect_lazily()?; // or .connect().await?
/// # Ok::<(), oauth_state::guard::GuardError>(())
/// ```
#[must_use = "call connect() or connect_lazily()"]
pub struct PostgresGuardBuilder {
    url: String,
    credentials: Option<(String, String)>,
    root_certificates: Option<Vec<u8>>,
    connections: usize,
    budget: Duration,
    durability: Durability,
    create_tables: bool,
    purge_every: Option<Duration>,
    observers: Observers,
}

impl fmt::Debug for PostgresGuardBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresGuardBuilder").field("connections", &self.connections).finish_non_exhaustive()
    }
}

impl PostgresGuard {
    /// Configures a guard with an address: `postgres://user:password@host:5432/database`, with several hosts separated
    /// by commas and `?target_session_attrs=read-write` to select the current primary. With `?sslmode=require` the
    /// guard uses TLS and verifies the server's certificate (feature `tls`); without it, it does not use TLS.
    ///
    /// The table is in the first schema of the session's `search_path`. Give each environment of each application its
    /// own database, or its own schema and role: `?options=-csearch_path%3Dshop_production`. With a shared table, a
    /// test in staging can delete production's marks, after which used states work again, and a migration changes the
    /// table for all.
    pub fn builder(url: impl Into<String>) -> PostgresGuardBuilder {
        PostgresGuardBuilder::at(url.into())
    }
}

impl PostgresGuardBuilder {
    fn at(url: String) -> Self {
        Self {
            url,
            credentials: None,
            root_certificates: None,
            connections: DEFAULT_CONNECTIONS,
            budget: DEFAULT_BUDGET,
            durability: Durability::Durable,
            create_tables: false,
            purge_every: Some(PURGE_EVERY),
            observers: Observers::default(),
        }
    }

    /// Sets the user and password, instead of those in the address. `Debug` does not show them.
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some((user.into(), password.into()));
        self
    }

    /// The certificates (PEM) of the authorities that issued the server's certificate, instead of the operating
    /// system's. An address without `?sslmode=require` is then refused.
    #[cfg(feature = "tls")]
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.root_certificates = Some(pem.as_ref().to_vec());
        self
    }

    /// How many connections serve all callers, 4 by default and 1 to 64. A commit lasts about as long as a disk write,
    /// and commits on one connection wait for each other.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// The time limit of a claim, 300 ms by default and 1 ms to 60 s: it covers waiting for a connection, the statement
    /// and one retry. It is also the time limit of the statements, and a quarter of it is their limit for a lock.
    pub fn budget(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }

    /// Answers before a mark is on disk. This allows more claims per second, but a crash of the database loses the most
    /// recent marks, whose states then work twice. `docs/guards.md` has the figures.
    ///
    /// # Security
    ///
    /// This opens the second of the four loss windows. The state still needs its browser's cookie and an unused code.
    pub fn synchronous_commit_off(mut self) -> Self {
        self.durability = Durability::SynchronousCommitOff;
        self
    }

    /// Creates the tables if they are missing, with [`SCHEMA`](super::SCHEMA). The role needs the right to do so.
    pub fn create_tables(mut self) -> Self {
        self.create_tables = true;
        self
    }

    /// How often expired marks are purged, once a minute by default: every second to every day.
    pub fn purge_every(mut self, every: Duration) -> Self {
        self.purge_every = Some(every);
        self
    }

    /// The observers of purged marks; see [`observe`](oauth_state::observe).
    pub fn observers(mut self, observers: Observers) -> Self {
        self.observers = observers;
        self
    }

    /// Leaves purging to another process that calls [`PostgresGuard::purge`], for a role that may not `TRUNCATE`.
    pub fn without_purging(mut self) -> Self {
        self.purge_every = None;
        self
    }

    /// Connects and checks that the server is a primary, that the table exists, and that the table keeps its rows after
    /// a crash.
    ///
    /// Call it on the runtime that will call the guard.
    ///
    /// # Errors
    ///
    /// `Misconfigured` with the setting to change, or `Unavailable` if the server cannot be reached.
    pub async fn connect(self) -> Result<PostgresGuard, GuardError> {
        Ok(PostgresGuard::over(Link::open(self.store()?).await?))
    }

    /// Connects at the first callback, for a service that must start while its database is down. Problems of the
    /// database are then found late, and every callback is refused until they are fixed.
    ///
    /// # Errors
    ///
    /// `Misconfigured` for an address or a setting that cannot work.
    pub fn connect_lazily(self) -> Result<PostgresGuard, GuardError> {
        Ok(PostgresGuard::over(Link::lazy(self.store()?)))
    }

    pub(super) fn store(self) -> Result<PostgresStore, GuardError> {
        let refuse = |reason: &'static str| Err(GuardError::misconfigured(reason));
        // The parser's error may quote the address with its password.
        let Ok(mut config) = self.url.parse::<Config>() else {
            return refuse(
                "invalid address; expected postgres://user@host:5432/database, with sslmode disable, prefer or require (require \
                 verifies the server's certificate and name)",
            );
        };
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return refuse("the address has no host; expected postgres://user@host:5432/database");
        }
        if !(1..=MOST_CONNECTIONS).contains(&self.connections) {
            return refuse("the number of connections must be 1 to 64");
        }
        check_budget(self.budget)?;
        if self.purge_every.is_some_and(|every| !(SHORTEST_PAUSE..=LONGEST_PAUSE).contains(&every)) {
            return refuse(
                "the purge interval must be 1 s to 1 day; to purge by yourself, use without_purging() and call purge()",
            );
        }
        let tls = config.get_ssl_mode() == tokio_postgres::config::SslMode::Require;
        if self.root_certificates.is_some() && !tls {
            return refuse("root certificates need an address with ?sslmode=require");
        }
        if let Some((user, password)) = self.credentials {
            config.user(user).password(password);
        }
        // Several hosts are tried in turn: a dead one must leave time for the next.
        if config.get_connect_timeout().is_none() {
            let hosts = u32::try_from(config.get_hosts().len().max(1)).unwrap_or(u32::MAX);
            config.connect_timeout(CONNECT_TIME.checked_div(hosts.saturating_add(1)).unwrap_or(CONNECT_TIME));
        }
        if config.get_application_name().is_none() {
            config.application_name("oauth-state");
        }
        Ok(PostgresStore::new(Settings {
            config,
            root_certificates: self.root_certificates,
            connections: self.connections,
            budget: self.budget,
            durability: self.durability,
            create_tables: self.create_tables,
            purge_every: self.purge_every,
            observers: self.observers,
        }))
    }
}
