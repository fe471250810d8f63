//! Whether the time of a refusal reveals a secret, and which refusals can be distinguished by their time.
//!
//! ```text
//! cargo bench --bench side_channels            # some minutes; prints, and writes target/bench/side_channels.json
//! cargo bench --bench side_channels -- quick   # fewer measurements
//! cargo test --bench side_channels             # each part once, with small numbers
//! ```
//!
//! `scripts/bench side_channels` writes the figures to `docs/side-channels.md`. Nothing here asserts a time.

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

mod classes;
mod comparisons;
// The crate's own file, to measure its comparison alone.
#[path = "../../src/secret.rs"]
mod secret;
mod welch;

use serde_json::json;
use support::bench::rounds::Effort;

/// The amount of measurement.
#[derive(Clone, Copy)]
pub struct Amounts {
    /// Of one pair of inputs.
    pub measurements: usize,
    /// Of all refusals in turn.
    pub rounds: Effort,
}

const FULL: Amounts = Amounts { measurements: 1_000_000, rounds: Effort { turns: 101, calls: 1_000 } };
const QUICK: Amounts = Amounts { measurements: 100_000, rounds: Effort { turns: 21, calls: 300 } };
const SMOKE: Amounts = Amounts { measurements: 400, rounds: Effort { turns: 1, calls: 2 } };

fn main() {
    let has = |name: &str| std::env::args().any(|argument| argument == name);
    // Cargo passes `--bench` for a measurement, and nothing for a test.
    let amounts = match (has("--bench"), has("quick")) {
        (false, _) => SMOKE,
        (true, true) => QUICK,
        (true, false) => FULL,
    };
    let report = json!({ "comparisons": comparisons::measure(amounts), "classes": classes::measure(amounts) });
    if has("--bench") {
        support::bench::write_report("side_channels", &report);
    } else {
        println!("2 passed, 0 failed");
    }
}
