//! The crate's public behavior: one file for each fault that it prevents. Attacks are in `tests/attacks`.

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

mod begin_refusals;
mod browser_cookies;
mod callbacks;
mod cookie_names;
mod deploys;
mod form_post;
mod frames;
mod frozen_rings;
mod frozen_vectors;
mod gauges;
mod guard_suite;
mod guards_page;
mod key_sources;
mod keys_from_the_environment;
mod live_keys;
mod many_tabs;
mod migrating_page;
mod observers;
mod order_of_checks;
mod outcomes;
mod own_parameters;
mod provider_presets;
mod public_hosts;
mod references;
mod renaming;
mod signed_states;
mod state_length;
mod telemetry;
mod traces;
mod trusted_origins;
mod two_servers;
