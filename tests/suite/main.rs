//! The crate from outside: one file for each fault that it guards against.

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
mod common;
mod duplicate_callback;
mod form_post;
mod frozen_vectors;
mod guard_suite;
mod guards_page;
mod http_responses;
mod key_confusion;
mod key_sources;
mod link_over_http;
mod live_keys;
mod login_csrf;
mod migrating_page;
mod mix_up;
mod no_secret_shown;
mod old_store;
mod order_of_checks;
mod provider_presets;
mod restart_loops;
mod routes;
mod routes_abused;
mod state_length;
mod state_stores;
mod tampering;
mod time_limits;
mod typestate;
mod user_binding;
