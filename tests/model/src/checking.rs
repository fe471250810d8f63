//! Runs the checker: to the end for the promises, and again for the shortest attack.

use std::fmt::Debug;
use std::hash::Hash;
use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

use crate::properties::{self, Promise};
use crate::protocol::Protocol;
use crate::rules::{Bounds, Rules};
use crate::state::State;
use crate::steps::{Outcome, Step};

/// The results of a complete run.
pub struct Findings<P = Promise> {
    /// States reached, including repeated ones.
    pub states: usize,
    pub unique_states: usize,
    /// The number of steps to the farthest state.
    pub depth: usize,
    pub seconds: f64,
    pub broken: Vec<P>,
}

/// Visits every state within the bounds. It ends early only if every promise is broken.
pub fn check(rules: Rules, bounds: Bounds, threads: usize) -> Findings {
    explore(Protocol::new(rules, bounds), threads, &Promise::ALL.map(|promise| (promise, promise.name())))
}

/// Visits every state of a model, whose promises have these names.
pub fn explore<M, P: Copy>(model: M, threads: usize, promises: &[(P, &'static str)]) -> Findings<P>
where
    M: Model<State: Clone + Hash + PartialEq + Send + Sync, Action: Clone + PartialEq> + Send + Sync + 'static,
{
    let start = Instant::now();
    let checker = model.checker().threads(threads).spawn_bfs().join();
    let discoveries = checker.discoveries();
    Findings {
        states: checker.state_count(),
        unique_states: checker.unique_state_count(),
        depth: checker.max_depth().saturating_sub(1),
        seconds: start.elapsed().as_secs_f64(),
        broken: promises
            .iter()
            .filter(|(_, name)| discoveries.contains_key(name))
            .map(|(promise, _)| *promise)
            .collect(),
    }
}

/// An attack, step by step, with the outcome of each step.
#[derive(Clone, Debug)]
pub struct Trace {
    pub steps: Vec<(Step, Outcome)>,
    /// The steps from here on are the victim's, who tries to finish.
    pub attack_steps: usize,
}

/// The shortest way to break a promise, if there is one.
pub fn shortest_attack(rules: Rules, bounds: Bounds, promise: Promise) -> Option<Trace> {
    let model = Protocol { victims_alone: true, ..Protocol::new(rules, bounds) };
    let (_, steps) = shortest_path(&model, promise.name())?;
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

/// The initial state and the steps of the shortest way to break a promise.
pub fn shortest_path<M>(model: &M, promise: &'static str) -> Option<(M::State, Vec<M::Action>)>
where
    M: Model<State: Clone + Debug + Hash + PartialEq + Send + Sync, Action: Clone + PartialEq>
        + Clone
        + Send
        + Sync
        + 'static,
{
    let mut shortest: Option<(M::State, Vec<M::Action>)> = None;
    loop {
        // The checker works through the states in blocks, and returns the last attack of a block: ask for a shorter
        // one.
        let builder = model.clone().checker().finish_when(HasDiscoveries::AnyOf([promise].into()));
        let builder = match &shortest {
            Some((_, steps)) => builder.target_max_depth(steps.len() + 1),
            None => builder,
        };
        let Some(path) = builder.spawn_bfs().join().discoveries().remove(promise) else { return shortest };
        let (states, steps): (Vec<_>, Vec<_>) = path.into_vec().into_iter().unzip();
        let first = states.into_iter().next()?;
        shortest = Some((first, steps.into_iter().flatten().collect()));
    }
}

impl Trace {
    /// Takes the steps in the model, and records their outcomes.
    pub fn follow(&mut self, rules: &Rules, state: &mut State, steps: &[Step]) {
        for step in steps {
            let (outcome, after) = rules.take(state, *step);
            self.steps.push((*step, outcome));
            *state = after;
        }
    }
}
