//! The public behavior of the stores: one file for each fault that they prevent.

#![allow(unreachable_pub, reason = "a test binary has no public items")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::must_use_candidate,
    reason = "a test may fail"
)]

mod old_store;
mod state_stores;
