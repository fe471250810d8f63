//! Why a login did not begin.

use super::config_error::ConfigError;
use super::outcome::DataError;
use crate::binding::BindingError;
use crate::name::{NameError, Purpose};
use crate::observe::{Event, Refusal};
use crate::payload::StoreError;
use crate::provider::UrlError;
use crate::random::RandomnessError;

/// Why a login did not begin. Nothing was sealed and nobody was redirected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BeginError {
    /// The state would be longer than the provider takes.
    #[error(
        "the state has {actual} characters, {} more than the {limit} that {provider} takes; shorten the return path, \
         the tenant or the data",
        actual.saturating_sub(*limit)
    )]
    StateTooLong {
        /// The provider's id.
        provider: String,
        /// The characters it would have.
        actual: usize,
        /// The characters that the provider takes.
        limit: usize,
    },
    /// The flow has no provider of this id.
    #[error("the flow has no such provider; add it with FlowBuilder::provider")]
    UnknownProvider,
    /// A provider that was loaded at run time cannot work as it is configured.
    #[error("the loaded provider cannot work as it is configured")]
    Connection(#[source] ConfigError),
    /// A provider that was loaded at run time has the id of one that the flow was built with.
    #[error("the loaded provider has the id of one that the flow was built with: give it another id")]
    ConnectionShadowsProvider,
    /// Nothing would tell the answer of a provider that was loaded at run time from another one's.
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
    /// The flow does not accept this purpose, so that its callback would refuse the state.
    #[error("the flow does not accept the purpose {0}; add it with FlowBuilder::purpose")]
    PurposeNotAccepted(Purpose),
    /// The return path is a callback address: the login would never end.
    #[error("the return path is a callback address of this flow, so that the login would never end; give another one")]
    ReturnsToCallback,
    /// The caller's data could not be written as JSON.
    #[error("the data for the state could not be written as JSON; its Serialize decides what can")]
    Data(#[source] DataError),
    /// The data that a store is to keep beside the state is too long.
    #[error("the data has {actual} bytes of JSON, and a store takes {limit}")]
    DataTooLong {
        /// Its bytes.
        actual: usize,
        /// The bytes that a store takes.
        limit: usize,
    },
    /// The store could not keep the data.
    #[error("the login's data could not be stored")]
    Store(#[source] StoreError),
    /// The ring has no key that seals now.
    #[error("no key of the ring seals now: the last one was revoked; publish a new key")]
    NoActiveKey,
    /// The operating system gave no randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// The clock shows a time that the format cannot hold.
    #[error("the clock shows a time before 1970 or after 2106; set it")]
    Clock,
    /// `link` and `reauthenticate` are never unbound.
    #[error("{0} may not be unbound: bind it to a session or to cookies")]
    UnboundNotAllowed(Purpose),
    /// `link` and `reauthenticate` need a signed-in user.
    #[error(
        "no user is signed in, and {0} needs one: return their id from RoutesBuilder::signed_in_user or, in handlers of your own, add it with \
         Binding::for_user"
    )]
    UserRequired(Purpose),
    /// `link` and `reauthenticate` begin from a same-origin POST.
    #[error(
        "{0} begins only from a POST of this site's own pages: pass the request's headers with Binding::with_headers, and \
             check that a proxy keeps Origin, Sec-Fetch-Site and Host; if it replaces Host, or over HTTP/2, set FlowBuilder::public_hosts or \
             trusted_host_header"
    )]
    NotSameOrigin(Purpose),
    /// The session id, the login secret or the user id has no usable length.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// A login secret was given where one is drawn.
    #[error("begin draws the login secret: use Binding::new_login_secret")]
    LoginSecretGiven,
    /// Not a document navigation: a fetch, an image, a frame or a speculative load would pile up cookies and logins.
    #[error(
        "a login bound by cookie begins on a document navigation only (Sec-Fetch-Mode, Sec-Fetch-Dest, Sec-Purpose): link to \
         it instead of fetching it, or bind to a session or a login secret"
    )]
    NotANavigation,
    /// A POST of another site. The browser sends no `SameSite=Lax` cookie with it, so each one would set a new cookie, and
    /// enough of them push the cookies of pending logins out of the browser.
    #[error(
        "a login bound by cookie does not start from another site's POST: start it from a page of your own or by GET, and answer a POST \
         that a protocol prescribes (third-party-initiated login) with a 303 redirect to the login start; if this was your own page, \
         check that your proxy keeps Origin, and that it keeps Host or that FlowBuilder::public_hosts or trusted_host_header is set"
    )]
    CrossSitePost,
    /// A hook of the routes failed. The user was not redirected, and the login can be started again.
    #[error("the `{hook}` hook of the routes failed")]
    HookFailed {
        /// Its name.
        hook: &'static str,
        /// What it gave.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no authorization URL, or none that can stand in a `Location` header.
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

    /// A stable word for logs, metrics and programs.
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

    /// What to tell [`Observers`](crate::observe::Observers) of it. A flow tells of its own errors itself.
    #[must_use]
    pub fn to_event<'a>(&'a self, provider: &'a str) -> Event<'a> {
        Event::StartRefused(Refusal::new(Some(provider), self.code(), self))
    }

    /// The HTTP status to answer with: 400 for what the request asked, 503 for what may work later, 500 otherwise.
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
