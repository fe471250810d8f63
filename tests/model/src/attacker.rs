//! The attacker's knowledge and steps.

use crate::rules::{Reads, Rules};
use crate::state::{Code, FlowId, Party, Reading, Secret, State};
use crate::steps::Step;

/// The states that the attacker can put into a link: of their own logins, and of the address that they read.
pub fn known_states(state: &State) -> impl Iterator<Item = FlowId> + use<> {
    let read = state.read.and_then(|reading| match reading {
        Reading::Callback(code) => code.returned_with,
        Reading::Request(flow) => Some(flow),
    });
    state.ids(Party::Attacker).chain(read.filter(|flow| flow.owner == Party::Victim))
}

/// The challenges that the attacker can authorize under. A callback's address has none.
fn known_challenges(state: &State) -> impl Iterator<Item = FlowId> + use<> {
    let read = state.read.and_then(|reading| match reading {
        Reading::Callback(_) => None,
        Reading::Request(flow) => Some(flow),
    });
    state.ids(Party::Attacker).chain(read)
}

/// The attacker's codes: from their own authorizations, from the address that they read, and a made-up one.
fn known_codes(state: &State) -> impl Iterator<Item = Option<Code>> + '_ {
    let knows = |code: &&Code| code.account == Party::Attacker || state.read == Some(Reading::Callback(**code));
    state.codes.iter().filter(knows).copied().map(Some).chain([None])
}

/// All steps that the attacker can take now.
pub fn steps(rules: &Rules, state: &State, steps: &mut Vec<Step>) {
    steps.push(Step::Begin { browser: Party::Attacker, secret: Secret::Attacker });
    if state.stolen {
        let stolen = (0..state.victim_cookies()).map(Secret::Victim);
        steps.extend(stolen.map(|secret| Step::Begin { browser: Party::Attacker, secret }));
    }
    for challenge in known_challenges(state) {
        steps.push(Step::Authorize { account: Party::Attacker, challenge, state: None });
        // The victim follows a link to the provider, which asks nothing.
        let led = |flow| Step::Authorize { account: Party::Victim, challenge, state: Some(flow) };
        steps.extend(known_states(state).map(led));
    }
    if state.read.is_none() {
        steps.extend(readings(rules, state).map(Step::Read));
    }
    if rules.steals && !state.stolen && state.victim_cookies() > 0 {
        steps.push(Step::Steal);
    }
    if !state.planted && !state.of_attacker.is_empty() {
        steps.push(Step::Plant);
    }
    for flow in known_states(state) {
        for code in known_codes(state) {
            let present = |browser| Step::Present { browser, state: flow, code };
            steps.extend([Party::Victim, Party::Attacker].map(present));
        }
    }
}

fn readings<'s>(rules: &Rules, state: &'s State) -> Box<dyn Iterator<Item = Reading> + 's> {
    let callbacks = state.codes.iter().filter(|code| code.returned_with.is_some());
    match rules.reads {
        Reads::OwnCallback => {
            let own = |code: &&Code| code.returned_with.is_some_and(|flow| flow.owner == Party::Victim);
            Box::new(callbacks.filter(own).map(|code| Reading::Callback(*code)))
        }
        Reads::AnyCallback => Box::new(callbacks.map(|code| Reading::Callback(*code))),
        Reads::Request => Box::new(state.ids(Party::Victim).map(Reading::Request)),
    }
}
