//! The login routes in seven frameworks, one file for each: a mount to copy. The tests of this package hold all of them to
//! the same cases.

#![allow(clippy::must_use_candidate, reason = "a mount to copy shows only what it needs")]

pub mod actix;
pub mod axum;
pub mod hyper;
pub mod lambda;
pub mod poem;
pub mod salvo;
pub mod warp;
