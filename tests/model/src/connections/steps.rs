//! The steps and their outcomes: the model's own `begin`, `verify`, `mark_used` and exchange of a code.

use super::application::{Load, Named};
use super::rules::{Rules, TenantRule};
use super::state::{Address, Code, Connection, End, Issuer, IssuerRule, Login, LoginId, Names, Operator, Slot, State};
use crate::state::Party;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The attacker creates or changes their connection.
    Save(Connection),
    /// The administrator changes H, or deletes it and creates another one with its id.
    Change(Connection),
    /// The administrator deletes H.
    Delete,
    /// A browser starts a login.
    Begin { browser: Party, slot: Slot },
    /// A user authorizes at the honest provider under a request with this code_challenge. The victim's browser is
    /// redirected with this state.
    Authorize(Code),
    /// A browser requests a callback address, and the application loads a connection, verifies, marks and exchanges the
    /// code. Without a code of the honest provider, the code is one that the attacker made up.
    Present(Arrival),
}

/// A request for a callback address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Arrival {
    pub browser: Party,
    pub login: LoginId,
    pub code: Option<Code>,
    pub iss: Option<Issuer>,
    pub at: Address,
    pub load: Load,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    Done,
    /// The honest provider accepted the code: the browser is signed in to this account.
    SignedIn(Party),
    /// The code went to the attacker's token endpoint: the browser is signed in to the account that this endpoint
    /// names.
    AttackerAsserts,
    Refused(Refusal),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// By the crate, with this code.
    Code(&'static str),
    /// By the honest provider's token endpoint, after the state was marked.
    Provider,
    /// By the application, or by the honest provider's authorization endpoint.
    Elsewhere,
    /// There is nothing to continue with: an earlier step was refused.
    NothingThere,
}

const GONE: Refusal = Refusal::Code("connection_gone");
const CHANGED: Refusal = Refusal::Code("connection_changed");
const UNADDRESSED: Refusal = Refusal::Code("connection_unaddressed");
const OTHER_PROVIDER: Refusal = Refusal::Code("wrong_provider");
const OTHER_TENANT: Refusal = Refusal::Code("wrong_tenant");
const NO_COOKIE: Refusal = Refusal::Code("cookie_missing");
const OTHER_BROWSER: Refusal = Refusal::Code("other_browser");
const ISS_MISSING: Refusal = Refusal::Code("issuer_missing");
const ISS_OTHER: Refusal = Refusal::Code("issuer_mismatch");
const USED: Refusal = Refusal::Code("already_used");

impl Rules {
    /// Takes a step: returns its outcome and the next state.
    pub fn take(&self, before: &State, step: Step) -> (Outcome, State) {
        if let Some(refusal) = self.refusal(before, step) {
            return (Outcome::Refused(refusal), before.clone());
        }
        let mut after = before.clone();
        let outcome = self.change(&mut after, step).unwrap_or_else(Outcome::Refused);
        (outcome, after)
    }

    /// Why a step is refused, if it changes nothing.
    pub fn refusal(&self, state: &State, step: Step) -> Option<Refusal> {
        match step {
            Step::Save(asked) => {
                let may = self.may_save((state.setup, &state.table), state.met(), &asked);
                (!may).then_some(Refusal::Elsewhere)
            }
            Step::Change(asked) => (!self.may_change(&state.table, state.met(), &asked)).then_some(Refusal::Elsewhere),
            Step::Authorize(code) => match state.login(code.challenge) {
                None => Some(Refusal::NothingThere),
                Some(_) => (!self.gives_codes(state.table.h)).then_some(Refusal::Elsewhere),
            },
            Step::Present(arrival) => self.verify(state, &arrival).err(),
            Step::Begin { slot, .. } => match state.table.get(slot) {
                None => Some(Refusal::NothingThere),
                Some(at) => {
                    let is_silent = at.address == Address::Shared && !at.issuer.is_required();
                    (self.needs_iss_at_shared && is_silent).then_some(UNADDRESSED)
                }
            },
            Step::Delete => None,
        }
    }

    fn change(&self, state: &mut State, step: Step) -> Result<Outcome, Refusal> {
        match step {
            Step::Save(asked) => {
                state.table.a = Some(asked);
                state.changes += 1;
                state.meet();
            }
            Step::Change(h) => {
                state.table.h = Some(h);
                state.changes += 1;
                state.meet();
            }
            Step::Delete => {
                state.table.h = None;
                state.changes += 1;
            }
            Step::Begin { browser, slot } => {
                let at = state.table.get(slot).ok_or(Refusal::NothingThere)?;
                state.logins_mut(browser).push(Login { at, met: Names::default(), end: None });
                state.meet();
            }
            Step::Authorize(code) => state.add_code(code),
            Step::Present(arrival) => return self.finish(state, arrival),
        }
        Ok(Outcome::Done)
    }

    /// Whether the honest provider knows the application as a client.
    pub fn gives_codes(&self, h: Option<Connection>) -> bool {
        !self.registration_ends || h.is_some_and(|h| h.operator == Operator::Honest)
    }

    /// The rest of a callback that passed every check.
    fn finish(&self, state: &mut State, arrival: Arrival) -> Result<Outcome, Refusal> {
        let loaded = self.verify(state, &arrival)?;
        let outcome = match loaded.operator {
            Operator::Attacker => {
                reveal(state, arrival.code);
                Ok(Outcome::AttackerAsserts)
            }
            Operator::Honest => exchange(state, &arrival, &loaded).map(Outcome::SignedIn).ok_or(Refusal::Provider),
        };
        let account = match outcome {
            Ok(Outcome::SignedIn(account)) => Some(account),
            _ => None,
        };
        let LoginId { owner, number } = arrival.login;
        let login = &mut state.logins_mut(owner)[usize::from(number)];
        (login.met, login.end) = (Names::default(), Some(End { loaded, account }));
        outcome
    }

    /// The connection that the application loads, and the crate's checks in their order.
    fn verify(&self, state: &State, arrival: &Arrival) -> Result<Connection, Refusal> {
        let Login { at: started_at, end, .. } = state.login(arrival.login).ok_or(Refusal::NothingThere)?;
        let is_given = |code| state.grants.iter().any(|grant| grant.code == code);
        refuse_unless(arrival.code.is_none_or(is_given), Refusal::NothingThere)?;
        let tenant = (self.tenant != TenantRule::Absent).then_some(started_at.tenant);
        let named = Named { id: started_at.id, tenant };
        let loaded = self.load((state.setup, &state.table), arrival.load, arrival.at, named).ok_or(GONE)?;
        refuse_unless(started_at.id == loaded.id, OTHER_PROVIDER)?;
        let compares_tenant = self.tenant == TenantRule::Compared;
        refuse_unless(!compares_tenant || started_at.tenant == loaded.tenant, OTHER_TENANT)?;
        refuse_unless(self.tag_of(started_at) == self.tag_of(&loaded), CHANGED)?;
        refuse_unless(self.has_arrived(arrival.at, &loaded), OTHER_PROVIDER)?;
        if arrival.browser != arrival.login.owner {
            let any_cookie = !state.logins(arrival.browser).is_empty();
            return Err(if any_cookie { OTHER_BROWSER } else { NO_COOKIE });
        }
        match (loaded.issuer, arrival.iss) {
            (IssuerRule::Required(_), None) => return Err(ISS_MISSING),
            (rule, Some(iss)) if rule.issuer().is_some_and(|issuer| issuer != iss) => return Err(ISS_OTHER),
            _ => {}
        }
        if end.is_some() { Err(USED) } else { Ok(loaded) }
    }

    fn tag_of(&self, connection: &Connection) -> impl PartialEq + use<> {
        let Connection { issuer, client_id, authorization, address, .. } = *connection;
        (
            self.tag.issuer.then(|| issuer.issuer()),
            self.tag.client_id.then_some(client_id),
            self.tag.authorization_endpoint.then_some(authorization),
            self.tag.redirect_uri.then_some(address),
        )
    }

    fn has_arrived(&self, at: Address, loaded: &Connection) -> bool {
        match loaded.address {
            Address::Own { .. } => {
                let by_iss = self.iss_replaces_address && loaded.issuer.is_required();
                !self.compares_address || by_iss || at == loaded.address
            }
            Address::Shared => {
                let is_shared = !self.compares_shared_address || at == Address::Shared;
                is_shared && (!self.needs_iss_at_shared || loaded.issuer.is_required())
            }
        }
    }
}

fn refuse_unless(holds: bool, refusal: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal) }
}

/// The attacker's token endpoint has the code.
fn reveal(state: &mut State, code: Option<Code>) {
    let sent = state.grants.iter_mut().find(|grant| Some(grant.code) == code);
    if let Some(grant) = sent.filter(|grant| grant.code.account == Party::Victim) {
        grant.leaked = true;
    }
}

/// The honest provider's token endpoint compares code_verifier and redirect_uri with those of the request.
fn exchange(state: &mut State, arrival: &Arrival, loaded: &Connection) -> Option<Party> {
    let grant = state.grants.iter_mut().find(|grant| Some(grant.code) == arrival.code && !grant.exchanged)?;
    let fits = grant.code.challenge == arrival.login && grant.code.to == loaded.address;
    grant.exchanged = fits;
    fits.then_some(grant.code.account)
}
