//! Key rings: root keys, the document that holds them, their roles over time, and the live ring that servers use.

pub(crate) mod key;
pub(crate) mod live;
pub mod source;

pub use crate::secret::SecretString;
pub use key::{KeyRing, KeyRole, ParseRootKeyIdError, RootKey, RootKeyError, RootKeyId};
pub use live::{
    Change, KeyInfo, Lint, LintLevel, LiveKeyRing, RingEvent, RingEventKind, RingStatus, Step, StepError, Update,
};
#[cfg(feature = "refresh")]
pub use live::{Refresh, Refresher};
pub use source::document::{KeyRingDocument, RingError, RingTiming};
