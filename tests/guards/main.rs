//! The guards over real servers, and what is left of each promise when those are killed, stopped, cut off or filled.
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
mod doctor;
mod fleet_faults;
mod logs;
mod overload;
mod postgres_faults;
mod postgres_setup;
mod redis_faults;
mod redis_memory;
mod redis_setup;
mod storm;
mod suites;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use cases::Case;

/// A case that takes longer hangs.
const LONGEST_CASE: Duration = Duration::from_secs(150);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    // Cargo adds --quiet to its own.
    if arguments.iter().any(|one| one.starts_with('-') && !["--full", "--list", "--quiet"].contains(&one.as_str())) {
        println!(
            "cargo test --test guards -- [--full] [--list] [WORD...]: each fault on one engine; --full for all, words for the lines that hold them"
        );
        return if has("--help") || has("-h") { ExitCode::SUCCESS } else { ExitCode::from(2) };
    }
    let words: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    let wanted = |case: &Case| {
        let line = case.line();
        (has("--full") || case.short || !words.is_empty()) && words.iter().all(|word| line.contains(word.as_str()))
    };
    let cases: Vec<Case> = cases::all().into_iter().filter(wanted).collect();
    if has("--list") {
        cases.iter().for_each(|case| println!("{}", case.line()));
        return ExitCode::SUCCESS;
    }
    logs::collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (mut passed, mut failed) = (0, 0);
    for case in cases {
        let line = case.line();
        let start = Instant::now();
        // On this thread: a server ends with the thread that started it.
        let outcome = runtime.block_on(async { tokio::time::timeout(LONGEST_CASE, (case.run)()).await });
        let seconds = start.elapsed().as_secs_f64();
        match outcome.unwrap_or_else(|_| Err("it hangs".into())) {
            Ok(measured) => {
                passed += 1;
                println!("ok  {line:<92} {seconds:>5.1} s  {measured}");
            }
            Err(error) => {
                failed += 1;
                println!("BAD {line:<92} {seconds:>5.1} s  {error}");
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
