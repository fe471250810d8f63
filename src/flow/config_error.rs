//! Errors of a flow's configuration.

use crate::name::{NameError, Purpose};

/// Why a flow cannot be built.
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, App, ConfigError, Flow, SingleProcessGuard};
/// let app = App::new("shop", "test")?;
/// let error = Flow::builder(app, testing::ring(), SingleProcessGuard::with_capacity(1)).build().unwrap_err();
/// assert!(matches!(error, ConfigError::NoProvider));
/// # Ok::<(), oauth_state::error::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The flow has no provider.
    #[error(
        "a flow needs at least one provider: add one with FlowBuilder::provider, or call loads_providers if all are loaded at run time"
    )]
    NoProvider,
    /// Two providers have the same id.
    #[error("two providers have the id {0:?}; give each its own id, because states name providers by id")]
    DuplicateProvider(String),
    /// A name breaks the rule for names.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The lifetime is not whole seconds between 1 and the ring's cap.
    #[error("the lifetime must be whole seconds, from 1 to the ring's lifetime_cap of {cap}")]
    Lifetime {
        /// The ring's `lifetime_cap`, in seconds.
        cap: u64,
    },
    /// A redirect_uri is not an absolute address without a fragment, or is not written as browsers send it.
    #[error(
        "the redirect_uri of {0:?} is not an absolute address as browsers send it: write the host in ASCII without \
         percent-encoding, trailing dot or user, an IP address in its usual form, the port without leading zeros, the path \
         without empty or dot segments, and no fragment (RFC 6749 section 3.1.2)"
    )]
    RedirectUri(String),
    /// A provider has two callback addresses under one id, or two without one.
    #[error("{0:?} has two redirect_uris under one id; give each its own id with Provider::named_redirect_uri")]
    DuplicateRedirect(String),
    /// Two providers share an address, and at least one of them is not known to send `iss`.
    #[error(
        "providers {0:?} and {1:?} share a callback address, and nothing tells their responses apart: give each an address of \
         its own, or declare for every provider, with requires_iss, an issuer of its own and build with shared_callback \
         (mix-up, RFC 9700 section 4.4.2)"
    )]
    MixUp(String, String),
    /// A callback address over plain HTTP, where browsers store no `Secure` cookie.
    #[error(
        "the redirect_uri of {0:?} is plain http on a host other than localhost, where browsers drop the login's Secure cookie: register an \
         https address, or for development build with dangerously_allow_plain_http"
    )]
    PlainHttp(String),
    /// The code parameter has the name of another parameter of the response.
    #[error(
        "the code_parameter of provider {0:?} has the name of another response parameter: give it a different name"
    )]
    CodeParameter(String),
    /// A form_post provider over plain HTTP.
    #[error("provider {0:?} uses form_post, which needs a SameSite=None cookie; browsers accept those only over HTTPS")]
    FormPostOverPlainHttp(String),
    /// [`FlowBuilder::purpose_for_user`](crate::FlowBuilder::purpose_for_user) was given [`Purpose::Login`](crate::Purpose::Login).
    #[error("a login cannot require a signed-in user: give purpose_for_user a purpose of your own")]
    UserForLogin,
    /// A purpose that signs a user in was declared to have no code.
    #[error("the callback of {0} needs a code; only logout and custom purposes can do without")]
    CodelessPurpose(Purpose),
    /// [`Provider::post_only`](crate::Provider::post_only) for a provider that does not use form_post.
    #[error(
        "provider {0:?} accepts callbacks by POST only, but does not use form_post: set its response_mode, or remove post_only"
    )]
    PostOnlyWithoutFormPost(String),
    /// A redirect_uri is on a host that browsers do not use for this service, so the login's cookie never reaches it.
    #[error(
        "the redirect_uri host {redirect_host:?} is not one of the public hosts ({}), so the login's cookie never reaches the callback: \
         register a redirect_uri on one of them, or add the host to FlowBuilder::public_hosts",
        public_hosts.join(", ")
    )]
    CookieHost {
        /// The host of the redirect_uri.
        redirect_host: String,
        /// The hosts given with [`FlowBuilder::public_hosts`](crate::FlowBuilder::public_hosts).
        public_hosts: Vec<String>,
    },
    /// A public host is not a host, or is not written as browsers send it.
    #[error(
        "{0:?} is not a public host: FlowBuilder::public_hosts takes hosts such as shop.example, without scheme, port, path and \
         trailing dot"
    )]
    PublicHost(String),
    /// The trusted header is not a header whose value is one host.
    #[error(
        "{0:?} cannot be the trusted host header: give FlowBuilder::trusted_host_header the name of a header whose value is one host, \
         such as x-forwarded-host (Forwarded holds a list of pairs)"
    )]
    TrustedHostHeader(String),
    /// `allow_plain_http_on_loopback` was called, and a redirect_uri is on another host, or a provider has none.
    #[error(
        "the redirect_uri of {0:?} is not on a loopback host such as localhost: allow_plain_http_on_loopback is for development on this \
         machine alone"
    )]
    NotOnLoopback(String),
    /// A trusted origin is not an https origin, or is not written as browsers send it.
    #[error(
        "{0:?} is not a trusted origin: FlowBuilder::trusted_origin takes an origin such as https://app.shop.example, in lower case and \
         without path, trailing slash and the port 443"
    )]
    TrustedOrigin(String),
    /// A cookie with a custom name for a provider that uses form_post.
    #[error(
        "provider {0:?} uses form_post, which needs a SameSite=None cookie, but a cookie with a custom name is SameSite=Lax: \
         declare ResponseMode::FormPostReposted"
    )]
    FormPostWithOneCookie(String),
    /// Browsers accept no cookie of this name.
    #[error(
        "the login's cookie cannot have this name: give dangerously_name_cookie 1 to 64 letters, digits and -._~!#$%&'*+^`|, and over \
         plain http no prefix such as __Host- or __Host-Http-, which needs https"
    )]
    CookieName,
    /// An embedding origin is not an https origin, or is not written as browsers send it.
    #[error(
        "{0:?} is not an origin that can embed the application: FlowBuilder::embedded_in takes an origin such as \
         https://portal.example, in lower case and without path, trailing slash and the port 443"
    )]
    EmbeddingOrigin(String),
    /// Logins in frames over plain http, or with a cookie that has a custom name.
    #[error(
        "a login in a frame needs a cookie of its own that is SameSite=None and Secure: it cannot be combined with plain http or \
         dangerously_name_cookie"
    )]
    Frames,
    /// No key of the ring may seal yet.
    #[error("no key of the ring can seal yet, because every seal_from is in the future; wait, or correct seal_from")]
    NoActiveKey,
    /// [`FlowBuilder::accept_app`](crate::FlowBuilder::accept_app) was given the flow's own application and environment.
    #[error(
        "the accepted application {0:?} is the flow's own: give Flow::builder the names that logins start under, and accept_app the          other names of the renaming"
    )]
    AcceptsItself(String),
    /// A flow was told to accept more than one other application.
    #[error(
        "a flow accepts the logins of one other application: call accept_app once, and finish one renaming before you start the next"
    )]
    AcceptsSeveral,
    /// [`FlowBuilder::accept_app`](crate::FlowBuilder::accept_app) was given an application of another environment.
    #[error(
        "accept_app was given the environment {0:?}, which is not the flow's: to rename an environment, use          dangerously_accept_other_environment, never between two environments that are live"
    )]
    AcceptsOtherEnvironment(String),
    /// Another application is accepted for longer than a day.
    #[error(
        "the application {0:?} is accepted for more than 24 hours from now: give accept_app the time at which the last login under its          names has ended, a lifetime after the deploy"
    )]
    AcceptsTooLong(String),
    /// Two keys of the ring derive the same key id for this application.
    #[error("two keys of the ring derive the same key id for this application; replace the newer one")]
    KeyIdCollision,
}
