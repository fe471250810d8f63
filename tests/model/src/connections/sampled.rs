//! Random walks through the design's model, compared with the crate's own code.

use std::collections::BTreeMap;
use std::mem::{Discriminant, discriminant};

use stateright::Model;

use super::parties;
use super::protocol::Protocol;
use super::replay::{Deployment, World};
use super::rules::{Bounds, Rules};
use super::state::{LoginId, Operator, Setup, Slot, State};
use super::steps::{Outcome, Refusal, Step};
use crate::replay::Dice;
use crate::state::Party;

/// Larger than the checker's bounds, because a walk visits only a part.
const BOUNDS: Bounds = Bounds { logins: 3, codes: 2, changes: 5 };
const LONGEST: usize = 30;

/// The results of all walks.
#[derive(Default)]
pub struct Sampled {
    pub walks: usize,
    pub steps: usize,
    /// How often each outcome occurred, in both the model and the code.
    pub outcomes: BTreeMap<Outcome, usize>,
    /// The steps of a walk up to a difference: model, then code.
    pub differences: Vec<(Vec<Step>, Outcome, Outcome)>,
}

/// Takes this many walks, from these seeds on.
pub fn sample(walks: usize, first_seed: u64, deployment: Deployment) -> Sampled {
    let mut sampled = Sampled::default();
    for walk in 0..walks {
        sampled.walk(&mut Dice(first_seed + walk as u64), deployment);
    }
    sampled
}

impl Sampled {
    fn walk(&mut self, dice: &mut Dice, deployment: Deployment) {
        self.walks += 1;
        let setups: Vec<_> = Setup::all().collect();
        let setup = setups[dice.below(setups.len())];
        let model = Protocol { rules: Rules::DESIGN, bounds: BOUNDS };
        let (mut state, mut world) = (State::new(setup), World::new(setup, Rules::DESIGN, deployment));
        let mut gone = Vec::new();
        for _ in 0..LONGEST {
            let Some(step) = choose(&model, &state, dice) else { break };
            if !self.take(&mut state, &mut world, step, &mut gone) {
                return;
            }
        }
        // At the end the victim finishes the remaining logins, and starts another.
        let left: Vec<_> = parties::unfinished(&state).collect();
        let mut ways: Vec<_> = left.into_iter().filter_map(|login| parties::ways(&state, login).pop()).collect();
        if state.table.h.is_some_and(|h| h.operator == Operator::Honest) {
            let number = u8::try_from(state.of_victim.len()).unwrap();
            ways.push(vec![Step::Begin { browser: Party::Victim, slot: Slot::H }]);
            ways.extend(parties::ways(&state, LoginId { owner: Party::Victim, number }).pop());
        }
        for step in ways.into_iter().flatten() {
            let is_full = state.grants.is_full() && matches!(step, Step::Authorize(_));
            if is_full || !self.take(&mut state, &mut world, step, &mut gone) {
                return;
            }
        }
    }

    /// Whether model and code agree.
    fn take(&mut self, state: &mut State, world: &mut World, step: Step, gone: &mut Vec<Step>) -> bool {
        let (expected, after) = Rules::DESIGN.take(state, step);
        *state = after;
        let outcome = world.take(step);
        gone.push(step);
        self.steps += 1;
        if outcome == expected {
            *self.outcomes.entry(outcome).or_default() += 1;
            return true;
        }
        self.differences.push((gone.clone(), expected, outcome));
        false
    }
}

/// Chooses a possible step: in a third of the cases one that the crate refuses, otherwise of a kind that is chosen
/// first, because there are many more callbacks than other steps.
fn choose(model: &Protocol, state: &State, dice: &mut Dice) -> Option<Step> {
    let mut steps = Vec::new();
    model.actions(state, &mut steps);
    let refusal = |step: &Step| model.rules.refusal(state, *step);
    if dice.below(3) == 0 {
        let refused: Vec<_> = steps.iter().filter_map(|step| Some((*step, refusal(step)?))).collect();
        let mut reasons: Vec<_> =
            refused.iter().map(|(_, reason)| *reason).filter(|it| *it != Refusal::Elsewhere).collect();
        reasons.sort_unstable();
        reasons.dedup();
        if !reasons.is_empty() {
            let reason = reasons[dice.below(reasons.len())];
            let like: Vec<_> = refused.into_iter().filter(|(_, its)| *its == reason).collect();
            return Some(like[dice.below(like.len())].0);
        }
    }
    // A run in which H is deleted early shows little.
    let keeps_h = dice.below(8) != 0;
    let is_change = |step: &Step| matches!(step, Step::Change(_) | Step::Delete);
    steps.retain(|step| !keeps_h || !is_change(step));
    let possible: Vec<_> = steps.into_iter().filter(|step| model.next_state(state, *step).is_some()).collect();
    let mut kinds: Vec<Discriminant<Step>> = Vec::new();
    for kind in possible.iter().map(discriminant) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let kind = *kinds.get(dice.below(kinds.len().max(1)))?;
    let like: Vec<_> = possible.into_iter().filter(|step| discriminant(step) == kind).collect();
    Some(like[dice.below(like.len())])
}
