//! The actions of the command line, in order.

use std::path::Path;
use std::{fs, io};

use crate::arguments::Arguments;
use crate::checking::{self, Findings, Trace};
use crate::connections;
use crate::replay::{self, Deployment, Replayed};
use crate::report::{self, DesignRow, Report, SampledRow, VariantRow};
use crate::rules::{Bounds, Rules};
use crate::variants::{VARIANTS, Variant};
use crate::{drawing, words};

/// Three logins, three codes, three callbacks; every attack needs at most two of each.
const DESIGN: Bounds = Bounds { flows: 3, codes: 3, callbacks: 3, lifetimes: 1 };
const VARIANT: Bounds = Bounds { flows: 2, codes: 2, callbacks: 2, lifetimes: 1 };
const LARGE_DESIGN: Bounds = Bounds { flows: 4, codes: 3, callbacks: 3, lifetimes: 1 };
const LARGE_VARIANT: Bounds = Bounds { flows: 3, codes: 3, callbacks: 2, lifetimes: 1 };

/// Whether everything is as expected.
pub fn run(arguments: &Arguments) -> io::Result<bool> {
    let wanted = |name: &str| arguments.variant.as_deref().is_none_or(|variant| variant == name);
    let mut report = Report::new();
    let mut faults = Vec::new();
    if arguments.check {
        report::print_head();
        if wanted("design") {
            check_design(arguments, &mut report, &mut faults);
        }
    }
    for variant in VARIANTS.iter().filter(|variant| wanted(variant.name)) {
        take_variant(variant, arguments, &mut report, &mut faults)?;
    }
    if arguments.replay && wanted("design") {
        walk(arguments, &mut report, &mut faults);
    }
    connections::run(arguments, &mut report.connections, &mut faults);
    if let Some(out) = &arguments.out {
        let json = serde_json::to_string_pretty(&report)?;
        fs::create_dir_all(out)?;
        fs::write(Path::new(out).join("result.json"), json + "\n")?;
    }
    faults.iter().for_each(|fault| println!("WRONG: {fault}"));
    Ok(faults.is_empty())
}

fn check_design(arguments: &Arguments, report: &mut Report, faults: &mut Vec<String>) {
    let bounds = if arguments.large { LARGE_DESIGN } else { DESIGN };
    let findings = checking::check(Rules::DESIGN, bounds, arguments.threads);
    report::print_row("design", &findings, &names(&findings), None);
    for promise in &findings.broken {
        let attack = checking::shortest_attack(Rules::DESIGN, bounds, *promise);
        let sentences = attack.as_ref().map(words::sentences).unwrap_or_default();
        faults.push(format!("the design breaks “{}”: {}", promise.name(), sentences.join("; ")));
    }
    report.design = Some(DesignRow::new(&findings, bounds, arguments.threads));
}

fn names(findings: &Findings) -> Vec<&'static str> {
    findings.broken.iter().map(|promise| promise.name()).collect()
}

fn take_variant(
    variant: &Variant,
    arguments: &Arguments,
    report: &mut Report,
    faults: &mut Vec<String>,
) -> io::Result<()> {
    let name = variant.name;
    let bounds = if arguments.large { LARGE_VARIANT } else { VARIANT };
    let findings = arguments.check.then(|| checking::check(variant.rules, bounds, 1));
    let trace = checking::shortest_attack(variant.rules, VARIANT, variant.breaks);
    if let Some(findings) = &findings {
        let attack = trace.as_ref().map(|trace| (variant.breaks.name(), trace.attack_steps, words::sentences(trace)));
        report::print_row(name, findings, &names(findings), attack);
        if !findings.broken.contains(&variant.breaks) {
            faults.push(format!("{name} does not break “{}”", variant.breaks.name()));
        }
    }
    let Some(trace) = trace else {
        faults.push(format!("{name} yields no attack on “{}”", variant.breaks.name()));
        return Ok(());
    };
    let (replays, good) = match arguments.replay {
        true => replay::replay_all(variant, &trace),
        false => (Vec::new(), true),
    };
    if !arguments.check && arguments.replay {
        println!("{name}");
    }
    replays.iter().for_each(report::print_replay);
    if !good {
        faults.push(format!("{name}: the crate's own code does not do what it must"));
    }
    if let (Some(out), Some(findings)) = (&arguments.out, &findings) {
        add(variant, (findings, bounds), &trace, (&replays, good), report);
        draw(variant, &trace, &replays, Path::new(out))?;
    }
    Ok(())
}

fn add(
    variant: &Variant,
    checked: (&Findings, Bounds),
    trace: &Trace,
    replayed: (&[Replayed], bool),
    report: &mut Report,
) {
    report.variants.push(VariantRow::new(variant, checked, Some(trace), replayed));
}

fn draw(variant: &Variant, trace: &Trace, replays: &[Replayed], out: &Path) -> io::Result<()> {
    fs::create_dir_all(out.join("drawings"))?;
    let design = replays.iter().find(|replayed| replayed.deployment == Deployment::Design);
    let path = out.join("drawings").join(format!("{}.svg", variant.name));
    fs::write(path, drawing::draw(variant, trace, design))
}

fn walk(arguments: &Arguments, report: &mut Report, faults: &mut Vec<String>) {
    let sampled = replay::sample(arguments.walks, 1, Deployment::Design);
    println!(
        "{} random walks, {} steps, {} logins of the victim finished at their ends",
        sampled.walks, sampled.steps, sampled.finished
    );
    for (outcome, count) in &sampled.outcomes {
        println!("{count:>10}  {}", words::outcome(*outcome));
    }
    let shortest = sampled.differences.iter().min_by_key(|(steps, ..)| steps.len());
    if let Some((steps, model, code)) = shortest {
        let steps: Vec<_> = steps.iter().map(|step| format!("{step:?}")).collect();
        faults.push(format!(
            "{} walks went otherwise in the crate's own code; the shortest: {}: the model says {}, the code {}",
            sampled.differences.len(),
            steps.join("; "),
            words::outcome(*model),
            words::outcome(*code)
        ));
    }
    report.sampled = Some(SampledRow::new(&sampled));
}
