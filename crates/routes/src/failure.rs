//! The reasons for an error page.

use oauth_state::observe::Reference;
use oauth_state::outcome::AuthorizationError;
use oauth_state::seam as core;
use oauth_state::{BeginError, FinishError};

/// Why a user gets a page instead of being signed in, for [`RoutesBuilder::error_page`](crate::RoutesBuilder::error_page).
///
/// # Security
///
/// For [`Failure::Refused`], say what happened only if there is a [`FinishError::restart`]: without one, the state may
/// come from an attacker. Never show the text of an error.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Failure<'a> {
    /// The login did not start.
    StartRefused(&'a BeginError),
    /// The callback was refused.
    Refused(&'a FinishError),
    /// The provider did not sign the user in, and there is no `on_denied` hook.
    Denied {
        /// The provider's error.
        error: &'a AuthorizationError,
        /// The login's reference.
        reference: Reference,
    },
    /// A hook failed after the login had been used.
    HookFailed {
        /// `on_login`, `on_step_up`, `on_denied` or `on_returned`.
        hook: &'static str,
        /// The login's reference.
        reference: Reference,
    },
    /// A provider started a login ([`Provider::may_start_logins`](oauth_state::Provider::may_start_logins)), and the
    /// browser keeps no cookies or did so twice within a minute. Ask the user first, so that no loop arises.
    Unconfirmed,
}

impl Failure<'_> {
    /// The HTTP status of the response.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::StartRefused(error) => core::page_status(error),
            Self::Refused(error) => error.status(),
            Self::Denied { .. } => 400,
            Self::HookFailed { .. } => 500,
            Self::Unconfirmed => 200,
        }
    }

    /// The reference to show on the page, such as `7K2P-9Q`, by which support finds the login in the log; `None` if no
    /// login was under way.
    #[must_use]
    pub fn reference(&self) -> Option<Reference> {
        match self {
            Self::Refused(error) => Some(error.reference()),
            Self::Denied { reference, .. } | Self::HookFailed { reference, .. } => Some(*reference),
            Self::StartRefused(_) | Self::Unconfirmed => None,
        }
    }
}
