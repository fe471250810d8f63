//! The possible differences from the design: each rule that a variant breaks, and the additional abilities of its
//! attacker.

/// How single use is enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// One atomic step, after every other check.
    Atomic,
    /// Checks whether the state was used, then marks it.
    ChecksThenSets,
    /// Forgets what it marked.
    Forgets,
    /// One atomic step, before the binding is compared.
    BeforeBinding,
}

/// The tie between a code and a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pkce {
    /// A code_verifier for each browser and state.
    EachLogin,
    /// One code_verifier for everything that a key seals.
    EachKey,
    /// The provider compares nothing.
    None,
}

/// The address that the attacker reads, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// The callback of a login that the victim started.
    OwnCallback,
    /// Any callback of the victim's browser.
    AnyCallback,
    /// The victim's authorization request, in transit.
    Request,
}

/// The rules of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The state's binding is compared with the browser's cookies.
    pub binding: bool,
    pub guard: Guard,
    pub pkce: Pkce,
    /// The cookie's name begins with `__Host-`, so that no sibling site can set it.
    pub host_prefix: bool,
    /// Time and key are checked again when the guard is asked.
    pub looks_again: bool,
    pub reads: Reads,
    /// The attacker may copy the victim's cookies.
    pub steals: bool,
    /// A login must be able to finish even if its own browser was led to its callback with another code.
    pub even_if_led: bool,
}

impl Rules {
    /// The crate's rules.
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

/// The limits of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Logins that start, in any browser.
    pub flows: usize,
    /// Codes that the provider issues.
    pub codes: usize,
    /// Callbacks that pass the checks before the guard. Other callbacks change nothing, and have no limit.
    pub callbacks: usize,
    /// How often a lifetime passes.
    pub lifetimes: u8,
}
