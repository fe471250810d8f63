//! Truncating partitions whose marks have all expired, and deleting expired rows. Several servers may do this at once.

use std::time::{Duration, SystemTime};

use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, IsolationLevel};

use super::errors::cannot_use;
use super::settings::Settings;
use super::table::{PARTITIONS, turn_is_over};
use crate::unix_seconds;
use oauth_state::guard::GuardError;
use oauth_state::observe::{Event, Observer as _};
use oauth_state_guard_kit::LONGEST_BUDGET;

/// A purger that does not get the lock by then leaves the partition to the next round.
const LOCK_MILLISECONDS: u32 = 100;
/// A purger whose connection died silently gives up after this time.
const LONGEST_ROUND: Duration = Duration::from_secs(300);
/// The time limit for reading a partition, and for deleting some rows.
const STATEMENT_SECONDS: u32 = 30;

/// Rows that another server is deleting are skipped, so that no server waits for another.
const DELETE_ROWS: &str = "DELETE FROM oauth_state_rows WHERE id IN \
    (SELECT id FROM oauth_state_rows WHERE keep_until < $1 ORDER BY keep_until LIMIT 1000 FOR UPDATE SKIP LOCKED)";
/// Rows per statement.
const BATCH: u64 = 1_000;
/// Statements per round, so that it ends.
const MOST_BATCHES: u32 = 1_000;

/// The result of [`PostgresGuard::purge`](crate::PostgresGuard::purge).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purged {
    /// The truncated partitions.
    pub partitions: u32,
    /// The marks in them.
    pub marks: u64,
}

/// Truncates every partition without live marks, on its own connection.
pub(super) async fn purge(settings: &Settings) -> Result<Purged, GuardError> {
    let round = tokio::time::timeout(LONGEST_ROUND, round(settings)).await;
    let (purged, failed) =
        round.unwrap_or_else(|_| Err(GuardError::unavailable("the database did not answer the purger")))?;
    settings.observers.event(&Event::MarksPurged { guard: "postgres", marks: purged.marks });
    failed.map_or(Ok(purged), |error| Err(cannot_use(error)))
}

/// What was purged, and the error of a partition that could not be.
async fn round(settings: &Settings) -> Result<(Purged, Option<Error>), GuardError> {
    let mut client = settings.connect().await?;
    let now = now(&client).await?;
    let (mut purged, mut failed) = (Purged::default(), None);
    for partition in (0..PARTITIONS).filter(|partition| turn_is_over(*partition, now)) {
        match empty(&mut client, partition, now).await {
            Ok(None) => {}
            Ok(Some(marks)) => {
                purged.partitions = purged.partitions.saturating_add(1);
                purged.marks = purged.marks.saturating_add(marks.unsigned_abs());
            }
            // One partition, such as one without the right to TRUNCATE, must not keep the others full.
            Err(error) if error.as_db_error().is_some() => failed = Some(error),
            Err(error) => return Err(cannot_use(error)),
        }
    }
    Ok((purged, failed))
}

/// The earlier of the clocks of this machine and the database, so that a clock that jumps ahead cannot truncate live
/// partitions. Minus the longest budget, because a claim may be sent that much later than its expiry was checked.
async fn now(client: &Client) -> Result<u64, GuardError> {
    let row = client.query_typed_one("SELECT extract(epoch FROM clock_timestamp())::bigint", &[]).await;
    let theirs: i64 = row.and_then(|row| row.try_get(0)).map_err(cannot_use)?;
    let earlier = unix_seconds(SystemTime::now()).min(u64::try_from(theirs).unwrap_or_default());
    Ok(earlier.saturating_sub(LONGEST_BUDGET.as_secs()))
}

/// Truncates one partition if it holds marks and all of them have expired; returns their number.
async fn empty(client: &mut Client, partition: u64, now: u64) -> Result<Option<i64>, Error> {
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let table = format!("oauth_state_marks_{partition:02}");
    // Check without the lock first: most partitions hold no marks, or live ones.
    let in_vain =
        format!("SELECT NOT EXISTS (SELECT FROM {table}) OR EXISTS (SELECT FROM {table} WHERE keep_until > $1)");
    let look = client.transaction().await?;
    let limits =
        format!("SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'; SET LOCAL lock_timeout = {LOCK_MILLISECONDS}");
    look.batch_execute(&limits).await?;
    let is_in_vain: bool = match look.query_typed_one(&in_vain, &[(&now, Type::INT8)]).await {
        // Another session has the table locked: try again in the next round.
        Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => return Ok(None),
        looked => looked?.try_get(0)?,
    };
    look.commit().await?;
    if is_in_vain {
        return Ok(None);
    }
    // Each statement below must see what was committed before it, whatever the role's default is.
    let transaction = client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await?;
    // If this process vanishes while it holds the partition's lock, the server ends the session.
    let lock = format!(
        "SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'; SET LOCAL lock_timeout = {LOCK_MILLISECONDS}; \
         SET LOCAL idle_in_transaction_session_timeout = '5s'; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"
    );
    match transaction.batch_execute(&lock).await {
        // Another session claims or purges here: try again in the next round.
        Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => return Ok(None),
        locked => locked?,
    }
    // Decide under the lock with a new statement, whose snapshot has everything committed before the lock was granted:
    // a mark that was added after the check above must not be truncated.
    let held = format!("SELECT count(*), coalesce(max(keep_until), 0) FROM {table}");
    let row = transaction.query_typed_one(&held, &[]).await?;
    let (marks, latest): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    // A live mark was added meanwhile, or another purger was faster.
    if latest > now || marks == 0 {
        return Ok(None);
    }
    transaction.batch_execute(&format!("TRUNCATE {table}")).await?;
    transaction.commit().await?;
    Ok(Some(marks))
}

/// Deletes the expired rows of the payload store, on its own connection, so that no login waits; returns how many.
pub(super) async fn delete_rows(settings: &Settings) -> Result<u64, GuardError> {
    let mut client = settings.connect().await?;
    let now = i64::try_from(now(&client).await?).unwrap_or(i64::MAX);
    let mut deleted = 0_u64;
    for _ in 0..MOST_BATCHES {
        let batch = delete_batch(&mut client, now).await.map_err(cannot_use)?;
        deleted = deleted.saturating_add(batch);
        if batch < BATCH {
            break;
        }
    }
    Ok(deleted)
}

async fn delete_batch(client: &mut Client, now: i64) -> Result<u64, Error> {
    let transaction = client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await?;
    transaction.batch_execute(&format!("SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")).await?;
    let deleted = transaction.execute_typed(DELETE_ROWS, &[(&now, Type::INT8)]).await?;
    transaction.commit().await?;
    Ok(deleted)
}
