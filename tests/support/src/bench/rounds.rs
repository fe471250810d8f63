//! Alternating rounds of several contenders on one thread, measured in the thread's processor time.
//!
//! A disturbance of the machine lasts longer than one round and affects all contenders of a turn alike, so a ratio is
//! the median of the ratios of single turns.

use cpu_time::ThreadTime;
use serde::Serialize;

/// The amount of measurement.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// The number of turns, in each of which every contender runs once.
    pub turns: usize,
    /// Calls of one contender in one turn.
    pub calls: u32,
}

/// One side, which runs its work so many times.
pub struct Contender<'a> {
    pub name: String,
    run: Box<dyn FnMut(u32) + 'a>,
}

impl<'a> Contender<'a> {
    /// Times a call of `work`, including the drop of its result.
    pub fn new<R>(name: impl Into<String>, mut work: impl FnMut() -> R + 'a) -> Self {
        let run = Box::new(move |calls| {
            for _ in 0..calls {
                std::hint::black_box(work());
            }
        });
        Self { name: name.into(), run }
    }
}

/// The measurement of one contender.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    pub name: String,
    /// The time of one call, as the median of the turns.
    pub nanoseconds: f64,
    /// Compared with the first contender of the same turn: the median, and the quarters around it.
    pub ratio: f64,
    pub ratio_low: f64,
    pub ratio_high: f64,
}

/// Runs the contenders in turn.
pub fn compare(effort: Effort, mut contenders: Vec<Contender<'_>>) -> Vec<Measured> {
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    for turn in 0..=effort.turns {
        // The first contender of one turn is the last of a later one.
        for position in 0..contenders.len() {
            let number = (position + turn) % contenders.len();
            let start = ThreadTime::now();
            (contenders[number].run)(effort.calls);
            let nanoseconds = start.elapsed().as_nanos() as f64 / f64::from(effort.calls);
            // The first turn warms up.
            if turn > 0 {
                times[number].push(nanoseconds);
            }
        }
    }
    let first = times[0].clone();
    contenders
        .into_iter()
        .zip(times)
        .map(|(contender, own)| {
            let ratios: Vec<f64> = own.iter().zip(&first).map(|(own, first)| own / first).collect();
            Measured {
                name: contender.name,
                nanoseconds: quantile(&own, 0.5),
                ratio: quantile(&ratios, 0.5),
                ratio_low: quantile(&ratios, 0.25),
                ratio_high: quantile(&ratios, 0.75),
            }
        })
        .collect()
}

/// The value below which this share of the values is.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}
