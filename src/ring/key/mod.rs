//! Root keys, their public names, the keys derived from them, and the ring that decides which one seals when.

pub(crate) mod derive;
pub(crate) mod id;
pub(crate) mod material;
pub(crate) mod ring;

pub use id::{ParseRootKeyIdError, RootKeyId};
pub use material::{RootKey, RootKeyError};
pub use ring::{KeyRing, KeyRole};
