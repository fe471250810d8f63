//! The binding of a login to the user agent that started it, and the values derived from it.
//!
//! A sealed state is a bearer value: anyone can get a genuine one by starting a login. Without a binding, an attacker starts a login,
//! authorizes with their own account, and leads the victim's browser to the callback (RFC 6749 section 10.12, RFC 9700 section 4.7.1).

mod headers;
mod secrets;

use std::fmt;

use sha2::{Digest, Sha256};

pub(crate) use headers::RequestHeaders;
pub(crate) use secrets::{Connection, FlowSecrets, connection_tag, user_tag};

use crate::base64url;
use crate::claims::codec::{BindingKind, TAG_BYTES};
use crate::cookie::{BrowserCookie, CookieFamilies, CookieKind};
use crate::refusal::{FinishError, FinishErrorKind};
use crate::ring::key::derive::HmacKey;
use crate::secret::{SecretBytes, equal_in_constant_time};
use crate::token::aead::NONCE_BYTES;

/// Bytes of a binding secret of any kind.
const SECRET_BYTES: usize = 32;
/// A length-prefixed label, so that the hash of a session id equals no other value of this crate.
const SESSION_LABEL: &[u8; 24] = b"\x00\x16oauth-state/v1/session";
/// The shortest session id, in bytes: 128 bits if it is random.
const SHORTEST_SESSION: usize = 16;
/// The longest session id and user id, in bytes.
const LONGEST_ID: usize = 1024;

/// Ties a login to the user agent. Use the same kind of binding at the start and at the callback.
///
/// | user agent | `begin` | `finish` |
/// |---|---|---|
/// | a browser | [`Binding::cookies`] | [`Binding::cookies`] |
/// | a client with a session of your own | [`Binding::session`] | [`Binding::session`] |
/// | a native, single-page or JSON client | [`Binding::new_login_secret`] | [`Binding::login_secret`] |
///
/// `Debug` names the kind and redacts the secret.
///
/// The kind that counts is the one given here, never one that the state names. It is an argument of `begin` and of `finish`, and cannot be
/// left out:
///
/// ```compile_fail
/// # use oauth_state::*;
/// fn unbound(flow: &Flow, callback: Callback) {
///     let _ = flow.check(Expect::provider("github"), callback);
/// }
/// ```
///
/// # Examples
///
/// ```
/// use oauth_state::testing::{self, TestBrowser, block_on};
/// use oauth_state::{Binding, Expect, Login};
///
/// let (flow, github) = (testing::flow(), Expect::provider("github"));
///
/// // A browser, by a cookie of this crate's own:
/// let browser = TestBrowser::follow(&flow.begin(TestBrowser::default().binding(), Login::with("github"))?);
/// block_on(flow.finish(browser.binding(), github, browser.callback()))?;
///
/// // A client with a session of yours:
/// let session = || Binding::session(b"an id that cannot be guessed");
/// let client = TestBrowser::follow(&flow.begin(session()?, Login::with("github"))?);
/// block_on(flow.finish(session()?, github, client.callback()))?;
///
/// // A native client, which stores the secret and sends it back with the callback:
/// let request = flow.begin(Binding::new_login_secret(), Login::with("github"))?;
/// let secret = request.login_secret.as_deref().unwrap_or_default();
/// let native = TestBrowser::follow(&request);
/// block_on(flow.finish(Binding::login_secret(secret)?, github, native.callback()))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Binding<'a> {
    pub(crate) holder: Holder<'a>,
    pub(crate) user: Option<&'a [u8]>,
    /// The request's headers, if the holder does not have all of them.
    beside: Option<RequestHeaders<'a>>,
    pub(crate) same_origin_assumed: bool,
}

/// The holder of the secret.
#[derive(Clone)]
pub(crate) enum Holder<'a> {
    Cookies(RequestHeaders<'a>),
    Session(SecretBytes<SECRET_BYTES>),
    NewLoginSecret,
    LoginSecret(SecretBytes<SECRET_BYTES>),
    Unbound,
}

/// Why a binding was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindingError {
    /// The session id has fewer than 16 bytes or more than 1024.
    #[error("a session id that binds a login must have 16 to 1024 bytes; use one that cannot be guessed")]
    SessionId,
    /// The login secret is not 43 characters of base64url.
    #[error("a login secret must be the 43 characters of AuthorizationRequest::login_secret, unchanged")]
    LoginSecret,
    /// The user id is empty or longer than 1024 bytes.
    #[error("a user id must have 1 to 1024 bytes")]
    UserId,
}

impl From<BindingError> for FinishError {
    /// A callback that cannot be bound belongs to no login of this session, client or user.
    fn from(error: BindingError) -> Self {
        let kind = match error {
            BindingError::SessionId => FinishErrorKind::OtherSession,
            BindingError::LoginSecret => FinishErrorKind::OtherClient,
            BindingError::UserId => FinishErrorKind::OtherUser,
        };
        Self::from(kind).with_source(error)
    }
}

impl<'a> Binding<'a> {
    fn of(holder: Holder<'a>) -> Self {
        Self { holder, user: None, beside: None, same_origin_assumed: false }
    }

    /// Binds to the browser by a cookie of this crate's own, `__Host-…`, `HttpOnly` and `Secure`.
    ///
    /// Pass the headers of the request unchanged. At the start they hold the cookie to reuse and tell the kind of request (`Sec-Fetch-*`,
    /// `Host`, `Origin`). At the callback they hold the cookies to try and, if none fits, the likely reason.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn cookies(headers: &'a http::HeaderMap) -> Self {
        Self::of(Holder::Cookies(RequestHeaders::Map(headers)))
    }

    /// Binds to the browser by cookie, given the raw bytes of each `Cookie` header.
    ///
    /// # Security
    ///
    /// Pass the raw header values, not the output of a cookie jar. The requests' other headers stay unknown, so keep speculative loads away
    /// from the callback, and start logins only on document navigations.
    #[must_use]
    pub fn cookie_headers(headers: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self::of(Holder::Cookies(RequestHeaders::CookiesOnly(headers.into_iter().collect())))
    }

    /// Binds to a session of your own by its id.
    ///
    /// # Security
    ///
    /// The id must be unguessable and must be one that the user agent itself proves to hold. It lasts as long as its store does. A user id
    /// is not a session id. If the session's id changes at sign-in, finish with the old one.
    ///
    /// # Errors
    ///
    /// [`BindingError::SessionId`] for fewer than 16 bytes or more than 1024.
    pub fn session(id: &[u8]) -> Result<Self, BindingError> {
        if !(SHORTEST_SESSION..=LONGEST_ID).contains(&id.len()) {
            return Err(BindingError::SessionId);
        }
        let mut hash = Sha256::new_with_prefix(SESSION_LABEL);
        hash.update(id);
        Ok(Self::of(Holder::Session(SecretBytes::new(hash.finalize().into()))))
    }

    /// At the start: draws a secret for a client that stores it itself and sends it back with the callback. It is returned
    /// as [`AuthorizationRequest::login_secret`](crate::AuthorizationRequest::login_secret).
    #[must_use]
    pub fn new_login_secret() -> Self {
        Self::of(Holder::NewLoginSecret)
    }

    /// At the callback: the secret that the client was given at the start.
    ///
    /// # Errors
    ///
    /// [`BindingError::LoginSecret`] if it is not 43 characters of base64url.
    pub fn login_secret(text: &str) -> Result<Self, BindingError> {
        let secret = base64url::decode_exact(text.as_bytes()).map_err(|_| BindingError::LoginSecret)?;
        Ok(Self::of(Holder::LoginSecret(SecretBytes::new(secret))))
    }

    /// Does not bind the login.
    ///
    /// # Security
    ///
    /// An attacker who makes a user follow a link can sign that user in to the attacker's account (login CSRF), and PKCE protects no more
    /// than a bearer value does. Refused for `link` and `reauthenticate`.
    #[must_use]
    pub fn dangerously_unbound() -> Self {
        Self::of(Holder::Unbound)
    }

    /// Adds the signed-in user, which `link` and `reauthenticate` need: the account that gets the provider's identity must be the one that
    /// started the login.
    ///
    /// # Errors
    ///
    /// [`BindingError::UserId`] for an empty id or one with more than 1024 bytes.
    pub fn for_user(self, user_id: &'a [u8]) -> Result<Self, BindingError> {
        if !(1..=LONGEST_ID).contains(&user_id.len()) {
            return Err(BindingError::UserId);
        }
        Ok(Self { user: Some(user_id), ..self })
    }

    /// Adds the request's headers to a binding that does not have them: `link` and `reauthenticate` start only if the headers show a POST
    /// of this site's own pages, and a speculative load never finishes a login.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::testing::{self, TestBrowser, block_on};
    /// use oauth_state::{App, Binding, Expect, Flow, Login, Provider, Purpose, SingleProcessGuard};
    ///
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    ///     .purpose(Purpose::Link)
    ///     .provider(Provider::github())
    ///     .build()?;
    ///
    /// let mut headers = http::HeaderMap::new(); // those of a POST from your page at https://shop.example
    /// headers.insert("host", http::HeaderValue::from_static("shop.example"));
    /// headers.insert("origin", http::HeaderValue::from_static("https://shop.example"));
    /// let binding = Binding::session(&[7; 16])?.with_headers(&headers).for_user(b"user-42")?;
    /// let browser = TestBrowser::follow(&flow.begin(binding, Login::with("github"))?);
    ///
    /// let other_user = Binding::session(&[7; 16])?.for_user(b"user-43")?;
    /// let refused = block_on(flow.finish(other_user, Expect::provider("github"), browser.callback()));
    /// assert_eq!(refused.unwrap_err().code(), "other_user");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "http")]
    #[must_use]
    pub fn with_headers(self, headers: &'a http::HeaderMap) -> Self {
        Self { beside: Some(RequestHeaders::Map(headers)), ..self }
    }

    /// Lets `link` and `reauthenticate` start without headers that show a POST of this site's own pages.
    ///
    /// # Security
    ///
    /// Use it for a client that authenticates itself with something that no other site can send, such as an `Authorization` header. If the
    /// session is in a cookie, another site can start a link in a signed-in visitor's browser and, with a provider that asks nothing,
    /// complete it: the attacker's identity then opens the visitor's account.
    #[must_use]
    pub fn dangerously_assume_same_origin(self) -> Self {
        Self { same_origin_assumed: true, ..self }
    }

    /// Whether the request is a load that the user did not request, such as a prefetch. It never uses up a login.
    #[must_use]
    pub fn is_speculative(&self) -> bool {
        self.request().is_some_and(RequestHeaders::is_speculative)
    }

    /// The request's headers, if there are any.
    pub(crate) fn request(&self) -> Option<&RequestHeaders<'a>> {
        match (&self.beside, &self.holder) {
            (Some(headers), _) | (None, Holder::Cookies(headers)) => Some(headers),
            (None, _) => None,
        }
    }
}

impl fmt::Debug for Binding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.holder.kind() {
            BindingKind::Cookie => "cookies",
            BindingKind::Session => "session",
            BindingKind::LoginSecret => "login secret",
            BindingKind::Unbound => "unbound",
        };
        write!(f, "Binding({kind}, [redacted])")
    }
}

impl Holder<'_> {
    pub(crate) fn kind(&self) -> BindingKind {
        match self {
            Self::Cookies(_) => BindingKind::Cookie,
            Self::Session(_) => BindingKind::Session,
            Self::NewLoginSecret | Self::LoginSecret(_) => BindingKind::LoginSecret,
            Self::Unbound => BindingKind::Unbound,
        }
    }
}

/// How a callback's binding compares with the tag in the state.
pub(crate) enum Comparison {
    /// The user agent that started the login.
    Same(FlowSecrets),
    /// The request had no valid cookie of the family.
    NoCookie,
    /// The request had a secret, and it belongs to another login.
    Other,
}

/// Compares the callback's secrets with the binding tag, in constant time for each cookie tried. `kinds` are the kinds of cookies to try,
/// each with whether one of them counts as a cookie that came.
pub(crate) fn compare(
    holder: &Holder<'_>,
    families: &CookieFamilies,
    kinds: impl Iterator<Item = (CookieKind, bool)>,
    flow: &HmacKey,
    nonce: &[u8; NONCE_BYTES],
    binding_tag: &[u8; TAG_BYTES],
) -> Comparison {
    let kind = holder.kind();
    let fits = |secret: &[u8; SECRET_BYTES]| {
        // The kind is part of the comparison: a state bound to a session never fits a cookie.
        let secrets = FlowSecrets::new(kind, secret, nonce);
        equal_in_constant_time(&secrets.binding_tag(flow), binding_tag).then_some(secrets)
    };
    let found = match holder {
        Holder::Cookies(headers) => {
            let (mut any_came, mut found) = (false, None);
            for (kind, counts) in kinds {
                let candidates = headers.candidates(families, kind);
                any_came |= counts && candidates.iter().next().is_some();
                found = candidates.iter().find_map(|cookie: &BrowserCookie| fits(cookie.secret.expose()));
                if found.is_some() {
                    break;
                }
            }
            if found.is_none() && !any_came {
                return Comparison::NoCookie;
            }
            found
        }
        Holder::Session(secret) | Holder::LoginSecret(secret) => fits(secret.expose()),
        Holder::NewLoginSecret => None,
        Holder::Unbound => fits(&UNBOUND_SECRET),
    };
    found.map_or(Comparison::Other, Comparison::Same)
}

/// The secret of an unbound login, which is public.
pub(crate) const UNBOUND_SECRET: [u8; SECRET_BYTES] = [0; SECRET_BYTES];

#[cfg(test)]
mod tests;
