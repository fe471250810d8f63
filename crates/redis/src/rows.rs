//! Rows in Redis or Valkey.

use oauth_state::payload::{HandleForm, Row, RowFuture, Rows};

use crate::RedisGuard;

/// Rows in Redis or Valkey, over the connection of a [`RedisGuard`]: its address, its credentials, its time budget.
///
/// A row lies under the guard's prefix and `row:`, with a time to live, so that nothing has to be cleaned up. The rights that
/// the guard needs (`+set +get` on its prefix) are enough.
///
/// # Examples
///
/// ```no_run
/// use oauth_state_store::StoredFlow;
/// use oauth_state_redis::RedisRows;
/// use oauth_state::{App, Flow, KeyRing, Provider};
/// use oauth_state_redis::RedisGuard;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let guard = RedisGuard::builder("redis://127.0.0.1:6379").connect().await?;
/// let rows = RedisRows::beside(&guard);
/// let builder = Flow::builder(App::new("shop", "production")?, KeyRing::from_env()?, guard).carrying::<Vec<String>>();
/// let flow = StoredFlow::new(builder.provider(Provider::github()), rows)?;
/// assert!(format!("{flow:?}").contains("github"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RedisRows(RedisGuard);

impl RedisRows {
    /// Over the same connection as this guard, which need not be the guard of the flow.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::payload::{HandleForm, Rows};
    /// use oauth_state_redis::{RedisGuard, RedisRows};
    /// let guard = RedisGuard::builder("redis://127.0.0.1:6379").connect_lazily()?;
    /// assert_eq!(RedisRows::beside(&guard).form(), HandleForm::Redis);
    /// # Ok::<(), oauth_state::guard::GuardError>(())
    /// ```
    #[must_use]
    pub fn beside(guard: &RedisGuard) -> Self {
        Self(guard.clone())
    }
}

impl Rows for RedisRows {
    fn form(&self) -> HandleForm {
        HandleForm::Redis
    }

    fn put<'a>(&'a self, row: &'a Row) -> RowFuture<'a, ()> {
        Box::pin(async { Ok(self.0.put_row(row.id(), row.value(), row.keep_for()).await?) })
    }

    fn get<'a>(&'a self, id: &'a [u8; 16]) -> RowFuture<'a, Option<Vec<u8>>> {
        Box::pin(async { Ok(self.0.get_row(id).await?) })
    }
}
