//! The routes and the extractor in axum: one file for each fault that they prevent.

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

mod connections;
mod duplicate_callback;
mod frames_and_tabs;
mod hooks;
mod http_responses;
mod link_over_http;
mod native_apps;
mod provider_started;
mod public_answers;
mod routes;
mod routes_abused;
mod routes_of_tenants;
mod signed_routes;
