//! front page
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "an overflow fails the test"))]

pub mod adapter;
mod base64url;
mod binding;
mod callback;
mod claims;
mod clock;
mod cookie;
mod finish_error;
mod flow;
mod framing;
mod key;
mod name;
mod open;
mod provider;
mod random;
mod replay;
mod seal;
mod secret;
mod source;
#[cfg(feature = "testing")]
pub mod testing;
mod token;

pub use binding::{Binding, BindingError};
pub use callback::{AuthorizationError, Callback, UnauthenticatedParameters};
pub use claims::{Origin, ReturnTo, ReturnToError, Tenant, TenantError};
pub use clock::{Clock, SystemClock};
pub use finish_error::{FinishError, FinishErrorKind, Restart};
pub use flow::{
    Authorized, BeginError, Begun, Bound, Code, CodeVerifier, ConfigError, DataError, Expect, Finished, Flow,
    FlowBuilder, Keys, Login, Nonce, ProviderRefusal,
};
pub use key::{KeyRing, KeyRole, RootKey, RootKeyError, RootKeyId};
pub use name::{App, NameError, Purpose};
pub use provider::{Provider, ResponseMode};
pub use random::RandomnessError;
pub use replay::{GuardError, GuardErrorKind, Mark, MarkFuture, Marked, ReplayGuard, SingleProcessGuard};
pub use secret::SecretText;
pub use source::RingError;
