//! Shared parts of the tests and benchmarks of several packages.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::must_use_candidate,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::new_without_default,
    reason = "a test may fail, and says so by itself"
)]

#[cfg(feature = "bench")]
pub mod bench;
#[cfg(feature = "servers")]
pub mod harness;
#[cfg(feature = "bench")]
pub mod late_refusals;
#[cfg(feature = "bench")]
pub mod refusals;
#[cfg(feature = "servers")]
pub mod servers;
pub mod shop;
