//! One login start and one callback compared with the floor: the same work with the same libraries, written straight
//! down. Also the gain of a second thread, and the effect of held marks on a login.
//!
//! ```text
//! cargo bench --bench floor              # a minute; prints, and writes target/bench/floor.json
//! cargo bench --bench floor -- quick     # fewer turns
//! cargo test --bench floor               # each part once, with small numbers
//! ```
//!
//! Ratios of alternating rounds, in processor time of the thread, because absolute times differ between machines.
//! `scripts/bench` writes them to `docs/benchmarks.md`.

#![allow(
    missing_docs,
    unreachable_pub,
    unnameable_types,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::must_use_candidate,
    clippy::missing_panics_doc,
    reason = "a benchmark is not a library"
)]

mod login;
mod marks;
mod threads;

use serde_json::{Value, json};
use support::bench::rounds::Effort;

/// The amount of measurement.
#[derive(Clone, Copy)]
pub struct Amounts {
    pub rounds: Effort,
    /// Seconds for which threads run at the same time.
    pub seconds: f64,
    /// The maximum number of marks held.
    pub marks: usize,
}

const FULL: Amounts = Amounts { rounds: Effort { turns: 301, calls: 2_000 }, seconds: 4.2, marks: 10_000_000 };
const QUICK: Amounts = Amounts { rounds: Effort { turns: 61, calls: 1_000 }, seconds: 1.4, marks: 10_000_000 };
const SMOKE: Amounts = Amounts { rounds: Effort { turns: 1, calls: 20 }, seconds: 0.01, marks: 20_000 };

type Part = fn(Amounts) -> Value;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    // Cargo passes `--bench` for a measurement, and nothing for a test.
    let amounts = match (has("--bench"), has("quick")) {
        (false, _) => SMOKE,
        (true, true) => QUICK,
        (true, false) => FULL,
    };
    let parts: [(&str, Part); 3] =
        [("login", login::measure), ("threads", threads::measure), ("marks", marks::measure)];
    let named = |part: &str| has(part) || !parts.iter().any(|(name, _)| has(name));
    let mut report = json!({});
    let mut done = 0;
    for (name, measure) in parts.into_iter().filter(|(name, _)| named(name)) {
        report[name] = measure(amounts);
        done += 1;
    }
    if has("--bench") {
        support::bench::write_report("floor", &report);
    } else {
        println!("{done} passed, 0 failed");
    }
}
