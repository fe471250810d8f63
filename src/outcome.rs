//! What a finished login holds: the code and what belongs to it, and what else the provider said.

pub use crate::callback::AuthorizationError;
pub use crate::flow::{Code, CodeVerifier, Confirmed, Nonce, Returned, StaleAuthentication, StepUp};
pub use crate::unverified::UnverifiedParameters;
