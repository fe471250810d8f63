//! The allocations of a login, and the memory held by logins that start and never finish.
//!
//! ```text
//! cargo bench --bench memory    # some seconds; prints, and writes target/bench/memory.json
//! cargo test --bench memory     # the same with small numbers
//! ```
//!
//! A separate program, because counting slows the measured code. `scripts/bench` writes the figures to
//! `docs/benchmarks.md`.

#![allow(
    missing_docs,
    unreachable_pub,
    unnameable_types,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::must_use_candidate,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    reason = "a benchmark is not a library"
)]

mod allocations;
mod flood;

use serde_json::json;

fn main() {
    // Cargo passes `--bench` for a measurement, and nothing for a test.
    let measures = std::env::args().any(|argument| argument == "--bench");
    let begun = if measures { 1_000_000 } else { 2_000 };
    let report = json!({ "allocations": allocations::measure(), "flood": flood::measure(begun) });
    if measures {
        support::bench::write_report("memory", &report);
    } else {
        println!("2 passed, 0 failed");
    }
}
