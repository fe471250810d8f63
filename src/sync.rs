//! The primitives that the in-memory guard and the live ring share between threads.
//!
//! `tests/concurrency` compiles this crate with `cfg(oauth_state_under_loom)`. The model checker loom then tries the orders in which
//! threads may take these steps, and the values that a relaxed load may return. The only other difference is the number of the guard's
//! shards.

pub(crate) use imp::{ArcSwap, AtomicBool, AtomicU64, AtomicUsize, Guard, Mutex, MutexGuard};

#[cfg(not(oauth_state_under_loom))]
mod imp {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
    pub(crate) use std::sync::{Mutex, MutexGuard};

    pub(crate) use arc_swap::{ArcSwap, Guard};
}

#[cfg(oauth_state_under_loom)]
mod imp {
    use std::sync::Arc;

    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
    pub(crate) use loom::sync::{Mutex, MutexGuard};

    /// Replaces `arc_swap::ArcSwap`, which the checker cannot look into: one step for a load, one for a store.
    pub(crate) struct ArcSwap<T>(Mutex<Arc<T>>);

    /// The replacement's guard: the value itself.
    pub(crate) type Guard<T> = T;

    impl<T> ArcSwap<T> {
        pub(crate) fn from_pointee(value: T) -> Self {
            Self(Mutex::new(Arc::new(value)))
        }

        pub(crate) fn load(&self) -> Guard<Arc<T>> {
            Arc::clone(&self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
        }

        pub(crate) fn store(&self, value: Arc<T>) {
            *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = value;
        }
    }
}
