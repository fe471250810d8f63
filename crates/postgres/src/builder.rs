//! The configuration of a guard over Postgres.

use std::fmt;
use std::time::Duration;

use tokio_postgres::Socket;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};

use super::address::{Address, Mode, Tls};
use super::connection::PostgresStore;
use super::guard::PostgresGuard;
use super::hosts::time_for_each;
use super::settings::{Durability, Settings};
use super::transport::{self, Own, Transport};
use oauth_state::guard::GuardError;
use oauth_state::observe::Observers;
use oauth_state_guard_kit::{CredentialSource, Credentials, DEFAULT_BUDGET, Link, check_budget};

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
    credentials: Option<CredentialSource>,
    root_certificates: Option<Vec<u8>>,
    client_certificate: Option<(Vec<u8>, Vec<u8>)>,
    connector: Option<Own>,
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
    /// Configures a guard with an address: `postgres://user:password@host:5432/database`, or `host=… dbname=…` as libpq has
    /// it, with several hosts separated by commas and `?target_session_attrs=read-write` to select the current primary.
    ///
    /// | in the address | the connection |
    /// |---|---|
    /// | `sslmode=require`, `verify-ca` or `verify-full` | TLS (feature `tls`); the server's certificate and its name are verified for each of them |
    /// | `sslmode=disable`, or none | not encrypted; so are `allow` and `prefer`, because an attacker on the way could turn that TLS off |
    /// | `sslrootcert=/path/ca.pem` | these authorities instead of the operating system's (`system`) |
    /// | `sslcert=/path/client.pem`, `sslkey=/path/client.key` | the client's certificate and its key |
    ///
    /// The files are read for every connection. Over a Unix socket (`host=/var/run/postgresql`) there is no TLS, and these
    /// words are ignored, as in libpq.
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
            client_certificate: None,
            connector: None,
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
        self.credentials = Some(CredentialSource::fixed(Credentials::new(user, password)));
        self
    }

    /// Asks this function for the user and password before every connection, for a token of a cloud's identity service or a
    /// file that a sidecar rewrites. If it fails, no connection is made, and the next attempt asks again. Postgres checks
    /// them when a connection is made and not again, so [`Credentials::valid_for`] has no effect here.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_postgres::{Credentials, PostgresGuard};
    ///
    /// let guard = PostgresGuard::builder("postgres://db.internal/shop").credentials_from(|| async {
    ///     let token = std::fs::read_to_string("/run/secrets/postgres-token")?;
    ///     Ok::<_, std::io::Error>(Credentials::new("service", token.trim()))
    /// });
    /// assert!(guard.connect_lazily().is_ok()); // nothing was asked yet
    /// ```
    pub fn credentials_from<F, R, E>(mut self, ask: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<Credentials, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.credentials = Some(CredentialSource::new(ask));
        self
    }

    /// The certificates (PEM) of the authorities that issued the server's certificate, instead of the operating
    /// system's. An address without `?sslmode=verify-full` or `require` is then refused.
    #[cfg(feature = "tls")]
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.root_certificates = Some(pem.as_ref().to_vec());
        self
    }

    /// The client's certificate chain and its key (PEM), for a server that requires one. An address without
    /// `?sslmode=verify-full` or `require` is then refused.
    #[cfg(feature = "tls")]
    pub fn client_certificate(mut self, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.client_certificate = Some((certificate.as_ref().to_vec(), key.as_ref().to_vec()));
        self
    }

    /// Connects over TLS with your own connector for `tokio_postgres`, such as that of `postgres-native-tls`, or of
    /// `tokio-postgres-rustls` with a configuration of your own. The feature `tls` is not needed. Verifying the server is
    /// then up to the connector; a server without TLS is refused. Over a Unix socket there is no TLS.
    pub fn connector<T>(mut self, connector: T) -> Self
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        self.connector = Some(transport::own(connector));
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

    /// The observers of connections and of purged marks; see [`observe`](oauth_state::observe).
    pub fn observers(mut self, observers: Observers) -> Self {
        self.observers = observers;
        self
    }

    /// Leaves purging to another process that calls [`PostgresGuard::purge`], for a role that may not `TRUNCATE`.
    pub fn without_purging(mut self) -> Self {
        self.purge_every = None;
        self
    }

    /// Connects and checks that the server is a primary, that the table exists and keeps its rows after a crash, and, by
    /// trial claims that are rolled back, that each of its partitions keeps a mark once.
    ///
    /// Call it on the runtime that will call the guard.
    ///
    /// # Errors
    ///
    /// `Misconfigured` with the setting to change, `Unavailable` if the server cannot be reached, `Overloaded` if it has no
    /// connections left, or `Full` if its disk is.
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
        let Address { mut config, tls } = Address::read(&self.url)?;
        if !(1..=MOST_CONNECTIONS).contains(&self.connections) {
            return refuse("the number of connections must be 1 to 64");
        }
        check_budget(self.budget)?;
        if self.purge_every.is_some_and(|every| !(SHORTEST_PAUSE..=LONGEST_PAUSE).contains(&every)) {
            return refuse(
                "the purge interval must be 1 s to 1 day; to purge by yourself, use without_purging() and call purge()",
            );
        }
        let transport = match self.connector {
            Some(own)
                if tls == Tls::default() && self.root_certificates.is_none() && self.client_certificate.is_none() =>
            {
                Transport::Own(own)
            }
            Some(_) => return refuse("connector() replaces sslmode and certificates: leave them out"),
            None => verified_or_not(tls, self.root_certificates, self.client_certificate)?,
        };
        // Several hosts are tried in turn: a dead one must leave time for the next.
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(time_for_each(config.get_hosts().len().max(config.get_hostaddrs().len()).max(1)));
        }
        if config.get_application_name().is_none() {
            config.application_name("oauth-state");
        }
        Ok(PostgresStore::new(Settings {
            config,
            credentials: self.credentials,
            transport,
            connections: self.connections,
            budget: self.budget,
            durability: self.durability,
            create_tables: self.create_tables,
            purge_every: self.purge_every,
            observers: self.observers,
        }))
    }
}

/// The transport that the address and the builder ask for.
#[cfg(feature = "tls")]
fn verified_or_not(
    tls: Tls,
    root_certificates: Option<Vec<u8>>,
    client_certificate: Option<(Vec<u8>, Vec<u8>)>,
) -> Result<Transport, GuardError> {
    use super::tls::{Certificates, Pem, connector};
    if tls.mode != Mode::Verified {
        if root_certificates.is_some() || client_certificate.is_some() {
            return Err(GuardError::misconfigured("certificates need an address with ?sslmode=verify-full"));
        }
        return Ok(Transport::Unencrypted);
    }
    let mut certificates = Certificates::of(tls);
    if let Some(pem) = root_certificates {
        certificates.roots = Some(Pem::Text(pem));
    }
    if let Some((certificate, key)) = client_certificate {
        certificates.client = Some((Pem::Text(certificate), Pem::Text(key)));
    }
    // A file that is missing, or has no certificate, is found before the first connection.
    connector(&certificates)?;
    Ok(Transport::Verified(std::sync::Arc::new(certificates)))
}

#[cfg(not(feature = "tls"))]
#[expect(clippy::needless_pass_by_value, reason = "the other form keeps them")]
fn verified_or_not(tls: Tls, _: Option<Vec<u8>>, _: Option<(Vec<u8>, Vec<u8>)>) -> Result<Transport, GuardError> {
    match tls.mode {
        Mode::Verified => Err(GuardError::misconfigured(
            "sslmode=require, verify-ca and verify-full need TLS: enable the feature `tls` of oauth-state-postgres, or use connector()",
        )),
        Mode::NotSaid | Mode::Off => Ok(Transport::Unencrypted),
    }
}
