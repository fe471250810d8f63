//! The statements of a payload store for Postgres, in its own table.

use tokio_postgres::Client;

use super::connection::{Lease, PostgresStore};
use super::errors::cannot_use;
use super::guard::PostgresGuard;
use super::literals::{bytes, from_hex, with_literals};
use super::purge;
use super::server::patiently;
use oauth_state::guard::GuardError;
use oauth_state_guard_kit::{Call, Failure, ask};

/// The migration that creates the table `oauth_state_rows`, if you run your own migrations. Otherwise
/// [`PostgresGuardBuilder::create_tables`](crate::PostgresGuardBuilder::create_tables) runs it.
pub const ROWS_SCHEMA: &str = include_str!("0002_oauth_state_rows.sql");

/// An existing row is the same row: an id is drawn at random once, and only a repeated call sends it again.
const PUT: &str =
    "INSERT INTO oauth_state_rows (id, value, keep_until) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
const GET: &str = "SELECT encode(value, 'hex') FROM oauth_state_rows WHERE id = $1";

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
        self.link.store().tasks.start_with_rows(settings);
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
        purge::delete_rows(&self.link.store().settings).await
    }
}

async fn is_there(client: &Client) -> Result<bool, GuardError> {
    const LOOK: &str = "SELECT coalesce(has_table_privilege(r, 'INSERT') AND has_table_privilege(r, 'SELECT'), false) \
        FROM to_regclass('oauth_state_rows') AS r";
    let row = client.query_typed_one(LOOK, &[]).await.map_err(cannot_use)?;
    row.try_get(0).map_err(cannot_use)
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

    async fn ask(&self, store: &PostgresStore, mut lease: Lease) -> Result<(), Failure> {
        let keep_until = i64::try_from(self.keep_until).unwrap_or(i64::MAX);
        let put = with_literals(PUT, &[bytes(self.id), bytes(self.value), keep_until.to_string()]);
        lease.run(&store.settings, &put).await.map(|_| ())
    }
}

impl Call<PostgresStore> for Get<'_> {
    type Answer = Option<Vec<u8>>;

    async fn ask(&self, store: &PostgresStore, mut lease: Lease) -> Result<Option<Vec<u8>>, Failure> {
        let get = with_literals(GET, &[bytes(self.id)]);
        let (_, hex) = lease.run(&store.settings, &get).await?;
        let refuse = || Failure::refused(GuardError::misconfigured("the server sent a value that is not hexadecimal"));
        hex.map(|hex| from_hex(&hex).ok_or_else(refuse)).transpose()
    }
}
