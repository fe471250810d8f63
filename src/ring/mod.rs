//! Key rings: root keys, the document that holds them, their roles over time, and the live ring that servers read.

pub(crate) mod key;
pub(crate) mod live;
pub mod source;

pub use crate::secret::SecretText;
pub use key::{KeyRing, KeyRole, RootKey, RootKeyError, RootKeyId};
pub use live::{
    Change, Finding, Keys, KeysStatus, ListedKey, Offered, RingEvent, RingEventKind, Severity, Step, StepError,
};
#[cfg(feature = "refresh")]
pub use live::{Refresh, Refresher};
pub use source::document::{RingDocument, RingError, RingTiming};
