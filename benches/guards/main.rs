//! The guards compared with the bare commands that they use, and the memory guard from ten thousand to ten million
//! marks.
//!
//! ```text
//! cargo bench --bench guards            # some minutes; prints tables, and writes target/bench/guards.json
//! cargo bench --bench guards -- memory  # some parts: redis, postgres, cluster, overload, logins, memory, moka; and `quick`
//! cargo test --bench guards             # each part once, with small numbers
//! ```
//!
//! Rounds alternate between the two sides, so that drift of the machine cancels. `scripts/bench guards` writes the
//! tables and plots to `docs/guards.md`.

#![allow(
    missing_docs,
    unreachable_pub,
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

mod limits;
mod logins;
mod memory;
mod moka_guard;
mod rounds;
mod stores;

use support::servers::Failure;

/// The amount of measurement.
#[derive(Clone, Copy)]
pub struct Effort {
    /// Seconds of one round.
    pub seconds: f64,
    /// Rounds of each side.
    pub rounds: usize,
    /// The maximum number of marks in the memory guard.
    pub marks: usize,
}

// Many short rounds: a disturbance of the machine lasts longer than one of them.
const FULL: Effort = Effort { seconds: 0.2, rounds: 45, marks: 10_000_000 };
const QUICK: Effort = Effort { seconds: 0.05, rounds: 9, marks: 1_000_000 };
const SMOKE: Effort = Effort { seconds: 0.02, rounds: 1, marks: 20_000 };

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Cargo passes `--bench` for a measurement, and nothing for a test.
    let measures = arguments.iter().any(|argument| argument == "--bench");
    let quick = arguments.iter().any(|argument| argument == "quick");
    let effort = match (measures, quick) {
        (false, _) => SMOKE,
        (true, true) => QUICK,
        (true, false) => FULL,
    };
    let is_part = |argument: &&String| !argument.starts_with("--") && *argument != "quick";
    let parts: Vec<_> = arguments.iter().filter(is_part).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| *wanted == part);

    let mut report = serde_json::Map::new();
    if wanted("memory") {
        report.insert("memory".to_owned(), memory::measure(effort));
    }
    if wanted("moka") {
        report.insert("moka".to_owned(), moka_guard::measure(effort));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if wanted("redis") {
        report.insert("redis".to_owned(), runtime.block_on(stores::redis(effort))?);
    }
    if wanted("postgres") {
        report.insert("postgres".to_owned(), runtime.block_on(stores::postgres(effort))?);
    }
    if wanted("cluster") {
        report.insert("cluster".to_owned(), runtime.block_on(limits::cluster(effort))?);
    }
    if wanted("overload") {
        report.insert("overload".to_owned(), runtime.block_on(limits::overload(effort))?);
    }
    if wanted("logins") {
        report.insert("logins".to_owned(), runtime.block_on(logins::measure(effort))?);
    }
    if measures {
        let target = std::env::var("CARGO_TARGET_DIR")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/target").to_owned());
        // A partial or quick run must not change the page.
        let name = if parts.is_empty() && !quick { "guards" } else { "guards-part" };
        std::fs::create_dir_all(format!("{target}/bench"))?;
        std::fs::write(format!("{target}/bench/{name}.json"), serde_json::to_string_pretty(&report)?)?;
    }
    if !measures {
        println!("{} passed, 0 failed", report.len());
    }
    Ok(())
}
