//! Runs the crate's own `begin` and `finish` through the model's steps.

pub mod browser;
mod guards;
mod sampled;
pub mod stand_in;
mod world;

pub use sampled::{Dice, Sampled, sample};
pub use world::{Deployment, World};

use crate::checking::Trace;
use crate::properties::Promise;
use crate::state::{FlowId, Party};
use crate::steps::{Outcome, Step};
use crate::variants::{Nature, Variant};

/// The result of an attack on real code.
pub struct Replayed {
    pub deployment: Deployment,
    /// The first step with another outcome than in the variant, and that outcome.
    pub differs: Option<(usize, Outcome)>,
    /// Whether the promise was broken in the end.
    pub broken: bool,
}

/// Runs an attack on real code. After a refused step, the later ones do nothing or are refused as well.
pub fn replay(trace: &Trace, promise: Promise, deployment: Deployment) -> Replayed {
    let mut world = World::new(deployment);
    let mut differs = None;
    for (position, (step, expected)) in trace.steps.iter().enumerate() {
        let outcome = world.take(*step);
        if outcome != *expected && differs.is_none() {
            differs = Some((position, outcome));
        }
    }
    // A server that did not refuse where the model's did still has to finish the callback.
    world.go_on();
    Replayed { deployment, differs, broken: world.breaks(promise, login_to_finish(trace)) }
}

/// The login that the victim continues at the end.
fn login_to_finish(trace: &Trace) -> Option<FlowId> {
    trace.steps.iter().rev().find_map(|(step, _)| match step {
        Step::Present { browser: Party::Victim, state, .. } => Some(*state),
        _ => None,
    })
}

/// All replays of a variant's attack on real code, and whether they are as expected.
pub fn replay_all(variant: &Variant, trace: &Trace) -> (Vec<Replayed>, bool) {
    let on = |deployment| replay(trace, variant.breaks, deployment);
    let goes_through = |replayed: &Replayed| replayed.differs.is_none() && replayed.broken;
    match variant.nature {
        Nature::Code { built_so } => {
            let design = on(Deployment::Design);
            let refused = design.differs.is_some() && !design.broken;
            let built_so = built_so.map(on);
            let good = refused && built_so.as_ref().is_none_or(goes_through);
            ([Some(design), built_so].into_iter().flatten().collect(), good)
        }
        Nature::Surroundings { built_so } => {
            let replayed = on(built_so);
            let good = goes_through(&replayed);
            (vec![replayed], good)
        }
    }
}
