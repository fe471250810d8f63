//! Who derives something from a ring, and must have it before the ring is swapped.

use crate::ring::key::KeyRing;
use crate::ring::source::RingError;

/// The second half of a swap, which cannot fail.
pub(crate) type Commit<'a> = Box<dyn FnOnce() + 'a>;

/// A flow, seen from the keys. All flows over one handle derive what they need before any of them swaps, so that a ring that
/// one of them cannot use is used by none.
pub(crate) trait RingReader: Send + Sync {
    /// Derives what this reader needs of `ring`, and says how to put it into use.
    ///
    /// # Errors
    ///
    /// The reader cannot work with it.
    fn prepare<'a>(&'a self, ring: &KeyRing) -> Result<Commit<'a>, RingError>;
}
