//! Smaller errors, and the kinds of the larger ones.

pub use crate::binding::BindingError;
pub use crate::claims::{ReturnToError, TenantError};
pub use crate::flow::DataError;
pub use crate::future::BoxError;
pub use crate::name::NameError;
pub use crate::provider::UrlError;
pub use crate::random::RandomnessError;
pub use crate::refusal::{FinishErrorKind, RepostPage};
