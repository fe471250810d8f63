//! The steps of the victim, the servers and time, and the direct way to the end of a login.

use crate::rules::{Guard, Rules};
use crate::state::{Callback, FlowId, Party, Secret, Stage, State};
use crate::steps::{Outcome, Step};

/// All possible steps without the attacker.
pub fn steps(rules: &Rules, state: &State, steps: &mut Vec<Step>) {
    steps.extend(cookies_of_a_begin(state).map(|secret| Step::Begin { browser: Party::Victim, secret }));
    steps.extend(state.ids(Party::Victim).map(authorize));
    for code in &state.codes {
        let redirect = |flow| Step::Present { browser: Party::Victim, state: flow, code: Some(*code) };
        steps.extend(code.returned_with.map(redirect));
    }
    steps.extend(state.callbacks.iter().filter_map(|callback| next(rules, *callback)));
    steps.push(Step::Tick);
    if !state.revoked {
        steps.push(Step::Revoke);
    }
}

/// The secrets that a login start of the victim's browser may use: its existing one, or a new one if it has none or a
/// second tab asks before the first response came. A planted cookie has the smallest name, so it is the one that is
/// used.
fn cookies_of_a_begin(state: &State) -> impl Iterator<Item = Secret> + use<> {
    let own = (0..(state.victim_cookies() + 1).min(2)).map(Secret::Victim).filter({
        let begun = !state.of_victim.is_empty();
        move |secret| begun || *secret == Secret::Victim(0)
    });
    let planted = state.planted;
    own.filter(move |_| !planted).chain(planted.then_some(Secret::Attacker))
}

fn authorize(flow: FlowId) -> Step {
    Step::Authorize { account: Party::Victim, challenge: flow, state: Some(flow) }
}

/// A server's next step with a callback.
fn next(rules: &Rules, callback: Callback) -> Option<Step> {
    match callback.stage {
        Stage::Checked if rules.guard == Guard::ChecksThenSets => Some(Step::Look(callback)),
        Stage::Checked | Stage::Looked => Some(Step::Mark(callback)),
        Stage::NotTaken | Stage::SignedIn => None,
    }
}

/// A completed sequence: its steps and its result.
pub struct Way {
    pub steps: Vec<Step>,
    pub end: State,
    pub signed_in: bool,
}

/// The victim continues one of their logins, without interruption.
pub fn finish(rules: &Rules, state: &State, flow: FlowId) -> Way {
    let mut way = Way { steps: Vec::new(), end: state.clone(), signed_in: false };
    let own =
        |callback: &&Callback| callback.browser == Party::Victim && callback.flow == flow && callback.is_genuine();
    if state.callbacks.iter().filter(own).any(|callback| callback.stage == Stage::SignedIn) {
        way.signed_in = true;
        return way;
    }
    // With the victim's own code and state.
    let code = way.end.clone().add_code(Party::Victim, flow, Some(flow));
    let present = Step::Present { browser: Party::Victim, state: flow, code: Some(code) };
    if way.take(rules, authorize(flow)).is_ok() && way.take(rules, present).is_ok() {
        let there = |callback: &&Callback| callback.code == Some(code);
        let there = way.end.callbacks.iter().find(there).copied();
        there.into_iter().for_each(|callback| way.go_on(rules, callback));
    }
    way
}

/// The victim starts a new login and continues it.
pub fn begin_and_finish(rules: &Rules, state: &State) -> Way {
    let mut begun = Way { steps: Vec::new(), end: state.clone(), signed_in: false };
    let first = cookies_of_a_begin(state).next();
    if let Some(secret) = first {
        let _ = begun.take(rules, Step::Begin { browser: Party::Victim, secret });
    }
    match begun.end.ids(Party::Victim).last() {
        Some(newest) => {
            let rest = finish(rules, &begun.end, newest);
            begun.steps.extend(rest.steps);
            Way { steps: begun.steps, ..rest }
        }
        None => begun,
    }
}

impl Way {
    fn take(&mut self, rules: &Rules, step: Step) -> Result<(), ()> {
        let (outcome, after) = rules.take(&self.end, step);
        self.steps.push(step);
        self.end = after;
        match outcome {
            Outcome::Done => Ok(()),
            Outcome::SignedIn(account) => {
                self.signed_in = account == Party::Victim;
                Ok(())
            }
            Outcome::Refused(_) => Err(()),
        }
    }

    /// Continues until no server has anything left to do with this callback.
    fn go_on(&mut self, rules: &Rules, mut callback: Callback) {
        while let Some(step) = next(rules, callback) {
            if self.take(rules, step).is_err() {
                return;
            }
            let same = |other: &&Callback| {
                (other.browser, other.flow, other.code) == (callback.browser, callback.flow, callback.code)
                    && other.stage > callback.stage
            };
            match self.end.callbacks.iter().find(same) {
                Some(later) => callback = *later,
                None => return,
            }
        }
    }
}
