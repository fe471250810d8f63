//! One begin and one finish beside the floor: the same work, with the same libraries, written straight down. And what a second
//! thread adds, and what marks that are held cost a login.
//!
//! ```text
//! cargo bench --bench floor              # a minute; prints, and writes target/bench/floor.json
//! cargo bench --bench floor -- quick     # fewer turns
//! cargo test --bench floor               # each part once, with small numbers
//! ```
//!
//! Ratios of rounds that alternate, by the processor time of the thread, because absolute times do not hold from machine to
//! machine. `scripts/bench` puts them into `docs/benchmarks.md`.

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

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Amounts {
    pub rounds: Effort,
    /// Seconds that threads run side by side.
    pub seconds: f64,
    /// The most marks that are held.
    pub marks: usize,
}

const FULL: Amounts = Amounts { rounds: Effort { turns: 301, calls: 2_000 }, seconds: 4.2, marks: 10_000_000 };
const QUICK: Amounts = Amounts { rounds: Effort { turns: 61, calls: 1_000 }, seconds: 1.4, marks: 10_000_000 };
const SMOKE: Amounts = Amounts { rounds: Effort { turns: 1, calls: 20 }, seconds: 0.01, marks: 20_000 };

type Part = fn(Amounts) -> Value;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    // Cargo says whether it is to measure or to test.
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
