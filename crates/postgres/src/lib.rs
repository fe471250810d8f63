//! A replay guard and a payload store for [`oauth_state`] over Postgres (feature `client`, on by default), and the
//! table and statements for a guard over your own pool, with `sqlx`, Diesel or any other client:
//!
//! ```
//! use std::time::SystemTime;
//!
//! use oauth_state::ReplayGuard;
//! use oauth_state::guard::{GuardError, Mark, MarkFuture, Marked};
//! use oauth_state::testing::{block_on, sample_mark};
//! use oauth_state_postgres::{FIND, INSERT, MarkRow, PURGE, claim_error, purge_before};
//!
//! /// Stands for your pool; `execute` returns the number of rows affected.
//! struct Pool;
//! # struct Connection;
//! # struct DbError;
//! # impl DbError {
//! #     fn sqlstate(&self) -> Option<&str> { None }
//! # }
//! # impl Pool {
//! #     async fn acquire(&self) -> Result<Connection, std::io::Error> { Ok(Connection) }
//! # }
//! # impl Connection {
//! #     async fn execute(&self, _: &str, _: &MarkRow) -> Result<u64, DbError> { Ok(1) }
//! #     async fn query(&self, _: &str, _: &MarkRow) -> Result<Option<String>, DbError> { Ok(None) }
//! #     async fn delete(&self, _: &str, _: i64) -> Result<u64, DbError> { Ok(1) }
//! # }
//! struct MyGuard(Pool);
//!
//! impl ReplayGuard for MyGuard {
//!     fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
//!         MarkFuture::new(async move {
//!             mark.refuse_if_over()?;
//!             let row = MarkRow::of(mark);
//!             // An exhausted pool is not an outage: load can also cause it.
//!             let connection = self.0.acquire().await.map_err(GuardError::overloaded)?;
//!             // No reply after the statement was sent means an unknown outcome, never "not used".
//!             let failed = |error: DbError| claim_error(error.sqlstate(), "the claim failed");
//!             if connection.execute(INSERT, &row).await.map_err(failed)? == 1 {
//!                 return Ok(Marked::First);
//!             }
//!             let stored = connection.query(FIND, &row).await.map_err(failed)?;
//!             mark.seen_after_insert(stored.as_deref().map(str::as_bytes))
//!         })
//!     }
//! }
//!
//! /// Run this once a minute, on any number of servers.
//! async fn purge(connection: &Connection) -> Result<u64, DbError> {
//!     connection.delete(PURGE, purge_before(SystemTime::now())).await
//! }
//!
//! assert_eq!(block_on(MyGuard(Pool).mark_used(&sample_mark()))?, Marked::First);
//! # Ok::<(), GuardError>(())
//! ```
//!
//! The repository has complete guards with time limits, a retry, purging and migrations to copy from: over `sqlx`
//! (`tests/pools/src/with_sqlx.rs`), `deadpool-postgres` (`with_deadpool.rs`) and Diesel (`with_diesel.rs`).

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test may fail"))]

#[cfg(feature = "client")]
mod address;
#[cfg(feature = "client")]
mod builder;
#[cfg(feature = "client")]
mod connection;
#[cfg(feature = "client")]
mod errors;
#[cfg(feature = "client")]
mod examine;
#[cfg(feature = "client")]
mod guard;
#[cfg(feature = "client")]
mod hosts;
#[cfg(feature = "client")]
mod literals;
mod own_pool;
#[cfg(feature = "client")]
mod payload_store;
#[cfg(feature = "client")]
mod purge;
#[cfg(feature = "client")]
mod row_calls;
#[cfg(feature = "client")]
mod server;
#[cfg(feature = "client")]
mod settings;
mod table;
#[cfg(feature = "client")]
mod tasks;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "client")]
mod transport;
#[cfg(feature = "client")]
mod trial;

#[cfg(feature = "client")]
pub use builder::PostgresGuardBuilder;
#[cfg(feature = "client")]
pub use guard::PostgresGuard;
#[cfg(feature = "client")]
pub use oauth_state_guard_kit::{Credentials, Examined, Flaw};
pub use own_pool::{PURGE, PURGE_BATCH, claim_error, connect_error, purge_before};
#[cfg(feature = "client")]
pub use payload_store::PostgresPayloadStore;
#[cfg(feature = "client")]
pub use purge::Purged;
#[cfg(feature = "client")]
pub use row_calls::ROWS_SCHEMA;
pub use table::{FIND, INSERT, MarkRow, SCHEMA};

/// A time in whole Unix seconds.
fn unix_seconds(at: std::time::SystemTime) -> u64 {
    at.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
