//! The values for the authorization request.

use std::fmt;
use std::time::SystemTime;

use crate::name::Purpose;
use crate::provider::{AuthorizationUrl, Parameters, Provider, UrlError};
use crate::reference::Reference;

/// A login that has started: the values for the authorization request and for the response to the browser.
///
/// # Examples
///
/// ```
/// use oauth_state::{App, Binding, Flow, Login, Provider, SingleProcessGuard, testing};
/// let github = Provider::github().client_id("your client id").redirect_uri("https://shop.example/auth/github/callback");
/// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
///     .provider(github)
///     .build()?;
/// let request = flow.begin(Binding::cookie_headers([]), Login::with("github"))?;
/// let (location, set_cookie) = (request.url()?.to_string(), request.set_cookie.unwrap());
/// assert!(location.starts_with("https://github.com/login/oauth/authorize?response_type=code&client_id=your+client+id"));
/// assert!(set_cookie.starts_with("__Host-"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "send state, code_challenge and set_cookie to the user agent, or the callback is refused"]
#[non_exhaustive]
pub struct AuthorizationRequest {
    /// The `state` parameter.
    pub state: String,
    /// The `code_challenge` parameter, 43 characters, for `code_challenge_method=S256` (RFC 7636 section 4.3); `None` if the provider's
    /// preset says that it rejects PKCE.
    pub code_challenge: Option<String>,
    /// The `nonce` parameter of OpenID Connect, 43 characters; `None` if the login asks for no ID token, because neither the preset nor the
    /// scope `openid` asks for one.
    pub nonce: Option<String>,
    /// The value of a `Set-Cookie` header to send with the redirect, for a login that is bound by cookie. Send it every time: it also
    /// extends the lifetime of a cookie that is used again.
    pub set_cookie: Option<String>,
    /// The values of further `Set-Cookie` headers to send with the redirect. They delete cookies that a browser has left after it restored
    /// many tabs at once; in most cases there are none. See [`Flow::surplus_cookies`](crate::Flow::surplus_cookies).
    pub surplus_cookies: Vec<String>,
    /// The secret that the client keeps and sends back, for a login that is bound by a login secret.
    pub login_secret: Option<String>,
    /// When the state expires.
    pub expires_at: SystemTime,
    /// The index of the provider's callback address.
    pub(super) redirect_uri: Option<usize>,
    pub(super) provider: Provider,
    pub(super) purpose: Purpose,
    pub(super) reference: Reference,
}

impl AuthorizationRequest {
    /// The URL to redirect the user to: the provider's authorization endpoint with all parameters of this login, PKCE included.
    ///
    /// # Errors
    ///
    /// [`UrlError`] if the provider has no `client_id`, no endpoint or no redirect_uri. A service that lets the `oauth2` crate build
    /// the URL needs none of them here.
    pub fn url(&self) -> Result<AuthorizationUrl, UrlError> {
        self.url_of(None)
    }

    /// The same for another endpoint: an authorization endpoint from discovery, an administrator's consent, or the installation of an
    /// application.
    ///
    /// # Errors
    ///
    /// As [`AuthorizationRequest::url`], and [`UrlError::Endpoint`] if it is not an https URL.
    pub fn url_at(&self, endpoint: &str) -> Result<AuthorizationUrl, UrlError> {
        self.url_of(Some(endpoint))
    }

    /// The URL that also signs the user out at the provider (OpenID Connect RP-Initiated Logout 1.0, section 2), for a login of
    /// [`Purpose::Logout`]. `id_token_hint` is the ID token of the sign-in. The provider redirects back to
    /// [`AuthorizationRequest::redirect_uri`], which must be registered there as `post_logout_redirect_uri`.
    ///
    /// # Errors
    ///
    /// [`UrlError`] if the provider has no `client_id`, no `end_session_endpoint` or no redirect_uri.
    pub fn end_session_url(&self, id_token_hint: &str) -> Result<AuthorizationUrl, UrlError> {
        AuthorizationUrl::end_session(&self.provider, id_token_hint, &self.parameters())
    }

    fn url_of(&self, endpoint: Option<&str>) -> Result<AuthorizationUrl, UrlError> {
        AuthorizationUrl::new(&self.provider, endpoint, &self.parameters())
    }

    fn parameters(&self) -> Parameters<'_> {
        Parameters {
            purpose: self.purpose,
            redirect_uri: self.redirect_uri(),
            state: &self.state,
            code_challenge: self.code_challenge.as_deref(),
            nonce: self.nonce.as_deref(),
        }
    }

    /// The provider's id.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.provider.id()
    }

    /// The purpose of the login.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The login's reference, for your log.
    #[must_use]
    pub fn reference(&self) -> Reference {
        self.reference
    }

    /// `name=value` of the cookie, for tests and for clients that keep their cookies themselves.
    #[must_use]
    pub fn cookie_pair(&self) -> Option<&str> {
        self.set_cookie.as_deref()?.split(';').next()
    }

    /// The `redirect_uri` parameter, if the provider has one for this login: that of its redirect id, or the provider's own.
    #[must_use]
    pub fn redirect_uri(&self) -> Option<&str> {
        Some(&self.provider.redirect_uris().get(self.redirect_uri?)?.text)
    }
}

impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}
