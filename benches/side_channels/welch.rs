//! Welch's t-test on the times of two classes of input, after dudect (Reparaz, Balasch and Verbauwhede, "dude, is my
//! code constant time?", 2017): the class of each measurement is random, and the test is repeated on the values below
//! each of a hundred percentiles, because the slowest measurements are the disturbed ones.

use std::hint::black_box;
use std::time::Instant;

use rand::TryRng;
use rand::rngs::SysRng;
use serde::Serialize;

/// Prepared together, away from the timing, so that the preparation affects both classes alike.
const PREPARED: usize = 512;
/// The number of initial measurements that are not counted.
const WARM_UP: usize = 1_024;
/// A class with fewer measurements is not tested, if there are that many at all.
const LEAST: usize = 2_000;

/// The result of the test for two classes.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Difference {
    /// The largest |t| of all tests.
    pub t: f64,
    pub measurements: usize,
    /// The second class's median minus the first's, in nanoseconds.
    pub nanoseconds: f64,
    /// The first class's median.
    pub median: f64,
}

/// Times `run` on inputs of two classes, each `prepare`d from its class: 0 or 1.
pub fn difference<I, O>(
    measurements: usize,
    mut prepare: impl FnMut(usize) -> I,
    mut run: impl FnMut(&mut I) -> O,
) -> Difference {
    let mut coin = Coin::new();
    let mut times: [Vec<f64>; 2] = Default::default();
    let mut done = 0;
    while done < measurements + WARM_UP {
        let mut inputs: Vec<_> = (0..PREPARED)
            .map(|_| {
                let class = coin.toss();
                (class, prepare(class))
            })
            .collect();
        for (class, input) in &mut inputs {
            let input = black_box(input);
            let start = Instant::now();
            let output = black_box(run(input));
            let elapsed = start.elapsed().as_nanos() as f64;
            drop(output);
            done += 1;
            if done > WARM_UP {
                times[*class].push(elapsed);
            }
        }
    }
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    let mut all = times.concat();
    all.sort_by(f64::total_cmp);
    let median = |times: &[f64]| times[times.len() / 2];
    Difference {
        t: largest_t(&times, &all),
        measurements: all.len(),
        nanoseconds: median(&times[1]) - median(&times[0]),
        median: median(&times[0]),
    }
}

fn largest_t(times: &[Vec<f64>; 2], all: &[f64]) -> f64 {
    let uncropped = std::iter::once(f64::INFINITY);
    let percentiles = (1..=100).map(|step| {
        let share = 1.0 - 0.5_f64.powf(f64::from(step) / 10.0);
        all[(all.len() as f64 * share) as usize]
    });
    let least = LEAST.min(all.len() / 8);
    let t = uncropped.chain(percentiles).filter_map(|threshold| {
        let [one, other] = [0, 1].map(|class| &times[class][..times[class].partition_point(|time| *time < threshold)]);
        (one.len() >= least && other.len() >= least).then(|| welch(one, other).abs())
    });
    t.fold(0.0, f64::max)
}

fn welch(one: &[f64], other: &[f64]) -> f64 {
    let [(mean_one, error_one), (mean_other, error_other)] = [one, other].map(|times| {
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    });
    let error = (error_one + error_other).sqrt();
    if error > 0.0 { (mean_one - mean_other) / error } else { 0.0 }
}

/// Draws classes: xorshift64*, seeded by the operating system.
struct Coin(u64);

impl Coin {
    fn new() -> Self {
        Self(SysRng.try_next_u64().unwrap() | 1)
    }

    fn toss(&mut self) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 63) as usize
    }
}
