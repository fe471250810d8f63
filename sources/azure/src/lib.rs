#![doc = include_str!("../README.md")]

#[cfg(feature = "environment")]
mod environment;
mod error;
mod secret;
mod step;
mod store;

pub use azure_core;
pub use azure_security_keyvault_secrets;
pub use secret::{AzureSecret, client_options};
