//! This model can fail, and behaves like the code. The program itself checks the design.

use std::collections::BTreeSet;

use super::properties::Promise;
use super::replay::{self, Deployment};
use super::rules::{Bounds, Issuers, Rules, Tag};
use super::run::check;
use super::sampled;
use super::steps::{Outcome, Refusal};
use super::trace::{self, Trace};
use super::variants::{FIVE_CHANGES, Nature, VARIANTS, Variant};
use crate::state::Party;

const SMALL: Bounds = Bounds { logins: 1, codes: 1, changes: 2 };

fn attack(variant: &Variant) -> Trace {
    trace::shortest_attack(variant.rules, variant.bounds, variant.breaks)
        .unwrap_or_else(|| panic!("{} yields no attack", variant.name))
}

#[test]
fn every_variant_breaks_its_promise_and_the_design_none() {
    assert_eq!(check(Rules::DESIGN, SMALL, 1).broken, []);
    for variant in &VARIANTS {
        assert_ne!(variant.rules, Rules::DESIGN, "{}", variant.name);
        let trace = attack(variant);
        assert!(trace.sentences().len() > trace.attack_steps, "{}", variant.name);
    }
}

/// A promise that is never broken may be empty.
#[test]
fn every_promise_is_broken_by_some_variant() {
    let bounds = Bounds { logins: 2, codes: 1, changes: 1 };
    let broken: BTreeSet<_> = VARIANTS.iter().flat_map(|variant| check(variant.rules, bounds, 1).broken).collect();
    assert_eq!(broken, Promise::ALL.into());
}

#[test]
fn the_real_code_refuses_where_the_design_does_and_does_what_the_model_says_otherwise() {
    for variant in &VARIANTS {
        let (replays, good) = replay::replay_all(variant, &attack(variant));
        let told: Vec<_> = replays.iter().map(|one| (one.deployment, one.differs, one.broken)).collect();
        assert!(good, "{}: {told:?}", variant.name);
    }
}

/// A replay that accepts any outcome would pass every attack.
#[test]
fn a_replay_notices_code_with_a_fault() {
    for variant in &VARIANTS {
        let trace = attack(variant);
        if let Nature::Code { used_so: Some(deployment) } = variant.nature {
            assert!(replay::replay(variant, &trace, deployment).broken, "{}", variant.name);
        }
        let by_design = replay::replay(variant, &trace, Deployment::Design).broken;
        assert_eq!(by_design, variant.nature == Nature::Surroundings, "{}", variant.name);
    }
}

#[test]
fn random_walks_agree_with_the_real_code_and_meet_every_outcome() {
    let sampled = sampled::sample(300, 7, Deployment::Design);
    assert_eq!(sampled.differences, []);
    let codes = [
        "already_used",
        "connection_changed",
        "connection_gone",
        "connection_unaddressed",
        "cookie_missing",
        "issuer_mismatch",
        "issuer_missing",
        "other_browser",
        "wrong_provider",
        "wrong_tenant",
    ];
    let refused = codes.map(Refusal::Code).into_iter().chain([Refusal::Provider]).map(Outcome::Refused);
    for outcome in refused.chain([Outcome::Done, Outcome::SignedIn(Party::Victim), Outcome::AttackerAsserts]) {
        let met = sampled.outcomes.get(&outcome).copied().unwrap_or(0);
        assert!(met >= 10, "{outcome:?}: {met}");
    }
}

#[test]
fn random_walks_notice_an_address_that_is_claimed_and_tenants_that_are_missing() {
    for deployment in [Deployment::NamesItsAddress, Deployment::AnyTenant, Deployment::WithoutTenants] {
        assert_ne!(sampled::sample(100, 7, deployment).differences, [], "{deployment:?}");
    }
}

/// The longest attack of a variant takes five changes, more than the program's check of the design allows.
#[test]
fn the_design_holds_with_five_changes_during_one_login() {
    assert_eq!(check(Rules::DESIGN, FIVE_CHANGES, 1).broken, []);
}

/// A connection that leaves or joins the shared address becomes another one for its logins. Without that, an
/// application that compares only current issuers is open to an attack of three changes; with it, the shortest attack
/// takes five.
#[test]
fn the_redirect_uri_in_the_tag_leaves_a_reused_issuer_to_connections_that_come_back() {
    let rules = Rules { issuers: Issuers::UniqueNow, ..Rules::DESIGN };
    let without = Rules { tag: Tag { redirect_uri: false, ..Tag::ALL }, ..rules };
    let changes = |changes| Bounds { changes, ..FIVE_CHANGES };
    assert_eq!(check(without, changes(3), 1).broken, [Promise::NoMixUp, Promise::NothingChanged]);
    assert_eq!(check(rules, changes(4), 1).broken, []);
    assert_eq!(check(rules, changes(5), 1).broken, [Promise::NoMixUp]);
}
