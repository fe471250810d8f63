//! What the model knows at one moment: the logins under way, the codes, the callbacks, and what the attacker has come by.

use arrayvec::ArrayVec;

/// Who sits before a browser, and whose account at the provider it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    Victim,
    Attacker,
}

/// What a browser's cookie holds. The victim has a second one if two tabs began before the first answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Secret {
    Victim(u8),
    Attacker,
}

/// A login, by who began it and how many of his were there before. It stands for its state and its code_challenge as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId {
    pub owner: Party,
    pub number: u8,
}

/// A login that began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// What its binding tag and its code_verifier are derived from.
    pub secret: Secret,
    /// How often a lifetime had passed when it began.
    pub issued: u8,
    /// Whether it was sealed after the first key had been revoked.
    pub under_new_key: bool,
    /// Whose browser sent the callback that the guard marked its state for.
    pub marked_for: Option<Party>,
}

/// A code: for whose account, under which code_challenge, and with which state it was sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    pub account: Party,
    pub challenge: FlowId,
    /// The state in the redirect of the victim's browser. The attacker takes his codes out of his redirects.
    pub returned_with: Option<FlowId>,
    /// Tells equal ones apart.
    pub number: u8,
}

/// A callback that passed every check before the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Callback {
    pub browser: Party,
    pub flow: FlowId,
    /// Nothing for a code that somebody made up.
    pub code: Option<Code>,
    pub stage: Stage,
    /// Accepted although its state had expired, or its key was revoked.
    pub overdue: bool,
}

/// How far a callback came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Everything but single use is checked.
    Checked,
    /// A guard that checks and then sets has checked.
    Looked,
    /// Accepted by the guard, and the provider did not take code and code_verifier.
    NotTaken,
    /// Accepted, and taken: the browser is signed in to the code's account.
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

/// Room for the largest bounds, and for a login more of every browser, which shows that one can still finish.
pub const MOST: usize = 10;

/// Everything. The order in which equal things came is not kept, so that states that differ by it alone are one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    pub of_victim: ArrayVec<Flow, MOST>,
    pub of_attacker: ArrayVec<Flow, MOST>,
    pub codes: ArrayVec<Code, MOST>,
    pub callbacks: ArrayVec<Callback, MOST>,
    pub read: Option<Reading>,
    /// How often a lifetime has passed.
    pub now: u8,
    /// The key that everything began under is revoked, and another one seals.
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

    /// The victim's own cookies that a begin has handed out.
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

    /// Whether the provider has exchanged the code already. It takes one once.
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

    /// Puts another in the place of one such callback, or nothing.
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

    /// The victim's login with the code that the provider gave for it.
    pub fn is_genuine(&self) -> bool {
        self.code.is_some_and(|code| code.account == Party::Victim && code.challenge == self.flow)
    }
}

impl Code {
    /// Whether two codes differ in nothing but their number.
    pub fn is_like(&self, other: &Self) -> bool {
        Self { number: 0, ..*self } == Self { number: 0, ..*other }
    }
}
