//! Beginning a login.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::telling::begin_outcome;
use super::{BeginError, Flow, FlowInner, Login, LoginData};
use crate::base64url;
use crate::binding::{Binding, FlowSecrets, Holder, RequestHeaders, UNBOUND_SECRET, user_tag};
use crate::claims::codec::Claims;
use crate::claims::{ReturnTo, Tenant};
use crate::clock::from_unix_seconds;
use crate::cookie::{BrowserCookie, SECRET_BYTES, SUFFIX_BYTES};
use crate::name::{self, Purpose};
use crate::provider::{AuthorizationUrl, Parameters, Provider, UrlError, host_of, is_host_of_origin};
use crate::random::RandomnessError;
use crate::seal::{self, SealError};
use crate::secret::SecretBytes;
use crate::token::aead::NONCE_BYTES;
use crate::token::keys::PurposeKeys;

/// A login that has begun: what the authorization request and the response to the user agent must carry.
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, Binding, Login};
/// let begun = testing::flow().begin(Binding::cookie_headers([]), Login::with("github"))?;
/// assert!(begun.set_cookie.unwrap().starts_with("__Host-"));
/// assert_eq!((begun.code_challenge.len(), begun.nonce.len()), (43, 22));
/// # Ok::<(), oauth_state::BeginError>(())
/// ```
#[must_use = "send state, code_challenge and set_cookie to the user agent, or the callback is refused"]
#[non_exhaustive]
pub struct AuthorizationRequest {
    /// The `state` parameter.
    pub state: String,
    /// The `code_challenge` parameter, for `code_challenge_method=S256` (RFC 7636 section 4.3).
    pub code_challenge: String,
    /// The `nonce` parameter of OpenID Connect.
    pub nonce: String,
    /// The value of a `Set-Cookie` header to send with the redirect, for a login that is bound by cookie. Send it
    /// every time: a cookie that is used again has to live longer, too.
    pub set_cookie: Option<String>,
    /// The secret that the client keeps and sends back, for a login that is bound by one.
    pub login_secret: Option<String>,
    /// When the state expires.
    pub expires_at: SystemTime,
    redirect_uri: Option<Arc<str>>,
    provider: Provider,
    purpose: Purpose,
}

impl AuthorizationRequest {
    /// The address to which you redirect the user: the provider's authorization endpoint with everything that this login needs, PKCE
    /// included.
    ///
    /// # Errors
    ///
    /// [`UrlError`] if the provider has no `client_id`, no endpoint or no redirect_uri. A service that lets the `oauth2` crate build
    /// the address needs none of them here.
    ///
    /// # Examples
    ///
    /// See [`AuthorizationUrl`].
    pub fn url(&self) -> Result<AuthorizationUrl, UrlError> {
        self.url_of(None)
    }

    /// The same state for an endpoint that is not the authorization endpoint, such as the consent of an administrator or the
    /// installation of an application.
    ///
    /// # Errors
    ///
    /// As [`AuthorizationRequest::url`], and [`UrlError::Endpoint`] for anything but an https address.
    pub fn url_at(&self, endpoint: &str) -> Result<AuthorizationUrl, UrlError> {
        self.url_of(Some(endpoint))
    }

    fn url_of(&self, endpoint: Option<&str>) -> Result<AuthorizationUrl, UrlError> {
        let login = Parameters {
            purpose: self.purpose,
            redirect_uri: self.redirect_uri.as_deref(),
            state: &self.state,
            code_challenge: &self.code_challenge,
            nonce: &self.nonce,
        };
        AuthorizationUrl::new(&self.provider, endpoint, &login)
    }

    /// The provider's id.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.provider.id()
    }

    /// What the login is for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// `name=value` of the cookie, for tests and for clients that keep their cookies themselves.
    #[must_use]
    pub fn cookie_pair(&self) -> Option<&str> {
        self.set_cookie.as_deref()?.split(';').next()
    }

    /// The `redirect_uri` parameter, if the provider was given one for this login: that of its redirect id, or the provider's own.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, App, Binding, Flow, Login, Provider, SingleProcessGuard};
    /// let github = Provider::github()
    ///     .named_redirect_uri("web", "https://shop.example/auth/github/callback")
    ///     .named_redirect_uri("admin", "https://admin.shop.example/auth/github/callback");
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    ///     .provider(github)
    ///     .build()?;
    /// let begun = flow.begin(Binding::session(&[7; 16])?, Login::with("github").redirect("admin"))?;
    /// assert_eq!(begun.redirect_uri(), Some("https://admin.shop.example/auth/github/callback"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn redirect_uri(&self) -> Option<&str> {
        self.redirect_uri.as_deref()
    }
}

impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Random bytes of one begin, all drawn in one call: nonce, then the binding's secret, then the cookie's suffix.
const RANDOM_BYTES: usize = NONCE_BYTES + SECRET_BYTES + SUFFIX_BYTES;

/// Where a login's binding secret comes from, with what the user agent must be given.
struct NewBinding {
    secret: SecretBytes<SECRET_BYTES>,
    set_cookie: Option<String>,
    login_secret: Option<String>,
}

impl<T: LoginData> Flow<T> {
    /// Begins a login: seals its state. Stores nothing, waits for nothing, takes no lock.
    ///
    /// # Errors
    ///
    /// [`BeginError`] says what to change; nobody has been redirected.
    ///
    /// # Security
    ///
    /// Limit the rate at which one client may call your login start and your callback; nothing in this crate does. Answer
    /// with `Cache-Control: no-store` and `Referrer-Policy: no-referrer`.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, Binding, Login};
    ///
    /// let begun = testing::flow().begin(Binding::session(b"a session id of 16+ bytes")?, Login::with("github"))?;
    /// let authorize = format!(
    ///     "https://github.com/login/oauth/authorize?client_id=…&state={}&code_challenge={}&code_challenge_method=S256",
    ///     begun.state, begun.code_challenge,
    /// );
    /// assert!(authorize.contains("state=ost1"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn begin(&self, binding: Binding<'_>, login: Login<T>) -> Result<AuthorizationRequest, BeginError> {
        let span = self.begin_span(&login.provider);
        let begun = span.in_scope(|| self.begin_and(binding, &login, |_| ()).map(|(begun, ())| begun));
        span.record(begin_outcome(&begun));
        self.count_begin(&login.provider, &begun);
        begun
    }

    /// Begins a login, and gives what it was sealed with to `also`, under the same view of the keys.
    pub(crate) fn begin_and<R>(
        &self,
        binding: Binding<'_>,
        login: &Login<T>,
        also: impl FnOnce(&SealedWith<'_>) -> R,
    ) -> Result<(AuthorizationRequest, R), BeginError> {
        let inner = &*self.inner;
        let provider = inner.provider(&login.provider).ok_or(BeginError::UnknownProvider)?;
        let purpose = inner.purpose_of(login)?;
        inner.check_login(login, provider)?;
        inner.check_binding_at_begin(&binding, purpose, provider, login.redirect.as_deref())?;

        let now = inner.now();
        let issued_at = u32::try_from(now).map_err(|_| BeginError::Clock)?;
        let table = inner.keys.load();
        let keys = table.sealing(purpose, now).ok_or(BeginError::NoActiveKey)?;

        let mut random = zeroize::Zeroizing::new([0; RANDOM_BYTES]);
        let (nonce, bound) = inner.draw(&mut random, &binding, provider, table.cookie_max_age())?;
        let secrets = FlowSecrets::derive(&keys.flow, binding.holder.kind(), bound.secret.expose(), &nonce);
        let claims = Claims {
            issued_at,
            lifetime: inner.keys.lifetime(),
            restarts: login.restarts,
            kind: binding.holder.kind(),
            binding_tag: secrets.binding_tag(),
            user_tag: binding.user.map(|user| user_tag(&keys.flow, &nonce, user)),
            provider: &login.provider,
            tenant: login.tenant.as_ref().map_or(&[], Tenant::as_bytes),
            redirect: login.redirect.as_deref().unwrap_or_default(),
            return_to: login.return_to.as_ref().map_or("", ReturnTo::as_str),
            data: &[],
        };
        let limit = provider.state_limit();
        let state = seal::seal(keys, &nonce, &claims, &login.data, limit).map_err(|error| match error {
            SealError::TooLong { actual } => {
                BeginError::StateTooLong { provider: provider.id().to_owned(), actual, limit }
            }
            SealError::Data(error) => BeginError::Data(error.into()),
        })?;
        let skew = table.ring().timing().skew;
        let also = also(&SealedWith { keys, nonce: &nonce, now, expires_at: claims.expires_at(), skew });
        let begun = AuthorizationRequest {
            state,
            code_challenge: secrets.code_challenge(),
            nonce: secrets.nonce(),
            set_cookie: bound.set_cookie,
            login_secret: bound.login_secret,
            expires_at: from_unix_seconds(claims.expires_at()),
            redirect_uri: inner.address(provider, login.redirect.as_deref()).map(|at| Arc::clone(&at.text)),
            provider: provider.clone(),
            purpose,
        };
        Ok((begun, also))
    }
}

/// What a state was sealed with, for a store that seals a row beside it. Times in Unix seconds.
pub(crate) struct SealedWith<'a> {
    pub(crate) keys: &'a PurposeKeys,
    pub(crate) nonce: &'a [u8; NONCE_BYTES],
    pub(crate) now: u64,
    pub(crate) expires_at: u64,
    pub(crate) skew: u32,
}

impl FlowInner {
    fn purpose_of<T>(&self, login: &Login<T>) -> Result<Purpose, BeginError> {
        let purpose = login.purpose.unwrap_or_else(|| self.first_purpose());
        if self.purposes.contains(&purpose) { Ok(purpose) } else { Err(BeginError::PurposeNotAccepted(purpose)) }
    }

    fn check_login<T>(&self, login: &Login<T>, provider: &Provider) -> Result<(), BeginError> {
        if let Some(id) = &login.redirect {
            name::check("redirect id", id)?;
            if !provider.takes_redirect(id) {
                return Err(BeginError::UnknownRedirect);
            }
        }
        match &login.return_to {
            Some(path) if self.returns_to_callback(path.checked()) => Err(BeginError::ReturnsToCallback),
            _ => Ok(()),
        }
    }

    fn check_binding_at_begin(
        &self,
        binding: &Binding<'_>,
        purpose: Purpose,
        provider: &Provider,
        redirect: Option<&str>,
    ) -> Result<(), BeginError> {
        if matches!(binding.holder, Holder::LoginSecret(_)) {
            return Err(BeginError::ClientSecretGiven);
        }
        let needs_user = self.needs_user(purpose);
        if needs_user {
            if matches!(binding.holder, Holder::Unbound) {
                return Err(BeginError::UnboundNotAllowed(purpose));
            }
            if binding.user.is_none() {
                return Err(BeginError::UserRequired(purpose));
            }
        }
        let headers = binding.request();
        let request_host =
            headers.and_then(|headers| headers.get("host")).and_then(|host| std::str::from_utf8(host).ok());
        let callback_host = self.callback_host(provider, redirect);
        if needs_user && !binding.same_origin_assumed {
            let shown = headers.is_some_and(|headers| self.is_same_origin_post(headers, request_host, callback_host));
            if !shown {
                return Err(BeginError::NotSameOrigin(purpose));
            }
        }
        if !matches!(binding.holder, Holder::Cookies(_)) {
            return Ok(());
        }
        headers.map_or(Ok(()), check_navigation)?;
        if headers.is_some_and(|headers| self.is_cross_site_post(headers, request_host, callback_host)) {
            return Err(BeginError::CrossSitePost);
        }
        let cookie_host = self.public_host.as_deref().or_else(|| request_host.and_then(host_of));
        match (cookie_host, callback_host) {
            (Some(cookie), Some(callback)) if !cookie.eq_ignore_ascii_case(callback) => {
                Err(BeginError::CookieHostMismatch)
            }
            _ => Ok(()),
        }
    }

    /// Whether a page of this very site sent a POST. Keeps another site from starting to attach an identity (account-link
    /// fixation).
    ///
    /// Browsers send `Origin` with every POST and with no navigation by GET. It must name this site, also if the browser
    /// says that the request is same-origin; only `null`, which a page with `Referrer-Policy: no-referrer` sends, passes on
    /// that word alone. No script can set either header.
    fn is_same_origin_post(
        &self,
        headers: &RequestHeaders<'_>,
        request_host: Option<&str>,
        callback_host: Option<&str>,
    ) -> bool {
        let Some(origin) = headers.get("origin") else { return false };
        let is_own = self.is_own_origin(origin, request_host, callback_host);
        match headers.get("sec-fetch-site") {
            Some(site) => site == b"same-origin" && (is_own || origin == b"null"),
            None => is_own,
        }
    }

    /// Whether another site sent a POST, with which the browser sends no `SameSite=Lax` cookie.
    fn is_cross_site_post(
        &self,
        headers: &RequestHeaders<'_>,
        request_host: Option<&str>,
        callback_host: Option<&str>,
    ) -> bool {
        let Some(origin) = headers.get("origin") else { return false };
        match headers.get("sec-fetch-site") {
            Some(site) => site == b"cross-site",
            None => !self.is_own_origin(origin, request_host, callback_host),
        }
    }

    /// Whether an `Origin` header names this site.
    fn is_own_origin(&self, origin: &[u8], request_host: Option<&str>, callback_host: Option<&str>) -> bool {
        let origin = std::str::from_utf8(origin).ok();
        let Some((scheme, authority)) = origin.and_then(|origin| origin.split_once("://")) else { return false };
        // A page that came over plain http may be anybody's on the network.
        let local = host_of(authority).is_some_and(is_loopback);
        let secure = scheme == "https" || (scheme == "http" && (local || !self.cookies.are_secure()));
        let is_host = |known: &str| host_of(authority).is_some_and(|host| host.eq_ignore_ascii_case(known));
        let same_host = match (self.public_host.as_deref(), request_host) {
            // Behind a proxy that replaces the Host header only the host is known, not the port.
            (Some(public), _) => is_host(public),
            (None, Some(host)) => is_host_of_origin(host, scheme, authority),
            // HTTP/2 without a Host header: the cookie has to reach the callback's host.
            (None, None) => callback_host.is_some_and(is_host),
        };
        secure && same_host
    }

    /// Draws all that this begin needs in one call to the operating system: the nonce always, a secret and a cookie's
    /// name only where none came.
    fn draw(
        &self,
        random: &mut [u8; RANDOM_BYTES],
        binding: &Binding<'_>,
        provider: &Provider,
        max_age: u64,
    ) -> Result<([u8; NONCE_BYTES], NewBinding), RandomnessError> {
        let same_site = provider.same_site();
        let reused = match &binding.holder {
            Holder::Cookies(headers) => headers.candidates(&self.cookies, same_site).iter().next().cloned(),
            _ => None,
        };
        let needed = match &binding.holder {
            Holder::Cookies(_) if reused.is_none() => RANDOM_BYTES,
            Holder::NewLoginSecret => NONCE_BYTES + SECRET_BYTES,
            _ => NONCE_BYTES,
        };
        (self.random)(random.get_mut(..needed).unwrap_or_default())?;

        let (mut nonce, mut secret, mut suffix) = ([0; NONCE_BYTES], [0; SECRET_BYTES], [0; SUFFIX_BYTES]);
        nonce.copy_from_slice(&random[..NONCE_BYTES]);
        secret.copy_from_slice(&random[NONCE_BYTES..NONCE_BYTES + SECRET_BYTES]);
        suffix.copy_from_slice(&random[NONCE_BYTES + SECRET_BYTES..]);
        let secret = SecretBytes::new(secret);

        let without_cookie = |secret| NewBinding { secret, set_cookie: None, login_secret: None };
        let bound = match &binding.holder {
            Holder::Cookies(_) => {
                let cookie = reused.unwrap_or_else(|| BrowserCookie::mint(suffix, secret));
                let set_cookie = Some(self.cookies.set_cookie(same_site, &cookie, max_age));
                NewBinding { secret: cookie.secret, set_cookie, login_secret: None }
            }
            Holder::NewLoginSecret => {
                let login_secret = Some(base64url::encode(secret.expose()));
                NewBinding { secret, set_cookie: None, login_secret }
            }
            Holder::Session(session) | Holder::LoginSecret(session) => without_cookie(session.clone()),
            Holder::Unbound => without_cookie(SecretBytes::new(UNBOUND_SECRET)),
        };
        Ok((nonce, bound))
    }
}

/// A host that browsers take for this very machine's, as they trust its pages without TLS (W3C Secure Contexts, section 3.1).
fn is_loopback(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    address || host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost")
}

/// Refuses what a person did not click: a fetch, an image or a frame would start logins and pile up cookies. Browsers
/// too old for `Sec-Fetch-*` send none of them and pass.
fn check_navigation(headers: &RequestHeaders<'_>) -> Result<(), BeginError> {
    let differs = |name: &str, expected: &[u8]| headers.get(name).is_some_and(|value| value != expected);
    if differs("sec-fetch-mode", b"navigate") || differs("sec-fetch-dest", b"document") || headers.is_speculative() {
        return Err(BeginError::NotANavigation);
    }
    Ok(())
}
