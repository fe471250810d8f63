//! The findings, as text and as JSON.

use serde::Serialize;

use crate::checking::{Findings, Trace};
use crate::connections;
use crate::properties::Promise;
use crate::replay::{Replayed, Sampled};
use crate::rules::Bounds;
use crate::variants::{Nature, Variant};
use crate::words;

/// All findings.
#[derive(Serialize)]
pub struct Report {
    pub promises: Vec<PromiseRow>,
    pub design: Option<DesignRow>,
    pub variants: Vec<VariantRow>,
    pub sampled: Option<SampledRow>,
    /// The findings of the second model.
    pub connections: connections::Report,
}

#[derive(Serialize)]
pub struct PromiseRow {
    pub name: &'static str,
    pub says: &'static str,
}

#[derive(Serialize)]
pub struct Checked {
    flows: usize,
    codes: usize,
    callbacks: usize,
    lifetimes: u8,
    states: usize,
    unique_states: usize,
    depth: usize,
    seconds: f64,
    broken: Vec<&'static str>,
}

#[derive(Serialize)]
pub struct DesignRow {
    #[serde(flatten)]
    checked: Checked,
    threads: usize,
}

#[derive(Serialize)]
pub struct VariantRow {
    name: &'static str,
    differs: &'static str,
    nature: &'static str,
    breaks: &'static str,
    #[serde(flatten)]
    checked: Checked,
    attack_steps: Option<usize>,
    sentences: Vec<String>,
    replays: Vec<ReplayRow>,
    good: bool,
}

#[derive(Serialize)]
struct ReplayRow {
    deployment: String,
    differs_at: Option<usize>,
    outcome: Option<String>,
    broken: bool,
}

#[derive(Serialize)]
pub struct SampledRow {
    walks: usize,
    steps: usize,
    finished: usize,
    outcomes: Vec<(String, usize)>,
    differences: usize,
}

impl Report {
    pub fn new() -> Self {
        let promises = Promise::ALL.map(|promise| PromiseRow { name: promise.name(), says: promise.says() });
        Self {
            promises: promises.into(),
            design: None,
            variants: Vec::new(),
            sampled: None,
            connections: connections::Report::new(),
        }
    }
}

impl Checked {
    fn new(findings: &Findings, bounds: Bounds) -> Self {
        let Bounds { flows, codes, callbacks, lifetimes } = bounds;
        Self {
            flows,
            codes,
            callbacks,
            lifetimes,
            states: findings.states,
            unique_states: findings.unique_states,
            depth: findings.depth,
            seconds: findings.seconds,
            broken: findings.broken.iter().map(|promise| promise.name()).collect(),
        }
    }
}

impl DesignRow {
    pub fn new(findings: &Findings, bounds: Bounds, threads: usize) -> Self {
        Self { checked: Checked::new(findings, bounds), threads }
    }
}

impl VariantRow {
    pub fn new(
        variant: &Variant,
        (findings, bounds): (&Findings, Bounds),
        trace: Option<&Trace>,
        (replays, good): (&[Replayed], bool),
    ) -> Self {
        Self {
            name: variant.name,
            differs: variant.differs,
            nature: match variant.nature {
                Nature::Code { .. } => "code",
                Nature::Surroundings { .. } => "surroundings",
            },
            breaks: variant.breaks.name(),
            checked: Checked::new(findings, bounds),
            attack_steps: trace.map(|trace| trace.attack_steps),
            sentences: trace.map(words::sentences).unwrap_or_default(),
            replays: replays.iter().map(ReplayRow::new).collect(),
            good,
        }
    }
}

impl ReplayRow {
    fn new(replayed: &Replayed) -> Self {
        Self {
            deployment: replayed.deployment.name().to_owned(),
            differs_at: replayed.differs.map(|(step, _)| step + 1),
            outcome: replayed.differs.map(|(_, outcome)| words::outcome(outcome)),
            broken: replayed.broken,
        }
    }
}

impl SampledRow {
    pub fn new(sampled: &Sampled) -> Self {
        let outcomes = sampled.outcomes.iter().map(|(outcome, count)| (words::outcome(*outcome), *count));
        Self {
            walks: sampled.walks,
            steps: sampled.steps,
            finished: sampled.finished,
            outcomes: outcomes.collect(),
            differences: sampled.differences.len(),
        }
    }
}

/// The head of the table.
pub fn print_head() {
    println!("{:<24}{:>12}{:>12}{:>7}{:>9}  promises broken", "variant", "states", "unique", "depth", "seconds");
}

/// One line of the table: the findings, the names of the broken promises, and the shortest attack in sentences.
pub fn print_row<P>(name: &str, findings: &Findings<P>, broken: &[&str], attack: Option<(&str, usize, Vec<String>)>) {
    let broken = if broken.is_empty() { "none".to_owned() } else { broken.join(", ") };
    let Findings { states, unique_states, depth, seconds, .. } = findings;
    println!("{name:<24}{states:>12}{unique_states:>12}{depth:>7}{seconds:>9.1}  {broken}");
    if let Some((promise, steps, sentences)) = attack {
        println!("{:<24}“{promise}” in {steps} steps:", "");
        sentences.iter().for_each(|sentence| println!("{:<26}{sentence}", ""));
    }
}

/// The results on real code.
pub fn print_replay(replayed: &Replayed) {
    let Replayed { deployment, differs, broken } = replayed;
    let went = differs.map_or_else(
        || "took every step".to_owned(),
        |(step, outcome)| format!("at step {}: {}", step + 1, words::outcome(outcome)),
    );
    let kept = if *broken { "the promise is broken" } else { "the promise is kept" };
    println!("{:<24}real code, {}: {went}; {kept}", "", deployment.name());
}
