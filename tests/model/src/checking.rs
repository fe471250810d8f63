//! Runs the checker: to the end for what holds and what does not, and again for the shortest attack.

use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

use crate::properties::{self, Promise};
use crate::protocol::Protocol;
use crate::rules::{Bounds, Rules};
use crate::state::State;
use crate::steps::{Outcome, Step};

/// What a run to the end found.
pub struct Findings {
    /// States that were come to, those that were known already included.
    pub states: usize,
    pub unique_states: usize,
    /// The steps to the state that is farthest off.
    pub depth: usize,
    pub seconds: f64,
    pub broken: Vec<Promise>,
}

/// Goes through every state within the bounds. It ends early only if no promise is left to be broken.
pub fn check(rules: Rules, bounds: Bounds, threads: usize) -> Findings {
    let start = Instant::now();
    let checker = Protocol::new(rules, bounds).checker().threads(threads).spawn_bfs().join();
    let discoveries = checker.discoveries();
    Findings {
        states: checker.state_count(),
        unique_states: checker.unique_state_count(),
        depth: checker.max_depth().saturating_sub(1),
        seconds: start.elapsed().as_secs_f64(),
        broken: Promise::ALL.into_iter().filter(|promise| discoveries.contains_key(promise.name())).collect(),
    }
}

/// An attack, step by step, with what came of each.
#[derive(Clone, Debug)]
pub struct Trace {
    pub steps: Vec<(Step, Outcome)>,
    /// The steps from here on are the victim's, who tries to finish.
    pub attack_steps: usize,
}

/// The shortest way to break a promise, if there is one.
pub fn shortest_attack(rules: Rules, bounds: Bounds, promise: Promise) -> Option<Trace> {
    let model = Protocol { victims_alone: true, ..Protocol::new(rules, bounds) };
    let mut shortest: Option<Vec<Step>> = None;
    loop {
        // The checker works through the states in blocks, and gives the last of a block's attacks: ask for a shorter one.
        let builder = model.clone().checker().finish_when(HasDiscoveries::AnyOf([promise.name()].into()));
        let builder = match &shortest {
            Some(steps) => builder.target_max_depth(steps.len() + 1),
            None => builder,
        };
        let Some(path) = builder.spawn_bfs().join().discoveries().remove(promise.name()) else { break };
        shortest = Some(path.into_actions());
    }
    let steps = shortest?;
    let attack_steps = steps.len();
    let mut trace = Trace { steps: Vec::new(), attack_steps };
    let mut state = State::default();
    trace.follow(&rules, &mut state, &steps);
    if promise == Promise::AlwaysFinishes {
        let way = properties::cannot_finish(&rules, &state).map(|way| way.steps).unwrap_or_default();
        trace.follow(&rules, &mut state, &way);
    }
    Some(trace)
}

impl Trace {
    /// Takes the steps in the model, and notes what came of them.
    pub fn follow(&mut self, rules: &Rules, state: &mut State, steps: &[Step]) {
        for step in steps {
            let (outcome, after) = rules.take(state, *step);
            self.steps.push((*step, outcome));
            *state = after;
        }
    }
}
