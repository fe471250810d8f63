//! The rules that a variant removes: those of the crate, and those that it leaves to the application and to the honest provider.

/// What the state's connection tag covers.
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

/// What becomes of a connection's tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantRule {
    /// Sealed into the state, and compared with the tenant of the loaded connection.
    Compared,
    /// Sealed, and compared with nothing.
    Sealed,
    /// In no state.
    Absent,
}

/// Which issuers the application lets a connection at the shared address name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issuers {
    /// None that another connection at the shared address names, or has named since a login started that is still under way.
    UniqueDuringLogins,
    /// None that another connection at the shared address names now.
    UniqueNow,
    /// Any.
    Any,
}

/// Which callback addresses of the application the honest provider redirects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// That of the connection as it is now.
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
    /// The application loads a connection by id and tenant where ids are unique for each tenant alone.
    pub loads_by_tenant: bool,
    /// A connection may change its token endpoint and keep all that the tag covers.
    pub changes_token_endpoint_alone: bool,
    /// The honest provider gives no more codes for a client whose connection was deleted or moved to another provider.
    pub registration_ends: bool,
    pub redirects: Redirects,
}

impl Rules {
    /// The crate, and an application that does all that the crate leaves to it.
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

/// How much may happen in one run. Refused callbacks change nothing, and come without limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub logins: usize,
    /// Codes of the honest provider.
    pub codes: usize,
    /// How often a connection is saved, changed or deleted.
    pub changes: u8,
}
