//! The values of a finished login: the code, the values for its exchange, and the provider's other parameters.

pub use crate::callback::AuthorizationError;
pub use crate::flow::{Code, CodeVerifier, Confirmed, Nonce, Returned, StaleAuthentication, StepUp};
pub use crate::unverified::UnverifiedParameters;
