//! The guard.

use std::fmt;
use std::sync::PoisonError;
use std::time::Duration;

use super::connection::RedisStore;
use super::server::RedisServer;
use oauth_state::ReplayGuard;
use oauth_state::guard::{Mark, MarkFuture};
use oauth_state_guard_kit::{Link, claim};

/// Remembers used states in Redis (6.2 and later) or Valkey, for all servers of a service.
///
/// It sends one `SET … PX … NX` for each callback that passed every other check, and a `GET` if the id was used. Each
/// mark is one key, which expires by itself. The store is a single server, Sentinel or a cluster, with or without TLS.
/// A clone shares the connection.
///
/// Every claim has a time budget (300 ms), including its one retry. While the store is down, claims are refused at
/// once. The guard reconnects in the background, with growing pauses, and checks the server after each reconnection.
///
/// # Security
///
/// An id is accepted twice only if the store lost its mark: it was wiped, it restarted before it persisted the mark, a
/// promoted replica lacked the last writes, or it evicts live keys (`maxmemory-policy` other than `noeviction`).
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
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisGuard {
    pub(super) link: Link<RedisStore>,
    pub(super) budget: Duration,
}

impl RedisGuard {
    /// The server's report at the last connect; `None` while there is no connection.
    #[must_use]
    pub fn server(&self) -> Option<RedisServer> {
        let last = self.link.store().server.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone().filter(|_| self.link.is_up())
    }
}

impl ReplayGuard for RedisGuard {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        MarkFuture::new(claim(&self.link, mark, self.budget))
    }
}

impl fmt::Debug for RedisGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisGuard").field("link", &self.link).field("budget", &self.budget).finish()
    }
}
