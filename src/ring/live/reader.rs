//! The interface for values that are derived from a ring and must be ready before the ring is swapped.

use crate::ring::key::KeyRing;
use crate::ring::source::RingError;

/// The second half of a swap, which cannot fail.
pub(crate) type Commit<'a> = Box<dyn FnOnce() + 'a>;

/// A flow, as the keys see it. All flows over one handle derive their keys before any of them swaps, so that a ring that one of them cannot
/// use is used by none.
pub(crate) trait RingReader: Send + Sync {
    /// Derives this reader's keys from `ring`, and returns the function that puts them into use.
    ///
    /// # Errors
    ///
    /// The reader cannot use the ring.
    fn prepare<'a>(&'a self, ring: &KeyRing) -> Result<Commit<'a>, RingError>;
}
