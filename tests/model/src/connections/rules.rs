//! The rules that a variant removes: those of the crate, and those left to the application and the honest provider.

/// The fields that the state's connection tag covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    pub issuer: bool,
    pub client_id: bool,
    pub authorization_endpoint: bool,
    pub redirect_uri: bool,
}

impl Tag {
    pub const ALL: Self = Self { issuer: true, client_id: true, authorization_endpoint: true, redirect_uri: true };
    pub const NOTHING: Self =
        Self { issuer: false, client_id: false, authorization_endpoint: false, redirect_uri: false };
}

/// The handling of a connection's tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantRule {
    /// Sealed into the state, and compared with the tenant of the loaded connection.
    Compared,
    /// Sealed, but not compared.
    Sealed,
    /// In no state.
    Absent,
}

/// The issuers that the application lets a connection at the shared address name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issuers {
    /// None that another connection at the shared address names, or has named since the start of a login in progress.
    UniqueDuringLogins,
    /// None that another connection at the shared address names now.
    UniqueNow,
    /// Any issuer.
    Any,
}

/// The callback addresses of the application to which the honest provider redirects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// The current address of the connection.
    CurrentAddress,
    /// That one, and the shared address.
    SharedAddressToo,
    Anywhere,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The callback must have arrived at the connection's own address.
    pub compares_address: bool,
    /// The callback of a connection at the shared address must have arrived there.
    pub compares_shared_address: bool,
    /// A connection at the shared address starts no login unless it requires `iss`.
    pub needs_iss_at_shared: bool,
    /// A connection that requires `iss` need not be called back at its own address.
    pub iss_replaces_address: bool,
    pub tag: Tag,
    pub tenant: TenantRule,
    pub issuers: Issuers,
    /// The application loads a connection by id and tenant if ids are unique only within a tenant.
    pub loads_by_tenant: bool,
    /// A connection may change its token endpoint while everything that the tag covers stays.
    pub changes_token_endpoint_alone: bool,
    /// The honest provider issues no more codes for a client whose connection was deleted or moved to another provider.
    pub registration_ends: bool,
    pub redirects: Redirects,
}

impl Rules {
    /// The crate, and an application that does everything that the crate leaves to it.
    pub const DESIGN: Self = Self {
        compares_address: true,
        compares_shared_address: true,
        needs_iss_at_shared: true,
        iss_replaces_address: false,
        tag: Tag::ALL,
        tenant: TenantRule::Compared,
        issuers: Issuers::UniqueDuringLogins,
        loads_by_tenant: true,
        changes_token_endpoint_alone: false,
        registration_ends: true,
        redirects: Redirects::CurrentAddress,
    };
}

/// The limits of one run. Refused callbacks change nothing, and have no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub logins: usize,
    /// Codes of the honest provider.
    pub codes: usize,
    /// How often a connection is saved, changed or deleted.
    pub changes: u8,
}
