//! The future of a trait's method.

use std::future::Future;
use std::pin::Pin;

/// A future on the heap that can be sent between threads: what the methods of this crate's traits return. Make one with
/// `Box::pin(async move { … })`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Any error that can be sent between threads: what a closure or a store of the caller's own fails with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
