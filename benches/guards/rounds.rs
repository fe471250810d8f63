//! Alternating rounds of several contenders.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Effort;

/// One call of a contender.
pub type Call = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Makes a call from a closure.
pub fn call<F: Future<Output = ()> + Send + 'static>(call: impl Fn() -> F + Send + Sync + 'static) -> Call {
    Arc::new(move || Box::pin(call()))
}

/// The result of a contender in one round.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    pub calls_per_second: f64,
    /// Of one call, in microseconds.
    pub mean_latency: f64,
}

/// The median of the rounds of one contender, and of their ratios to the first contender's of the same turn.
#[derive(Clone, Debug)]
pub struct Result {
    pub calls_per_second: f64,
    pub mean_latency: f64,
    pub throughput_ratio: f64,
    pub latency_ratio: f64,
}

/// Runs the contenders in turn, with so many tasks at once.
pub async fn compare(effort: Effort, tasks: usize, contenders: &[Call]) -> Vec<Result> {
    let mut rounds: Vec<Vec<Round>> = vec![Vec::new(); contenders.len()];
    for turn in 0..=effort.rounds {
        // The first in one turn is the last in the next.
        for position in 0..contenders.len() {
            let number = (position + turn) % contenders.len();
            let round = one_round(effort, tasks, &contenders[number]).await;
            // The first turn warms up.
            if turn > 0 {
                rounds[number].push(round);
            }
        }
    }
    let first = rounds[0].clone();
    let ratios =
        |own: &[Round], of: fn(&Round) -> f64| median(own.iter().zip(&first).map(|(own, first)| of(own) / of(first)));
    rounds
        .iter()
        .map(|own| Result {
            calls_per_second: median(own.iter().map(|round| round.calls_per_second)),
            mean_latency: median(own.iter().map(|round| round.mean_latency)),
            throughput_ratio: ratios(own, |round| round.calls_per_second),
            latency_ratio: ratios(own, |round| round.mean_latency),
        })
        .collect()
}

async fn one_round(effort: Effort, tasks: usize, call: &Call) -> Round {
    let length = Duration::from_secs_f64(effort.seconds);
    let start = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let call = Arc::clone(call);
            tokio::spawn(async move {
                let (mut calls, mut waited) = (0_u64, Duration::ZERO);
                while start.elapsed() < length {
                    let asked = Instant::now();
                    call().await;
                    waited += asked.elapsed();
                    calls += 1;
                }
                (calls, waited)
            })
        })
        .collect();
    let (mut calls, mut waited) = (0, Duration::ZERO);
    for task in running {
        let (own_calls, own_waited) = task.await.unwrap();
        calls += own_calls;
        waited += own_waited;
    }
    Round {
        calls_per_second: calls as f64 / start.elapsed().as_secs_f64(),
        mean_latency: waited.as_secs_f64() * 1e6 / calls as f64,
    }
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
