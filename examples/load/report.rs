//! The printed report, and the figures for programs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::visitor::Outcome;

/// All counters.
#[derive(Default)]
pub struct Counts {
    pub begins: Vec<Duration>,
    pub callbacks: Vec<Duration>,
    pub finished: u64,
    pub in_flight_on_killed: u64,
    pub lost: BTreeMap<String, u64>,
    pub failed: BTreeMap<String, u64>,
    pub robots: u64,
    pub kills: u64,
}

impl Counts {
    /// A login that did not start.
    pub fn not_begun(&mut self, why: String) {
        self.begins.push(Duration::ZERO);
        *self.failed.entry(why).or_default() += 1;
    }

    pub fn count(&mut self, outcome: Outcome, took: Duration) {
        self.callbacks.push(took);
        match outcome {
            Outcome::Finished => self.finished += 1,
            Outcome::InFlightOnKilled => self.in_flight_on_killed += 1,
            Outcome::Lost(why) => *self.lost.entry(why).or_default() += 1,
            Outcome::Failed(why) => *self.failed.entry(why).or_default() += 1,
        }
    }

    fn begun(&self) -> u64 {
        self.begins.len() as u64
    }

    /// Of the logins whose callback was not in progress on a killed process.
    fn success(&self) -> f64 {
        self.finished as f64 / (self.begun() - self.in_flight_on_killed).max(1) as f64
    }
}

/// A snapshot of the run.
pub struct Moment {
    pub seconds: f64,
    pub begun: u64,
    pub ended: u64,
    pub robots: u64,
    /// Bytes of each server.
    pub memory: Vec<u64>,
    pub processor: f64,
}

impl Moment {
    pub fn heading() {
        println!(
            "{:>6} {:>9} {:>9} {:>9}  {:>10}  memory of each server",
            "time", "begun", "ended", "robots", "processor"
        );
    }

    pub fn print(&self) {
        let memory: Vec<String> = self.memory.iter().map(|bytes| format!("{:.1}", *bytes as f64 / 1e6)).collect();
        println!(
            "{:>4.0} s {:>9} {:>9} {:>9}  {:>8.1} s  {} MB",
            self.seconds,
            self.begun,
            self.ended,
            self.robots,
            self.processor / 1e3,
            memory.join(", ")
        );
    }
}

fn percentile(sorted: &[Duration], share: f64) -> f64 {
    let index = ((sorted.len().max(1) - 1) as f64 * share).round() as usize;
    sorted.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// Prints the report and returns the figures; `processor` is the servers' processor time for the flows.
pub fn report(arguments: &Arguments, counts: &mut Counts, moments: &[Moment]) -> Value {
    counts.begins.sort_unstable();
    counts.callbacks.sort_unstable();
    let (begun, success) = (counts.begun(), counts.success());
    println!("\n{begun} logins over {} servers, store {}, {} kills", arguments.servers, arguments.store, counts.kills);
    println!("  finished                              {:>9}", counts.finished);
    println!("  in flight on a server that was killed {:>9}", counts.in_flight_on_killed);
    for (why, number) in counts.lost.iter().chain(&counts.failed) {
        println!("  {why:<37} {number:>9}");
    }
    println!("  success of those not in flight        {:>8.3} %", success * 100.0);
    let (begins, callbacks) = (&counts.begins, &counts.callbacks);
    let times = |times: &[Duration]| [0.5, 0.95, 0.99].map(|share| percentile(times, share));
    let (begin, callback) = (times(begins), times(callbacks));
    for (name, times) in [("begin", begin), ("callback", callback)] {
        println!("  {name:<9} p50 {:>6.2} ms   p95 {:>6.2} ms   p99 {:>6.2} ms", times[0], times[1], times[2]);
    }
    let all = begun + counts.robots;
    let processor = moments.last().map_or(0.0, |last| last.processor) * 1e3 / all.max(1) as f64;
    println!("  processor for each login              {processor:>9.0} µs, HTTP and connections included");
    let memory = |moment: Option<&Moment>| moment.map_or(0, |moment| moment.memory.iter().copied().max().unwrap_or(0));
    let (first, last) = (memory(moments.first()), memory(moments.last()));
    println!(
        "  the largest server                    {:>9.1} MB at first, {:.1} MB at last",
        first as f64 / 1e6,
        last as f64 / 1e6
    );
    json!({
        "store": arguments.store, "guard": arguments.guard, "flows": begun, "servers": arguments.servers, "kills": counts.kills,
        "finished": counts.finished, "in_flight_on_killed": counts.in_flight_on_killed,
        "lost": counts.lost.values().sum::<u64>(), "failed": counts.failed.values().sum::<u64>(),
        "success": success, "begin_ms": begin, "callback_ms": callback, "processor_us": processor,
        "robots": counts.robots, "memory_first": first, "memory_last": last,
        "moments": moments.iter().map(|moment| json!([moment.seconds, moment.memory.iter().sum::<u64>(), moment.begun + moment.robots])).collect::<Vec<_>>(),
    })
}
