//! A replay guard over Postgres: [`PostgresGuard`](crate::PostgresGuard) (feature `postgres`), and its table and statements for
//! those who ask from a pool of their own, with `sqlx`, Diesel or any other client.
//!
//! ```
//! use oauth_state::postgres::{FIND, INSERT, MarkRow};
//! use oauth_state::{GuardError, Mark, MarkFuture, Marked, ReplayGuard};
//!
//! /// Stands for a pool; `execute` gives the rows affected.
//! struct Pool;
//! # struct Connection;
//! # impl Pool {
//! #     async fn acquire(&self) -> Result<Connection, std::io::Error> { Ok(Connection) }
//! # }
//! # impl Connection {
//! #     async fn execute(&self, _: &str, _: &MarkRow) -> Result<u64, std::io::Error> { Ok(1) }
//! #     async fn query(&self, _: &str, _: &MarkRow) -> Result<Option<String>, std::io::Error> { Ok(None) }
//! # }
//! struct MyGuard(Pool);
//!
//! impl ReplayGuard for MyGuard {
//!     fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
//!         MarkFuture::new(async move {
//!             let row = MarkRow::of(mark);
//!             // A pool that is used up is no outage: load does that, too.
//!             let connection = self.0.acquire().await.map_err(GuardError::overloaded)?;
//!             // An error after the statement was sent is an unknown outcome, never "not used".
//!             if connection.execute(INSERT, &row).await.map_err(GuardError::outcome_unknown)? == 1 {
//!                 return Ok(Marked::First);
//!             }
//!             let there = connection.query(FIND, &row).await.map_err(GuardError::outcome_unknown)?;
//!             mark.seen_after_insert(there.as_deref().map(str::as_bytes))
//!         })
//!     }
//! }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! # let mark = oauth_state::testing::sample_mark();
//! assert_eq!(MyGuard(Pool).mark_used(&mark).await?, Marked::First);
//! # Ok::<(), GuardError>(())
//! # }).unwrap();
//! ```

#[cfg(feature = "postgres")]
mod builder;
#[cfg(feature = "postgres")]
mod connection;
#[cfg(all(feature = "postgres", feature = "doctor"))]
mod examine;
#[cfg(feature = "postgres")]
mod guard;
#[cfg(feature = "postgres")]
mod purge;
#[cfg(feature = "postgres")]
mod rows;
#[cfg(feature = "postgres")]
mod server;
mod table;
#[cfg(feature = "postgres-tls")]
mod tls;

#[cfg(feature = "postgres")]
pub use builder::PostgresGuardBuilder;
#[cfg(feature = "postgres")]
pub use guard::{PostgresGuard, Purged};
#[cfg(feature = "postgres")]
pub use rows::ROWS_SCHEMA;
pub use table::{FIND, INSERT, MarkRow, SCHEMA};
