//! A replay guard and a payload store for [`oauth_state`] over Redis or Valkey: one server, Sentinel or a cluster.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test may fail"))]

mod address;
mod builder;
mod claim;
mod connection;
mod examine;
mod payload_store;
mod row_calls;
mod server;

use std::fmt;
use std::sync::PoisonError;
use std::time::Duration;

pub use builder::{DEFAULT_PREFIX, OnEvictingServer, RedisGuardBuilder};
pub use oauth_state_guard_kit::{Examined, Flaw};
pub use payload_store::RedisPayloadStore;
/// The crate of [`RedisGuard::from_connection`]'s argument.
pub use redis;

use connection::{AnyConnection, RedisStore};
use oauth_state::ReplayGuard;
use oauth_state::guard::{Mark, MarkFuture};
use oauth_state_guard_kit::{Link, claim as claim_over};

/// Remembers used states in Redis (6.2 and later) or Valkey, for all servers of a fleet.
///
/// One command for each callback that passed every other check, `SET … PX … NX`, and a `GET` where the id was used; one key
/// for each, which ends by itself. Over a single server, TLS, Sentinel or a cluster. A clone shares the connection.
///
/// Every claim has a time budget (300 ms), its one retry included. While the store is down, claims are refused at once; it
/// is tried again in the background, with growing pauses, and after each reconnection it is looked at again.
///
/// # Security
///
/// An id is first twice only if the store lost its mark: it was wiped; it restarted without what it had persisted; a replica
/// was promoted that lacked the last writes; it evicts what is alive (`maxmemory-policy` other than `noeviction`).
/// `docs/guards.md` has a test for each.
///
/// # Examples
///
/// ```no_run
/// use oauth_state::{App, Flow, KeyRing, Provider};
/// use oauth_state_redis::RedisGuard;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let guard = RedisGuard::builder("redis://127.0.0.1:6379").connect().await?;
/// let flow = Flow::builder(App::new("shop", "production")?, KeyRing::from_env()?, guard)
///     .provider(Provider::github())
///     .build()?;
/// assert_eq!(flow.fingerprint().len(), 16);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisGuard {
    link: Link<RedisStore>,
    budget: Duration,
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

    /// What the server said of itself when it was connected to last; `None` while there is no connection.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_redis::RedisGuard;
    /// let guard = RedisGuard::builder("redis://127.0.0.1:6379").connect_lazily()?;
    /// assert!(guard.server().is_none());
    /// # Ok::<(), oauth_state::guard::GuardError>(())
    /// ```
    #[must_use]
    pub fn server(&self) -> Option<RedisServer> {
        let last = self.link.store().server.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone().filter(|_| self.link.is_up())
    }
}

impl ReplayGuard for RedisGuard {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        MarkFuture::new(claim_over(&self.link, mark, self.budget))
    }
}

impl fmt::Debug for RedisGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisGuard").field("link", &self.link).field("budget", &self.budget).finish()
    }
}

/// What a server said of itself.
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> Result<(), oauth_state::guard::GuardError> {
/// let guard = oauth_state_redis::RedisGuard::builder("redis://127.0.0.1:6379").connect().await?;
/// let server = guard.server().expect("connected");
/// assert_eq!(server.maxmemory_policy.as_deref(), Some("noeviction"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisServer {
    /// Such as `redis 7.0.15` or `valkey 9.1.2`; `None` if INFO was refused. Of a cluster, that of one node.
    pub version: Option<String>,
    /// `maxmemory-policy`; `None` if INFO was refused. Of a cluster, the first that evicts.
    pub maxmemory_policy: Option<String>,
}
