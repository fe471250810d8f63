//! The models that lack one rule, each with the attack that must then be found.

use super::properties::Promise;
use super::replay::Deployment;
use super::rules::{Bounds, Issuers, Rules, Tag, TenantRule};

/// A model that must break one promise.
pub struct Variant {
    pub name: &'static str,
    /// What is different.
    pub differs: &'static str,
    pub rules: Rules,
    pub bounds: Bounds,
    /// The promise that it breaks.
    pub breaks: Promise,
    pub nature: Nature,
}

/// Whose rule is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// The crate's. It refuses the attack; where it can be used so, it lets the attack through then.
    Code { used_so: Option<Deployment> },
    /// One that the crate leaves to the application or to the honest provider. It lets the attack through.
    Surroundings,
}

const BOUNDS: Bounds = Bounds { logins: 2, codes: 1, changes: 1 };
/// For what takes two connections of one id, one after the other.
const TWO_CHANGES: Bounds = Bounds { changes: 2, ..BOUNDS };
const CODE: Nature = Nature::Code { used_so: None };

/// All of them, the crate's own rules first.
pub const VARIANTS: [Variant; 14] = [
    Variant {
        name: "address-not-compared",
        differs: "the callback's address is not compared: the state alone says whose callback it is",
        rules: Rules { compares_address: false, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NoMixUp,
        nature: Nature::Code { used_so: Some(Deployment::NamesItsAddress) },
    },
    Variant {
        name: "shared-address-without-iss",
        differs: "a connection at the shared address need not require `iss`",
        rules: Rules { needs_iss_at_shared: false, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NoMixUp,
        nature: CODE,
    },
    Variant {
        name: "iss-for-own-address",
        differs: "a connection that requires `iss` need not be called back at its own address",
        rules: Rules { iss_replaces_address: true, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NoMixUp,
        nature: CODE,
    },
    Variant {
        name: "no-connection-tag",
        differs: "the state has no connection tag",
        rules: Rules { tag: Tag::Nothing, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NoMixUp,
        nature: CODE,
    },
    Variant {
        name: "tag-without-issuer",
        differs: "the connection tag covers the client id alone",
        rules: Rules { tag: Tag::ClientId, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NoMixUp,
        nature: CODE,
    },
    Variant {
        name: "tenant-not-compared",
        differs: "the state's tenant is not compared with that of the connection",
        rules: Rules { tenant: TenantRule::Sealed, ..Rules::DESIGN },
        bounds: TWO_CHANGES,
        breaks: Promise::NoBorrowedIdentity,
        nature: Nature::Code { used_so: Some(Deployment::AnyTenant) },
    },
    Variant {
        name: "tenant-not-sealed",
        differs: "the state has no tenant",
        rules: Rules { tenant: TenantRule::Absent, ..Rules::DESIGN },
        bounds: TWO_CHANGES,
        breaks: Promise::NoBorrowedIdentity,
        nature: Nature::Code { used_so: Some(Deployment::WithoutTenants) },
    },
    Variant {
        name: "loaded-without-tenant",
        differs: "the application loads the connection by its id alone, and ids are unique for each tenant",
        rules: Rules { loads_by_tenant: false, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::HonestFinishes,
        nature: Nature::Surroundings,
    },
    Variant {
        name: "any-issuer",
        differs: "the application lets a connection at the shared address name any issuer",
        rules: Rules { issuers: Issuers::Any, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NoMixUp,
        nature: Nature::Surroundings,
    },
    Variant {
        name: "issuer-unique-at-shared",
        differs: "the application compares the issuer of a connection at the shared address with those of the others there, and not with those of \
                  connections that have an address of their own",
        rules: Rules { issuers: Issuers::UniqueAtShared, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NoMixUp,
        nature: Nature::Surroundings,
    },
    Variant {
        name: "issuer-unique-now",
        differs: "the application lets a connection at the shared address name the issuer of one that was deleted or changed",
        rules: Rules { issuers: Issuers::UniqueNow, ..Rules::DESIGN },
        bounds: Bounds { logins: 1, changes: 3, ..BOUNDS },
        breaks: Promise::NoMixUp,
        nature: Nature::Surroundings,
    },
    Variant {
        name: "endpoints-alone",
        differs: "an administrator changes the endpoints of a connection, and neither its issuer nor its client id",
        rules: Rules { changes_endpoints_alone: true, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NoMixUp,
        nature: Nature::Surroundings,
    },
    Variant {
        name: "registration-left",
        differs: "H's provider still gives out codes after the connection was deleted or moved",
        rules: Rules { registration_ends: false, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NoMixUp,
        nature: Nature::Surroundings,
    },
    Variant {
        name: "any-redirect-uri",
        differs: "H's provider redirects to any callback address of the application",
        rules: Rules { compares_redirect_uri: false, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NoMixUp,
        nature: Nature::Surroundings,
    },
];
