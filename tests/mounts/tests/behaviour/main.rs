//! The same cases for the mount of every framework, and tests with a framework's own responses and sessions.

#![allow(unreachable_pub, reason = "a test binary has no public items")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

mod actix;
mod axum;
mod cases;
mod hyper;
mod lambda;
mod pages;
mod poem;
mod salvo;
mod sessions;
mod shop;
mod streaming;
mod warp;
