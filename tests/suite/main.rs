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
#[path = "../../benches/side_channels/late_refusals.rs"]
mod late_refusals;
mod link_over_http;
mod live_keys;
mod migrating_page;
mod old_store;
mod order_of_checks;
mod provider_presets;
mod public_answers;
// A refusal of each kind, which the benchmarks time and whose answers are compared here.
#[path = "../../benches/begin_finish/refusals.rs"]
mod refusals;
mod routes;
mod routes_abused;
mod routes_of_tenants;
#[allow(dead_code, reason = "what the benchmarks share is not all used here")]
#[path = "../../benches/shared/mod.rs"]
mod shared;
mod signed_states;
mod state_length;
mod state_stores;
mod telemetry;

#[path = "../common/mod.rs"]
#[allow(dead_code, reason = "each test binary uses a part of it")]
mod common;
