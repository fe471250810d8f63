//! A replay guard and a payload store for [`oauth_state`] over Redis or Valkey: one server, Sentinel or a cluster.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test may fail"))]

mod address;
mod any_connection;
mod builder;
mod claim;
mod cluster;
mod connection;
mod credentials;
mod examine;
mod guard;
mod payload_store;
mod row_calls;
mod server;
mod slots;

pub use builder::{DEFAULT_PREFIX, RedisGuardBuilder};
pub use guard::RedisGuard;
pub use oauth_state_guard_kit::{Credentials, Examined, Flaw};
pub use payload_store::RedisPayloadStore;
/// The crate of [`RedisGuard::from_connection`]'s argument.
pub use redis;
pub use server::{OnEvictingServer, RedisServer};
