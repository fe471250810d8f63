//! The state stores over real servers: one suite for all of them, servers that are killed while people sign in, and a move from
//! one store to another under load.
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
#![allow(dead_code, reason = "the servers are shared with other tests, which use the rest")]
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
use std::time::{Duration, Instant};

use cases::Case;
use stores::Servers;

/// A case that takes longer hangs.
const LONGEST_CASE: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    if has("server") {
        let served = runtime.block_on(trial::server::run());
        // A read of standard input that is under way does not end with the runtime.
        runtime.shutdown_background();
        return match served {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                println!("cannot serve: {error}");
                ExitCode::FAILURE
            }
        };
    }
    // Cargo adds --quiet to its own.
    if arguments.iter().any(|one| one.starts_with('-') && !["--full", "--list", "--quiet"].contains(&one.as_str())) {
        println!(
            "cargo test --test providers -- [--full] [--list] [WORD...]: in about a minute; --full for the long form, words for the lines that hold them"
        );
        return if has("--help") || has("-h") { ExitCode::SUCCESS } else { ExitCode::from(2) };
    }
    let words: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    let wanted = |case: &Case| words.iter().all(|word| case.line().contains(word.as_str()));
    let cases: Vec<Case> = cases::all(has("--full")).into_iter().filter(wanted).collect();
    if has("--list") {
        cases.iter().for_each(|case| println!("{}", case.line()));
        return ExitCode::SUCCESS;
    }
    // On this thread: a server ends with the thread that started it.
    let servers = Arc::new(runtime.block_on(Servers::start()).expect("Redis and Postgres"));
    let (mut passed, mut failed) = (0, 0);
    for case in cases {
        let line = case.line();
        let start = Instant::now();
        let run = async { tokio::time::timeout(LONGEST_CASE, (case.run)(Arc::clone(&servers))).await };
        let outcome = runtime.block_on(run);
        let seconds = start.elapsed().as_secs_f64();
        match outcome.unwrap_or_else(|_| Err("it hangs".into())) {
            Ok(measured) => {
                passed += 1;
                println!("ok  {line:<78} {seconds:>5.1} s  {measured}");
            }
            Err(error) => {
                failed += 1;
                println!("BAD {line:<78} {seconds:>5.1} s  {error}");
                let mut cause = error.source();
                while let Some(error) = cause {
                    println!("    because: {error}");
                    cause = error.source();
                }
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
