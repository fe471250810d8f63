//! What must hold, whatever the attacker does.

use crate::honest::{self, Way};
use crate::protocol::Protocol;
use crate::rules::Rules;
use crate::state::{Callback, FlowId, Party, State};

/// A property that every state that can be reached must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    Agreement,
    Injectivity,
    NoBurning,
    NoCodeInjection,
    NoFixation,
    NothingOverdue,
    AlwaysFinishes,
    TwoTabsFinish,
}

impl Promise {
    pub const ALL: [Self; 8] = [
        Self::Agreement,
        Self::Injectivity,
        Self::NoBurning,
        Self::NoCodeInjection,
        Self::NoFixation,
        Self::NothingOverdue,
        Self::AlwaysFinishes,
        Self::TwoTabsFinish,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Agreement => "agreement",
            Self::Injectivity => "injectivity",
            Self::NoBurning => "no burning",
            Self::NoCodeInjection => "no code injection",
            Self::NoFixation => "no fixation",
            Self::NothingOverdue => "nothing overdue",
            Self::AlwaysFinishes => "an honest login finishes",
            Self::TwoTabsFinish => "two tabs finish",
        }
    }

    pub fn says(self) -> &'static str {
        match self {
            Self::Agreement => "a login is accepted only from the browser that started it",
            Self::Injectivity => "a state is accepted once",
            Self::NoBurning => "a state is marked as used only for the browser that started its login",
            Self::NoCodeInjection => "only the victim is signed in to the victim's account",
            Self::NoFixation => "the victim is not signed in to the attacker's account",
            Self::NothingOverdue => "nothing is accepted after its time, nor under a revoked key",
            Self::AlwaysFinishes => {
                "the victim can finish each of their logins that is neither over nor finished, and can start and finish another"
            }
            Self::TwoTabsFinish => "the victim can finish all of them, in either order",
        }
    }

    pub fn condition(self) -> fn(&Protocol, &State) -> bool {
        match self {
            Self::Agreement => |_, state| !state.accepted().any(|callback| callback.browser != callback.flow.owner),
            Self::Injectivity => |model, state| model.promised(state).all(|callback| is_accepted_once(state, callback)),
            Self::NoBurning => |_, state| !is_any_burnt(state),
            Self::NoCodeInjection => |_, state| !is_signed_in(state, Party::Attacker, Party::Victim),
            Self::NoFixation => |_, state| !is_signed_in(state, Party::Victim, Party::Attacker),
            Self::NothingOverdue => |model, state| !model.promised(state).any(|callback| callback.overdue),
            Self::AlwaysFinishes => |model, state| cannot_finish(&model.rules, state).is_none(),
            Self::TwoTabsFinish => |model, state| all_finish_in_either_order(&model.rules, state),
        }
    }
}

impl Protocol {
    /// The accepted callbacks that a promise is about.
    fn promised<'s>(&self, state: &'s State) -> impl Iterator<Item = &'s Callback> + use<'s> {
        let victims_alone = self.victims_alone;
        state.accepted().filter(move |callback| !victims_alone || callback.flow.owner == Party::Victim)
    }
}

fn is_accepted_once(state: &State, callback: &Callback) -> bool {
    state.accepted().filter(|other| other.flow == callback.flow).count() == 1
}

fn is_any_burnt(state: &State) -> bool {
    let of = |owner| state.flows(owner).iter().any(|flow| flow.marked_for.is_some_and(|browser| browser != owner));
    of(Party::Victim) || of(Party::Attacker)
}

fn is_signed_in(state: &State, browser: Party, account: Party) -> bool {
    state.callbacks.iter().any(|callback| callback.browser == browser && callback.signed_in_to() == Some(account))
}

/// The victim's logins that are neither over nor finished. One whose own browser was led to its callback with another code is
/// over as well, unless the rules say otherwise: an attacker who can do that has read its state.
pub fn unfinished<'s>(rules: &'s Rules, state: &'s State) -> impl DoubleEndedIterator<Item = FlowId> + 's {
    let ids: Vec<_> = state.ids(Party::Victim).collect();
    ids.into_iter().filter(|flow| {
        let was_led = state.callbacks.iter().any(|callback| {
            let own = callback.browser == Party::Victim && callback.flow == *flow;
            own && callback.was_accepted() && !callback.is_genuine()
        });
        !state.has_expired(*flow) && !state.key_is_revoked(*flow) && (!was_led || rules.even_if_led)
    })
}

/// The way of the victim that leads nowhere, if there is one.
pub fn cannot_finish(rules: &Rules, state: &State) -> Option<Way> {
    let unfinished = unfinished(rules, state).map(|flow| honest::finish(rules, state, flow));
    unfinished.chain([honest::begin_and_finish(rules, state)]).find(|way| !way.signed_in)
}

fn all_finish_in_either_order(rules: &Rules, state: &State) -> bool {
    let flows: Vec<_> = unfinished(rules, state).collect();
    let all = |flows: Vec<FlowId>| {
        let mut end = state.clone();
        flows.into_iter().all(|flow| {
            let way = honest::finish(rules, &end, flow);
            end = way.end;
            way.signed_in
        })
    };
    flows.len() < 2 || (all(flows.clone()) && all(flows.into_iter().rev().collect()))
}
