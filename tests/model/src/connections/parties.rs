//! Who can do what, and the straight way to the end of an honest login.

use super::application::Load;
use super::rules::Rules;
use super::state::{
    Address, ClientId, Code, Connection, Id, Issuer, IssuerRule, LoginId, Operator, Slot, State, Tenant,
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

/// All that can be tried now, by all parties.
pub fn steps(rules: &Rules, state: &State, steps: &mut Vec<Step>) {
    administrators(rules, state, steps);
    for slot in [Slot::H, Slot::A] {
        let Some(at) = state.table.get(slot) else { continue };
        steps.push(Step::Begin { browser: Party::Victim, slot });
        // The attacker knows all of the victim's logins at their own providers, and needs none of their own there.
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
    // Changed before any login started, it might as well have been saved so at once.
    let is_unused = |a| !state.all_logins().any(|(_, login)| login.at == a);
    // A connection with the second id in the second tenant could do no more than one with it in the first.
    let keys = [(Tenant::First, Id::Two), (Tenant::Second, Id::One)];
    for (tenant, id) in keys.into_iter().filter(|_| !state.table.a.is_some_and(is_unused)) {
        for address in [state.setup.own_address(tenant, id), Address::Shared] {
            for issuer in ISSUER_RULES {
                let save =
                    |client_id| Connection { id, tenant, address, issuer, client_id, operator: Operator::Attacker };
                steps.extend([ClientId::Other, ClientId::Honest].map(save).map(Step::Save));
            }
        }
    }
    let Some(h) = state.table.h.filter(|h| h.operator == Operator::Honest) else { return };
    steps.push(Step::Delete);
    let named = |issuer| if h.issuer.is_required() { IssuerRule::Required(issuer) } else { IssuerRule::Known(issuer) };
    let changed = |issuer, client_id, operator| Connection { issuer: named(issuer), client_id, operator, ..h };
    let visible = [
        changed(Issuer::Honest, ClientId::Renewed, Operator::Honest),
        changed(Issuer::Honest, ClientId::Other, Operator::Attacker),
        changed(Issuer::Attacker, ClientId::Honest, Operator::Attacker),
        changed(Issuer::Attacker, ClientId::Other, Operator::Attacker),
    ];
    let hidden = changed(Issuer::Honest, ClientId::Honest, Operator::Attacker);
    let possible = visible.into_iter().chain(rules.changes_endpoints_alone.then_some(hidden));
    steps.extend(possible.filter(|to| *to != h).map(Step::Change));
}

/// The states, and the challenges, that the attacker has: of their own logins, and of those that the victim started at them.
fn known_logins(state: &State) -> impl Iterator<Item = LoginId> + '_ {
    let at_attacker = |id: &LoginId| is_at(state, *id, Operator::Attacker);
    state.ids(Party::Attacker).chain(state.ids(Party::Victim).filter(at_attacker))
}

fn is_at(state: &State, id: LoginId, operator: Operator) -> bool {
    state.login(id).is_some_and(|login| login.at.operator == operator)
}

fn authorizations(rules: &Rules, state: &State, steps: &mut Vec<Step>) {
    if !rules.gives_codes(state.table.h) {
        return;
    }
    let registered = state.setup.h().address;
    let own = state.ids(Party::Victim).filter(|id| is_at(state, *id, Operator::Honest));
    steps.extend(own.map(|login| authorize(login, registered)));
    let loose = state.table.a.map(|a| a.address).filter(|_| !rules.compares_redirect_uri);
    for challenge in known_logins(state) {
        for returned_with in known_logins(state).map(Some) {
            for to in [Some(registered), loose.filter(|to| *to != registered)].into_iter().flatten() {
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
    let mut addresses: Vec<_> =
        [Some(state.setup.h()), state.table.a].into_iter().flatten().map(|it| it.address).collect();
    addresses.push(Address::Shared);
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

/// The victim's logins at the honest provider that are neither finished nor of a connection that was changed meanwhile.
pub fn unfinished(state: &State) -> impl Iterator<Item = LoginId> + '_ {
    state.ids(Party::Victim).filter(|id| {
        let is_open = state.login(*id).is_some_and(|login| login.end.is_none() && state.table.h == Some(login.at));
        is_open && is_at(state, *id, Operator::Honest)
    })
}

/// The ways of a login to its end, one for each way to load its connection.
pub fn ways(state: &State, login: LoginId) -> Vec<Vec<Step>> {
    let to = state.setup.h().address;
    let Step::Authorize(code) = authorize(login, to) else { return Vec::new() };
    arrive(login, Some(code), state.setup.iss(), to).map(|present| vec![authorize(login, to), present]).collect()
}

/// The way of the victim that does not end in their own account, if there is one: with a login that is under way, or with a new one.
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
