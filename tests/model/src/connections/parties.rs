//! The steps of each party, and the direct way to the end of an honest login.

use super::application::Load;
use super::rules::{Redirects, Rules};
use super::state::{
    Address, ClientId, Code, Connection, Id, Issuer, IssuerRule, Login, LoginId, Operator, Slot, State, Tenant,
};
use super::steps::{Arrival, Outcome, Step};
use crate::state::Party;

pub const LOADS: [Load; 2] = [Load::Path, Load::State];
const ISSUER_RULES: [IssuerRule; 4] = [
    IssuerRule::Unknown,
    IssuerRule::Known(Issuer::Honest),
    IssuerRule::Required(Issuer::Honest),
    IssuerRule::Required(Issuer::Attacker),
];

/// All possible steps of all parties.
pub fn steps(rules: &Rules, state: &State, steps: &mut Vec<Step>) {
    administrators(rules, state, steps);
    for slot in [Slot::H, Slot::A] {
        let Some(at) = state.table.get(slot) else { continue };
        steps.push(Step::Begin { browser: Party::Victim, slot });
        // The attacker knows all of the victim's logins at the attacker's providers, and needs no own ones there.
        if at.operator == Operator::Honest {
            steps.push(Step::Begin { browser: Party::Attacker, slot });
        }
    }
    authorizations(rules, state, steps);
    for grant in &state.grants {
        let redirect = |login| arrive(login, Some(grant.code), state.setup.iss(), grant.code.to);
        steps.extend(grant.code.returned_with.into_iter().flat_map(redirect));
    }
    attackers_callbacks(state, steps);
}

fn administrators(rules: &Rules, state: &State, steps: &mut Vec<Step>) {
    // If no login started before the change, it might as well have been saved like this at first.
    let is_unused = |a: Connection| {
        let key = |one: Connection| (one.id, one.tenant);
        !state.all_logins().any(|(_, login)| key(login.at) == key(a) && login.at.operator == Operator::Attacker)
    };
    // A connection with the second id in the second tenant could do no more than one with it in the first.
    let keys = [(Tenant::First, Id::Two), (Tenant::Second, Id::One)];
    for (tenant, id) in keys.into_iter().filter(|_| !state.table.a.is_some_and(is_unused)) {
        for address in [state.setup.own_address(tenant, id), Address::Shared] {
            for issuer in ISSUER_RULES {
                let operator = Operator::Attacker;
                let save = |client_id, authorization| {
                    Step::Save(Connection { id, tenant, address, issuer, client_id, authorization, operator })
                };
                steps.push(save(ClientId::Other, Operator::Attacker));
                steps.push(save(ClientId::Honest, Operator::Attacker));
                // The attacker's own endpoint reveals more. H's is useful to equal H in everything that the tag covers.
                if issuer.issuer() == Some(Issuer::Honest) {
                    steps.push(save(ClientId::Honest, Operator::Honest));
                }
            }
        }
    }
    let Some(h) = state.table.h.filter(|h| h.operator == Operator::Honest) else { return };
    steps.push(Step::Delete);
    let named = |issuer| if h.issuer.is_required() { IssuerRule::Required(issuer) } else { IssuerRule::Known(issuer) };
    let attackers = |issuer, client_id, authorization| {
        Step::Change(Connection { issuer: named(issuer), client_id, authorization, operator: Operator::Attacker, ..h })
    };
    let moved = match h.address {
        Address::Shared => state.setup.own_address(h.tenant, h.id),
        Address::Own { .. } => Address::Shared,
    };
    // A provider that sends no `iss` cannot use the shared address.
    let moved = state.setup.iss().map(|_| Step::Change(Connection { address: moved, ..h }));
    steps.extend(moved);
    if h.client_id == ClientId::Honest {
        steps.push(Step::Change(Connection { client_id: ClientId::Renewed, ..h }));
    }
    for authorization in [Operator::Honest, Operator::Attacker] {
        steps.extend([
            attackers(Issuer::Honest, ClientId::Other, authorization),
            attackers(Issuer::Attacker, h.client_id, authorization),
            attackers(Issuer::Attacker, ClientId::Other, authorization),
        ]);
    }
    steps.push(attackers(Issuer::Honest, h.client_id, Operator::Attacker));
    if rules.changes_token_endpoint_alone {
        steps.push(attackers(Issuer::Honest, h.client_id, Operator::Honest));
    }
}

/// The attacker's states and challenges: of their own logins, and of those that the victim started at them.
fn known_logins(state: &State) -> impl Iterator<Item = LoginId> + '_ {
    let at_attacker = |id: &LoginId| state.login(*id).is_some_and(|login| login.at.authorization == Operator::Attacker);
    state.ids(Party::Attacker).chain(state.ids(Party::Victim).filter(at_attacker))
}

/// The addresses to which the honest provider sends its codes.
fn registered(rules: &Rules, state: &State) -> impl Iterator<Item = Address> + use<> {
    // After H was deleted, its initial address.
    let h = state.table.h.unwrap_or(state.setup.h()).address;
    let (shared, a) = match rules.redirects {
        Redirects::CurrentAddress => (None, None),
        Redirects::SharedAddressToo => (Some(Address::Shared), None),
        Redirects::Anywhere => (Some(Address::Shared), state.table.a.map(|a| a.address)),
    };
    let mut all = vec![h];
    for other in [shared, a].into_iter().flatten() {
        if !all.contains(&other) {
            all.push(other);
        }
    }
    all.into_iter()
}

fn authorizations(rules: &Rules, state: &State, steps: &mut Vec<Step>) {
    if !rules.gives_codes(state.table.h) {
        return;
    }
    let registered: Vec<_> = registered(rules, state).collect();
    let is_own = |id: &LoginId| {
        let at_honest = |login: &Login| login.at.authorization == Operator::Honest;
        state.login(*id).is_some_and(at_honest)
    };
    for to in registered {
        let own = state.ids(Party::Victim).filter(is_own);
        // The request has the redirect_uri of the connection.
        let own = own.filter(|id| state.login(*id).is_some_and(|login| login.at.address == to));
        steps.extend(own.map(|login| authorize(login, to)));
        for challenge in known_logins(state) {
            for returned_with in known_logins(state).map(Some) {
                steps.push(Step::Authorize(Code { account: Party::Victim, challenge, returned_with, to }));
            }
        }
    }
}

fn authorize(login: LoginId, to: Address) -> Step {
    Step::Authorize(Code { account: Party::Victim, challenge: login, returned_with: Some(login), to })
}

/// A redirect of the victim's browser.
fn arrive(login: LoginId, code: Option<Code>, iss: Option<Issuer>, at: Address) -> impl Iterator<Item = Step> {
    let loads = LOADS.into_iter().filter(move |load| at != Address::Shared || *load == Load::State);
    loads.map(move |load| Step::Present(Arrival { browser: Party::Victim, login, code, iss, at, load }))
}

/// With states and codes that the attacker knows, in their own browser or by a link in the victim's.
fn attackers_callbacks(state: &State, steps: &mut Vec<Step>) {
    let codes: Vec<_> =
        state.grants.iter().filter(|grant| grant.leaked).map(|grant| Some(grant.code)).chain([None]).collect();
    let of_h = state.setup.own_address(Tenant::First, Id::One);
    let mut addresses = vec![of_h, Address::Shared];
    addresses.extend(state.table.a.map(|a| a.address));
    addresses.sort_unstable();
    addresses.dedup();
    for login in known_logins(state) {
        for code in &codes {
            for iss in [None, Some(Issuer::Honest), Some(Issuer::Attacker)] {
                for at in &addresses {
                    for step in arrive(login, *code, iss, *at) {
                        let Step::Present(arrival) = step else { continue };
                        steps.push(step);
                        steps.push(Step::Present(Arrival { browser: Party::Attacker, ..arrival }));
                    }
                }
            }
        }
    }
}

/// The victim's unfinished logins at the honest provider, without those whose connection changed meanwhile.
pub fn unfinished(state: &State) -> impl Iterator<Item = LoginId> + '_ {
    state.ids(Party::Victim).filter(|id| {
        let is_open = state.login(*id).is_some_and(|login| login.end.is_none() && state.table.h == Some(login.at));
        is_open && state.table.h.is_some_and(|h| h.operator == Operator::Honest)
    })
}

/// The steps of a login to its end, once for each way to load its connection.
pub fn ways(state: &State, login: LoginId) -> Vec<Vec<Step>> {
    let to = state.table.h.unwrap_or(state.setup.h()).address;
    let Step::Authorize(code) = authorize(login, to) else { return Vec::new() };
    arrive(login, Some(code), state.setup.iss(), to).map(|present| vec![authorize(login, to), present]).collect()
}

/// A sequence of the victim's that does not end in their own account, if there is one: with a login in progress, or
/// with a new one.
pub fn cannot_finish(rules: &Rules, state: &State) -> Option<Vec<Step>> {
    let under_way = unfinished(state).flat_map(|login| ways(state, login)).map(|way| (Vec::new(), way));
    let is_honest = state.table.h.is_some_and(|h| h.operator == Operator::Honest);
    let begin = Step::Begin { browser: Party::Victim, slot: Slot::H };
    let number = u8::try_from(state.of_victim.len()).unwrap_or(u8::MAX);
    let new = ways(state, LoginId { owner: Party::Victim, number });
    let anew = new.into_iter().filter(|_| is_honest).map(|way| (vec![begin], way));
    let mut all = under_way.chain(anew).map(|(begun, way)| [begun, way].concat());
    all.find(|way| !ends_well(rules, state, way))
}

fn ends_well(rules: &Rules, state: &State, way: &[Step]) -> bool {
    let mut end = (Outcome::Done, state.clone());
    for step in way {
        end = rules.take(&end.1, *step);
    }
    end.0 == Outcome::SignedIn(Party::Victim)
}
