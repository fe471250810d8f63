//! A replay guard over your own `deadpool-postgres` pool. Create the table with `batch_execute(oauth_state_postgres::SCHEMA)`, or with that
//! text as a migration of refinery.

use std::time::{Duration, SystemTime};

use deadpool_postgres::{Client, Object, Pool, PoolError, Timeouts};
use oauth_state::ReplayGuard;
use oauth_state::guard::{GuardError, GuardErrorKind, Mark, MarkFuture, Marked};
use oauth_state_postgres::{FIND, INSERT, MarkRow, PURGE, PURGE_BATCH, claim_error, connect_error, purge_before};
use tokio::time::timeout;
use tokio_postgres::Error;

/// How long a claim waits for a connection. The pool needs a runtime for it: `Pool::builder(…).runtime(Runtime::Tokio1)`.
const CONNECTION: Duration = Duration::from_secs(1);
/// How long it waits for the answer; it is then repeated once.
const ANSWER: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct DeadpoolGuard(pub Pool);

impl DeadpoolGuard {
    async fn claim(&self, mark: &Mark) -> Result<Marked, GuardError> {
        let limits = Timeouts { wait: Some(CONNECTION), create: Some(CONNECTION), recycle: Some(CONNECTION) };
        let client = self.0.timeout_get(&limits).await.map_err(cannot_connect)?;
        let Ok(answer) = timeout(ANSWER, insert(&client, mark)).await else {
            // The connection may be stuck: the pool must not lend it to others.
            drop(Object::take(client));
            return Err(GuardError::outcome_unknown("the database did not answer in time"));
        };
        let stored = answer.map_err(|error| claim_error(sqlstate(&error).as_deref(), error))?;
        stored.map_or(Ok(Marked::First), |stored| mark.seen_after_insert(stored.as_deref().map(str::as_bytes)))
    }

    /// Deletes expired marks. Call it about once a minute, on any number of servers.
    pub async fn purge(&self) -> Result<u64, PoolError> {
        let client = self.0.get().await?;
        let mut purged = 0;
        loop {
            let rows = client.execute(PURGE, &[&purge_before(SystemTime::now())]).await?;
            purged += rows;
            if rows < PURGE_BATCH {
                return Ok(purged);
            }
        }
    }
}

/// `None`: this is the first use. Otherwise the stored value.
async fn insert(client: &Client, mark: &Mark) -> Result<Option<Option<String>>, Error> {
    let row = MarkRow::of(mark);
    let (insert, find) = (client.prepare_cached(INSERT).await?, client.prepare_cached(FIND).await?);
    if client.execute(&insert, &[&row.bucket, &&row.id[..], &row.value, &row.keep_until]).await? == 1 {
        return Ok(None);
    }
    let stored = client.query_opt(&find, &[&row.bucket, &&row.id[..]]).await?;
    stored.map(|row| row.try_get(0)).transpose().map(Some)
}

fn cannot_connect(error: PoolError) -> GuardError {
    match &error {
        // All connections are in use: an attacker can cause this, so `DangerouslyFailOpen` stays closed.
        PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => GuardError::overloaded(error),
        PoolError::NoRuntimeSpecified | PoolError::Closed => GuardError::misconfigured(error),
        PoolError::Backend(cause) => connect_error(sqlstate(cause).as_deref(), error),
        _ => GuardError::unavailable(error),
    }
}

fn sqlstate(error: &Error) -> Option<String> {
    Some(error.code()?.code().to_owned())
}

impl ReplayGuard for DeadpoolGuard {
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
