//! The statements of a payload store for Postgres, in its own table.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, IsolationLevel};

use super::connection::{Lease, PostgresStore};
use super::guard::PostgresGuard;
use super::literals::{bytes, from_hex, run, with_literals};
use super::purge;
use super::server::patiently;
use super::settings::{Settings, cannot_use};
use oauth_state::guard::GuardError;
use oauth_state_guard_kit::{Call, Failure, ask, with_jitter};

/// The migration that creates the table `oauth_state_rows`, if you run your own migrations. Otherwise
/// [`PostgresGuardBuilder::create_tables`](crate::PostgresGuardBuilder::create_tables) runs it.
pub const ROWS_SCHEMA: &str = include_str!("0002_oauth_state_rows.sql");

/// An existing row is the same row: an id is drawn at random once, and only a repeated call sends it again.
const PUT: &str =
    "INSERT INTO oauth_state_rows (id, value, keep_until) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
const GET: &str = "SELECT encode(value, 'hex') FROM oauth_state_rows WHERE id = $1";
/// Rows that another server is deleting are skipped, so that no server waits for another.
const CLEAN_UP: &str = "DELETE FROM oauth_state_rows WHERE id IN \
    (SELECT id FROM oauth_state_rows WHERE keep_until < $1 ORDER BY keep_until LIMIT 1000 FOR UPDATE SKIP LOCKED)";
/// Rows per statement.
const BATCH: u64 = 1_000;
/// Statements per round, so that it ends.
const MOST_BATCHES: u32 = 1_000;

impl PostgresGuard {
    /// Checks that the table for rows exists, creates it if the guard may, and starts the regular cleanup.
    pub(crate) async fn prepare_rows(&self) -> Result<(), GuardError> {
        let settings = &self.link.store().settings;
        let client = settings.connect().await?;
        if settings.create_tables && !is_there(&client).await? {
            client.batch_execute(&patiently(ROWS_SCHEMA)).await.map_err(cannot_use)?;
        }
        if !is_there(&client).await? {
            return Err(GuardError::misconfigured(
                "the table oauth_state_rows is missing, or the role has no SELECT and INSERT on it: run the migration \
                 oauth_state_postgres::ROWS_SCHEMA, or use create_tables()",
            ));
        }
        if let Some(every) = settings.purge_every {
            tokio::spawn(now_and_then(Arc::downgrade(settings), every));
        }
        Ok(())
    }

    /// Stores a row until `keep_until`, in Unix seconds.
    pub(crate) async fn put_row(&self, id: &[u8; 16], value: &[u8], keep_until: u64) -> Result<(), GuardError> {
        ask(&self.link, &Put { id, value, keep_until }, self.link.store().settings.budget).await
    }

    /// Reads a row, if it exists.
    pub(crate) async fn get_row(&self, id: &[u8; 16]) -> Result<Option<Vec<u8>>, GuardError> {
        ask(&self.link, &Get { id }, self.link.store().settings.budget).await
    }

    /// Deletes the expired rows; returns how many.
    pub(crate) async fn clean_up_rows(&self) -> Result<u64, GuardError> {
        clean_up(&self.link.store().settings).await
    }
}

async fn is_there(client: &Client) -> Result<bool, GuardError> {
    const LOOK: &str = "SELECT coalesce(has_table_privilege(r, 'INSERT') AND has_table_privilege(r, 'SELECT'), false) \
        FROM to_regclass('oauth_state_rows') AS r";
    let row = client.query_typed_one(LOOK, &[]).await.map_err(cannot_use)?;
    row.try_get(0).map_err(cannot_use)
}

async fn now_and_then(settings: Weak<Settings>, every: Duration) {
    loop {
        tokio::time::sleep(with_jitter(every)).await;
        let Some(settings) = settings.upgrade() else { return };
        match clean_up(&settings).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "deleted expired rows"),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::warn!(%error, cause, "cannot clean up; expired rows stay in the table until cleaning works");
            }
        }
    }
}

/// Uses its own connection, so that no login waits.
async fn clean_up(settings: &Settings) -> Result<u64, GuardError> {
    let mut client = settings.connect().await?;
    let now = i64::try_from(purge::now(&client).await?).unwrap_or(i64::MAX);
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
    transaction.batch_execute("SET LOCAL statement_timeout = '30s'").await?;
    let deleted = transaction.execute_typed(CLEAN_UP, &[(&now, Type::INT8)]).await?;
    transaction.commit().await?;
    Ok(deleted)
}

struct Put<'a> {
    id: &'a [u8; 16],
    value: &'a [u8],
    keep_until: u64,
}

struct Get<'a> {
    id: &'a [u8; 16],
}

impl Call<PostgresStore> for Put<'_> {
    type Answer = ();

    async fn ask(&self, store: &PostgresStore, lease: Lease) -> Result<(), Failure> {
        let keep_until = i64::try_from(self.keep_until).unwrap_or(i64::MAX);
        let put = with_literals(PUT, &[bytes(self.id), bytes(self.value), keep_until.to_string()]);
        run(lease.client()?, &store.settings, &put).await.map(|_| ())
    }
}

impl Call<PostgresStore> for Get<'_> {
    type Answer = Option<Vec<u8>>;

    async fn ask(&self, store: &PostgresStore, lease: Lease) -> Result<Option<Vec<u8>>, Failure> {
        let get = with_literals(GET, &[bytes(self.id)]);
        let (_, hex) = run(lease.client()?, &store.settings, &get).await?;
        let refuse = || Failure::refused(GuardError::misconfigured("the server sent a value that is not hexadecimal"));
        hex.map(|hex| from_hex(&hex).ok_or_else(refuse)).transpose()
    }
}
