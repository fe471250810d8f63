//! The promises that hold against every attacker.

use super::parties;
use super::protocol::Protocol;
use super::state::State;
use crate::state::Party;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    NoMixUp,
    NoBorrowedIdentity,
    NothingChanged,
    NoInjection,
    HonestFinishes,
}

impl Promise {
    pub const ALL: [Self; 5] =
        [Self::NoMixUp, Self::NoBorrowedIdentity, Self::NothingChanged, Self::NoInjection, Self::HonestFinishes];

    pub fn name(self) -> &'static str {
        match self {
            Self::NoMixUp => "no mix-up",
            Self::NoBorrowedIdentity => "no borrowed identity",
            Self::NothingChanged => "nothing changed",
            Self::NoInjection => "no injection after a mix-up",
            Self::HonestFinishes => "a login at H finishes",
        }
    }

    pub fn says(self) -> &'static str {
        match self {
            Self::NoMixUp => {
                "a code that H's provider issued for the victim never reaches the attacker's token endpoint"
            }
            Self::NoBorrowedIdentity => {
                "an identity that the attacker asserts counts for no login that started at H's provider, at another connection or in another tenant"
            }
            Self::NothingChanged => {
                "a connection that was deleted, or that has another issuer, client id, tenant, address or provider now, finishes no login that started before"
            }
            Self::NoInjection => "only the victim's browser is signed in to the victim's account at H's provider",
            Self::HonestFinishes => {
                "the victim can finish every login at H that is not finished, unless H was changed, and can start and finish another"
            }
        }
    }

    pub fn condition(self) -> fn(&Protocol, &State) -> bool {
        match self {
            Self::NoMixUp => |_, state| !state.grants.iter().any(|grant| grant.leaked),
            Self::NoBorrowedIdentity => |_, state| !state.all_logins().any(|(_, login)| login.has_borrowed_identity()),
            Self::NothingChanged => {
                |_, state| !state.all_logins().any(|(_, login)| login.has_outlived_its_connection())
            }
            Self::NoInjection => |_, state| {
                let of = |login: &super::state::Login| login.end.and_then(|end| end.account);
                !state.of_attacker.iter().any(|login| of(login) == Some(Party::Victim))
            },
            Self::HonestFinishes => |model, state| parties::cannot_finish(&model.rules, state).is_none(),
        }
    }
}
