//! The authorization URL.

use std::fmt;

use form_urlencoded::Serializer;

use super::{OPENID, Provider, RedirectUri};
use crate::name::Purpose;

/// The parameters of the login itself: a hook that changed one would break the login or its protection.
const RESERVED: [&str; 12] = [
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "id_token_hint",
    "nonce",
    "post_logout_redirect_uri",
    "redirect_uri",
    // RFC 9101 section 6.3: the provider would read all parameters from there, and ignore those in the URL.
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "state",
];

/// The URL that the user is sent to, or the same parameters for a pushed authorization request (RFC 9126). `Debug` redacts it, because it
/// contains the state.
///
/// [`AuthorizationRequest::url`](crate::AuthorizationRequest::url) makes it, and you can add parameters. The parameters of the login itself
/// (`state`, PKCE, `redirect_uri`) can be neither dropped nor changed.
///
/// # Examples
///
/// ```
/// use oauth_state::error::UrlError;
/// use oauth_state::testing::{self, TestBrowser};
/// use oauth_state::{App, Flow, Login, Provider, SingleProcessGuard};
///
/// let google = Provider::google().client_id("my-client").redirect_uri("https://shop.example/auth/google/callback");
/// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
///     .provider(google)
///     .build()?;
/// let request = flow.begin(TestBrowser::default().binding(), Login::with("google"))?;
///
/// let url = request.url()?.prompt("select_account").login_hint("ann@shop.example").param("hd", "shop.example")?;
/// let text = url.to_string();
/// assert!(text.starts_with("https://accounts.google.com/o/oauth2/v2/auth?response_type=code&client_id=my-client&"));
/// for part in ["&scope=openid+profile+email&", "&code_challenge_method=S256&", "&prompt=select_account&", "&hd="] {
///     assert!(text.contains(part));
/// }
/// assert!(matches!(url.param("state", "mine"), Err(UrlError::Reserved(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "redirect the user to it"]
pub struct AuthorizationUrl {
    provider: String,
    purpose: Purpose,
    /// Without its query.
    endpoint: String,
    /// The endpoint's query, without reserved names.
    query: Vec<(String, String)>,
    /// In this order; no name occurs twice.
    parameters: Vec<(String, String)>,
    /// Sent if the provider issues an ID token.
    has_nonce: bool,
}

/// Why there is no authorization URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The provider has no `client_id`.
    #[error("the provider {0:?} has no client_id: set it with Provider::client_id")]
    NoClientId(String),
    /// The authorization endpoint was not set, and the preset has none.
    #[error("the provider {0:?} has no authorization endpoint: set it with Provider::authorization_endpoint")]
    NoEndpoint(String),
    /// The provider has no redirect_uri for this login.
    #[error(
        "the provider {0:?} has no redirect_uri for this login: set it with Provider::redirect_uri, or choose one of its named ones with \
         RoutesBuilder::site or, in handlers of your own, Login::redirect"
    )]
    NoRedirectUri(String),
    /// A logout has an end_session_url and no authorization URL; for every other purpose it is the reverse.
    #[error(
        "a login of the purpose {0} has no such URL: use end_session_url for a logout, and url for every other purpose"
    )]
    Purpose(Purpose),
    /// No end_session_endpoint was set.
    #[error("the provider {0:?} has no end_session_endpoint: set it with Provider::end_session_endpoint")]
    NoEndSessionEndpoint(String),
    /// The scope `openid` was added to a login without a nonce, so its ID token could be another login's.
    #[error("the login has no nonce: name the scope openid in Provider::scopes of {0:?} and not only in this URL")]
    OpenidWithoutNonce(String),
    /// The endpoint is not an https URL, or its query sets a parameter of the login itself.
    #[error(
        "the authorization endpoint must be an https URL without a fragment, whose query sets no parameter of the login itself; http \
         is accepted on localhost only"
    )]
    Endpoint,
    /// The parameter belongs to the login itself.
    #[error("the parameter {0:?} belongs to the login itself and cannot be set")]
    Reserved(String),
    /// The URL cannot be sent in a header.
    #[error(
        "the authorization URL cannot be sent in a Location header: remove the line end or other control character"
    )]
    Header,
}

/// The parameters that a login adds to its provider's settings.
pub(crate) struct Parameters<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) redirect_uri: Option<&'a str>,
    pub(crate) state: &'a str,
    pub(crate) code_challenge: Option<&'a str>,
    pub(crate) nonce: Option<&'a str>,
}

impl AuthorizationUrl {
    /// RFC 6749 section 4.1.1, RFC 7636 section 4.3 and OpenID Connect Core section 3.1.2.1.
    pub(crate) fn new(provider: &Provider, endpoint: Option<&str>, login: &Parameters<'_>) -> Result<Self, UrlError> {
        if login.purpose == Purpose::Logout {
            return Err(UrlError::Purpose(login.purpose));
        }
        let client_id = client_id(provider)?;
        let endpoint =
            endpoint.or(provider.endpoint()).ok_or_else(|| UrlError::NoEndpoint(provider.id().to_owned()))?;
        let redirect_uri = redirect_uri(provider, login)?;
        let url = Self::empty(provider, login).endpoint(endpoint)?;
        let url = url.with("response_type", "code").with("client_id", client_id).with("redirect_uri", redirect_uri);
        let url = url.with("scope", &provider.scope_names().collect::<Vec<_>>().join(" ")).with("state", login.state);
        let url = match login.code_challenge {
            Some(challenge) => url.with("code_challenge", challenge).with("code_challenge_method", "S256"),
            None => url,
        };
        let url =
            if provider.uses_form_post() || provider.reposts() { url.with("response_mode", "form_post") } else { url };
        // A provider without ID tokens may refuse it.
        let url = url.with("nonce", login.nonce.unwrap_or_default());
        // A session at the provider does not prove who is at the browser now. Only OpenID Connect providers understand these parameters.
        let is_step_up = login.purpose == Purpose::Reauthenticate && provider.is_openid();
        Ok(if is_step_up { url.prompt("login").max_age(0) } else { url })
    }

    /// OpenID Connect RP-Initiated Logout 1.0, section 2.
    pub(crate) fn end_session(provider: &Provider, id_token: &str, login: &Parameters<'_>) -> Result<Self, UrlError> {
        if login.purpose != Purpose::Logout {
            return Err(UrlError::Purpose(login.purpose));
        }
        let client_id = client_id(provider)?;
        let endpoint = provider.logout_endpoint();
        let endpoint = endpoint.ok_or_else(|| UrlError::NoEndSessionEndpoint(provider.id().to_owned()))?;
        let url = Self::empty(provider, login).endpoint(endpoint)?.with("id_token_hint", id_token);
        let url = url.with("client_id", client_id).with("state", login.state);
        Ok(url.with("post_logout_redirect_uri", redirect_uri(provider, login)?))
    }

    fn empty(provider: &Provider, login: &Parameters<'_>) -> Self {
        Self {
            provider: provider.id().to_owned(),
            purpose: login.purpose,
            endpoint: String::new(),
            query: Vec::new(),
            parameters: Vec::new(),
            has_nonce: login.nonce.is_some(),
        }
    }

    /// The provider's id.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The purpose of the login.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The `prompt` parameter, such as `select_account` (OpenID Connect Core section 3.1.2.1).
    pub fn prompt(self, value: &str) -> Self {
        self.with("prompt", value)
    }

    /// The `max_age` parameter: the longest time since the user signed in at the provider, in seconds.
    pub fn max_age(self, seconds: u32) -> Self {
        self.with("max_age", &seconds.to_string())
    }

    /// The `login_hint` parameter: the user who is expected to sign in.
    pub fn login_hint(self, value: &str) -> Self {
        self.with("login_hint", value)
    }

    /// The `scope` parameter, in place of the provider's scopes; an empty list omits the parameter.
    ///
    /// # Errors
    ///
    /// [`UrlError::OpenidWithoutNonce`] for `openid` if neither the preset nor the provider's own scopes ask for an ID token.
    pub fn scopes<'a>(self, scopes: impl IntoIterator<Item = &'a str>) -> Result<Self, UrlError> {
        let scopes: Vec<_> = scopes.into_iter().flat_map(str::split_whitespace).collect();
        self.check_scopes(&scopes)?;
        Ok(self.with("scope", &scopes.join(" ")))
    }

    fn check_scopes(&self, scopes: &[&str]) -> Result<(), UrlError> {
        if scopes.contains(&OPENID) && !self.has_nonce {
            return Err(UrlError::OpenidWithoutNonce(self.provider.clone()));
        }
        Ok(())
    }

    /// Sets any other parameter, and replaces one of the same name.
    ///
    /// # Errors
    ///
    /// [`UrlError::Reserved`] for parameters of the login itself: `state`, `redirect_uri`, `client_id`, `nonce`, PKCE and others.
    pub fn param(self, name: &str, value: &str) -> Result<Self, UrlError> {
        match name {
            _ if is_reserved(name) || name.is_empty() => Err(UrlError::Reserved(name.to_owned())),
            _ if name.eq_ignore_ascii_case("scope") => self.scopes([value]),
            _ => Ok(self.with(name, value)),
        }
    }

    /// Replaces the endpoint, for example with one that discovery found at the click. Its query is kept (RFC 6749 section 3.1), except for
    /// parameters that are set here.
    ///
    /// # Errors
    ///
    /// [`UrlError::Endpoint`] if it is not an https URL without a fragment, or if its query sets a parameter of the login itself: the
    /// provider could use the first of two `state` parameters, which would not be this login's.
    pub fn endpoint(self, url: &str) -> Result<Self, UrlError> {
        let (endpoint, query) = url.split_once('?').unwrap_or((url, ""));
        let query: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        if !is_endpoint(url) || query.iter().any(|(name, _)| is_reserved(name)) {
            return Err(UrlError::Endpoint);
        }
        for (_, value) in query.iter().filter(|(name, _)| name.eq_ignore_ascii_case("scope")) {
            self.check_scopes(&value.split_whitespace().collect::<Vec<_>>())?;
        }
        Ok(Self { endpoint: endpoint.to_owned(), query, ..self })
    }

    /// The parameters as the body of a pushed authorization request (RFC 9126 section 2.1), `application/x-www-form-urlencoded`.
    #[must_use]
    pub fn form_body(&self) -> String {
        let mut body = Serializer::new(String::new());
        body.extend_pairs(&self.parameters);
        body.finish()
    }

    /// Reduces the URL to the parameters that remain after a push (RFC 9126 section 4): `client_id` and `request_uri`.
    pub fn pushed(mut self, request_uri: &str) -> Self {
        self.parameters.retain(|(name, _)| name == "client_id");
        self.with("request_uri", request_uri)
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        match self.parameters.iter_mut().find(|(known, _)| known == name) {
            // A parameter without a value counts as absent (RFC 6749 section 3.1).
            _ if value.is_empty() => self.parameters.retain(|(known, _)| known != name),
            Some((_, known)) => *known = value.to_owned(),
            None => self.parameters.push((name.to_owned(), value.to_owned())),
        }
        self
    }
}

/// The URL itself.
impl fmt::Display for AuthorizationUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_set = |name: &str| self.parameters.iter().any(|(known, _)| known == name);
        let mut query = Serializer::new(String::new());
        query.extend_pairs(self.query.iter().filter(|(name, _)| !is_set(name))).extend_pairs(&self.parameters);
        write!(f, "{}?{}", self.endpoint, query.finish())
    }
}

impl fmt::Debug for AuthorizationUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationUrl").field("provider", &self.provider).finish_non_exhaustive()
    }
}

fn client_id(provider: &Provider) -> Result<&str, UrlError> {
    provider.client_id_or_none().ok_or_else(|| UrlError::NoClientId(provider.id().to_owned()))
}

fn redirect_uri<'a>(provider: &Provider, login: &Parameters<'a>) -> Result<&'a str, UrlError> {
    login.redirect_uri.ok_or_else(|| UrlError::NoRedirectUri(provider.id().to_owned()))
}

/// Ignores case, as the provider may.
fn is_reserved(name: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name))
}

fn is_endpoint(url: &str) -> bool {
    let Some(RedirectUri { scheme, host: Some(host), .. }) = RedirectUri::parse(url) else { return false };
    scheme == "https" || (scheme == "http" && super::is_loopback(&host))
}

#[cfg(test)]
mod tests;
