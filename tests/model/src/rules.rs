//! What may differ from the design: each rule of it that a variant breaks, and what a variant's attacker can do besides.

/// How single use is enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// One atomic step, after every other check.
    Atomic,
    /// Looks whether the state was used, then marks it.
    ChecksThenSets,
    /// Forgets what it marked.
    Forgets,
    /// One atomic step, before the binding is compared.
    BeforeBinding,
}

/// What ties a code to a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pkce {
    /// A code_verifier for each browser and state.
    EachLogin,
    /// One code_verifier for all that a key seals.
    EachKey,
    /// The provider compares nothing.
    None,
}

/// Which address the attacker reads, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// The callback of a login that the victim began.
    OwnCallback,
    /// Any callback of the victim's browser.
    AnyCallback,
    /// The victim's authorization request, under way.
    Request,
}

/// The rules that a model goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The state's binding is compared with the browser's cookies.
    pub binding: bool,
    pub guard: Guard,
    pub pkce: Pkce,
    /// The cookie's name begins with `__Host-`, so that no sibling site can set it.
    pub host_prefix: bool,
    /// Time and key are looked at again when the guard is asked.
    pub looks_again: bool,
    pub reads: Reads,
    /// The attacker may copy the victim's cookies.
    pub steals: bool,
    /// A login must be able to finish even if its own browser was led to its callback with another code.
    pub even_if_led: bool,
}

impl Rules {
    /// What the crate does.
    pub const DESIGN: Self = Self {
        binding: true,
        guard: Guard::Atomic,
        pkce: Pkce::EachLogin,
        host_prefix: true,
        looks_again: true,
        reads: Reads::OwnCallback,
        steals: false,
        even_if_led: false,
    };
}

/// How much may happen in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Logins that begin, by whomever.
    pub flows: usize,
    /// Codes that the provider gives out.
    pub codes: usize,
    /// Callbacks that pass the checks before the guard. Those that do not change nothing, and come without limit.
    pub callbacks: usize,
    /// How often a lifetime passes.
    pub lifetimes: u8,
}
