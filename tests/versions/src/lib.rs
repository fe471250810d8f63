//! One file for each use, as docs/frameworks.md shows them.

pub mod axum_07;
pub mod no_oauth2;
pub mod oauth2_4;
