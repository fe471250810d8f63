//! The design, and the purpose of each of its rules: the design without it, and the attack that must then be found.

use crate::properties::Promise;
use crate::replay::Deployment;
use crate::rules::{Guard, Pkce, Reads, Rules};

/// A model that must break one promise.
pub struct Variant {
    pub name: &'static str,
    /// The difference from the design.
    pub differs: &'static str,
    pub rules: Rules,
    /// The promise that it breaks.
    pub breaks: Promise,
    pub nature: Nature,
}

/// The cause of the attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// The variant's code. The crate's code refuses the attack; if it can be built or used in this way, it lets the
    /// attack through.
    Code { built_so: Option<Deployment> },
    /// Something outside the crate's view. Used like this, it lets the attack through, and the documentation says so.
    Surroundings { built_so: Deployment },
}

/// All of them, the code's own faults first.
pub const VARIANTS: [Variant; 12] = [
    Variant {
        name: "no-binding",
        differs: "the state is bound to no browser",
        rules: Rules { binding: false, ..Rules::DESIGN },
        breaks: Promise::NoFixation,
        nature: Nature::Code { built_so: Some(Deployment::Unbound) },
    },
    Variant {
        name: "no-host-prefix",
        differs: "the cookie's name does not begin with `__Host-`",
        rules: Rules { host_prefix: false, ..Rules::DESIGN },
        breaks: Promise::NoFixation,
        nature: Nature::Code { built_so: Some(Deployment::PlainHttp) },
    },
    Variant {
        name: "no-guard",
        differs: "the guard remembers nothing",
        rules: Rules { guard: Guard::Forgets, ..Rules::DESIGN },
        breaks: Promise::Injectivity,
        nature: Nature::Code { built_so: Some(Deployment::ForgetfulGuard) },
    },
    Variant {
        name: "guard-checks-then-sets",
        differs: "the guard looks, and marks in a second step",
        rules: Rules { guard: Guard::ChecksThenSets, ..Rules::DESIGN },
        breaks: Promise::Injectivity,
        nature: Nature::Code { built_so: Some(Deployment::GuardInTwoSteps) },
    },
    Variant {
        name: "guard-before-binding",
        differs: "the guard is asked before the binding is compared",
        rules: Rules { guard: Guard::BeforeBinding, ..Rules::DESIGN },
        breaks: Promise::AlwaysFinishes,
        nature: Nature::Code { built_so: None },
    },
    Variant {
        name: "verifier-from-the-key",
        differs: "the code_verifier is derived from the key alone",
        rules: Rules { pkce: Pkce::EachKey, ..Rules::DESIGN },
        breaks: Promise::NoCodeInjection,
        nature: Nature::Code { built_so: None },
    },
    Variant {
        name: "looked-at-once",
        differs: "time and key are not looked at again when the guard is asked",
        rules: Rules { looks_again: false, ..Rules::DESIGN },
        breaks: Promise::NothingOverdue,
        nature: Nature::Code { built_so: None },
    },
    Variant {
        name: "no-pkce",
        differs: "the provider compares no code_verifier",
        rules: Rules { pkce: Pkce::None, ..Rules::DESIGN },
        breaks: Promise::NoCodeInjection,
        nature: Nature::Surroundings { built_so: Deployment::ProviderWithoutPkce },
    },
    Variant {
        name: "cookie-stolen",
        differs: "the attacker copies the victim's cookies, and reads a callback's address",
        rules: Rules { steals: true, ..Rules::DESIGN },
        breaks: Promise::NoCodeInjection,
        nature: Nature::Surroundings { built_so: Deployment::Design },
    },
    Variant {
        name: "request-read",
        differs: "the attacker reads the victim's authorization request, under way",
        rules: Rules { reads: Reads::Request, ..Rules::DESIGN },
        breaks: Promise::NoFixation,
        nature: Nature::Surroundings { built_so: Deployment::Design },
    },
    Variant {
        name: "browser-swap",
        differs: "the victim authorizes the attacker's request, and the attacker reads the refused callback",
        rules: Rules { reads: Reads::AnyCallback, ..Rules::DESIGN },
        breaks: Promise::NoCodeInjection,
        nature: Nature::Surroundings { built_so: Deployment::Design },
    },
    Variant {
        name: "callback-read",
        differs: "the attacker reads the victim's callback before it arrives, and a login must finish all the same",
        rules: Rules { even_if_led: true, ..Rules::DESIGN },
        breaks: Promise::AlwaysFinishes,
        nature: Nature::Surroundings { built_so: Deployment::Design },
    },
];
