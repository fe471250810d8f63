//! Providers and their redirect_uris.

mod named;
mod preset;
mod presets;
mod redirect_uri;
mod settings;
mod sources;
mod url;

pub use preset::{Preset, PresetError, Sourced};
pub(crate) use redirect_uri::{
    RedirectUri, Registered, canonical_host, host_of, is_authority, is_host_of_origin, is_loopback,
};
pub(crate) use url::Parameters;
pub use url::{AuthorizationUrl, UrlError};

use std::sync::Arc;

use crate::claims::Tenant;
use crate::name::{self, NameError};
use crate::token::wire::LONGEST_TEXT;

/// The scope that makes a request an OpenID Connect request (OpenID Connect Core section 3.1.2.1).
const OPENID: &str = "openid";

/// How the provider returns its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseMode {
    /// In the query of a GET: `response_mode=query`.
    Query,
    /// In the body of a cross-site POST: `response_mode=form_post`. The login's cookie must be `SameSite=None`.
    FormPost,
    /// The same without a `SameSite=None` cookie, which some browsers block: the login's cookie is `SameSite=Lax`. The first POST arrives
    /// without it and is answered with a page that posts again from this site; see [`RepostPage`](crate::error::RepostPage).
    FormPostReposted,
}

/// The settings of an authorization server.
///
/// Start from a preset, or from [`Provider::custom`], and replace the settings that differ.
///
/// # Examples
///
/// ```
/// use oauth_state::testing::{self, TestBrowser};
/// use oauth_state::{App, Flow, Login, Provider, SingleProcessGuard};
///
/// let google = Provider::google()
///     .client_id("my-client")
///     .redirect_uri("https://shop.example/auth/google/callback")
///     .scopes(["openid", "email"]);
/// let acme = Provider::custom("acme")?
///     .authorization_endpoint("https://login.acme.example/authorize")
///     .client_id("shop")
///     .redirect_uri("https://shop.example/auth/acme/callback")
///     .with_max_state_chars(255);
/// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
///     .provider(google)
///     .provider(acme)
///     .build()?;
///
/// let request = flow.begin(TestBrowser::default().binding(), Login::with("acme"))?;
/// let url = request.url()?.to_string();
/// assert!(url.starts_with("https://login.acme.example/authorize?response_type=code&client_id=shop&"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Provider(Arc<Settings>);

#[derive(Clone, Debug)]
struct Settings {
    id: String,
    client_id: Option<String>,
    authorization_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    scopes: Vec<String>,
    /// Whether it accepts PKCE; true unless a document says otherwise.
    pkce: bool,
    /// Whether it is known to accept a nonce, whatever the scopes.
    nonce: bool,
    issuer: Option<Issuer>,
    /// The parameter with the code, if it is not `code`.
    code_parameter: Option<String>,
    tenant: Option<Tenant>,
    may_start_logins: bool,
    at_shared_callback: bool,
    max_state_chars: usize,
    response_mode: ResponseMode,
    post_only: bool,
    redirect_uris: Vec<Registered>,
}

#[derive(Clone, Debug)]
struct Issuer {
    identifier: String,
    /// Whether the provider declares that it always sends `iss`.
    required: bool,
}

impl Provider {
    /// Any other provider, by an id of 1 to 64 bytes of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`, but not `.` or `..`. With an id of up to 8
    /// bytes, the state stays within 112 characters.
    ///
    /// # Errors
    ///
    /// [`NameError`] if the id is not such a name.
    pub fn custom(id: &str) -> Result<Self, NameError> {
        name::check_provider_id(id)?;
        Ok(Self::bare(id))
    }

    /// A provider with an id and default settings.
    fn bare(id: &str) -> Self {
        Self(Arc::new(Settings {
            id: id.to_owned(),
            client_id: None,
            authorization_endpoint: None,
            end_session_endpoint: None,
            scopes: Vec::new(),
            pkce: true,
            nonce: false,
            issuer: None,
            code_parameter: None,
            tenant: None,
            may_start_logins: false,
            at_shared_callback: false,
            max_state_chars: LONGEST_TEXT,
            response_mode: ResponseMode::Query,
            post_only: false,
            redirect_uris: Vec::new(),
        }))
    }

    /// Changes a setting; clones of the provider keep theirs.
    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Sets your client's id at the provider, for [`AuthorizationRequest::url`](crate::AuthorizationRequest::url).
    #[must_use]
    pub fn client_id(self, id: &str) -> Self {
        self.with(|settings| settings.client_id = Some(id.to_owned()).filter(|id| !id.is_empty()))
    }

    /// Sets the authorization endpoint (RFC 6749 section 3.1), an https URL. Presets have it if the provider has one endpoint for all
    /// customers; set it for the others, for example `https://acme.okta.com/oauth2/v1/authorize`.
    #[must_use]
    pub fn authorization_endpoint(self, url: &str) -> Self {
        self.with(|settings| settings.authorization_endpoint = Some(url.to_owned()))
    }

    /// Sets the `end_session_endpoint` of an OpenID Connect provider, an https URL, for
    /// [`AuthorizationRequest::end_session_url`](crate::AuthorizationRequest::end_session_url).
    #[must_use]
    pub fn end_session_endpoint(self, url: &str) -> Self {
        self.with(|settings| settings.end_session_endpoint = Some(url.to_owned()))
    }

    /// Sets the scopes to ask for, in place of the preset's. The scope `openid` makes it an OpenID Connect provider, to which a nonce is
    /// sent.
    #[must_use]
    pub fn scopes<'a>(self, scopes: impl IntoIterator<Item = &'a str>) -> Self {
        // Some applications write the list as one string, as in the URL (RFC 6749 section 3.3).
        let scopes = scopes.into_iter().flat_map(str::split_whitespace).map(str::to_owned).collect();
        self.with(|settings| settings.scopes = scopes)
    }

    /// The id, which is part of the state.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Sets the longest `state` that the provider accepts, in characters. A longer state is an error at the login start, before the user is
    /// redirected. A callback reads at most 2048 characters, so more has no effect.
    #[must_use]
    pub fn with_max_state_chars(self, characters: usize) -> Self {
        self.with(|settings| settings.max_state_chars = characters.min(LONGEST_TEXT))
    }

    /// Sets the provider's issuer identifier, if the provider does not promise to send it: an `iss` in a callback must equal it as a string
    /// (RFC 9207 section 2.4).
    #[must_use]
    pub fn issuer(self, issuer: &str) -> Self {
        self.with(|settings| settings.issuer = Some(Issuer { identifier: issuer.to_owned(), required: false }))
    }

    /// Sets the issuer of a provider that declares `authorization_response_iss_parameter_supported`: a callback without `iss`, or with
    /// another provider's, is refused (mix-up, RFC 9207).
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::testing::{self, TestBrowser};
    /// use oauth_state::{App, Expect, Flow, Login, Provider, SingleProcessGuard};
    ///
    /// let acme = Provider::custom("acme")?.requires_iss("https://login.acme.example");
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    ///     .provider(acme)
    ///     .build()?;
    /// let browser = TestBrowser::follow(&flow.begin(TestBrowser::default().binding(), Login::with("acme"))?);
    ///
    /// let check = |callback| flow.check(browser.binding(), Expect::provider("acme"), callback);
    /// let with_iss = |iss| browser.callback_with([("code", "code"), ("iss", iss)]);
    /// assert!(check(with_iss("https://login.acme.example")).is_ok());
    /// assert_eq!(check(with_iss("https://evil.example")).unwrap_err().code(), "issuer_mismatch");
    /// assert_eq!(check(browser.callback()).unwrap_err().code(), "issuer_missing");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn requires_iss(self, issuer: &str) -> Self {
        self.with(|settings| settings.issuer = Some(Issuer { identifier: issuer.to_owned(), required: true }))
    }

    /// Sets how the provider returns its response; [`ResponseMode::Query`] by default.
    #[must_use]
    pub fn response_mode(self, response_mode: ResponseMode) -> Self {
        self.with(|settings| settings.response_mode = response_mode)
    }

    /// Accepts this provider's callbacks by POST only, and refuses a GET as `wrong_response_mode`. For a provider that is declared as
    /// [`ResponseMode::FormPost`] or [`ResponseMode::FormPostReposted`].
    ///
    /// # Security
    ///
    /// `form_post` keeps the code out of URLs, and so out of histories, logs and `Referer` headers. An attacker who can change the
    /// authorization request in the browser to `response_mode=query` puts it back there; with this option such a callback is refused and
    /// its code is never exchanged. Native and JSON clients that deliver the code themselves
    /// ([`Callback::from_pairs`](crate::Callback::from_pairs)) are refused as well.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::provider::ResponseMode;
    /// use oauth_state::testing::{self, TestBrowser};
    /// use oauth_state::{App, Expect, Flow, Login, Provider, SingleProcessGuard};
    ///
    /// let acme = Provider::custom("acme")?.response_mode(ResponseMode::FormPost).post_only();
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    ///     .provider(acme)
    ///     .build()?;
    /// let browser = TestBrowser::follow(&flow.begin(TestBrowser::default().binding(), Login::with("acme"))?);
    ///
    /// // The callback did not come as a POST.
    /// let refused = flow.check(browser.binding(), Expect::provider("acme"), browser.callback()).unwrap_err();
    /// assert_eq!(refused.code(), "wrong_response_mode");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn post_only(self) -> Self {
        self.with(|settings| settings.post_only = true)
    }

    /// Sets the callback address that is registered with this provider. The flow can then refuse settings that cannot work: a cookie host
    /// that the callback never reaches, two providers at one address, or the callback itself as a return path.
    ///
    /// Write it as browsers send it: the host in ASCII (`xn--` for other letters), without percent-encoding or a trailing dot, the port
    /// without leading zeros, and the path without `..` and empty segments. [`build`](crate::FlowBuilder::build) refuses other spellings,
    /// because two of them can name one address. Upper case in the host and the default port make no difference.
    #[must_use]
    pub fn redirect_uri(self, uri: &str) -> Self {
        self.with(|settings| settings.redirect_uris.push(Registered::new(None, uri)))
    }

    /// Adds one of several callback addresses that are registered with this provider, by the id for
    /// [`Login::redirect`](crate::Login::redirect). Once there is one, only registered ids are accepted.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::testing::{self, TestBrowser};
    /// use oauth_state::{App, BeginError, Expect, Flow, Login, Provider, SingleProcessGuard};
    ///
    /// let github = Provider::github()
    ///     .named_redirect_uri("web", "https://shop.example/auth/github/callback")
    ///     .named_redirect_uri("admin", "https://admin.shop.example/auth/github/callback");
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    ///     .provider(github)
    ///     .build()?;
    ///
    /// let request = flow.begin(TestBrowser::default().binding(), Login::with("github").redirect("admin"))?;
    /// assert_eq!(request.redirect_uri(), Some("https://admin.shop.example/auth/github/callback"));
    /// let unknown = flow.begin(TestBrowser::default().binding(), Login::with("github").redirect("app"));
    /// assert!(matches!(unknown, Err(BeginError::UnknownRedirect)));
    ///
    /// // The route of this address expects its id.
    /// let (browser, expect) = (TestBrowser::follow(&request), Expect::provider("github").redirect("admin"));
    /// assert!(flow.check(browser.binding(), expect, browser.callback()).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn named_redirect_uri(self, id: &str, uri: &str) -> Self {
        self.with(|settings| settings.redirect_uris.push(Registered::new(Some(id), uri)))
    }

    /// Sets the parameter in which the provider sends its code, if that is not `code`: Amazon's Selling Partner API uses
    /// `spapi_oauth_code`.
    #[must_use]
    pub fn code_parameter(self, name: &str) -> Self {
        self.with(|settings| settings.code_parameter = Some(name.to_owned()))
    }

    /// Limits a connection to one tenant: its logins start for this tenant only, and the state names it.
    #[must_use]
    pub fn for_tenant(self, tenant: impl Into<Tenant>) -> Self {
        let tenant = tenant.into();
        self.with(|settings| settings.tenant = Some(tenant))
    }

    /// Allows a connection to share its callback address with others. It must promise `iss` ([`Provider::requires_iss`]), because only
    /// `iss` shows which of them a callback is from. Without this setting, a connection's id must be a segment of its redirect_uri's path.
    ///
    /// # Security
    ///
    /// No two connections at one address may have the same issuer, not even one after the other within the lifetime of a login. Reserve an
    /// issuer for that long after a connection leaves the address, and verify that a customer owns the issuer that they name. Register the
    /// shared redirect_uri only at providers of connections that use it (mix-up, RFC 9700 section 4.4). None of this is needed if each
    /// connection has an address of its own.
    #[must_use]
    pub fn at_shared_callback(self) -> Self {
        self.with(|settings| settings.at_shared_callback = true)
    }

    pub(crate) fn is_at_shared_callback(&self) -> bool {
        self.0.at_shared_callback
    }

    /// Allows the provider to start logins itself, from an app directory, a portal tile or the installation of an app, by sending users to
    /// the callback without a `state`. The routes (package `oauth-state-routes`) then start a login once and without asking, as after a
    /// click on a link; they never use the code in such a callback. Off by default.
    ///
    /// # Security
    ///
    /// Any site can send users to such a callback, and so start logins at this provider in their browsers. A link to the login start has
    /// the same effect, so this gives an attacker nothing new.
    #[must_use]
    pub fn may_start_logins(self) -> Self {
        self.with(|settings| settings.may_start_logins = true)
    }

    /// The longest state for this provider, in characters: 2048, unless the preset or [`with_max_state_chars`](Self::with_max_state_chars)
    /// sets fewer.
    #[must_use]
    pub fn max_state_chars(&self) -> usize {
        self.0.max_state_chars
    }
}

/// The provider of a login: the id of a configured provider, or a *connection*, which is a provider that the application has just loaded.
#[derive(Clone, Debug)]
pub struct LoginProvider {
    pub(crate) id: String,
    pub(crate) connection: Option<Provider>,
}

impl From<String> for LoginProvider {
    fn from(id: String) -> Self {
        Self { id, connection: None }
    }
}

impl From<&String> for LoginProvider {
    fn from(id: &String) -> Self {
        id.clone().into()
    }
}

impl From<&str> for LoginProvider {
    fn from(id: &str) -> Self {
        id.to_owned().into()
    }
}

impl From<&Provider> for LoginProvider {
    fn from(loaded: &Provider) -> Self {
        Self { id: loaded.id().to_owned(), connection: Some(loaded.clone()) }
    }
}
