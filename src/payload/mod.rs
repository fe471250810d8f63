//! The rows of a `StoredFlow` (package `oauth-state-store`): a store sees an id, a ciphertext and a time, and nothing of logins.

mod error;
mod memory;

use std::fmt;
use std::time::{Duration, SystemTime};

pub use error::{StoreError, StoreErrorKind};
pub use memory::MemoryPayloadStore;

use crate::clock::from_unix_seconds;
use crate::future::BoxFuture;
use crate::token::wire::Form;
pub use crate::token::wire::HandleKind;

/// A store of rows: two simple calls, keyed by a random id.
///
/// Implementations are [`MemoryPayloadStore`], `RedisPayloadStore` (package `oauth-state-redis`) and `PostgresPayloadStore` (package
/// `oauth-state-postgres`). For another store, implement this trait: a row is written once and read at most a few times, and may be removed
/// as soon as [`Payload::keep_until`] has passed. The store need not be atomic, because the replay guard is, and need not be secret,
/// because the value is encrypted. A store that removes rows earlier loses logins, not safety.
///
/// # Examples
///
/// ```
/// use oauth_state::BoxFuture;
/// use oauth_state::payload::{HandleKind, Payload, PayloadStore, StoreError};
/// use std::{collections::HashMap, sync::Mutex};
///
/// #[derive(Default)]
/// struct Mine(Mutex<HashMap<[u8; 16], Vec<u8>>>);
///
/// impl PayloadStore for Mine {
///     fn kind(&self) -> HandleKind {
///         HandleKind::OTHER
///     }
///     fn put<'a>(&'a self, row: &'a Payload) -> BoxFuture<'a, Result<(), StoreError>> {
///         self.0.lock().unwrap().insert(*row.id(), row.value().to_vec());
///         Box::pin(async { Ok(()) })
///     }
///     fn get<'a>(&'a self, id: &'a [u8; 16]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
///         let found = self.0.lock().unwrap().get(id).cloned();
///         Box::pin(async { Ok(found) })
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// assert!(Mine::default().get(&[7; 16]).await?.is_none());
/// # Ok::<(), oauth_state::payload::StoreError>(())
/// # }).unwrap();
/// ```
pub trait PayloadStore: Send + Sync + 'static {
    /// The form of its handles: [`HandleKind::OTHER`] for a store of your own.
    fn kind(&self) -> HandleKind;

    /// Saves a row until [`Payload::keep_until`]. It may be called twice for the same row.
    fn put<'a>(&'a self, row: &'a Payload) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The value of a row, if it is there.
    fn get<'a>(&'a self, id: &'a [u8; 16]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>>;
}

impl<R: PayloadStore + ?Sized> PayloadStore for std::sync::Arc<R> {
    fn kind(&self) -> HandleKind {
        (**self).kind()
    }

    fn put<'a>(&'a self, row: &'a Payload) -> BoxFuture<'a, Result<(), StoreError>> {
        (**self).put(row)
    }

    fn get<'a>(&'a self, id: &'a [u8; 16]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        (**self).get(id)
    }
}

impl HandleKind {
    /// `osm1`: the memory of a process.
    pub const MEMORY: Self = Self(b'm');
    /// `osr1`: Redis or Valkey.
    pub const REDIS: Self = Self(b'r');
    /// `osp1`: Postgres.
    pub const POSTGRES: Self = Self(b'p');
    /// `osx1`: a store of your own.
    pub const OTHER: Self = Self(b'x');

    /// The first four characters of its handles, such as `osr1`.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        Form::Handle(self).prefix()
    }
}

/// One login's row: an id, and your data, encrypted under the ring. `Debug` shows neither.
pub struct Payload {
    pub(crate) id: [u8; 16],
    pub(crate) value: Vec<u8>,
    pub(crate) now: u64,
    pub(crate) keep_until: u64,
}

impl Payload {
    /// 16 random bytes, the same id as in the replay guard.
    #[must_use]
    pub fn id(&self) -> &[u8; 16] {
        &self.id
    }

    /// The encrypted JSON of the data: 16 bytes longer than the JSON, at most 65,552.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// The time from which the row is no longer needed: the state's expiry and twice the skew, because the clocks of two servers differ by
    /// at most that much.
    #[must_use]
    pub fn keep_until(&self) -> SystemTime {
        from_unix_seconds(self.keep_until)
    }

    /// The same as a duration from now on, for a store with a time to live: such a store keeps a row long enough even if its clock is
    /// wrong.
    #[must_use]
    pub fn keep_for(&self) -> Duration {
        Duration::from_secs(self.keep_until.saturating_sub(self.now).max(1))
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Payload([redacted])")
    }
}
