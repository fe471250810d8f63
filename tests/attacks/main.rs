//! Attacks on a login, in the words of the standards: one file for each.
//!
//! Each file names the standard's rule that the attack breaks, and the consequence without the check that stops it.
//! `scripts/without-checks` removes each check from a copy of this tree and shows that the attack then succeeds.
//! Attacks on the routes of the web frameworks are in `tests/suite`, those on a store that servers share in
//! `tests/guards` and `tests/providers`.

#![allow(unreachable_pub, reason = "a test binary has no public items")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::must_use_candidate,
    reason = "a test may fail"
)]

mod account_link_fixation;
mod code_injection;
mod connections;
mod cookie_tossing;
mod cross_environment;
mod cross_purpose;
mod cross_tenant;
mod duplicate_parameters;
mod forgery;
mod form_confusion;
mod header_injection;
mod host_header;
mod id_collision;
mod key_confusion;
mod log_leakage;
mod login_csrf;
mod lying_errors;
mod mix_up;
mod moved_clock;
mod open_redirect;
mod oversize;
mod planted_parameters;
mod poisoned_login;
mod replay;
mod restart_loops;
