//! An attack, step by step, with the outcome of each step, and in words.

use super::application::Load;
use super::parties;
use super::properties::Promise;
use super::protocol::Protocol;
use super::rules::{Bounds, Rules};
use super::state::{
    Address, ClientId, Code, Connection, Honest, Id, Ids, Issuer, IssuerRule, LoginId, Operator, Slot, State, Tenant,
};
use super::steps::{Arrival, Outcome, Refusal, Step};
use crate::checking;
use crate::state::Party;

#[derive(Clone, Debug)]
pub struct Trace {
    /// The initial state.
    pub first: State,
    pub steps: Vec<(Step, Outcome)>,
    /// The steps from here on are the victim's, who tries to finish.
    pub attack_steps: usize,
}

/// The shortest way to break a promise, if there is one.
pub fn shortest_attack(rules: Rules, bounds: Bounds, promise: Promise) -> Option<Trace> {
    let (first, steps) = checking::shortest_path(&Protocol { rules, bounds }, promise.name())?;
    let mut trace = Trace { first, steps: Vec::new(), attack_steps: steps.len() };
    let mut state = trace.first.clone();
    trace.follow(&rules, &mut state, &steps);
    if promise == Promise::HonestFinishes {
        let way = parties::cannot_finish(&rules, &state).unwrap_or_default();
        trace.follow(&rules, &mut state, &way);
    }
    Some(trace)
}

impl Trace {
    fn follow(&mut self, rules: &Rules, state: &mut State, steps: &[Step]) {
        for step in steps {
            let (outcome, after) = rules.take(state, *step);
            self.steps.push((*step, outcome));
            *state = after;
        }
    }

    /// One sentence for the initial state, and one for each step.
    pub fn sentences(&self) -> Vec<String> {
        let setup = self.first.setup;
        let unique = if setup.ids == Ids::Global { "ids are unique" } else { "ids are unique for each tenant" };
        let sends = if setup.honest == Honest::OwnAddress { "sends no iss" } else { "sends iss" };
        let address = if setup.h().address == Address::Shared { "the shared address" } else { "an address of its own" };
        let mut codes = Vec::new();
        let steps = self.steps.iter().map(|(step, outcome)| sentence(*step, *outcome, &mut codes));
        let first = format!("at first: {unique}; H has {address}, and its provider {sends}");
        [first].into_iter().chain(steps.collect::<Vec<_>>()).collect()
    }
}

fn sentence(step: Step, outcome: Outcome, codes: &mut Vec<Code>) -> String {
    let said = match step {
        Step::Save(connection) => {
            let is_honest = connection.authorization == Operator::Honest;
            let endpoint = if is_honest { ", H's authorization endpoint" } else { "" };
            format!("the attacker saves A: {}{endpoint}", saved(&connection))
        }
        Step::Change(connection) => {
            let whose = |operator| if operator == Operator::Honest { "H's" } else { "the attacker's" };
            let (authorization, token) = (whose(connection.authorization), whose(connection.operator));
            let endpoints = format!("{authorization} authorization endpoint, {token} token endpoint");
            format!("the administrator changes H: {}, {endpoints}", saved(&connection))
        }
        Step::Delete => "the administrator deletes H".to_owned(),
        Step::Begin { browser, slot } => {
            let slot = if slot == Slot::H { "H" } else { "A" };
            format!("{} starts a login at {slot}", who(browser))
        }
        Step::Authorize(code) => authorized(code, codes),
        Step::Present(arrival) => arrived(&arrival, codes),
    };
    match outcome {
        Outcome::Done => said,
        outcome => format!("{said}; {}", self::outcome(outcome)),
    }
}

fn saved(connection: &Connection) -> String {
    let Connection { id, tenant, address, issuer, client_id, .. } = *connection;
    let whose = |issuer| if issuer == Issuer::Honest { "H's issuer" } else { "the attacker's issuer" };
    let issuer = match issuer {
        IssuerRule::Unknown => "no issuer".to_owned(),
        IssuerRule::Known(issuer) => whose(issuer).to_owned(),
        IssuerRule::Required(issuer) => format!("{}, iss required", whose(issuer)),
    };
    let client_id = match client_id {
        ClientId::Honest => "H's client id",
        ClientId::Renewed => "H's new client id",
        ClientId::Other => "another client id",
    };
    let id = if id == Id::One { 1 } else { 2 };
    let tenant = if tenant == Tenant::First { 1 } else { 2 };
    format!("id {id} of tenant {tenant}, at {}, {issuer}, {client_id}", place(address))
}

fn place(address: Address) -> String {
    let number = |id| if id == Id::One { 1 } else { 2 };
    match address {
        Address::Shared => "the shared address".to_owned(),
        Address::Own { tenant: None, id } => format!("the address of id {}", number(id)),
        Address::Own { tenant: Some(tenant), id } => {
            let tenant = if tenant == Tenant::First { 1 } else { 2 };
            format!("the address of id {} of tenant {tenant}", number(id))
        }
    }
}

fn authorized(code: Code, codes: &mut Vec<Code>) -> String {
    if !codes.contains(&code) {
        codes.push(code);
    }
    let Code { challenge, returned_with, to, .. } = code;
    let returned = returned_with.map_or_else(String::new, |state| format!(" and the state of {}", login(state)));
    format!(
        "the victim's browser is at H's provider with the code_challenge of {}{returned}, and is sent with {} to {}",
        login(challenge),
        code_name(Some(code), codes),
        place(to)
    )
}

fn arrived(arrival: &Arrival, codes: &[Code]) -> String {
    let Arrival { browser, login: id, code, iss, at, load } = *arrival;
    let iss = match iss {
        None => "no iss",
        Some(Issuer::Honest) => "H's iss",
        Some(Issuer::Attacker) => "the attacker's iss",
    };
    let by = if load == Load::Path { "path" } else { "state" };
    format!(
        "{} arrives at {} with the state of {}, {} and {iss}, and the application loads the connection by the {by}",
        who(browser),
        place(at),
        login(id),
        code_name(code, codes)
    )
}

fn who(browser: Party) -> &'static str {
    match browser {
        Party::Victim => "the victim's browser",
        Party::Attacker => "the attacker's browser",
    }
}

fn login(id: LoginId) -> String {
    let whose = if id.owner == Party::Victim { "the victim's" } else { "the attacker's" };
    let ordinals = ["first", "second", "third"];
    format!("{whose} {} login", ordinals.get(usize::from(id.number)).unwrap_or(&"last"))
}

fn code_name(code: Option<Code>, codes: &[Code]) -> String {
    let number = code.and_then(|code| codes.iter().position(|known| *known == code));
    number.map_or_else(|| "a code of the attacker's".to_owned(), |number| format!("code {}", number + 1))
}

pub fn outcome(outcome: Outcome) -> String {
    match outcome {
        Outcome::Done => "goes on".to_owned(),
        Outcome::SignedIn(Party::Victim) => "signed in to the victim's account".to_owned(),
        Outcome::SignedIn(Party::Attacker) => "signed in to the attacker's account".to_owned(),
        Outcome::AttackerAsserts => "the attacker gets the code and names the user".to_owned(),
        Outcome::Refused(Refusal::Code(code)) => format!("refused: {code}"),
        Outcome::Refused(Refusal::Provider) => "H's provider refuses the code".to_owned(),
        Outcome::Refused(Refusal::Elsewhere) => "refused outside the crate".to_owned(),
        Outcome::Refused(Refusal::NothingThere) => "comes to nothing".to_owned(),
    }
}
