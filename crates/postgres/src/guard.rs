//! The guard itself.

use std::fmt;

use super::builder::PostgresGuardBuilder;
use super::connection::PostgresStore;
use super::purge;
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

/// What [`PostgresGuard::purge`] did.
///
/// # Examples
///
/// ```
/// assert_eq!(oauth_state_postgres::Purged::default().marks, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purged {
    /// The partitions that were emptied.
    pub partitions: u32,
    /// The marks that were in them.
    pub marks: u64,
}

impl PostgresGuard {
    /// Begins with an address: `postgres://user:password@host:5432/database`, with several hosts separated by commas and
    /// `?target_session_attrs=read-write` for the one that is the primary now. `?sslmode=require` asks for TLS, which is then
    /// checked (feature `tls`); without it there is none.
    ///
    /// The table lies in the first schema of the session's `search_path`. Give each environment of each application a database of its
    /// own, or a schema and a role: `?options=-csearch_path%3Dshop_production`. In a shared table a test in staging can delete
    /// production's marks, after which used states work again, and a migration changes the table for all.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_postgres::PostgresGuard;
    /// assert!(PostgresGuard::builder("postgres://service@127.0.0.1/shop").connect_lazily().is_ok());
    /// assert!(PostgresGuard::builder("mysql://127.0.0.1").connect_lazily().is_err());
    /// ```
    pub fn builder(url: impl Into<String>) -> PostgresGuardBuilder {
        PostgresGuardBuilder::at(url.into())
    }

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
