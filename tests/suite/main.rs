//! The crate from outside, with its adapters: one file for each fault that it guards against. Attacks have `tests/attacks`.

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

mod actix;
mod begin_refusals;
mod browser_cookies;
mod duplicate_callback;
mod form_post;
mod frozen_rings;
mod frozen_vectors;
mod guard_suite;
mod guards_page;
mod http_responses;
mod key_sources;
mod link_over_http;
mod live_keys;
mod migrating_page;
mod old_store;
mod order_of_checks;
mod provider_presets;
mod routes;
mod routes_abused;
mod state_length;
mod state_stores;
mod typestate;

#[path = "../common/mod.rs"]
#[allow(dead_code, reason = "each test binary uses a part of it")]
mod common;
