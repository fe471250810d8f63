//! The future type of trait methods.

use std::future::Future;
use std::pin::Pin;

/// A future on the heap that can be sent between threads: the return type of this crate's trait methods. Make one with
/// `Box::pin(async move { … })`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Any error that can be sent between threads, from a closure or a store of your own.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
