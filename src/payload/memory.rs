//! Rows in the memory of one process.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{HandleKind, Payload, PayloadStore, StoreError};
use crate::future::BoxFuture;
use crate::steady_clock::SteadyClock;

/// Rows in the memory of this process: for tests, and for a single server that may lose its logins when it restarts.
///
/// It never holds more than `capacity` rows: at the limit it refuses new logins, and forgets none that has started. A clone is cheap and
/// shares everything.
///
/// # Examples
///
/// ```
/// use oauth_state::payload::{MemoryPayloadStore, PayloadStore};
/// use oauth_state::testing::sample_row;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (rows, row) = (MemoryPayloadStore::with_capacity(10_000), sample_row());
/// rows.put(&row).await?;
/// assert_eq!(rows.clone().get(row.id()).await?.as_deref(), Some(row.value()));
/// # Ok::<(), oauth_state::payload::StoreError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct MemoryPayloadStore {
    capacity: usize,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    /// A clock that leaps ahead and comes back must not end every login under way.
    clock: SteadyClock,
    values: HashMap<[u8; 16], Box<[u8]>>,
    /// The ids, by the second from which they are no longer needed.
    over_at: BTreeMap<u64, Vec<[u8; 16]>>,
}

impl MemoryPayloadStore {
    /// Holds up to `capacity` rows: plan for the login starts of one lifetime and twice the skew, abandoned ones included.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { capacity, held: Arc::default() }
    }

    /// The number of rows. Expired rows are removed when the next one is added.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held().values.len()
    }

    /// Whether it holds no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn put(&mut self, row: &Payload, capacity: usize) -> Result<(), StoreError> {
        let now = self.clock.observe(row.now);
        let still_to_come = self.over_at.split_off(&now.saturating_add(1));
        for id in std::mem::replace(&mut self.over_at, still_to_come).into_values().flatten() {
            self.values.remove(&id);
        }
        if self.values.len() >= capacity {
            return Err(StoreError::full());
        }
        self.values.insert(row.id, row.value.as_slice().into());
        self.over_at.entry(row.keep_until).or_default().push(row.id);
        Ok(())
    }
}

impl PayloadStore for MemoryPayloadStore {
    fn kind(&self) -> HandleKind {
        HandleKind::MEMORY
    }

    fn put<'a>(&'a self, row: &'a Payload) -> BoxFuture<'a, Result<(), StoreError>> {
        let put = self.held().put(row, self.capacity);
        Box::pin(std::future::ready(put))
    }

    fn get<'a>(&'a self, id: &'a [u8; 16]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        let found = self.held().values.get(id).map(|value| value.to_vec());
        Box::pin(std::future::ready(Ok(found)))
    }
}

impl fmt::Debug for MemoryPayloadStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryPayloadStore").field("rows", &self.len()).field("capacity", &self.capacity).finish()
    }
}

#[cfg(test)]
mod tests;
