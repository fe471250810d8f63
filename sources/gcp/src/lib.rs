#![doc = include_str!("../README.md")]

mod checksum;
#[cfg(feature = "environment")]
mod environment;
mod error;
mod secret;
mod step;
mod store;

pub use google_cloud_secretmanager_v1;
pub use secret::GcpSecret;
