//! The memory guard: bytes per mark over the whole sweep, and the time of a claim, warm and cold.

use std::hint::black_box;
use std::time::{Duration, Instant, SystemTime};

use oauth_state::guard::{Mark, Marked};
use oauth_state::{ReplayGuard, SingleProcessGuard, testing};
use serde_json::{Value, json};

use crate::Effort;
use crate::rounds::median;

/// How many marks are added between two memory readings: a tenth of the existing ones, at least this many.
const STEP: usize = 500;
/// Claims that are timed together.
const WARM: usize = 20_000;
const COLD: usize = 16;
/// Larger than any cache.
const EVICTION: usize = 64 * 1024 * 1024;
const LIFETIME: Duration = Duration::from_secs(600);

/// Marks as of a real service: random ids, with states started over the last ten minutes.
pub struct Marks {
    now: SystemTime,
    random: u64,
}

impl Marks {
    pub fn new(now: SystemTime, random: u64) -> Self {
        Self { now, random }
    }

    pub fn next(&mut self) -> Mark {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.draw().to_be_bytes());
        id[8..].copy_from_slice(&self.draw().to_be_bytes());
        let left = Duration::from_secs(self.draw() % LIFETIME.as_secs()) + Duration::from_secs(1);
        testing::mark(id, self.draw().to_be_bytes(), self.now, self.now + left)
    }

    /// splitmix64: fast enough not to affect the measurement.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn claim(guard: &SingleProcessGuard, mark: &Mark) {
    assert_eq!(testing::block_on(guard.mark_used(black_box(mark))).unwrap(), Marked::First);
}

pub fn measure(effort: Effort) -> Value {
    let sweep = sweep(effort);
    let mut marks = Marks::new(SystemTime::now(), 11);
    let guard = SingleProcessGuard::with_capacity(effort.marks * 2);
    let mut cold_buffer = vec![1_u8; EVICTION];
    let mut timed_at = [100_000, 1_000_000, 10_000_000].map(|at| at.min(effort.marks)).to_vec();
    timed_at.dedup();
    let times: Vec<Timed> = timed_at
        .into_iter()
        .map(|held| {
            (guard.len()..held).for_each(|_| claim(&guard, &marks.next()));
            Timed::at(&guard, &mut marks, &mut cold_buffer, effort, held)
        })
        .collect();
    report(&sweep, &times)
}

/// The number of live marks and the bytes for each, from ten thousand on in small steps, so that every fill between two
/// growths of the tables is measured.
fn sweep(effort: Effort) -> Vec<(usize, f64)> {
    let mut marks = Marks::new(SystemTime::now(), 7);
    let mut guard = None;
    let made = allocation_counter::measure(|| guard = Some(SingleProcessGuard::with_capacity(effort.marks)));
    let guard = guard.unwrap();
    let mut bytes = made.bytes_current;
    let mut sweep = Vec::new();
    while guard.len() < effort.marks {
        let step = (guard.len() / 200).max(STEP).min(effort.marks - guard.len());
        let batch: Vec<Mark> = (0..step).map(|_| marks.next()).collect();
        bytes += allocation_counter::measure(|| batch.iter().for_each(|mark| claim(&guard, mark))).bytes_current;
        if guard.len() >= 10_000 {
            sweep.push((guard.len(), bytes as f64 / guard.len() as f64));
        }
    }
    sweep
}

/// Nanoseconds of a claim of a new id, including growth of the tables.
struct Timed {
    held: usize,
    warm: f64,
    cold: f64,
}

impl Timed {
    fn at(guard: &SingleProcessGuard, marks: &mut Marks, cold_buffer: &mut [u8], effort: Effort, held: usize) -> Self {
        let (mut warm, mut cold) = (Vec::new(), Vec::new());
        for _ in 0..effort.rounds.clamp(1, 11) {
            let batch: Vec<Mark> = (0..WARM.min(effort.marks / 8)).map(|_| marks.next()).collect();
            warm.push(nanoseconds(guard, &batch));
            // Only a few at a time, because each one warms the caches for the next.
            for _ in 0..5 {
                let batch: Vec<Mark> = (0..COLD).map(|_| marks.next()).collect();
                cold_buffer.iter_mut().step_by(64).for_each(|byte| *byte = byte.wrapping_add(1));
                black_box(&cold_buffer);
                cold.push(nanoseconds(guard, &batch));
            }
        }
        Self { held, warm: median(warm.into_iter()), cold: median(cold.into_iter()) }
    }
}

fn nanoseconds(guard: &SingleProcessGuard, batch: &[Mark]) -> f64 {
    let start = Instant::now();
    batch.iter().for_each(|mark| claim(guard, mark));
    start.elapsed().as_nanos() as f64 / batch.len() as f64
}

fn report(sweep: &[(usize, f64)], times: &[Timed]) -> Value {
    let worst = sweep.iter().map(|(_, bytes)| *bytes).fold(0.0, f64::max);
    // By the logarithm of the fill, so that ten thousand counts as much as a million.
    let mut average = (0.0, 0.0);
    for pair in sweep.windows(2) {
        let weight = (pair[1].0 as f64 / pair[0].0 as f64).ln();
        average = (average.0 + weight * f64::midpoint(pair[0].1, pair[1].1), average.1 + weight);
    }
    let average = average.0 / average.1;
    println!(
        "\nSingleProcessGuard: bytes a mark, by a counting allocator, over {} fills from 10,000 marks on",
        sweep.len()
    );
    println!("worst {worst:.1}, average {average:.1}");
    println!("{:>12} {:>16} {:>16}", "live marks", "warm ns a claim", "cold ns a claim");
    for Timed { held, warm, cold } in times {
        println!("{held:>12} {warm:>16.0} {cold:>16.0}");
    }
    let (first, last) = (&times[0], &times[times.len() - 1]);
    let (warm_ratio, cold_ratio) = (last.warm / first.warm, last.cold / first.cold);
    println!("{:>12} {warm_ratio:>16.2} {cold_ratio:>16.2}", "ratio");
    let step = (sweep.len() / 400).max(1);
    json!({
        "worst": worst, "average": average, "warm_ratio": warm_ratio, "cold_ratio": cold_ratio,
        "times": times.iter().map(|time| json!({ "marks": time.held, "warm": time.warm, "cold": time.cold })).collect::<Vec<_>>(),
        "sweep": sweep.iter().step_by(step).map(|(held, bytes)| json!([held, bytes])).collect::<Vec<_>>(),
    })
}
