//! The figures of all rounds: medians, and ratios to the handlers that only redirect in the same turn.

use serde_json::{Value, json};
use support::bench::rounds::quantile;

use crate::contenders::Contender;
use crate::phases::Phase;

/// The phases of one contender, turn by turn.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    start: Vec<Phase>,
    callback: Vec<Phase>,
}

type Metric = (&'static str, fn(&Phase) -> f64);

/// The metrics with a ratio.
const COMPARED: [Metric; 4] = [
    ("per_second", |phase| phase.per_second),
    ("p50_us", |phase| phase.p50),
    ("p99_us", |phase| phase.p99),
    ("processor_us", |phase| phase.processor),
];
/// The metrics without.
const ABSOLUTE: [Metric; 2] = [("redis_us", |phase| phase.redis), ("busy", |phase| phase.busy)];

impl Figures {
    pub fn add(&mut self, start: Phase, callback: Phase) {
        self.start.push(start);
        self.callback.push(callback);
    }
}

fn median(phases: &[Phase], of: fn(&Phase) -> f64) -> f64 {
    quantile(&phases.iter().map(of).collect::<Vec<_>>(), 0.5)
}

/// The ratios of single turns.
fn ratios(own: &[Phase], floor: &[Phase], of: fn(&Phase) -> f64) -> Vec<f64> {
    own.iter().zip(floor).map(|(own, floor)| of(own) / of(floor)).collect()
}

fn side(own: &[Phase], floor: &[Phase]) -> Value {
    let mut side = json!({});
    for (name, of) in COMPARED {
        let ratios = ratios(own, floor, of);
        side[name] = json!({
            "value": median(own, of),
            "ratio": quantile(&ratios, 0.5),
            "ratio_low": quantile(&ratios, 0.25),
            "ratio_high": quantile(&ratios, 0.75),
        });
    }
    for (name, of) in ABSOLUTE {
        side[name] = json!(median(own, of));
    }
    side
}

/// The first contender is the baseline for the others.
pub fn report(contenders: &[Contender], figures: &[Figures]) -> Value {
    let floor = &figures[0];
    let rows = contenders.iter().zip(figures).map(|(contender, own)| {
        json!({
            "name": contender.name(),
            "label": contender.label(),
            "start": side(&own.start, &floor.start),
            "callback": side(&own.callback, &floor.callback),
        })
    });
    rows.collect()
}

pub fn print(contenders: &[Contender], figures: &[Figures]) {
    print_side("login start", contenders, figures, |figures| &figures.start);
    print_side("callback", contenders, figures, |figures| &figures.callback);
    // The server never waits, so it is busy unless another process has its processor.
    let busy = median(&figures[0].start, |phase| phase.busy);
    if busy < 0.9 {
        println!("\nnote: the server got only {:.0} % of its processor: compare processor times alone", 100.0 * busy);
    }
}

fn print_side(name: &str, contenders: &[Contender], figures: &[Figures], side: fn(&Figures) -> &[Phase]) {
    println!(
        "\n{name:<12} {:>9} {:>6} {:>8} {:>8} {:>11} {:>6} {:>9} {:>6}",
        "a second", "ratio", "p50 us", "p99 us", "processor", "ratio", "of Redis", "busy"
    );
    for (contender, own) in contenders.iter().zip(figures) {
        let (own, floor) = (side(own), side(&figures[0]));
        let ratio = |of| quantile(&ratios(own, floor, of), 0.5);
        println!(
            "{:<12} {:>9.0} {:>6.2} {:>8.0} {:>8.0} {:>8.1} us {:>6.2} {:>6.1} us {:>6.2}",
            contender.name(),
            median(own, |phase| phase.per_second),
            ratio(|phase| phase.per_second),
            median(own, |phase| phase.p50),
            median(own, |phase| phase.p99),
            median(own, |phase| phase.processor),
            ratio(|phase| phase.processor),
            median(own, |phase| phase.redis),
            median(own, |phase| phase.busy),
        );
    }
}
