//! This model's part of the command line, and its report.

use serde::Serialize;

use super::properties::Promise;
use super::protocol::Protocol;
use super::replay::{self, Deployment, Replayed};
use super::rules::{Bounds, Rules};
use super::sampled::{self, Sampled};
use super::trace::{self, Trace};
use super::variants::{Nature, VARIANTS, Variant};
use crate::arguments::Arguments;
use crate::checking::{self, Findings};
use crate::report::{self, PromiseRow};

const DESIGN: Bounds = Bounds { logins: 2, codes: 1, changes: 3 };
const LARGE: Bounds = Bounds { logins: 2, codes: 2, changes: 3 };

/// All findings.
#[derive(Serialize)]
pub struct Report {
    promises: Vec<PromiseRow>,
    design: Option<Checked>,
    variants: Vec<VariantRow>,
    sampled: Option<SampledRow>,
}

#[derive(Serialize)]
struct Checked {
    logins: usize,
    codes: usize,
    changes: u8,
    states: usize,
    unique_states: usize,
    depth: usize,
    seconds: f64,
    threads: usize,
    broken: Vec<&'static str>,
}

#[derive(Serialize)]
struct VariantRow {
    name: &'static str,
    differs: &'static str,
    nature: &'static str,
    breaks: &'static str,
    #[serde(flatten)]
    checked: Checked,
    attack_steps: usize,
    sentences: Vec<String>,
    replays: Vec<ReplayRow>,
    good: bool,
}

#[derive(Serialize)]
struct ReplayRow {
    deployment: &'static str,
    differs_at: Option<usize>,
    outcome: Option<String>,
    broken: bool,
}

#[derive(Serialize)]
struct SampledRow {
    walks: usize,
    steps: usize,
    outcomes: Vec<(String, usize)>,
    differences: usize,
}

impl Report {
    pub fn new() -> Self {
        let promises = Promise::ALL.map(|promise| PromiseRow { name: promise.name(), says: promise.says() });
        Self { promises: promises.into(), design: None, variants: Vec::new(), sampled: None }
    }
}

/// The names that `--variant` accepts.
pub fn variant_names() -> impl Iterator<Item = &'static str> {
    VARIANTS.iter().map(|variant| variant.name)
}

/// Checks, replays and walks as requested.
pub fn run(arguments: &Arguments, report: &mut Report, faults: &mut Vec<String>) {
    let wanted = |name: &str| arguments.variant.as_deref().is_none_or(|variant| variant == name);
    if arguments.check && wanted("design") {
        let bounds = if arguments.large { LARGE } else { DESIGN };
        let findings = check(Rules::DESIGN, bounds, arguments.threads);
        report::print_row("connections", &findings, &names(&findings), None);
        for promise in &findings.broken {
            let attack = trace::shortest_attack(Rules::DESIGN, bounds, *promise);
            let sentences = attack.map(|trace| trace.sentences()).unwrap_or_default();
            faults.push(format!("with connections, the design breaks “{}”: {}", promise.name(), sentences.join("; ")));
        }
        report.design = Some(Checked::new(&findings, bounds, arguments.threads));
    }
    for variant in VARIANTS.iter().filter(|variant| wanted(variant.name)) {
        take_variant(variant, arguments, report, faults);
    }
    if arguments.replay && wanted("design") {
        walk(arguments, report, faults);
    }
}

/// Visits every state within the bounds.
pub fn check(rules: Rules, bounds: Bounds, threads: usize) -> Findings<Promise> {
    checking::explore(Protocol { rules, bounds }, threads, &Promise::ALL.map(|promise| (promise, promise.name())))
}

fn names(findings: &Findings<Promise>) -> Vec<&'static str> {
    findings.broken.iter().map(|promise| promise.name()).collect()
}

fn take_variant(variant: &Variant, arguments: &Arguments, report: &mut Report, faults: &mut Vec<String>) {
    let name = variant.name;
    let Some(trace) = trace::shortest_attack(variant.rules, variant.bounds, variant.breaks) else {
        faults.push(format!("{name} yields no attack on “{}”", variant.breaks.name()));
        return;
    };
    let findings = arguments.check.then(|| check(variant.rules, variant.bounds, arguments.threads));
    match &findings {
        Some(findings) => {
            let attack = Some((variant.breaks.name(), trace.attack_steps, trace.sentences()));
            report::print_row(name, findings, &names(findings), attack);
        }
        None => println!("{name}"),
    }
    let (replays, good) = match arguments.replay {
        true => replay::replay_all(variant, &trace),
        false => (Vec::new(), true),
    };
    replays.iter().for_each(print_replay);
    if !good {
        faults.push(format!("{name}: the crate's own code does not do what it must"));
    }
    if let Some(findings) = &findings {
        let checked = Checked::new(findings, variant.bounds, arguments.threads);
        report.variants.push(VariantRow::new(variant, checked, &trace, (&replays, good)));
    }
}

fn walk(arguments: &Arguments, report: &mut Report, faults: &mut Vec<String>) {
    let sampled = sampled::sample(arguments.walks, 1, Deployment::Design);
    println!("{} random walks with connections, {} steps", sampled.walks, sampled.steps);
    for (outcome, count) in &sampled.outcomes {
        println!("{count:>10}  {}", trace::outcome(*outcome));
    }
    if let Some((steps, model, code)) = sampled.differences.iter().min_by_key(|(steps, ..)| steps.len()) {
        faults.push(format!(
            "{} walks went otherwise in the crate's own code; the shortest: {steps:?}: the model says {}, the code {}",
            sampled.differences.len(),
            trace::outcome(*model),
            trace::outcome(*code)
        ));
    }
    report.sampled = Some(SampledRow::new(&sampled));
}

fn print_replay(replayed: &Replayed) {
    let Replayed { deployment, differs, broken } = replayed;
    let went = differs.map_or_else(
        || "took every step".to_owned(),
        |(step, outcome)| format!("at step {}: {}", step + 1, trace::outcome(outcome)),
    );
    let kept = if *broken { "the promise is broken" } else { "the promise is kept" };
    println!("{:<24}real code, {}: {went}; {kept}", "", deployment.name());
}

impl Checked {
    fn new(findings: &Findings<Promise>, bounds: Bounds, threads: usize) -> Self {
        let Bounds { logins, codes, changes } = bounds;
        let Findings { states, unique_states, depth, seconds, .. } = *findings;
        Self { logins, codes, changes, states, unique_states, depth, seconds, threads, broken: names(findings) }
    }
}

impl VariantRow {
    fn new(variant: &Variant, checked: Checked, trace: &Trace, (replays, good): (&[Replayed], bool)) -> Self {
        let replayed = |one: &Replayed| ReplayRow {
            deployment: one.deployment.name(),
            differs_at: one.differs.map(|(step, _)| step + 1),
            outcome: one.differs.map(|(_, outcome)| trace::outcome(outcome)),
            broken: one.broken,
        };
        Self {
            name: variant.name,
            differs: variant.differs,
            nature: if variant.nature == Nature::Surroundings { "surroundings" } else { "code" },
            breaks: variant.breaks.name(),
            checked,
            attack_steps: trace.attack_steps,
            sentences: trace.sentences(),
            replays: replays.iter().map(replayed).collect(),
            good,
        }
    }
}

impl SampledRow {
    fn new(sampled: &Sampled) -> Self {
        let outcomes = sampled.outcomes.iter().map(|(outcome, count)| (trace::outcome(*outcome), *count));
        Self {
            walks: sampled.walks,
            steps: sampled.steps,
            outcomes: outcomes.collect(),
            differences: sampled.differences.len(),
        }
    }
}
