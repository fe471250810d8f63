//! The payload store in Redis or Valkey.

use oauth_state::BoxFuture;
use oauth_state::payload::{HandleKind, Payload, PayloadStore, StoreError};

use crate::RedisGuard;

/// A payload store in Redis or Valkey. It uses the connection of a [`RedisGuard`], with its address, credentials and
/// time budget.
///
/// The key of a row is the guard's prefix, `row:` and the row's id. It has a time to live, so no cleanup is needed. The
/// guard's rights (`+set +get` on its prefix) are enough.
///
/// # Examples
///
/// ```no_run
/// use oauth_state::{App, Flow, KeyRing, Provider};
/// use oauth_state_redis::{RedisGuard, RedisPayloadStore};
/// use oauth_state_store::StoredFlow;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let guard = RedisGuard::builder("redis://127.0.0.1:6379").connect().await?;
/// let rows = RedisPayloadStore::from_guard(&guard);
/// let builder = Flow::builder(App::new("shop", "production")?, KeyRing::from_env()?, guard).carrying::<Vec<String>>();
/// let flow = StoredFlow::new(builder.provider(Provider::github()), rows)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RedisPayloadStore(RedisGuard);

impl RedisPayloadStore {
    /// Uses the connection of this guard, which need not be the flow's guard.
    #[must_use]
    pub fn from_guard(guard: &RedisGuard) -> Self {
        Self(guard.clone())
    }
}

impl PayloadStore for RedisPayloadStore {
    fn kind(&self) -> HandleKind {
        HandleKind::REDIS
    }

    fn put<'a>(&'a self, row: &'a Payload) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Ok(self.0.put_row(row.id(), row.value(), row.keep_for()).await?) })
    }

    fn get<'a>(&'a self, id: &'a [u8; 16]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(async { Ok(self.0.get_row(id).await?) })
    }
}
