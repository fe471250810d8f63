//! The model can fail, loses nothing, and behaves like the code. The program itself checks the design with larger
//! bounds.

use std::collections::{BTreeSet, VecDeque};

use stateright::Model;

use crate::arguments::Arguments;
use crate::checking::{self, Trace};
use crate::properties::Promise;
use crate::protocol::Protocol;
use crate::replay::{self, Deployment, World};
use crate::rules::{Bounds, Guard, Rules};
use crate::state::{FlowId, Party, Secret, State};
use crate::steps::{Outcome, Refusal, Step};
use crate::variants::{Nature, VARIANTS, Variant};
use crate::{drawing, honest, words};

const SMALL: Bounds = Bounds { flows: 2, codes: 2, callbacks: 2, lifetimes: 1 };
const V1: FlowId = FlowId { owner: Party::Victim, number: 0 };
const V2: FlowId = FlowId { owner: Party::Victim, number: 1 };

fn attack(variant: &Variant) -> Trace {
    checking::shortest_attack(variant.rules, SMALL, variant.breaks)
        .unwrap_or_else(|| panic!("{} yields no attack", variant.name))
}

/// A model whose rules do nothing would keep every promise.
#[test]
fn every_variant_breaks_its_promise_and_the_design_none() {
    assert_eq!(checking::check(Rules::DESIGN, SMALL, 1).broken, []);
    for variant in &VARIANTS {
        assert_ne!(variant.rules, Rules::DESIGN, "{}", variant.name);
        let broken = checking::check(variant.rules, SMALL, 1).broken;
        assert!(broken.contains(&variant.breaks), "{}: {broken:?}", variant.name);
    }
}

/// A promise that is never broken may be empty.
#[test]
fn every_promise_is_broken_by_some_variant() {
    let broken: BTreeSet<_> =
        VARIANTS.iter().flat_map(|variant| checking::check(variant.rules, SMALL, 1).broken).collect();
    assert_eq!(broken, Promise::ALL.into());
}

/// The model alone says nothing about the code.
#[test]
fn the_real_code_refuses_what_its_own_faults_would_let_through_and_does_what_the_model_says_otherwise() {
    for variant in &VARIANTS {
        let (replays, good) = replay::replay_all(variant, &attack(variant));
        let told: Vec<_> = replays.iter().map(|one| (one.deployment, one.differs, one.broken)).collect();
        assert!(good, "{}: {told:?}", variant.name);
    }
}

/// A replay that accepts any outcome would pass every attack.
#[test]
fn a_replay_notices_code_with_a_fault() {
    let of = |name: &str| VARIANTS.iter().find(|variant| variant.name == name).unwrap();
    let broken = |name: &str, deployment| {
        let variant = of(name);
        replay::replay(&attack(variant), variant.breaks, deployment).broken
    };
    for variant in &VARIANTS {
        if let Nature::Code { built_so: Some(deployment) } = variant.nature {
            assert!(broken(variant.name, deployment), "{}", variant.name);
        }
        assert_eq!(
            broken(variant.name, Deployment::Design),
            matches!(variant.nature, Nature::Surroundings { built_so: Deployment::Design })
        );
    }
}

/// Walks in which little happens agree with any code.
#[test]
fn random_walks_agree_with_the_real_code_and_meet_every_outcome() {
    let sampled = replay::sample(300, 7, Deployment::Design);
    assert_eq!(sampled.differences, []);
    let codes = ["already_used", "cookie_missing", "expired", "key_revoked", "other_browser"];
    let refused = codes.map(Refusal::Code).into_iter().chain([Refusal::Provider, Refusal::Browser]);
    let others = [Outcome::Done, Outcome::SignedIn(Party::Victim), Outcome::SignedIn(Party::Attacker)];
    for outcome in refused.map(Outcome::Refused).chain(others) {
        let met = sampled.outcomes.get(&outcome).copied().unwrap_or(0);
        assert!(met >= 10, "{outcome:?}: {met}");
    }
    assert!(sampled.finished >= 300, "{}", sampled.finished);
}

#[test]
fn random_walks_notice_a_guard_that_forgets_and_a_binding_that_is_none() {
    for deployment in [Deployment::ForgetfulGuard, Deployment::Unbound, Deployment::ProviderWithoutPkce] {
        assert_ne!(replay::sample(50, 7, deployment).differences, [], "{deployment:?}");
    }
}

/// Omitting equivalent steps must not omit an attack.
#[test]
fn symmetry_loses_no_attack_and_makes_none_longer() {
    for rules in VARIANTS.iter().map(|variant| variant.rules).chain([Rules::DESIGN]) {
        let bounds = Bounds { callbacks: 1, ..SMALL };
        let broken = |uses_symmetry| shortest(&Protocol { uses_symmetry, ..Protocol::new(rules, bounds) });
        assert_eq!(broken(true), broken(false), "{rules:?}");
    }
}

/// For each promise, the number of steps to the nearest state that breaks it, by a separate search.
fn shortest(model: &Protocol) -> Vec<Option<usize>> {
    let mut nearest = vec![None; Promise::ALL.len()];
    let mut seen = std::collections::HashSet::from([State::default()]);
    let mut ahead = VecDeque::from([(State::default(), 0)]);
    while let Some((state, steps)) = ahead.pop_front() {
        for (promise, nearest) in Promise::ALL.iter().zip(&mut nearest) {
            if nearest.is_none() && !promise.condition()(model, &state) {
                *nearest = Some(steps);
            }
        }
        let next = model.next_states(&state);
        ahead.extend(next.into_iter().filter(|next| seen.insert(next.clone())).map(|next| (next, steps + 1)));
    }
    nearest
}

/// Two tabs that were restored with an empty jar have a cookie each, in the model and in the code.
#[test]
fn two_tabs_with_a_cookie_each_finish_in_either_order() {
    let begin = |number| Step::Begin { browser: Party::Victim, secret: Secret::Victim(number) };
    for order in [[V1, V2], [V2, V1]] {
        let (mut state, mut world) = (State::default(), World::new(Deployment::Design));
        let mut finished = 0;
        let mut take = |state: &mut State, step| {
            let (expected, after) = Rules::DESIGN.take(state, step);
            assert_eq!(world.take(step), expected, "{step:?}");
            finished += usize::from(expected == Outcome::SignedIn(Party::Victim));
            *state = after;
        };
        take(&mut state, begin(0));
        take(&mut state, begin(1));
        for flow in order {
            for step in honest::finish(&Rules::DESIGN, &state, flow).steps {
                take(&mut state, step);
            }
        }
        assert_eq!(finished, 2);
        assert_eq!(state.victim_cookies(), 2);
    }
}

/// A promise to finish could hold only because it is never tested.
#[test]
fn a_login_that_cannot_finish_is_noticed() {
    let rules = Rules { guard: Guard::BeforeBinding, ..Rules::DESIGN };
    let mut state = State::default();
    state.of_victim.push(crate::state::Flow {
        secret: Secret::Victim(0),
        issued: 0,
        under_new_key: false,
        marked_for: Some(Party::Attacker),
    });
    assert!(!Promise::AlwaysFinishes.condition()(&Protocol::new(rules, SMALL), &state));
    state.of_victim[0].marked_for = None;
    assert!(Promise::AlwaysFinishes.condition()(&Protocol::new(rules, SMALL), &state));
}

#[test]
fn every_drawing_is_small_and_shows_what_was_broken_and_what_the_crate_did() {
    for variant in &VARIANTS {
        let trace = attack(variant);
        let (replays, _) = replay::replay_all(variant, &trace);
        let design = replays.iter().find(|replayed| replayed.deployment == Deployment::Design);
        let svg = drawing::draw(variant, &trace, design);
        assert!(svg.len() < 10_000, "{}: {}", variant.name, svg.len());
        assert!(svg.contains("class=\"bad\"") && svg.contains("prefers-color-scheme:dark"), "{}", variant.name);
        let is_codes = matches!(variant.nature, Nature::Code { .. });
        assert_eq!(svg.contains("✓ the crate"), is_codes, "{}", variant.name);
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
        assert!(words::sentences(&trace).len() >= trace.steps.len(), "{}", variant.name);
    }
}

#[test]
fn arguments_that_are_wrong_are_told() {
    let parse = |line: &str| Arguments::parse(line.split_whitespace().map(str::to_owned));
    assert!(parse("").is_ok_and(|given| given.check && given.replay && given.walks == 1_000));
    assert!(parse("check --variant design").is_ok_and(|given| given.check && !given.replay));
    for wrong in ["prove", "--variant", "--walks 0", "--threads many"] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}
