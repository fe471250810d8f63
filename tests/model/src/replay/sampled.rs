//! Random walks through the design's model, compared with the crate's own code.

use std::collections::BTreeMap;

use super::{Deployment, World};
use crate::honest;
use crate::protocol::Protocol;
use crate::rules::{Bounds, Rules};
use crate::state::{Party, State};
use crate::steps::{Outcome, Step};

/// Larger than the checker's bounds, because a walk visits only a part.
const BOUNDS: Bounds = Bounds { flows: 4, codes: 4, callbacks: 4, lifetimes: 1 };
const LONGEST: usize = 40;

/// The results of all walks.
#[derive(Default)]
pub struct Sampled {
    pub walks: usize,
    pub steps: usize,
    /// How often each outcome occurred, in both the model and the code.
    pub outcomes: BTreeMap<Outcome, usize>,
    /// Logins that the victim finished at the end of a walk.
    pub finished: usize,
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
        let (model, mut state, mut world) =
            (Protocol::new(Rules::DESIGN, BOUNDS), State::default(), World::new(deployment));
        let mut gone = Vec::new();
        for _ in 0..LONGEST {
            let Some(step) = choose(&model, &state, dice) else { break };
            if !self.take(&mut state, &mut world, step, &mut gone) {
                return;
            }
        }
        // At the end the victim finishes the remaining logins, and starts another.
        let unfinished: Vec<_> = crate::properties::unfinished(&model.rules, &state).collect();
        let ways = unfinished.into_iter().map(Some).chain([None]);
        for flow in ways {
            let way = match flow {
                Some(flow) => honest::finish(&model.rules, &state, flow),
                None => honest::begin_and_finish(&model.rules, &state),
            };
            for step in way.steps {
                if !self.take(&mut state, &mut world, step, &mut gone) {
                    return;
                }
                let signed_in = gone.last().is_some_and(|(_, outcome)| *outcome == Outcome::SignedIn(Party::Victim));
                self.finished += usize::from(signed_in);
            }
        }
    }

    /// Whether model and code agree.
    fn take(&mut self, state: &mut State, world: &mut World, step: Step, gone: &mut Vec<(Step, Outcome)>) -> bool {
        let (expected, after) = Rules::DESIGN.take(state, step);
        *state = after;
        let outcome = world.take(step);
        gone.push((step, outcome));
        self.steps += 1;
        if outcome == expected {
            *self.outcomes.entry(outcome).or_default() += 1;
            return true;
        }
        self.differences.push((gone.iter().map(|(step, _)| *step).collect(), expected, outcome));
        false
    }
}

/// Chooses a possible step: one that is refused without effect in a quarter of the cases, a server's in another
/// quarter, and time or keys rarely.
fn choose(model: &Protocol, state: &State, dice: &mut Dice) -> Option<Step> {
    let possible = |step: &Step| model.is_within(&model.rules.take(state, *step).1);
    let steps: Vec<_> = model.steps(state).into_iter().filter(possible).collect();
    let changes = |step: &Step| model.rules.take(state, *step).1 != *state;
    let is_servers = |step: &Step| matches!(step, Step::Mark(_));
    let is_operators = |step: &Step| matches!(step, Step::Tick | Step::Revoke);
    let some: Vec<Step> = match dice.below(16) {
        0..4 => steps.iter().filter(|step| !changes(step)).copied().collect(),
        4..8 => steps.iter().filter(|step| is_servers(step)).copied().collect(),
        8 => steps.iter().filter(|step| is_operators(step)).copied().collect(),
        _ => Vec::new(),
    };
    let usual = || steps.iter().filter(|step| changes(step) && !is_operators(step)).copied().collect();
    let some: Vec<Step> = if some.is_empty() { usual() } else { some };
    some.get(dice.below(some.len().max(1))).copied()
}

/// The same numbers for the same seed, on every machine (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap()
    }
}
