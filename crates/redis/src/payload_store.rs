//! The payload store in Redis or Valkey.

use oauth_state::BoxFuture;
use oauth_state::payload::{HandleKind, Payload, PayloadStore, StoreError};

use crate::RedisGuard;

/// A payload store in Redis or Valkey, over the connection of a [`RedisGuard`]: its address, its credentials, its time budget.
///
/// A row lies under the guard's prefix and `row:`, with a time to live, so that nothing has to be cleaned up. The rights that
/// the guard needs (`+set +get` on its prefix) are enough.
///
/// # Examples
///
/// ```no_run
/// use oauth_state_store::StoredFlow;
/// use oauth_state_redis::RedisPayloadStore;
/// use oauth_state::{App, Flow, KeyRing, Provider};
/// use oauth_state_redis::RedisGuard;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let guard = RedisGuard::builder("redis://127.0.0.1:6379").connect().await?;
/// let rows = RedisPayloadStore::from_guard(&guard);
/// let builder = Flow::builder(App::new("shop", "production")?, KeyRing::from_env()?, guard).carrying::<Vec<String>>();
/// let flow = StoredFlow::new(builder.provider(Provider::github()), rows)?;
/// assert!(format!("{flow:?}").contains("github"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RedisPayloadStore(RedisGuard);

impl RedisPayloadStore {
    /// Over the same connection as this guard, which need not be the guard of the flow.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::payload::{HandleKind, PayloadStore};
    /// use oauth_state_redis::{RedisGuard, RedisPayloadStore};
    /// let guard = RedisGuard::builder("redis://127.0.0.1:6379").connect_lazily()?;
    /// assert_eq!(RedisPayloadStore::from_guard(&guard).form(), HandleKind::Redis);
    /// # Ok::<(), oauth_state::guard::GuardError>(())
    /// ```
    #[must_use]
    pub fn from_guard(guard: &RedisGuard) -> Self {
        Self(guard.clone())
    }
}

impl PayloadStore for RedisPayloadStore {
    fn form(&self) -> HandleKind {
        HandleKind::Redis
    }

    fn put<'a>(&'a self, row: &'a Payload) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Ok(self.0.put_row(row.id(), row.value(), row.keep_for()).await?) })
    }

    fn get<'a>(&'a self, id: &'a [u8; 16]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(async { Ok(self.0.get_row(id).await?) })
    }
}
