//! Where the rows of a `StoredFlow` (package `oauth-state-store`) lie: a store knows an id, a ciphertext and a time, and nothing of
//! logins.

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

/// A store of rows: two plain calls, keyed by an id that was drawn at random.
///
/// [`MemoryPayloadStore`], `RedisPayloadStore` (package `oauth-state-redis`) and `PostgresPayloadStore` (package `oauth-state-postgres`) are there. For
/// another store, implement it: a row is written once and read at most a few times, and may be removed as soon as
/// [`Payload::keep_until`] has passed. It need not be atomic, because the replay guard is, and need not be secret, because the
/// value is encrypted. A store that removes rows earlier loses logins, not safety.
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
    /// The form of the handles that lead here: [`HandleKind::OTHER`] for a store of the caller's.
    fn kind(&self) -> HandleKind;

    /// Keeps a row until [`Payload::keep_until`]. May be asked twice for the same one.
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

/// One login's row: an id, and the caller's data, encrypted under the ring. `Debug` shows neither.
pub struct Payload {
    pub(crate) id: [u8; 16],
    pub(crate) value: Vec<u8>,
    pub(crate) now: u64,
    pub(crate) keep_until: u64,
}

impl Payload {
    /// 16 random bytes, the same that the replay guard knows the login by.
    #[must_use]
    pub fn id(&self) -> &[u8; 16] {
        &self.id
    }

    /// The data's JSON, encrypted: 16 bytes longer than it, at most 65,552.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// From when on nobody asks for it any more: the state's expiry and twice the skew, because two servers' clocks differ
    /// by that much at most.
    #[must_use]
    pub fn keep_until(&self) -> SystemTime {
        from_unix_seconds(self.keep_until)
    }

    /// The same from now on, for a store with relative times to live: one that counts them itself keeps a row long enough
    /// even if its clock is wrong.
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
