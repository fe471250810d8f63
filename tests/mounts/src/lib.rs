//! The login routes in seven frameworks, with one file to copy for each. This package's tests run the same cases
//! against all of them.

#![allow(clippy::must_use_candidate, reason = "a mount to copy shows only what it needs")]

pub mod actix;
pub mod axum;
pub mod hyper;
pub mod lambda;
pub mod poem;
pub mod salvo;
pub mod warp;
