//! The state stores over real servers: one suite for all of them, servers that are killed while users sign in, and a
//! move from one store to another under load.
//!
//! ```text
//! cargo test --test providers                    # in about a minute
//! cargo test --test providers -- --full          # the long form
//! cargo test --test providers -- trial           # those whose line holds a word
//! cargo test --test providers -- --list
//! ```
//!
//! Each case prints a line: the store, the promise, and what was measured. With the argument `server` this program is one
//! application server; the cases start it as processes of their own.

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
mod cleanup;
mod deploy;
mod garbage;
mod keys;
mod migration;
mod outages;
mod rights;
mod stores;
mod suite;
mod trial;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use stores::Servers;
use support::harness;

/// A case that takes longer hangs.
const LONGEST_CASE: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    if std::env::args().any(|argument| argument == "server") {
        let served = runtime.block_on(trial::server::run());
        // A pending read of standard input does not end with the runtime.
        runtime.shutdown_background();
        return match served {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                println!("cannot serve: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let arguments = match harness::Arguments::read() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let servers = || Arc::new(runtime.block_on(Servers::start()).expect("Redis and Postgres"));
    harness::run(&arguments, &runtime, LONGEST_CASE, servers, cases::all(arguments.full))
}
