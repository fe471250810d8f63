//! What a flow knows of a provider, and of the addresses that it redirects to.

mod named;
mod preset;
mod presets;
mod redirect_uri;
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
use crate::cookie::CookieKind;
use crate::name::{self, NameError};
use crate::token::wire::LONGEST_TEXT;

/// The scope that makes a request one of OpenID Connect (OpenID Connect Core section 3.1.2.1).
const OPENID: &str = "openid";

/// How the provider hands its answer over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseMode {
    /// In the query of a GET: `response_mode=query`.
    Query,
    /// In the body of a cross-site POST: `response_mode=form_post`. The browser's cookie has to be `SameSite=None`.
    FormPost,
    /// The same, where the `SameSite=None` cookie that it takes is not wanted, or browsers block it: the login's cookie is
    /// `SameSite=Lax`, and the first POST, which comes without it, is answered with a page that posts once more from this
    /// site; see [`RepostPage`](crate::error::RepostPage).
    FormPostReposted,
}

/// What a flow has to know of an authorization server.
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
    /// Whether it takes PKCE, as all do that no document says otherwise of.
    pkce: bool,
    /// Whether it is known to take a nonce, whatever the scopes.
    nonce: bool,
    issuer: Option<Issuer>,
    /// Where the code is, if not in `code`.
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
    /// The provider declares that it always sends `iss`.
    required: bool,
}

impl Provider {
    /// Any other provider, by an id of 1 to 64 bytes of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`, but not `.` or `..`; up to 8 bytes keep the
    /// state within 112 characters.
    ///
    /// # Errors
    ///
    /// [`NameError`] if the id is not such a name.
    pub fn custom(id: &str) -> Result<Self, NameError> {
        name::check_provider_id(id)?;
        Ok(Self::bare(id))
    }

    /// Nothing is known of it but its id.
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

    /// The same with other settings; a clone that is elsewhere keeps its own.
    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// The client's id at the provider, for [`AuthorizationRequest::url`](crate::AuthorizationRequest::url).
    #[must_use]
    pub fn client_id(self, id: &str) -> Self {
        self.with(|settings| settings.client_id = Some(id.to_owned()).filter(|id| !id.is_empty()))
    }

    /// The authorization endpoint (RFC 6749 section 3.1), https. Presets of providers with one endpoint for all know
    /// it; for the others, set it: for example `https://acme.okta.com/oauth2/v1/authorize`.
    #[must_use]
    pub fn authorization_endpoint(self, url: &str) -> Self {
        self.with(|settings| settings.authorization_endpoint = Some(url.to_owned()))
    }

    /// Sets the `end_session_endpoint` of an OpenID Connect provider, an https address, for
    /// [`AuthorizationRequest::end_session_url`](crate::AuthorizationRequest::end_session_url).
    #[must_use]
    pub fn end_session_endpoint(self, url: &str) -> Self {
        self.with(|settings| settings.end_session_endpoint = Some(url.to_owned()))
    }

    /// The scopes to ask for, in place of the preset's. With `openid` among them it is OpenID Connect, and a nonce is
    /// sent.
    #[must_use]
    pub fn scopes<'a>(self, scopes: impl IntoIterator<Item = &'a str>) -> Self {
        // Some write the list as one string, as it stands in the URL (RFC 6749 section 3.3).
        let scopes = scopes.into_iter().flat_map(str::split_whitespace).map(str::to_owned).collect();
        self.with(|settings| settings.scopes = scopes)
    }

    /// The id, which travels in the state.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The longest `state` that the provider takes, in characters. A longer one is an error of begin, before the user
    /// is redirected. At most 2048, which is what a callback reads.
    #[must_use]
    pub fn with_max_state_chars(self, characters: usize) -> Self {
        self.with(|settings| settings.max_state_chars = characters.min(LONGEST_TEXT))
    }

    /// The provider's issuer identifier, where it is known but not promised to come: an `iss` that comes must be equal
    /// to it as a string (RFC 9207 section 2.4).
    #[must_use]
    pub fn issuer(self, issuer: &str) -> Self {
        self.with(|settings| settings.issuer = Some(Issuer { identifier: issuer.to_owned(), required: false }))
    }

    /// The provider declares `authorization_response_iss_parameter_supported`: a callback without `iss` is refused, and
    /// so is one with another's (mix-up, RFC 9207).
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

    /// How the provider hands its answer over. [`ResponseMode::Query`] unless said otherwise.
    #[must_use]
    pub fn response_mode(self, response_mode: ResponseMode) -> Self {
        self.with(|settings| settings.response_mode = response_mode)
    }

    /// Accepts this provider's callbacks by POST only, for a provider that is declared as [`ResponseMode::FormPost`] or
    /// [`ResponseMode::FormPostReposted`]: a GET is refused as `wrong_response_mode`.
    ///
    /// # Security
    ///
    /// `form_post` keeps the code out of URLs, and so out of histories, logs and `Referer` headers. An attacker who can
    /// change the authorization request in the browser to `response_mode=query` brings it back there; with this option
    /// such a callback is refused and its code never exchanged. Native and JSON clients that hand the code over
    /// themselves ([`Callback::from_pairs`](crate::Callback::from_pairs)) are refused as well.
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

    /// The callback address registered with this provider. With it, the flow can refuse what cannot work: a cookie
    /// host that the callback never sees, two providers on one address, a return path that is the callback.
    ///
    /// Write it as browsers send it: with the host in ASCII (`xn--` for other letters), without percent-encoding or a
    /// trailing dot in it, and without leading zeros in the port or `..` and empty segments in the path.
    /// [`build`](crate::FlowBuilder::build) refuses other spellings, because two of them can name one address. Upper
    /// case in the host and the default port make no difference.
    #[must_use]
    pub fn redirect_uri(self, uri: &str) -> Self {
        self.with(|settings| settings.redirect_uris.push(Registered::new(None, uri)))
    }

    /// The callback address of this redirect id, or the one without an id.
    pub(crate) fn redirect_uri_of(&self, redirect: Option<&str>) -> Option<&Registered> {
        self.redirect_uris().iter().find(|at| at.id.as_deref() == redirect)
    }

    /// One of several callback addresses registered with this provider, by the id that
    /// [`Login::redirect`](crate::Login::redirect) takes. Once one is registered, only registered ids are taken.
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

    /// The name under which the provider sends its code, if that is not `code`: Amazon's Selling Partner API says `spapi_oauth_code`.
    #[must_use]
    pub fn code_parameter(self, name: &str) -> Self {
        self.with(|settings| settings.code_parameter = Some(name.to_owned()))
    }

    /// A connection that belongs to one tenant: its logins start for this tenant alone, and are sealed for it.
    #[must_use]
    pub fn for_tenant(self, tenant: impl Into<Tenant>) -> Self {
        let tenant = tenant.into();
        self.with(|settings| settings.tenant = Some(tenant))
    }

    /// A connection whose callback address is that of others as well. It must promise `iss` ([`Provider::requires_iss`]), because a
    /// callback shows by its `iss` alone whose it is. Without this setting, a connection's id must be a segment of its redirect_uri's path.
    ///
    /// # Security
    ///
    /// No two connections at one address may have the same issuer, not even one after the other within the lifetime of a login: keep an
    /// issuer reserved for that long after a connection leaves the address, and verify that a customer owns the issuer that they name.
    /// Register the shared redirect_uri only at providers of connections that use it (mix-up, RFC 9700 section 4.4). With an address of
    /// its own for each connection, none of this is needed.
    #[must_use]
    pub fn at_shared_callback(self) -> Self {
        self.with(|settings| settings.at_shared_callback = true)
    }

    pub(crate) fn is_at_shared_callback(&self) -> bool {
        self.0.at_shared_callback
    }

    /// The provider may start logins itself, from an app directory, a portal tile or the installation of an app: it sends users to
    /// the callback without a `state`. The routes (package `oauth-state-routes`) then start a login once and without asking, as
    /// after a click on a link; they never use the code that came. Off by default.
    ///
    /// # Security
    ///
    /// Any site can send users to such a callback, and so start logins at this provider in their browsers. It could link to the
    /// login start as well, so that this gives away nothing else.
    #[must_use]
    pub fn may_start_logins(self) -> Self {
        self.with(|settings| settings.may_start_logins = true)
    }

    #[cfg(feature = "http")]
    pub(crate) fn is_start_allowed(&self) -> bool {
        self.0.may_start_logins
    }

    pub(crate) fn tenant(&self) -> Option<&Tenant> {
        self.0.tenant.as_ref()
    }

    /// How many characters a state for it may have: 2048, unless the preset or
    /// [`max_state_chars`](Self::max_state_chars) sets fewer.
    #[must_use]
    pub fn max_state_chars(&self) -> usize {
        self.0.max_state_chars
    }

    pub(crate) fn client_id_or_none(&self) -> Option<&str> {
        self.0.client_id.as_deref()
    }

    pub(crate) fn code_name(&self) -> Option<&str> {
        self.0.code_parameter.as_deref()
    }

    pub(crate) fn endpoint(&self) -> Option<&str> {
        self.0.authorization_endpoint.as_deref()
    }

    /// As a preset says of a provider that rejects PKCE; none does today.
    #[cfg(test)]
    pub(crate) fn without_pkce(self) -> Self {
        self.with(|settings| settings.pkce = false)
    }

    fn logout_endpoint(&self) -> Option<&str> {
        self.0.end_session_endpoint.as_deref()
    }

    pub(crate) fn scope_names(&self) -> impl Iterator<Item = &str> {
        self.0.scopes.iter().map(String::as_str)
    }

    pub(crate) fn takes_pkce(&self) -> bool {
        self.0.pkce
    }

    pub(crate) fn is_openid(&self) -> bool {
        self.scope_names().any(|scope| scope == OPENID)
    }

    /// Whether it makes an ID token, into which it puts the nonce; Apple does so for scopes without `openid`.
    pub(crate) fn takes_nonce(&self) -> bool {
        self.0.nonce || self.is_openid()
    }

    /// The issuer identifier and whether it must come.
    pub(crate) fn issuer_rule(&self) -> Option<(&str, bool)> {
        self.0.issuer.as_ref().map(|issuer| (issuer.identifier.as_str(), issuer.required))
    }

    /// Whether its answer comes as a cross-site POST, with a cookie that browsers send along.
    pub(crate) fn uses_form_post(&self) -> bool {
        self.0.response_mode == ResponseMode::FormPost
    }

    /// Whether its answer comes as a cross-site POST that this site posts once more.
    pub(crate) fn reposts(&self) -> bool {
        self.0.response_mode == ResponseMode::FormPostReposted
    }

    /// Whether callbacks by GET are refused.
    pub(crate) fn is_post_only(&self) -> bool {
        self.0.post_only
    }

    pub(crate) fn cookie_kind(&self) -> CookieKind {
        if self.uses_form_post() { CookieKind::None } else { CookieKind::Lax }
    }

    pub(crate) fn redirect_uris(&self) -> &[Registered] {
        &self.0.redirect_uris
    }

    /// Whether a callback of one may arrive at the route of the other.
    pub(crate) fn shares_address_with(&self, other: &Self) -> bool {
        let mut own = self.redirect_uris().iter().filter_map(|at| at.uri.as_ref());
        own.any(|one| other.redirect_uris().iter().filter_map(|at| at.uri.as_ref()).any(|two| one.is_same_address(two)))
    }

    /// Whether its callbacks arrive over plain http on this machine.
    pub(crate) fn is_on_http_loopback(&self) -> bool {
        let mut uris = self.redirect_uris().iter().filter_map(|at| at.uri.as_ref());
        uris.any(|uri| uri.scheme == "http" && uri.host.as_deref().is_some_and(is_loopback))
    }

    /// Whether logins may name this id: any, until one is registered.
    pub(crate) fn takes_redirect(&self, id: &str) -> bool {
        let mut named = self.0.redirect_uris.iter().filter_map(|at| at.id.as_deref()).peekable();
        named.peek().is_none() || named.any(|known| known == id)
    }
}

/// The provider of a login: the id of one that the flow was built with, or a *connection*, a provider that the application has just loaded.
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
