//! The model's state: the logins in progress, the codes, the callbacks, and the attacker's gains.

use arrayvec::ArrayVec;

/// The user of a browser, and the owner of an account at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    Victim,
    Attacker,
}

/// The secret in a browser's cookie. The victim has a second one if two tabs started before the first response came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Secret {
    Victim(u8),
    Attacker,
}

/// A login, by who started it and the number of their earlier logins. It also identifies its state and its
/// code_challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId {
    pub owner: Party,
    pub number: u8,
}

/// A login that started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// The secret from which its binding tag and code_verifier are derived.
    pub secret: Secret,
    /// How many lifetimes had passed when it started.
    pub issued: u8,
    /// Whether it was sealed after the first key had been revoked.
    pub under_new_key: bool,
    /// The browser whose callback led the guard to mark the state.
    pub marked_for: Option<Party>,
}

/// A code: for whose account, under which code_challenge, and with which state it was returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    pub account: Party,
    pub challenge: FlowId,
    /// The state in the redirect of the victim's browser. The attacker reads their codes from their own redirects.
    pub returned_with: Option<FlowId>,
    /// Distinguishes equal ones.
    pub number: u8,
}

/// A callback that passed every check before the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Callback {
    pub browser: Party,
    pub flow: FlowId,
    /// None for a made-up code.
    pub code: Option<Code>,
    pub stage: Stage,
    /// Accepted although its state had expired, or its key was revoked.
    pub overdue: bool,
}

/// The progress of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Everything but single use is checked.
    Checked,
    /// A guard that checks and then sets has checked.
    Looked,
    /// Accepted by the guard, but the provider rejected code and code_verifier.
    NotTaken,
    /// Accepted by both: the browser is signed in to the code's account.
    SignedIn,
}

/// The one address that the attacker read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reading {
    /// A callback's: its state and its code.
    Callback(Code),
    /// An authorization request's: its state and its code_challenge.
    Request(FlowId),
}

/// Room for the largest bounds, and for one more login of every browser, which shows that one can still finish.
pub const MOST: usize = 10;

/// The whole state. The order of equal things is not kept, so that states that differ only in it are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    pub of_victim: ArrayVec<Flow, MOST>,
    pub of_attacker: ArrayVec<Flow, MOST>,
    pub codes: ArrayVec<Code, MOST>,
    pub callbacks: ArrayVec<Callback, MOST>,
    pub read: Option<Reading>,
    /// How many lifetimes have passed.
    pub now: u8,
    /// The first key is revoked, and another one seals.
    pub revoked: bool,
    /// The attacker has a copy of the victim's cookies.
    pub stolen: bool,
    /// The victim's browser keeps a cookie that a sibling site planted.
    pub planted: bool,
}

impl State {
    pub fn flows(&self, owner: Party) -> &ArrayVec<Flow, MOST> {
        match owner {
            Party::Victim => &self.of_victim,
            Party::Attacker => &self.of_attacker,
        }
    }

    pub fn flows_mut(&mut self, owner: Party) -> &mut ArrayVec<Flow, MOST> {
        match owner {
            Party::Victim => &mut self.of_victim,
            Party::Attacker => &mut self.of_attacker,
        }
    }

    pub fn flow(&self, id: FlowId) -> &Flow {
        &self.flows(id.owner)[usize::from(id.number)]
    }

    /// The ids of one party's logins.
    pub fn ids(&self, owner: Party) -> impl Iterator<Item = FlowId> + use<> {
        let begun = self.flows(owner).len();
        (0..begun).map(move |number| FlowId { owner, number: u8::try_from(number).unwrap_or(u8::MAX) })
    }

    pub fn flow_count(&self) -> usize {
        self.of_victim.len() + self.of_attacker.len()
    }

    /// The victim's own cookies that login starts have set.
    pub fn victim_cookies(&self) -> u8 {
        let numbers = self.of_victim.iter().filter_map(|flow| match flow.secret {
            Secret::Victim(number) => Some(number + 1),
            Secret::Attacker => None,
        });
        numbers.max().unwrap_or(0)
    }

    /// Whether the browser sends this cookie with a callback.
    pub fn holds(&self, browser: Party, secret: Secret) -> bool {
        match (browser, secret) {
            (Party::Victim, Secret::Victim(number)) => number < self.victim_cookies(),
            (Party::Victim, Secret::Attacker) => self.planted,
            (Party::Attacker, Secret::Attacker) => !self.of_attacker.is_empty(),
            (Party::Attacker, Secret::Victim(number)) => self.stolen && number < self.victim_cookies(),
        }
    }

    pub fn holds_any_cookie(&self, browser: Party) -> bool {
        [Secret::Victim(0), Secret::Attacker].into_iter().any(|secret| self.holds(browser, secret))
    }

    pub fn accepted(&self) -> impl Iterator<Item = &Callback> {
        self.callbacks.iter().filter(|callback| callback.was_accepted())
    }

    pub fn has_expired(&self, flow: FlowId) -> bool {
        self.flow(flow).issued < self.now
    }

    pub fn key_is_revoked(&self, flow: FlowId) -> bool {
        self.revoked && !self.flow(flow).under_new_key
    }

    /// Whether the provider has already exchanged the code. It accepts one once.
    pub fn is_exchanged(&self, code: Code) -> bool {
        self.callbacks.iter().any(|callback| callback.stage == Stage::SignedIn && callback.code == Some(code))
    }

    pub fn add_code(&mut self, account: Party, challenge: FlowId, returned_with: Option<FlowId>) -> Code {
        let same =
            |code: &&Code| (code.account, code.challenge, code.returned_with) == (account, challenge, returned_with);
        let number = u8::try_from(self.codes.iter().filter(same).count()).unwrap_or(u8::MAX);
        let code = Code { account, challenge, returned_with, number };
        self.codes.push(code);
        self.codes.sort_unstable();
        code
    }

    pub fn add_callback(&mut self, callback: Callback) {
        self.callbacks.push(callback);
        self.callbacks.sort_unstable();
    }

    /// Replaces one such callback with another, or with nothing.
    pub fn replace_callback(&mut self, before: Callback, after: Option<Callback>) {
        if let Some(position) = self.callbacks.iter().position(|callback| *callback == before) {
            self.callbacks.remove(position);
            if let Some(after) = after {
                self.add_callback(after);
            }
        }
    }
}

impl Callback {
    pub fn was_accepted(&self) -> bool {
        self.stage >= Stage::NotTaken
    }

    /// The account that its browser is signed in to.
    pub fn signed_in_to(&self) -> Option<Party> {
        self.code.filter(|_| self.stage == Stage::SignedIn).map(|code| code.account)
    }

    /// The victim's login with the code that the provider issued for it.
    pub fn is_genuine(&self) -> bool {
        self.code.is_some_and(|code| code.account == Party::Victim && code.challenge == self.flow)
    }
}

impl Code {
    /// Whether two codes differ only in their number.
    pub fn is_like(&self, other: &Self) -> bool {
        Self { number: 0, ..*self } == Self { number: 0, ..*other }
    }
}
