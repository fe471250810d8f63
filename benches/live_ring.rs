//! The cost of a changing ring for the logins that read it, and the time from start to the first seal.
//!
//! ```text
//! cargo bench --bench live_ring     # half a minute; prints, and writes target/live_ring.json
//! cargo test --bench live_ring      # each part once, with small numbers
//! ```
//!
//! Rounds of the two sides alternate, so that drift of the machine cancels. `scripts/bench keys` writes the figures to
//! `docs/rotation.md`.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "a benchmark is not a library"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use oauth_state::ring::source::FileSource;
use oauth_state::ring::{KeyRingDocument, Refresh, RingTiming, SecretString, Update};
use oauth_state::{App, Binding, Flow, LiveKeyRing, Login, Provider, SingleProcessGuard};

/// The amount of measurement.
struct Effort {
    rounds: usize,
    reads: u32,
    begins: usize,
    starts: usize,
}

const FULL: Effort = Effort { rounds: 41, reads: 2_000_000, begins: 50_000, starts: 301 };
const SMOKE: Effort = Effort { rounds: 1, reads: 1_000, begins: 1_000, starts: 3 };
/// The time between two swaps while login starts are measured; a service swaps once in weeks.
const SWAP_EVERY: Duration = Duration::from_millis(20);

fn main() {
    // Cargo passes `--bench` for a measurement, and nothing for a test.
    let measures = std::env::args().any(|argument| argument == "--bench");
    let effort = if measures { FULL } else { SMOKE };
    let document = KeyRingDocument::first(RingTiming::default(), SystemTime::now()).unwrap();
    let report = serde_json::json!({
        "read": read(&effort, &document),
        "tail": tail(&effort, &document),
        "start": start(&effort, &document),
    });
    if measures {
        let target = std::env::var("CARGO_TARGET_DIR")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/target").to_owned());
        std::fs::write(format!("{target}/live_ring.json"), serde_json::to_string_pretty(&report).unwrap()).unwrap();
    } else {
        println!("3 passed, 0 failed");
    }
}

fn flow(keys: impl Into<LiveKeyRing>) -> Flow {
    let app = App::new("shop", "bench").unwrap();
    let builder = Flow::builder(app, keys, SingleProcessGuard::with_capacity(10));
    builder.provider(Provider::github()).build().unwrap()
}

fn begin(flow: &Flow) -> String {
    flow.begin(Binding::session(b"a session id of 24 bytes").unwrap(), Login::with("github")).unwrap().state
}

/// Nanoseconds of one call.
fn nanoseconds(calls: u32, mut call: impl FnMut()) -> f64 {
    let started = Instant::now();
    (0..calls).for_each(|_| call());
    started.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The cost of reading the keys, compared with a plain `Arc`, as a part of a login start.
fn read(effort: &Effort, document: &KeyRingDocument) -> serde_json::Value {
    let (plain, live) = (Arc::new(document.ring().clone()), ArcSwap::from_pointee(document.ring().clone()));
    let flow = flow(document.ring().clone());
    let (mut plains, mut lives, mut begins, mut shares) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        let of_plain = nanoseconds(effort.reads, || {
            black_box(black_box(&plain).serial());
        });
        let of_live = nanoseconds(effort.reads, || {
            black_box(black_box(&live).load().serial());
        });
        let of_begin = nanoseconds(effort.reads / 100 + 1, || {
            black_box(begin(&flow));
        });
        plains.push(of_plain);
        lives.push(of_live);
        begins.push(of_begin);
        shares.push((of_live - of_plain) / of_begin);
    }
    let (plain, live, begin, share) = (median(plains), median(lives), median(begins), median(shares));
    println!(
        "read: a plain Arc {plain:.1} ns, the live ring {live:.1} ns, login start {begin:.0} ns: {:.2} % of it",
        100.0 * share
    );
    serde_json::json!({ "plain": plain, "live": live, "begin": begin, "share": share })
}

/// The same document under increasing serials.
fn documents(document: &KeyRingDocument) -> impl Iterator<Item = SecretString> + Send + use<> {
    let text = document.to_secret_text().expose().to_owned();
    (2_u64..).map(move |serial| text.replace("\"serial\": 1,", &format!("\"serial\": {serial},")).into())
}

/// The slowest login starts, with and without concurrent swaps.
fn tail(effort: &Effort, document: &KeyRingDocument) -> serde_json::Value {
    let keys = LiveKeyRing::from(document.ring().clone());
    let flow = flow(keys.clone());
    let mut swaps = documents(document);
    let (mut without, mut with, mut swapped) = (Vec::new(), Vec::new(), 0);
    for round in 0..=2 * effort.rounds {
        let swaps_now = round % 2 == 0;
        let stop = AtomicBool::new(false);
        let times = std::thread::scope(|scope| {
            let swapper = swaps_now.then(|| {
                let (keys, swaps, stop) = (&keys, &mut swaps, &stop);
                scope.spawn(move || {
                    let mut count = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let document = swaps.next().unwrap();
                        assert_eq!(keys.offer(&document, SystemTime::now()).unwrap(), Update::Taken { late: 0 });
                        count += 1;
                        std::thread::sleep(SWAP_EVERY);
                    }
                    count
                })
            });
            let times: Vec<f64> = (0..effort.begins)
                .map(|_| {
                    let started = Instant::now();
                    black_box(begin(&flow));
                    started.elapsed().as_secs_f64() * 1e6
                })
                .collect();
            stop.store(true, Ordering::Relaxed);
            swapped += swapper.map_or(0, |swapper| swapper.join().unwrap());
            times
        });
        // The first round warms up.
        match (round, swaps_now) {
            (0, _) => {}
            (_, true) => with.push(times),
            (_, false) => without.push(times),
        }
    }
    let quantile = |rounds: &[Vec<f64>], share: f64| {
        let mut all: Vec<f64> = rounds.concat();
        all.sort_by(f64::total_cmp);
        all[((all.len() - 1) as f64 * share) as usize]
    };
    let mut report = serde_json::Map::from_iter([("swaps".to_owned(), swapped.into())]);
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999)] {
        let (without, with) = (quantile(&without, share), quantile(&with, share));
        println!("begin, {name}: {without:.2} us without swaps, {with:.2} us with them: {:.2}", with / without);
        report
            .insert(name.to_owned(), serde_json::json!({ "without": without, "with": with, "ratio": with / without }));
    }
    println!("{swapped} swaps");
    report.into()
}

/// From nothing to the first state: read the file, check it, derive the keys, seal.
fn start(effort: &Effort, document: &KeyRingDocument) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.json");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    // Sixteen keys are the maximum of a ring.
    let mut full = document.clone();
    while let Ok(step) = full.rotate(SystemTime::now()) {
        full = step.document;
    }
    let mut report = serde_json::Map::new();
    for (name, document) in [("one key", document), ("sixteen keys", &full)] {
        std::fs::write(&path, document.to_secret_text().expose()).unwrap();
        let times = (0..effort.starts).map(|_| {
            let started = Instant::now();
            let loaded = runtime.block_on(LiveKeyRing::load(FileSource::new(&path), Refresh::default()));
            black_box(begin(&flow(loaded.unwrap().0)));
            started.elapsed().as_secs_f64() * 1e6
        });
        let median = median(times.collect());
        println!("start, {name}: {median:.0} us from the file to the first state");
        report.insert(name.to_owned(), median.into());
    }
    report.into()
}
