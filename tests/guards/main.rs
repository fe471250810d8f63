//! The guards over real servers that are killed, stopped, cut off or filled, and the promises that still hold.
//!
//! ```text
//! cargo test --test guards                    # each fault on one engine
//! cargo test --test guards -- --full          # all of them
//! cargo test --test guards -- sentinel        # those whose line holds a word
//! cargo test --test guards -- --list
//! ```
//!
//! Each case prints a line: the engine, the fault, and what was measured.

#![allow(unreachable_pub, reason = "a test binary has no public items")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::must_use_candidate,
    clippy::missing_errors_doc,
    reason = "a test may fail"
)]

mod cases;
mod cluster_faults;
mod doctor;
mod fleet_faults;
mod logs;
mod overload;
mod pooler;
mod postgres_environments;
mod postgres_faults;
mod postgres_limits;
mod postgres_setup;
mod postgres_stalls;
mod redis_environments;
mod redis_faults;
mod redis_memory;
mod redis_setup;
mod storm;
mod suites;

use std::process::ExitCode;
use std::time::Duration;

use support::harness;

/// A case that takes longer hangs.
const LONGEST_CASE: Duration = Duration::from_secs(150);

fn main() -> ExitCode {
    let arguments = match harness::Arguments::read() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    harness::run(&arguments, &runtime, LONGEST_CASE, logs::collect, cases::all())
}
