//! The model as the checker sees it.

use stateright::{Model, Property};

use super::parties;
use super::properties::Promise;
use super::rules::{Bounds, Rules};
use super::state::{Setup, State};
use super::steps::Step;

#[derive(Clone, Debug)]
pub struct Protocol {
    pub rules: Rules,
    pub bounds: Bounds,
}

impl Protocol {
    pub fn is_within(&self, state: &State) -> bool {
        let Bounds { logins, codes, changes } = self.bounds;
        let started = state.of_victim.len() + state.of_attacker.len();
        started <= logins && state.grants.len() <= codes && state.changes <= changes
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        Setup::all().map(State::new).collect()
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        parties::steps(&self.rules, state, steps);
    }

    /// A step that changes nothing, because it was refused, leads to no new state.
    fn next_state(&self, before: &State, step: Step) -> Option<State> {
        if self.rules.refusal(before, step).is_some() {
            return None;
        }
        let (_, after) = self.rules.take(before, step);
        (after != *before && self.is_within(&after)).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        Promise::ALL.map(|promise| Property::always(promise.name(), promise.condition())).into()
    }
}
