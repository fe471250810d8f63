//! The payload store in Postgres.

use oauth_state::BoxFuture;
use oauth_state::payload::{HandleKind, Payload, PayloadStore, StoreError};

use crate::PostgresGuard;

/// A payload store in Postgres, over the connections of a [`PostgresGuard`]: its address, its credentials, its time budget.
///
/// They lie in a table of their own, `oauth_state_rows`, made by the migration
/// [`postgres::ROWS_SCHEMA`](crate::ROWS_SCHEMA) or by the guard's `create_tables`. Rows that are over are deleted as
/// often as the guard purges, in batches, by every server that runs; they do not wait for one another.
///
/// # Examples
///
/// ```no_run
/// use oauth_state_store::StoredFlow;
/// use oauth_state_postgres::PostgresPayloadStore;
/// use oauth_state::{App, Flow, KeyRing, Provider};
/// use oauth_state_postgres::PostgresGuard;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let guard = PostgresGuard::builder("postgres://service@127.0.0.1/shop").create_tables().connect().await?;
/// let rows = PostgresPayloadStore::from_guard(&guard).await?;
/// let builder = Flow::builder(App::new("shop", "production")?, KeyRing::from_env()?, guard).carrying::<Vec<String>>();
/// let flow = StoredFlow::new(builder.provider(Provider::github()), rows)?;
/// assert!(format!("{flow:?}").contains("github"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PostgresPayloadStore(PostgresGuard);

impl PostgresPayloadStore {
    /// Over the same connections as this guard, which need not be the guard of the flow; looks whether the table is there.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database cannot be reached, or the table or a right is missing.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use oauth_state::payload::{HandleKind, PayloadStore};
    /// use oauth_state_postgres::{PostgresGuard, PostgresPayloadStore};
    /// let guard = PostgresGuard::builder("postgres://service@127.0.0.1/shop").connect().await?;
    /// assert_eq!(PostgresPayloadStore::from_guard(&guard).await?.form(), HandleKind::Postgres);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn from_guard(guard: &PostgresGuard) -> Result<Self, StoreError> {
        guard.prepare_rows().await?;
        Ok(Self(guard.clone()))
    }

    /// Deletes the rows whose time is over, now, and gives how many there were.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database cannot be asked, or the role may not `DELETE`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use oauth_state_postgres::{PostgresGuard, PostgresPayloadStore};
    /// let guard = PostgresGuard::builder("postgres://service@127.0.0.1/shop").connect().await?;
    /// assert_eq!(PostgresPayloadStore::from_guard(&guard).await?.clean_up().await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn clean_up(&self) -> Result<u64, StoreError> {
        Ok(self.0.clean_up_rows().await?)
    }
}

impl PayloadStore for PostgresPayloadStore {
    fn form(&self) -> HandleKind {
        HandleKind::Postgres
    }

    fn put<'a>(&'a self, row: &'a Payload) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Ok(self.0.put_row(row.id(), row.value(), crate::unix_seconds(row.keep_until())).await?) })
    }

    fn get<'a>(&'a self, id: &'a [u8; 16]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(async { Ok(self.0.get_row(id).await?) })
    }
}
