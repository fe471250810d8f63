//! The configuration of a guard over Redis.

use std::fmt;
use std::time::Duration;

use super::address::{self, Options, Target};
use super::any_connection::AnyConnection;
use super::cluster::Cluster;
use super::connection::{Connector, RedisStore, Settings};
use super::guard::{RedisGuard, Servers};
use super::server::OnEvictingServer;
use oauth_state::guard::GuardError;
use oauth_state::observe::Observers;
use oauth_state_guard_kit::{CredentialSource, Credentials, DEFAULT_BUDGET, Examined, Link, check_budget};

/// The prefix of all keys, unless you set another with [`RedisGuardBuilder::prefix`].
pub const DEFAULT_PREFIX: &str = "oauth-state:";
const LONGEST_PREFIX: usize = 64;

/// Configures a [`RedisGuard`].
///
/// # Examples
///
/// ```
/// use oauth_state_redis::RedisGuard;
/// use std::time::Duration;
///
/// let guard = RedisGuard::builder("redis+sentinel://10.0.0.1:26379,10.0.0.2:26379/mymaster")
///     .credentials("oauth-state", "a password from the secret manager")
///     .prefix("shop:production:")
///     .budget(Duration::from_millis(200))
///     .connect_lazily()?; // or .connect().await?
/// assert!(guard.server().is_none()); // not connected yet
/// # Ok::<(), oauth_state::guard::GuardError>(())
/// ```
#[must_use = "call connect() or connect_lazily()"]
pub struct RedisGuardBuilder {
    from: From,
    options: Options,
    prefix: String,
    budget: Duration,
    evicting: OnEvictingServer,
    observers: Observers,
}

enum From {
    Url(String),
    /// And whether it leads to a cluster.
    Connection(AnyConnection, bool),
}

impl fmt::Debug for RedisGuardBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisGuardBuilder").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl RedisGuard {
    /// Configures a guard with an address:
    ///
    /// | address | server |
    /// |---|---|
    /// | `redis://user:password@host:6379/0` | one server |
    /// | `rediss://host:6380` | the same over TLS (feature `tls`) |
    /// | `redis+sentinel://host:26379,host:26379/mymaster` | the primary that the sentinels name |
    /// | `redis+cluster://host:6379,host:6379` | a cluster, found through any of its nodes |
    /// | `unix:///run/redis.sock?db=0&user=…&pass=…` | one server over a Unix socket |
    ///
    /// `rediss+sentinel` and `rediss+cluster` are the last two over TLS. Prefer [`RedisGuardBuilder::credentials`] to a
    /// password in the address.
    pub fn builder(url: impl Into<String>) -> RedisGuardBuilder {
        RedisGuardBuilder::at(url.into())
    }

    /// Configures a guard with your own connection: multiplexed, or a `ConnectionManager`. For that of a cluster, use
    /// [`RedisGuard::from_cluster_connection`].
    ///
    /// The connection decides how it reconnects: a plain `MultiplexedConnection` never recovers after its server died,
    /// a `ConnectionManager` does. Let it read only from the primary.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use oauth_state_redis::{RedisGuard, redis};
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = redis::Client::open("redis://127.0.0.1:6379")?;
    /// let connection = client.get_multiplexed_async_connection().await?;
    /// let guard = RedisGuard::from_connection(connection).connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_connection(
        connection: impl redis::aio::ConnectionLike + Clone + Send + Sync + 'static,
    ) -> RedisGuardBuilder {
        RedisGuardBuilder::new(From::Connection(AnyConnection::new(connection), false))
    }

    /// Configures a guard with your own connection to a cluster, such as `redis::cluster_async::ClusterConnection`: a
    /// node that fails does not count as an outage of all.
    ///
    /// That client holds every call back while it refreshes its map, so claims can be refused for a moment although their
    /// own node is up. A `redis+cluster://` address has a connection for each primary and does not.
    pub fn from_cluster_connection(
        connection: impl redis::aio::ConnectionLike + Clone + Send + Sync + 'static,
    ) -> RedisGuardBuilder {
        RedisGuardBuilder::new(From::Connection(AnyConnection::new(connection), true))
    }
}

impl RedisGuardBuilder {
    fn at(url: String) -> Self {
        Self::new(From::Url(url))
    }

    fn new(from: From) -> Self {
        Self {
            from,
            options: Options::default(),
            prefix: DEFAULT_PREFIX.to_owned(),
            budget: DEFAULT_BUDGET,
            evicting: OnEvictingServer::default(),
            observers: Observers::default(),
        }
    }

    /// Sets the prefix of every key, `oauth-state:` by default: 1 to 64 printable characters without `{`, which would
    /// put every mark of a cluster on one node.
    ///
    /// Give each environment of each application its own prefix, such as `shop:production:`, and a Redis user that is
    /// limited to it (`~shop:production:*`). With a shared prefix, a test in staging can delete production's marks,
    /// after which used states work again. The memory limit belongs to the server: only a separate server keeps another
    /// environment from filling it. A guard with a new prefix does not see the marks under the old one.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The time limit of a claim, 300 ms by default and 1 ms to 60 s: it covers waiting for a connection, the command
    /// and one retry.
    pub fn budget(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }

    /// Sets the user and password for the servers, instead of those in the address. `Debug` does not show them. The
    /// minimal rights are `~oauth-state:* resetchannels -@all +set +get +ping +info`; a cluster also needs
    /// `+cluster|slots` (Redis 6.2: `+cluster`) and `+asking`, and a database other than 0 needs `+select`.
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.options.credentials = Some(CredentialSource::fixed(Credentials::new(user, password)));
        self
    }

    /// Asks this function for the user and password before every connection: for a token of a cloud's identity service, or
    /// a file that a sidecar rewrites. With [`Credentials::valid_for`], open connections are authenticated again when three
    /// quarters of that time are over. If the function fails, no connection is made, and the next attempt asks again.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_redis::{Credentials, RedisGuard};
    /// use std::time::Duration;
    ///
    /// let guard = RedisGuard::builder("redis://127.0.0.1:6379").credentials_from(|| async {
    ///     let token = std::fs::read_to_string("/run/secrets/redis-token")?;
    ///     Ok::<_, std::io::Error>(Credentials::new("oauth-state", token.trim()).valid_for(Duration::from_secs(900)))
    /// });
    /// assert!(guard.connect_lazily().is_ok()); // nothing was asked yet
    /// ```
    pub fn credentials_from<F, R, E>(mut self, ask: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<Credentials, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.options.credentials = Some(CredentialSource::new(ask));
        self
    }

    /// Sets the user and password for the sentinels, if they require any.
    pub fn sentinel_credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.options.sentinel_credentials = Some(Credentials::new(user, password));
        self
    }

    /// The certificates (PEM) of the authorities that issued the servers' certificates, instead of the operating
    /// system's. An address without TLS is then refused.
    #[cfg(feature = "tls")]
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.options.root_certificates = Some(pem.as_ref().to_vec());
        self
    }

    /// The client's certificate chain and its key (PEM), for servers that require one (`tls-auth-clients yes`). An address
    /// without TLS is then refused.
    #[cfg(feature = "tls")]
    pub fn client_certificate(mut self, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.options.client_certificate = Some((certificate.as_ref().to_vec(), key.as_ref().to_vec()));
        self
    }

    /// The reaction to a server whose `maxmemory-policy` is not `noeviction`. By default the guard refuses it.
    pub fn on_evicting_policy(mut self, policy: OnEvictingServer) -> Self {
        self.evicting = policy;
        self
    }

    /// The observers of connections; see [`observe`](oauth_state::observe).
    pub fn observers(mut self, observers: Observers) -> Self {
        self.observers = observers;
        self
    }

    /// Connects and checks that the server is a primary, that it evicts nothing, and that it accepts a claim.
    ///
    /// Call it on the runtime that will call the guard.
    ///
    /// # Errors
    ///
    /// `Misconfigured` with the setting to change, or `Unavailable` if the server cannot be reached.
    pub async fn connect(self) -> Result<RedisGuard, GuardError> {
        let budget = self.budget;
        let servers = match self.target()? {
            Connecting::One(store) => Servers::One(Link::open(*store).await?),
            Connecting::Cluster(cluster) => {
                cluster.connect().await?;
                Servers::Cluster(cluster)
            }
        };
        Ok(RedisGuard { servers, budget })
    }

    /// Connects at the first callback, for a service that must start while its store is down. Problems of the server
    /// are then found late, and every callback is refused until they are fixed.
    ///
    /// # Errors
    ///
    /// `Misconfigured` for an address or a setting that cannot work.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{App, Binding, Flow, Login, Provider, testing};
    /// use oauth_state_redis::RedisGuard;
    ///
    /// let guard = RedisGuard::builder("redis://127.0.0.1:1").connect_lazily()?; // no server listens there
    /// let builder = Flow::builder(App::new("shop", "test")?, testing::ring(), guard);
    /// let flow = builder.provider(Provider::github()).build()?;
    /// // A login start needs no guard; callbacks are refused until the store can be reached.
    /// assert!(flow.begin(Binding::session(&[7; 16])?, Login::with("github")).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connect_lazily(self) -> Result<RedisGuard, GuardError> {
        let budget = self.budget;
        let servers = match self.target()? {
            Connecting::One(store) => Servers::One(Link::lazy(*store)),
            Connecting::Cluster(cluster) => Servers::Cluster(cluster),
        };
        Ok(RedisGuard { servers, budget })
    }

    /// Checks the server for `oauth-state doctor` and health checks, and continues after flaws for which a guard would
    /// refuse the server. It leaves one trial mark, which expires by itself.
    ///
    /// # Errors
    ///
    /// [`GuardError`] if the server cannot be reached or asked.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use oauth_state_redis::RedisGuard;
    ///
    /// # async fn example() -> Result<(), oauth_state::guard::GuardError> {
    /// let examined = RedisGuard::builder("redis://127.0.0.1:6379").examine().await?;
    /// for flaw in &examined.flaws {
    ///     eprintln!("{}: {}; {}", flaw.name, flaw.found, flaw.remedy);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn examine(self) -> Result<Examined, GuardError> {
        self.connect_lazily()?.examine().await
    }

    fn target(self) -> Result<Connecting, GuardError> {
        let Self { from, options, prefix, budget, evicting, observers } = self;
        let printable = prefix.bytes().all(|byte| byte.is_ascii_graphic());
        if prefix.is_empty() || prefix.len() > LONGEST_PREFIX || !printable || prefix.contains('{') {
            return Err(GuardError::misconfigured("the prefix must be 1 to 64 printable characters without `{`"));
        }
        check_budget(budget)?;
        let (url, settings) = match from {
            From::Url(url) => {
                let is_over_tls = url.starts_with("rediss");
                (url, Settings { prefix, evicting, credentials: options.credentials.clone(), observers, is_over_tls })
            }
            From::Connection(connection, is_cluster) => {
                let settings = Settings { prefix, evicting, credentials: None, observers, is_over_tls: false };
                return Ok(Connecting::one(Connector::Given(connection, is_cluster), settings));
            }
        };
        Ok(match address::target(&url, &options)? {
            Target::Server(server) => Connecting::one(Connector::Single(*server), settings),
            Target::Sentinels(client) => Connecting::one(Connector::Sentinel(client), settings),
            Target::Cluster(nodes) => Connecting::Cluster(Cluster::new(nodes, settings)?),
        })
    }
}

/// What to connect to.
enum Connecting {
    One(Box<RedisStore>),
    Cluster(Cluster),
}

impl Connecting {
    fn one(connector: Connector, settings: Settings) -> Self {
        Self::One(Box::new(RedisStore::new(connector, settings)))
    }
}
