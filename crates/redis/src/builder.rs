//! How a guard over Redis is configured.

use std::fmt;
use std::time::Duration;

use super::address::{self, Credentials, Options};
use super::any_connection::AnyConnection;
use super::connection::{Connector, RedisStore};
use super::guard::RedisGuard;
use super::server::OnEvictingServer;
use oauth_state::guard::GuardError;
use oauth_state_guard_kit::{DEFAULT_BUDGET, Link, check_budget};

/// The prefix of all keys, unless [`RedisGuardBuilder::prefix`] says otherwise.
pub const DEFAULT_PREFIX: &str = "oauth-state:";
const LONGEST_PREFIX: usize = 64;

/// Configures a [`RedisGuard`].
///
/// # Examples
///
/// ```
/// use oauth_state_redis::RedisGuard;
/// use std::time::Duration;
/// let guard = RedisGuard::builder("redis+sentinel://10.0.0.1:26379,10.0.0.2:26379/mymaster")
///     .credentials("oauth-state", "a password from the secret manager")
///     .budget(Duration::from_millis(200))
///     .connect_lazily()?;
/// assert!(!format!("{guard:?}").contains("password"));
/// # Ok::<(), oauth_state::guard::GuardError>(())
/// ```
#[must_use = "nothing connects before connect() or connect_lazily()"]
pub struct RedisGuardBuilder {
    from: From,
    options: Options,
    prefix: String,
    budget: Duration,
    evicting: OnEvictingServer,
}

enum From {
    Url(String),
    Connection(AnyConnection),
}

impl fmt::Debug for RedisGuardBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisGuardBuilder").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl RedisGuard {
    /// Begins with an address:
    ///
    /// | address | what it is |
    /// |---|---|
    /// | `redis://user:password@host:6379/0` | one server |
    /// | `rediss://host:6380` | the same over TLS (feature `tls`) |
    /// | `redis+sentinel://host:26379,host:26379/mymaster` | the primary that the sentinels name |
    /// | `redis+cluster://host:6379,host:6379` | a cluster, found through any of its nodes |
    ///
    /// `rediss+sentinel` and `rediss+cluster` are the last two over TLS. A password is better given to
    /// [`RedisGuardBuilder::credentials`] than written into an address.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_redis::RedisGuard;
    /// let builder = RedisGuard::builder("redis://127.0.0.1:6379").prefix("shop:used:");
    /// assert!(builder.connect_lazily().is_ok());
    /// ```
    pub fn builder(url: impl Into<String>) -> RedisGuardBuilder {
        RedisGuardBuilder::at(url.into())
    }

    /// Begins with a connection of the caller's own: multiplexed, a `ConnectionManager`, or a cluster's.
    ///
    /// How it reconnects is then the caller's: a plain `MultiplexedConnection` never comes back from a server that died; a
    /// `ConnectionManager` does. Read from the primary only.
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
    /// assert!(guard.server().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_connection(
        connection: impl redis::aio::ConnectionLike + Clone + Send + Sync + 'static,
    ) -> RedisGuardBuilder {
        RedisGuardBuilder::over(AnyConnection::new(connection))
    }
}

impl RedisGuardBuilder {
    fn at(url: String) -> Self {
        Self::new(From::Url(url))
    }

    fn over(connection: AnyConnection) -> Self {
        Self::new(From::Connection(connection))
    }

    fn new(from: From) -> Self {
        Self {
            from,
            options: Options::default(),
            prefix: DEFAULT_PREFIX.to_owned(),
            budget: DEFAULT_BUDGET,
            evicting: OnEvictingServer::default(),
        }
    }

    /// What every key begins with, `oauth-state:` by default: 1 to 64 printable characters and no `{`, which would put every
    /// mark of a cluster on one node.
    ///
    /// Give each environment of each application a prefix of its own, such as `shop:production:`, and a Redis user that is limited to it
    /// (`~shop:production:*`). Under a shared prefix a test in staging can delete production's marks, after which used states work
    /// again. The memory limit is the server's: only a server of its own keeps another environment from filling it. A guard with a new
    /// prefix does not know the marks under the old one.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_redis::RedisGuard;
    /// let guard = |prefix: &str| RedisGuard::builder("redis://localhost").prefix(prefix).connect_lazily();
    /// assert!(guard("shop:used:").is_ok());
    /// assert!(guard("{shop}:").is_err());
    /// ```
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long a claim may take altogether, 300 ms by default and 1 ms to 60 s: waiting for a connection, asking, and one retry.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_redis::RedisGuard;
    /// use std::time::Duration;
    /// assert!(RedisGuard::builder("redis://localhost").budget(Duration::from_millis(100)).connect_lazily().is_ok());
    /// assert!(RedisGuard::builder("redis://localhost").budget(Duration::MAX).connect_lazily().is_err());
    /// ```
    pub fn budget(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }

    /// The user and password for the servers, instead of those in the address. The least rights that serve:
    /// `~oauth-state:* resetchannels -@all +set +get +ping +info`, for a cluster `+cluster` as well, and for a database other than 0 `+select`.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_redis::RedisGuard;
    /// let builder = RedisGuard::builder("redis://localhost").credentials("oauth-state", "secret");
    /// assert!(!format!("{builder:?}").contains("secret"));
    /// ```
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.options.credentials = Some(Credentials { user: user.into(), password: password.into() });
        self
    }

    /// The user and password for the sentinels themselves, if they want any.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_redis::RedisGuard;
    /// let builder = RedisGuard::builder("redis+sentinel://localhost/mymaster").sentinel_credentials("watch", "secret");
    /// assert!(builder.connect_lazily().is_ok());
    /// ```
    pub fn sentinel_credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.options.sentinel_credentials = Some(Credentials { user: user.into(), password: password.into() });
        self
    }

    /// The certificates (PEM) that vouch for the servers over TLS, instead of the operating system's.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_redis::RedisGuard;
    /// // Without TLS they would check nothing.
    /// assert!(RedisGuard::builder("redis://localhost").root_certificates("a certificate in PEM").connect_lazily().is_err());
    /// ```
    #[cfg(feature = "tls")]
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.options.root_certificates = Some(pem.as_ref().to_vec());
        self
    }

    /// What to do with a server whose `maxmemory-policy` is not `noeviction`: refuse it, unless told otherwise.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_redis::{OnEvictingServer, RedisGuard};
    /// let builder = RedisGuard::builder("redis://localhost").on_evicting_policy(OnEvictingServer::DangerouslyWarn);
    /// assert!(builder.connect_lazily().is_ok());
    /// ```
    pub fn on_evicting_policy(mut self, policy: OnEvictingServer) -> Self {
        self.evicting = policy;
        self
    }

    /// Connects and looks at the server: whether it is a primary that evicts nothing, and how it is claimed from.
    ///
    /// Run it on the runtime that will ask the guard.
    ///
    /// # Errors
    ///
    /// `Misconfigured` with what to change, or `Unavailable`.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::guard::GuardErrorKind;
    /// use oauth_state_redis::RedisGuard;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let nobody_listens = RedisGuard::builder("redis://127.0.0.1:1").connect().await.unwrap_err();
    /// assert_eq!(nobody_listens.kind(), GuardErrorKind::Unavailable);
    /// # });
    /// ```
    pub async fn connect(self) -> Result<RedisGuard, GuardError> {
        let (store, budget) = self.store()?;
        Ok(RedisGuard { link: Link::open(store).await?, budget })
    }

    /// Connects when the first callback comes, for a service that must start while its store is down. What is wrong with the
    /// server is then found out late, and every callback is refused until it is put right.
    ///
    /// # Errors
    ///
    /// `Misconfigured` for an address or a setting that cannot work.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_redis::RedisGuard;
    /// assert!(RedisGuard::builder("redis://127.0.0.1:1").connect_lazily().is_ok());
    /// assert!(RedisGuard::builder("http://127.0.0.1:1").connect_lazily().is_err());
    /// ```
    pub fn connect_lazily(self) -> Result<RedisGuard, GuardError> {
        let (store, budget) = self.store()?;
        Ok(RedisGuard { link: Link::lazy(store), budget })
    }

    pub(super) fn store(self) -> Result<(RedisStore, Duration), GuardError> {
        let Self { from, options, prefix, budget, evicting } = self;
        let printable = prefix.bytes().all(|byte| byte.is_ascii_graphic());
        if prefix.is_empty() || prefix.len() > LONGEST_PREFIX || !printable || prefix.contains('{') {
            return Err(GuardError::misconfigured("a prefix has 1 to 64 printable characters and no `{`"));
        }
        check_budget(budget)?;
        let connector = match from {
            From::Url(url) => address::connector(&url, &options)?,
            From::Connection(connection) => Connector::Given(connection),
        };
        Ok((RedisStore::new(connector, prefix, evicting), budget))
    }
}
