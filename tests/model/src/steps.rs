//! The steps and their outcomes: the model's own `begin`, `check`, `mark_used` and exchange of a code.

use crate::rules::{Guard, Pkce, Rules};
use crate::state::{Callback, Code, Flow, FlowId, Party, Reading, Secret, Stage, State};

/// One step of any party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A browser starts a login, and a server binds it to this secret.
    Begin { browser: Party, secret: Secret },
    /// A user authorizes at the provider, under a request with this code_challenge. The victim's browser is redirected
    /// to the callback with the request's state.
    Authorize { account: Party, challenge: FlowId, state: Option<FlowId> },
    /// The attacker reads one address.
    Read(Reading),
    /// The attacker copies the victim's cookies.
    Steal,
    /// A sibling site sets the attacker's cookie in the victim's browser.
    Plant,
    /// A browser requests the callback, by redirect or because a link leads it there.
    Present { browser: Party, state: FlowId, code: Option<Code> },
    /// A guard that checks and then sets is asked whether the state was used.
    Look(Callback),
    /// The guard marks the state as used, and the server exchanges the code.
    Mark(Callback),
    /// A lifetime passes.
    Tick,
    /// The operator revokes the key, and another one seals.
    Revoke,
}

/// The outcome of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    Done,
    /// The browser is signed in to this account.
    SignedIn(Party),
    Refused(Refusal),
}

/// The reason for a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// By the crate, with this code.
    Code(&'static str),
    /// By the provider: code and code_verifier do not match, or the code was exchanged before.
    Provider,
    /// By the browser, which has no such cookie.
    Browser,
    /// There is nothing to continue with: an earlier step was refused.
    NothingThere,
}

const REVOKED: Refusal = Refusal::Code("key_revoked");
const EXPIRED: Refusal = Refusal::Code("expired");
const NO_COOKIE: Refusal = Refusal::Code("cookie_missing");
const OTHER: Refusal = Refusal::Code("other_browser");
const USED: Refusal = Refusal::Code("already_used");

impl Rules {
    /// Takes a step: returns its outcome and the next state.
    pub fn take(&self, before: &State, step: Step) -> (Outcome, State) {
        let mut after = before.clone();
        let outcome = self.change(&mut after, step);
        match outcome {
            Ok(outcome) => (outcome, after),
            Err(refusal) => (Outcome::Refused(refusal), after),
        }
    }

    fn change(&self, state: &mut State, step: Step) -> Result<Outcome, Refusal> {
        match step {
            Step::Begin { browser, secret } => {
                let flow = Flow { secret, issued: state.now, under_new_key: state.revoked, marked_for: None };
                state.flows_mut(browser).push(flow);
            }
            Step::Authorize { account, challenge, state: returned_with } => {
                state.add_code(account, challenge, returned_with);
            }
            Step::Read(reading) => state.read = Some(reading),
            Step::Steal => state.stolen = true,
            Step::Plant if self.host_prefix => return Err(Refusal::Browser),
            Step::Plant => state.planted = true,
            Step::Present { browser, state: flow, code } => return self.check(state, browser, flow, code),
            Step::Look(callback) => self.look(state, callback)?,
            Step::Mark(callback) => return self.mark(state, callback),
            Step::Tick => state.now += 1,
            Step::Revoke => state.revoked = true,
        }
        Ok(Outcome::Done)
    }

    /// `Flow::check`: nothing in the state changes unless it passes.
    fn check(&self, state: &mut State, browser: Party, flow: FlowId, code: Option<Code>) -> Result<Outcome, Refusal> {
        timely(state, flow, [REVOKED, EXPIRED])?;
        if self.guard == Guard::BeforeBinding {
            mark_first(state, browser, flow)?;
        }
        if self.binding && !state.holds(browser, state.flow(flow).secret) {
            return Err(if state.holds_any_cookie(browser) { OTHER } else { NO_COOKIE });
        }
        let callback = Callback { browser, flow, code, stage: Stage::Checked, overdue: false };
        state.add_callback(callback);
        if self.guard == Guard::BeforeBinding { self.exchange(state, callback, false) } else { Ok(Outcome::Done) }
    }

    /// The first half of a guard that is not atomic.
    fn look(&self, state: &mut State, callback: Callback) -> Result<(), Refusal> {
        let refused = self.look_again(state, callback).and_then(|()| is_new(state, callback.flow));
        let after = refused.is_ok().then_some(Callback { stage: Stage::Looked, ..callback });
        state.replace_callback(callback, after);
        refused
    }

    /// `VerifiedCallback::mark_used`, and the server's next steps.
    fn mark(&self, state: &mut State, callback: Callback) -> Result<Outcome, Refusal> {
        let overdue = timely(state, callback.flow, [EXPIRED, REVOKED]).is_err();
        let marked = match self.guard {
            Guard::ChecksThenSets => {
                let flow = callback.flow;
                state.flows_mut(flow.owner)[usize::from(flow.number)].marked_for = Some(callback.browser);
                Ok(())
            }
            Guard::Forgets => self.look_again(state, callback),
            Guard::Atomic | Guard::BeforeBinding => {
                let again = self.look_again(state, callback);
                again.and_then(|()| mark_first(state, callback.browser, callback.flow))
            }
        };
        if let Err(refusal) = marked {
            state.replace_callback(callback, None);
            return Err(refusal);
        }
        self.exchange(state, callback, overdue)
    }

    fn look_again(&self, state: &State, callback: Callback) -> Result<(), Refusal> {
        if self.looks_again { timely(state, callback.flow, [EXPIRED, REVOKED]) } else { Ok(()) }
    }

    /// The server sends code and code_verifier, and the provider compares the verifier with the code's challenge.
    fn exchange(&self, state: &mut State, callback: Callback, overdue: bool) -> Result<Outcome, Refusal> {
        let fits = |code: Code| match self.pkce {
            Pkce::EachLogin => code.challenge == callback.flow,
            Pkce::EachKey => state.flow(code.challenge).under_new_key == state.flow(callback.flow).under_new_key,
            Pkce::None => true,
        };
        let taken = callback.code.filter(|code| fits(*code) && !state.is_exchanged(*code));
        let stage = if taken.is_some() { Stage::SignedIn } else { Stage::NotTaken };
        state.replace_callback(callback, Some(Callback { stage, overdue, ..callback }));
        taken.map(|code| Outcome::SignedIn(code.account)).ok_or(Refusal::Provider)
    }
}

/// Key and time, in the order of the two refusals.
fn timely(state: &State, flow: FlowId, in_order: [Refusal; 2]) -> Result<(), Refusal> {
    let holds = |refusal: &Refusal| match *refusal {
        REVOKED => state.key_is_revoked(flow),
        _ => state.has_expired(flow),
    };
    in_order.into_iter().find(holds).map_or(Ok(()), Err)
}

fn is_new(state: &State, flow: FlowId) -> Result<(), Refusal> {
    if state.flow(flow).marked_for.is_some() { Err(USED) } else { Ok(()) }
}

/// Checks and marks in one step.
fn mark_first(state: &mut State, browser: Party, flow: FlowId) -> Result<(), Refusal> {
    is_new(state, flow)?;
    state.flows_mut(flow.owner)[usize::from(flow.number)].marked_for = Some(browser);
    Ok(())
}
