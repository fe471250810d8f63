//! The models without one rule, each with the attack that must then be found.

use super::properties::Promise;
use super::replay::Deployment;
use super::rules::{Bounds, Issuers, Redirects, Rules, Tag, TenantRule};

/// A model that must break one promise.
pub struct Variant {
    pub name: &'static str,
    /// The difference from the design.
    pub differs: &'static str,
    pub rules: Rules,
    pub bounds: Bounds,
    /// The promise that it breaks.
    pub breaks: Promise,
    pub nature: Nature,
}

/// The owner of the missing rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// The crate's. It refuses the attack; if it can be used in this way, it lets the attack through.
    Code { used_so: Option<Deployment> },
    /// A rule that the crate leaves to the application or the honest provider. It lets the attack through.
    Surroundings,
}

const BOUNDS: Bounds = Bounds { logins: 2, codes: 1, changes: 1 };
/// For attacks that need two successive connections with one id.
const TWO_CHANGES: Bounds = Bounds { changes: 2, ..BOUNDS };
/// For a connection that leaves the shared address and comes back, with another one there in between.
pub const FIVE_CHANGES: Bounds = Bounds { logins: 1, changes: 5, ..BOUNDS };
const CODE: Nature = Nature::Code { used_so: None };

/// All of them, the crate's own rules first.
pub const VARIANTS: [Variant; 18] = [
    Variant {
        name: "address-not-compared",
        differs: "the callback's address is not compared: the state alone says whose callback it is",
        rules: Rules { compares_address: false, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NoMixUp,
        nature: Nature::Code { used_so: Some(Deployment::NamesItsAddress) },
    },
    Variant {
        name: "shared-address-not-compared",
        differs: "the callback of a connection at the shared address need not arrive there",
        rules: Rules { compares_shared_address: false, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NoMixUp,
        nature: CODE,
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
        rules: Rules { tag: Tag::NOTHING, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NoMixUp,
        nature: CODE,
    },
    Variant {
        name: "tag-without-issuer",
        differs: "the connection tag does not cover the issuer",
        rules: Rules { tag: Tag { issuer: false, ..Tag::ALL }, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NoMixUp,
        nature: CODE,
    },
    Variant {
        name: "tag-without-client-id",
        differs: "the connection tag does not cover the client id",
        rules: Rules { tag: Tag { client_id: false, ..Tag::ALL }, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NoMixUp,
        nature: CODE,
    },
    Variant {
        name: "tag-without-endpoint",
        differs: "the connection tag does not cover the authorization endpoint",
        rules: Rules { tag: Tag { authorization_endpoint: false, ..Tag::ALL }, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NoMixUp,
        nature: CODE,
    },
    Variant {
        name: "tag-without-redirect-uri",
        differs: "the connection tag does not cover the redirect_uri",
        rules: Rules { tag: Tag { redirect_uri: false, ..Tag::ALL }, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NothingChanged,
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
        name: "issuer-unique-now",
        differs: "the application compares the issuer of a connection at the shared address with those that the others there name now, and not with \
                  those that they have named since a login started that is still under way",
        rules: Rules { issuers: Issuers::UniqueNow, ..Rules::DESIGN },
        bounds: FIVE_CHANGES,
        breaks: Promise::NoMixUp,
        nature: Nature::Surroundings,
    },
    Variant {
        name: "token-endpoint-alone",
        differs: "an administrator changes the token endpoint of a connection, and nothing that the tag covers",
        rules: Rules { changes_token_endpoint_alone: true, ..Rules::DESIGN },
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
        name: "shared-address-registered",
        differs: "H's provider redirects to the shared address although H has an address of its own",
        rules: Rules { redirects: Redirects::SharedAddressToo, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NoMixUp,
        nature: Nature::Surroundings,
    },
    Variant {
        name: "any-redirect-uri",
        differs: "H's provider redirects to any callback address of the application",
        rules: Rules { redirects: Redirects::Anywhere, ..Rules::DESIGN },
        bounds: BOUNDS,
        breaks: Promise::NoMixUp,
        nature: Nature::Surroundings,
    },
];
