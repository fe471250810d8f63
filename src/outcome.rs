//! What a finished login holds: the code and what belongs to it, and what the provider said besides.

pub use crate::callback::{AuthorizationError, UnverifiedParameters};
pub use crate::flow::{Code, CodeVerifier, Nonce};
