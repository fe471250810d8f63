//! The guard itself.

use std::fmt;

use super::connection::PostgresStore;
use super::purge::{self, Purged};
use oauth_state::ReplayGuard;
use oauth_state::guard::{GuardError, Mark, MarkFuture};
use oauth_state_guard_kit::{Link, claim};

/// Remembers used states in Postgres (11 and later), for all servers of a fleet.
///
/// One `INSERT … ON CONFLICT DO NOTHING`, committed before the answer, for each callback that passed every other check. A
/// few connections of its own (4) serve all callers; claims have a time budget (300 ms), their one retry included. While the
/// database is down, claims are refused at once, and it is tried again in the background.
///
/// Marks that are over are purged once a minute, by emptying whole partitions; any number of servers may do so at once.
///
/// # Security
///
/// An id is first twice only if the database lost its mark: it was wiped; a replica was promoted that lacked the last
/// commits; or `synchronous_commit_off` was chosen and it crashed. `docs/guards.md` has a test for each.
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
/// assert_eq!(flow.fingerprint().len(), 16);
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

    /// Empties the partitions whose marks are all over, now. The guard does so by itself once a minute.
    ///
    /// # Errors
    ///
    /// [`GuardError`] if the database cannot be asked, or the role may not `TRUNCATE` the partitions.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), oauth_state::guard::GuardError> {
    /// let guard = oauth_state_postgres::PostgresGuard::builder("postgres://service@127.0.0.1/shop").connect().await?;
    /// assert_eq!(guard.purge().await?.marks, 0);
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
