//! Replay guards to copy from: over a Postgres pool of your own, and over a store of your own.

pub mod mariadb;
pub mod with_deadpool;
pub mod with_diesel;
pub mod with_sqlx;
