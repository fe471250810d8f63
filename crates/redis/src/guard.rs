//! The guard.

use std::fmt;
use std::sync::PoisonError;
use std::time::Duration;

use super::claim::key;
use super::cluster::Cluster;
use super::connection::RedisStore;
use super::examine::examine;
use super::server::RedisServer;
use oauth_state::ReplayGuard;
use oauth_state::guard::{GuardError, Mark, MarkFuture, Marked};
use oauth_state_guard_kit::{Call, Claim, Examined, Link, ask};

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
    pub(super) servers: Servers,
    pub(super) budget: Duration,
}

/// The connections of a guard.
#[derive(Clone)]
pub(super) enum Servers {
    One(Link<RedisStore>),
    Cluster(Cluster),
}

impl Servers {
    /// Makes a call for this key, which the function makes from the prefix.
    pub(super) async fn ask<C: Call<RedisStore>>(
        &self,
        key: impl FnOnce(&str) -> String,
        call: &C,
        budget: Duration,
    ) -> Result<C::Answer, GuardError> {
        match self {
            Self::One(link) => ask(link, call, budget).await,
            Self::Cluster(cluster) => cluster.ask(&key(cluster.prefix()), call, budget).await,
        }
    }
}

impl RedisGuard {
    /// The server's report at the last connect; `None` while there is no connection. For a cluster, that of a primary that
    /// evicts, if there is one.
    #[must_use]
    pub fn server(&self) -> Option<RedisServer> {
        let report = |link: &Link<RedisStore>| {
            let last = link.store().server.lock().unwrap_or_else(PoisonError::into_inner);
            last.clone().filter(|_| link.is_up())
        };
        match &self.servers {
            Servers::One(link) => report(link),
            Servers::Cluster(cluster) => {
                let reports: Vec<_> = cluster.links().iter().filter_map(report).collect();
                let evicts = |report: &&RedisServer| report.maxmemory_policy.as_deref() != Some("noeviction");
                reports.iter().find(evicts).or(reports.first()).cloned()
            }
        }
    }

    /// Checks the server now, over new connections, as `oauth-state doctor` does: for a health endpoint that only your
    /// operators can reach. It leaves one trial mark, which expires by itself.
    ///
    /// # Errors
    ///
    /// [`GuardError`] if the server cannot be reached or asked.
    pub async fn examine(&self) -> Result<Examined, GuardError> {
        match &self.servers {
            Servers::One(link) => examine(&[link.store()]).await,
            Servers::Cluster(cluster) => examine(&cluster.stores().await?.iter().collect::<Vec<_>>()).await,
        }
    }

    async fn claim(&self, mark: &Mark) -> Result<Marked, GuardError> {
        mark.refuse_if_over()?;
        self.servers.ask(|prefix| key(prefix, mark.id()), &Claim(mark), self.budget).await
    }
}

impl ReplayGuard for RedisGuard {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        MarkFuture::new(self.claim(mark))
    }
}

impl fmt::Debug for RedisGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RedisGuard");
        match &self.servers {
            Servers::One(link) => shown.field("link", link),
            Servers::Cluster(cluster) => shown.field("links", &cluster.links()),
        };
        shown.field("budget", &self.budget).finish()
    }
}
