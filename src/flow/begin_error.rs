//! Errors of a login start.

use super::config_error::ConfigError;
use super::outcome::DataError;
use crate::binding::BindingError;
use crate::name::{NameError, Purpose};
use crate::observe::{Event, Refusal, Severity};
use crate::payload::StoreError;
use crate::provider::UrlError;
use crate::random::RandomnessError;

/// Why a login did not start. No state was sealed, and the user was not redirected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BeginError {
    /// The state would be longer than the provider accepts.
    #[error(
        "the state has {actual} characters, {} more than the {limit} that {provider} accepts; shorten the return path, \
         the tenant or the data",
        actual.saturating_sub(*limit)
    )]
    StateTooLong {
        /// The provider's id.
        provider: String,
        /// The length of the state, in characters.
        actual: usize,
        /// The longest state that the provider accepts, in characters.
        limit: usize,
    },
    /// The flow has no provider of this id.
    #[error("the flow has no such provider; add it with FlowBuilder::provider")]
    UnknownProvider,
    /// The configuration of a provider that was loaded at run time is wrong.
    #[error("the configuration of the loaded provider is wrong")]
    Connection(#[source] ConfigError),
    /// A provider that was loaded at run time has the id of one that the flow was built with.
    #[error("the loaded provider has the id of one that the flow was built with: give it a different id")]
    ConnectionShadowsProvider,
    /// A callback of this provider, loaded at run time, could not be told apart from one of another provider.
    #[error(
        "the loaded provider has no callback address of its own: make its id a segment of the path of its redirect_uri, once and not the \
         last, or declare at_shared_callback and requires_iss (mix-up, RFC 9700 section 4.4.2)"
    )]
    ConnectionUnaddressed,
    /// The provider belongs to another tenant than the login.
    #[error("the provider belongs to another tenant than the login: load it by id and tenant")]
    OtherTenant,
    /// The provider has no redirect_uri of this id.
    #[error("the provider has no redirect_uri of this id; register it with Provider::named_redirect_uri")]
    UnknownRedirect,
    /// A name breaks the rule for names.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The flow does not accept this purpose, so its callback would refuse the state.
    #[error("the flow does not accept the purpose {0}; add it with FlowBuilder::purpose")]
    PurposeNotAccepted(Purpose),
    /// The return path is a callback address: the login would never end.
    #[error("the return path is a callback address of this flow, so the login would never end; use another path")]
    ReturnsToCallback,
    /// Your data could not be serialized as JSON.
    #[error("failed to serialize the login data as JSON")]
    Data(#[source] DataError),
    /// The data for the store is too long.
    #[error("the login data has {actual} bytes of JSON, more than the {limit} that a store accepts; shorten it")]
    DataTooLong {
        /// The size of the data, in bytes.
        actual: usize,
        /// The most bytes that a store accepts.
        limit: usize,
    },
    /// The store could not save the data.
    #[error("failed to store the login data")]
    Store(#[source] StoreError),
    /// No key of the ring may seal now.
    #[error("no key of the ring can seal now because the last one was revoked; publish a new key")]
    NoActiveKey,
    /// The operating system returned no randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// The clock shows a time that the format cannot represent.
    #[error("the clock shows a time before 1970 or after 2106; set the clock")]
    Clock,
    /// `link` and `reauthenticate` need a binding.
    #[error("{0} cannot start unbound; bind it to a session or to cookies")]
    UnboundNotAllowed(Purpose),
    /// `link` and `reauthenticate` need a signed-in user.
    #[error(
        "no user is signed in, and {0} needs one: return their id from RoutesBuilder::signed_in_user or, in handlers of your own, add it with \
         Binding::for_user"
    )]
    UserRequired(Purpose),
    /// `link` and `reauthenticate` start from a same-origin POST only.
    #[error(
        "{0} starts only from a POST of this site's own pages: pass the request's headers with Binding::with_headers, and \
             check that a proxy keeps Origin, Sec-Fetch-Site and Host; if it replaces Host, or over HTTP/2, set FlowBuilder::public_hosts or \
             trusted_host_header"
    )]
    NotSameOrigin(Purpose),
    /// The session id, the login secret or the user id is too short or too long.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// A login secret was given, but `begin` draws it.
    #[error("a login start draws its own login secret; use Binding::new_login_secret")]
    LoginSecretGiven,
    /// The request is not a document navigation. Fetches, images, frames and speculative loads would pile up cookies and logins.
    #[error(
        "a login bound by cookie starts on a document navigation only (Sec-Fetch-Mode, Sec-Fetch-Dest, Sec-Purpose): link to \
         it instead of fetching it, or bind to a session or a login secret"
    )]
    NotANavigation,
    /// A POST from another site. The browser sends no `SameSite=Lax` cookie with it, so each one would set a new cookie, and many of them
    /// push the cookies of pending logins out of the browser.
    #[error(
        "a login bound by cookie does not start from another site's POST: start it from a page of your own or by GET, and answer a POST \
         that a protocol prescribes (third-party-initiated login) with a 303 redirect to the login start; if this was your own page, \
         check that your proxy keeps Origin, and that it keeps Host or that FlowBuilder::public_hosts or trusted_host_header is set"
    )]
    CrossSitePost,
    /// A hook of the routes failed. The user was not redirected, and the login can be started again.
    #[error("the `{hook}` hook of the routes failed")]
    HookFailed {
        /// The name of the hook.
        hook: &'static str,
        /// The error that the hook returned.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no authorization URL, or it cannot be sent in a `Location` header.
    #[error(transparent)]
    AuthorizationUrl(#[from] UrlError),
    /// The callback's host never gets the cookie that this host sets.
    #[error(
        "the cookie of this host never reaches the redirect_uri's host: start the login on that host, or, if a proxy \
         replaces the Host header, set FlowBuilder::public_hosts or trusted_host_header"
    )]
    CookieHostMismatch,
}

impl BeginError {
    /// Every [`BeginError::code`].
    pub(crate) const CODES: [&str; 26] = [
        "state_too_long",
        "unknown_provider",
        "connection",
        "connection_shadows_provider",
        "connection_unaddressed",
        "other_tenant",
        "unknown_redirect",
        "name",
        "purpose_not_accepted",
        "returns_to_callback",
        "data",
        "data_too_long",
        "store_unavailable",
        "no_active_key",
        "randomness",
        "clock",
        "unbound_not_allowed",
        "user_required",
        "not_same_origin",
        "binding",
        "client_secret_given",
        "not_a_navigation",
        "cross_site_post",
        "hook_failed",
        "authorization_url",
        "cookie_host_mismatch",
    ];

    /// A stable word for logs, metrics and code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::StateTooLong { .. } => "state_too_long",
            Self::UnknownProvider => "unknown_provider",
            Self::Connection(_) => "connection",
            Self::ConnectionShadowsProvider => "connection_shadows_provider",
            Self::ConnectionUnaddressed => "connection_unaddressed",
            Self::OtherTenant => "other_tenant",
            Self::UnknownRedirect => "unknown_redirect",
            Self::Name(_) => "name",
            Self::PurposeNotAccepted(_) => "purpose_not_accepted",
            Self::ReturnsToCallback => "returns_to_callback",
            Self::Data(_) => "data",
            Self::DataTooLong { .. } => "data_too_long",
            Self::Store(_) => "store_unavailable",
            Self::NoActiveKey => "no_active_key",
            Self::Randomness(_) => "randomness",
            Self::Clock => "clock",
            Self::UnboundNotAllowed(_) => "unbound_not_allowed",
            Self::UserRequired(_) => "user_required",
            Self::NotSameOrigin(_) => "not_same_origin",
            Self::Binding(_) => "binding",
            Self::LoginSecretGiven => "client_secret_given",
            Self::NotANavigation => "not_a_navigation",
            Self::CrossSitePost => "cross_site_post",
            Self::HookFailed { .. } => "hook_failed",
            Self::AuthorizationUrl(_) => "authorization_url",
            Self::CookieHostMismatch => "cookie_host_mismatch",
        }
    }

    /// The event for [`Observers`](crate::observe::Observers). A flow reports its own errors itself.
    #[must_use]
    pub fn to_event<'a>(&'a self, provider: &'a str) -> Event<'a> {
        let severity = if self.status() >= 500 { Severity::Warn } else { Severity::Info };
        Event::StartRefused(Refusal::new(Some(provider), self.code(), None, severity, self))
    }

    /// The HTTP status to answer with: 400 if the request is at fault, 503 if a retry may work, 500 otherwise.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::NoActiveKey | Self::Randomness(_) | Self::Clock | Self::Store(_) | Self::HookFailed { .. } => 503,
            Self::StateTooLong { .. }
            | Self::UnknownProvider
            | Self::ReturnsToCallback
            | Self::NotSameOrigin(_)
            | Self::CrossSitePost
            | Self::NotANavigation => 400,
            _ => 500,
        }
    }
}

#[cfg(all(test, feature = "metrics"))]
mod tests;
