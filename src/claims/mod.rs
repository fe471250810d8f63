//! The contents of a state, and the types that bound them.

pub(crate) mod codec;
pub(crate) mod data;
mod return_to;
mod tenant;

use std::time::SystemTime;

pub(crate) use return_to::{CheckedPath, has_dot_segment, is_same_route};
pub use return_to::{ReturnTo, ReturnToError};
pub use tenant::{Tenant, TenantError};

use crate::clock::from_unix_seconds;
use crate::name::Purpose;
use crate::reference::Reference;

/// The login's details from an authentic state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// The id of the provider that the login was started with.
    pub provider: String,
    /// The tenant that it was started for.
    pub tenant: Option<Tenant>,
    /// The id of the redirect_uri that it was started with.
    pub redirect: Option<String>,
    /// The path to send the user to now.
    pub return_to: Option<ReturnTo>,
    /// The purpose that it was started for.
    pub purpose: Purpose,
    /// How many times it was restarted.
    pub restarts: u8,
    /// When the login started, in whole seconds. For a legacy store, when its callback arrived.
    pub issued_at: SystemTime,
    /// The login's reference, for your log and your pages.
    pub reference: Reference,
}

impl Origin {
    pub(crate) fn new(
        claims: &codec::Claims<'_>,
        return_to: Option<CheckedPath<'_>>,
        purpose: Purpose,
        reference: Reference,
    ) -> Self {
        Self {
            provider: claims.provider.to_owned(),
            tenant: Tenant::from_bytes(claims.tenant).ok(),
            redirect: (!claims.redirect.is_empty()).then(|| claims.redirect.to_owned()),
            return_to: return_to.map(CheckedPath::to_return_to),
            purpose,
            restarts: claims.restarts,
            issued_at: from_unix_seconds(claims.issued_at.into()),
            reference,
        }
    }
}
