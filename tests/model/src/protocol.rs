//! The model as the checker sees it.

use stateright::{Model, Property};

use crate::properties::Promise;
use crate::rules::{Bounds, Rules};
use crate::state::State;
use crate::steps::Step;
use crate::{attacker, honest, symmetry};

/// The rules, and the bounds of a run.
#[derive(Clone, Debug)]
pub struct Protocol {
    pub rules: Rules,
    pub bounds: Bounds,
    /// Finds meaningful attacks only: the attacker's steps against themselves break no promise.
    pub victims_alone: bool,
    /// Whether only the first of several equivalent things is used.
    pub uses_symmetry: bool,
}

impl Protocol {
    pub fn new(rules: Rules, bounds: Bounds) -> Self {
        Self { rules, bounds, victims_alone: false, uses_symmetry: true }
    }

    /// All possible steps of all parties.
    pub fn steps(&self, state: &State) -> Vec<Step> {
        let mut steps = Vec::new();
        self.actions(state, &mut steps);
        steps
    }

    pub fn is_within(&self, state: &State) -> bool {
        let Bounds { flows, codes, callbacks, lifetimes } = self.bounds;
        state.flow_count() <= flows
            && state.codes.len() <= codes
            && state.callbacks.len() <= callbacks
            && state.now <= lifetimes
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        honest::steps(&self.rules, state, steps);
        attacker::steps(&self.rules, state, steps);
        steps.retain(|step| !self.uses_symmetry || symmetry::is_first_of_its_like(state, step));
    }

    /// A step that changes nothing, because it was refused, leads to no new state.
    fn next_state(&self, before: &State, step: Step) -> Option<State> {
        let (_, after) = self.rules.take(before, step);
        (after != *before && self.is_within(&after)).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        Promise::ALL.map(|promise| Property::always(promise.name(), promise.condition())).into()
    }
}
