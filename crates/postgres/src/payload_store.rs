//! The payload store in Postgres.

use oauth_state::BoxFuture;
use oauth_state::payload::{HandleKind, Payload, PayloadStore, StoreError};

use crate::PostgresGuard;

/// A payload store in Postgres. It uses the connections of a [`PostgresGuard`], with its address, credentials and time
/// budget.
///
/// Rows are in their own table, `oauth_state_rows`, created by the migration [`ROWS_SCHEMA`](crate::ROWS_SCHEMA) or by
/// the guard's `create_tables`. Every server deletes expired rows in batches, as often as the guard purges; the servers
/// do not wait for one another.
///
/// # Examples
///
/// ```no_run
/// use oauth_state::{App, Flow, KeyRing, Provider};
/// use oauth_state_postgres::{PostgresGuard, PostgresPayloadStore};
/// use oauth_state_store::StoredFlow;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let guard = PostgresGuard::builder("postgres://service@127.0.0.1/shop").create_tables().connect().await?;
/// let rows = PostgresPayloadStore::from_guard(&guard).await?;
/// let builder = Flow::builder(App::new("shop", "production")?, KeyRing::from_env()?, guard).carrying::<Vec<String>>();
/// let flow = StoredFlow::new(builder.provider(Provider::github()), rows)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PostgresPayloadStore(PostgresGuard);

impl PostgresPayloadStore {
    /// Uses the connections of this guard, which need not be the flow's guard, and checks that the table exists.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database cannot be reached, or the table or a right is missing.
    pub async fn from_guard(guard: &PostgresGuard) -> Result<Self, StoreError> {
        guard.prepare_rows().await?;
        Ok(Self(guard.clone()))
    }

    /// Deletes the expired rows now, and returns their number. See [`PostgresGuard::purge`] for an example.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database cannot be asked, or the role may not `DELETE`.
    pub async fn clean_up(&self) -> Result<u64, StoreError> {
        Ok(self.0.clean_up_rows().await?)
    }
}

impl PayloadStore for PostgresPayloadStore {
    fn kind(&self) -> HandleKind {
        HandleKind::POSTGRES
    }

    fn put<'a>(&'a self, row: &'a Payload) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Ok(self.0.put_row(row.id(), row.value(), crate::unix_seconds(row.keep_until())).await?) })
    }

    fn get<'a>(&'a self, id: &'a [u8; 16]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(async { Ok(self.0.get_row(id).await?) })
    }
}
