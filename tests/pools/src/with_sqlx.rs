//! A replay guard over your own `sqlx` pool. `sqlx migrate run` or `sqlx::migrate!` creates the table from `migrations/sqlx`, whose file
//! is `oauth_state_postgres::SCHEMA` as it is.

use std::time::{Duration, SystemTime};

use oauth_state::ReplayGuard;
use oauth_state::guard::{GuardError, GuardErrorKind, Mark, MarkFuture, Marked};
use oauth_state_postgres::{FIND, INSERT, MarkRow, PURGE, PURGE_BATCH, claim_error, connect_error, purge_before};
use sqlx::Error;
use sqlx::postgres::{PgConnection, PgPool};
use tokio::time::timeout;

/// How long a claim waits for a connection, if the pool's own `acquire_timeout` is longer.
const CONNECTION: Duration = Duration::from_secs(1);
/// How long it waits for the answer; it is then repeated once.
const ANSWER: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct SqlxGuard(pub PgPool);

impl SqlxGuard {
    async fn claim(&self, mark: &Mark) -> Result<Marked, GuardError> {
        let acquired = timeout(CONNECTION, self.0.acquire()).await.unwrap_or(Err(Error::PoolTimedOut));
        let mut connection = match acquired {
            Ok(connection) => connection,
            // The pool says the same if the database is down and if all connections are in use. Without any connection, it is down. If in
            // doubt it is load, which an attacker can cause: `DangerouslyFailOpen` stays closed.
            Err(Error::PoolTimedOut) if self.0.size() > 0 => return Err(GuardError::overloaded(Error::PoolTimedOut)),
            Err(error) => return Err(connect_error(sqlstate(&error).as_deref(), error)),
        };
        let Ok(answer) = timeout(ANSWER, insert(&mut connection, mark)).await else {
            // The connection may be stuck: the pool must not lend it to others.
            drop(connection.detach());
            return Err(GuardError::outcome_unknown("the database did not answer in time"));
        };
        let stored = answer.map_err(|error| claim_error(sqlstate(&error).as_deref(), error))?;
        stored.map_or(Ok(Marked::First), |stored| mark.seen_after_insert(stored.as_deref().map(str::as_bytes)))
    }

    /// Deletes expired marks. Call it about once a minute, on any number of servers.
    pub async fn purge(&self) -> Result<u64, Error> {
        let mut purged = 0;
        loop {
            let before = purge_before(SystemTime::now());
            let rows = sqlx::query(PURGE).bind(before).execute(&self.0).await?.rows_affected();
            purged += rows;
            if rows < PURGE_BATCH {
                return Ok(purged);
            }
        }
    }
}

/// `None`: this is the first use. Otherwise the stored value.
async fn insert(connection: &mut PgConnection, mark: &Mark) -> Result<Option<Option<String>>, Error> {
    let row = MarkRow::of(mark);
    let insert = sqlx::query(INSERT).bind(row.bucket).bind(&row.id[..]).bind(row.value).bind(row.keep_until);
    if insert.execute(&mut *connection).await?.rows_affected() == 1 {
        return Ok(None);
    }
    sqlx::query_scalar(FIND).bind(row.bucket).bind(&row.id[..]).fetch_optional(connection).await.map(Some)
}

fn sqlstate(error: &Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

impl ReplayGuard for SqlxGuard {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        MarkFuture::new(async move {
            mark.refuse_if_over()?;
            match self.claim(mark).await {
                // The second attempt recognizes the mark of the first. If it fails as well, the outcome stays unknown.
                Err(error) if error.kind() == GuardErrorKind::OutcomeUnknown => {
                    self.claim(mark).await.map_err(GuardError::outcome_unknown)
                }
                answer => answer,
            }
        })
    }
}
