//! A simulation of rolling deploys: servers with different clocks, each of which reads the document on its own schedule, crashes and
//! restarts, while an operator rotates, revokes and makes mistakes.
//!
//! It runs the real [`LiveKeyRing`](super::Keys) and the real steps; only time, the source and the sealing of a state are simulated. Every
//! schedule follows from a seed. For a seed that breaks a promise, it prints all events, line by line.
//!
//! ```text
//! SCHEDULES=10000 cargo test --lib simulation          # as many as `scripts/test keys` runs
//! SEED=1234 cargo test --lib simulation -- --nocapture # the timeline of one
//! ```

mod outcome;
mod random;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use outcome::Outcome;
use world::{Rule, World};

/// The number in `SCHEDULES` or `SEED`.
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs seeds on two threads; returns the outcome of all, or the timeline of the first seed that broke a promise.
fn run_all(schedules: u64, rule: Rule) -> Result<Outcome, String> {
    let next = AtomicU64::new(0);
    let worker = || {
        let mut sum = Outcome::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= schedules {
                return Ok(sum);
            }
            let outcome = World::new(seed, rule, false).run();
            let must_hold = matches!(rule, Rule::Kept | Rule::ServersAreCutOff | Rule::SkewIsRaisedTooFar);
            if outcome.broken.is_some() && must_hold {
                return Err(World::new(seed, rule, true).run().timeline());
            }
            sum.add(outcome);
        }
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(worker);
        let mut sum = worker()?;
        sum.add(other.join().map_err(|_| "a thread of the simulation panicked")??);
        Ok(sum)
    })
}

/// The promise: while every server reads the document within its propagation time, no rotation costs a login, nothing is accepted under a
/// retired or revoked key, and no used state is accepted again, whatever times change by the rules.
#[test]
fn no_schedule_of_rolling_deploys_costs_a_login_or_lets_one_in() {
    if let Some(seed) = number("SEED") {
        println!("{}", World::new(seed, Rule::Kept, true).run().timeline());
        return;
    }
    let schedules = number("SCHEDULES").unwrap_or(1_000);
    let outcome = run_all(schedules, Rule::Kept).unwrap_or_else(|timeline| panic!("{timeline}"));
    println!("\n{schedules} schedules, rules kept: {outcome}");
    // The simulation must have exercised enough logins and rotations.
    assert!(outcome.accepted > 20 * schedules && outcome.rotations > 2 * schedules);
    assert!(outcome.revocations > schedules / 2 && outcome.refused_as_revoked > schedules / 10);
    assert!(outcome.documents_refused > schedules / 10 && outcome.restarts > schedules);
    assert!(outcome.replays_refused > 10 * schedules && outcome.skews_changed > schedules / 20);
}

/// Running servers refuse a document that would end marks before their states. Without that check this test finds a replay.
#[test]
fn a_skew_that_is_raised_too_far_lets_no_used_state_in_again() {
    let outcome = run_all(300, Rule::SkewIsRaisedTooFar).unwrap_or_else(|timeline| panic!("{timeline}"));
    println!("\n300 schedules in which the skew is raised too far: {outcome}");
    assert!(outcome.documents_refused > 300 && outcome.replays_refused > 300);
}

/// A server that slept through many documents must not be stuck with its last one forever.
#[test]
fn a_server_that_was_cut_off_takes_the_next_document_that_it_reads() {
    let outcome = run_all(200, Rule::ServersAreCutOff).unwrap_or_else(|timeline| panic!("{timeline}"));
    println!("\n200 schedules with servers that are cut off for long: {outcome}");
    assert!(outcome.rotations > 200 * 8);
}

/// The check can fail: with the rule broken on purpose, it finds refused logins.
#[test]
fn with_the_rule_broken_the_simulation_finds_refused_logins() {
    for rule in [Rule::ServersReadTooLate, Rule::KeysSealTooEarly, Rule::KeysAreDroppedTooEarly] {
        let outcome = run_all(300, rule).unwrap_or_else(|timeline| panic!("{timeline}"));
        println!("\n300 schedules, broken on purpose ({rule:?}): {outcome}");
        assert!(outcome.broken_schedules > 3, "{rule:?} was not noticed: {outcome}");
    }
}

/// One seed is one schedule; otherwise a timeline would explain nothing.
#[test]
fn a_seed_gives_the_same_schedule_twice() {
    let run = |seed| World::new(seed, Rule::Kept, true).run().timeline();
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}
