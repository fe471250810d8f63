//! The guard.

use std::fmt;

use super::connection::PostgresStore;
use super::purge::{self, Purged};
use oauth_state::ReplayGuard;
use oauth_state::guard::{GuardError, Mark, MarkFuture};
use oauth_state_guard_kit::{Link, claim};

/// Remembers used states in Postgres (11 and later), for all servers of a service.
///
/// It sends one `INSERT … ON CONFLICT DO NOTHING` for each callback that passed every other check, and answers after
/// its commit. Its own connections (4) serve all callers. Every claim has a time budget (300 ms), including its one
/// retry. While the database is down, claims are refused at once, and the guard reconnects in the background.
///
/// Expired marks are purged once a minute, by truncating whole partitions. Any number of servers may do so at once.
///
/// # Security
///
/// An id is accepted twice only if the database lost its mark: it was wiped, a promoted replica lacked the last
/// commits, or the database crashed under `synchronous_commit_off`. `docs/guards.md` has a test for each.
///
/// # Examples
///
/// ```no_run
/// use oauth_state::{App, Flow, KeyRing, Provider};
/// use oauth_state_postgres::PostgresGuard;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let guard = PostgresGuard::builder("postgres://service@127.0.0.1/shop").create_tables().connect().await?;
/// let flow = Flow::builder(App::new("shop", "production")?, KeyRing::from_env()?, guard)
///     .provider(Provider::github())
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresGuard {
    pub(super) link: Link<PostgresStore>,
}

impl PostgresGuard {
    pub(super) fn over(link: Link<PostgresStore>) -> Self {
        Self { link }
    }

    /// Truncates the partitions whose marks have all expired, now. The guard does so once a minute, unless it was built
    /// [`without_purging`](crate::PostgresGuardBuilder::without_purging).
    ///
    /// # Errors
    ///
    /// [`GuardError`] if the database cannot be asked, or the role may not `TRUNCATE` the partitions.
    ///
    /// # Examples
    ///
    /// A periodic job, with a role that may `TRUNCATE` and `DELETE`:
    ///
    /// ```no_run
    /// use oauth_state_postgres::{PostgresGuard, PostgresPayloadStore};
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let guard = PostgresGuard::builder("postgres://janitor@127.0.0.1/shop").without_purging().connect().await?;
    /// let purged = guard.purge().await?;
    /// println!("{} marks in {} partitions", purged.marks, purged.partitions);
    ///
    /// let rows = PostgresPayloadStore::from_guard(&guard).await?; // if you use a StoredFlow
    /// println!("{} rows", rows.clean_up().await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn purge(&self) -> Result<Purged, GuardError> {
        purge::purge(&self.link.store().settings).await
    }
}

impl ReplayGuard for PostgresGuard {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        MarkFuture::new(claim(&self.link, mark, self.link.store().settings.budget))
    }
}

impl fmt::Debug for PostgresGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresGuard").field("link", &self.link).finish_non_exhaustive()
    }
}
