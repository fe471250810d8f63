//! What ties a login to the user agent that began it, and what is derived from that.
//!
//! A sealed state is a bearer value: anybody gets a genuine one by starting a login. Without a binding, an attacker
//! starts a login, authorizes as himself, and leads the victim's browser to the callback (RFC 6749 section 10.12,
//! RFC 9700 section 4.7.1).

mod headers;
mod secrets;

use std::fmt;

use sha2::{Digest, Sha256};

pub(crate) use headers::RequestHeaders;
pub(crate) use secrets::{FlowSecrets, user_tag};

use crate::base64url;
use crate::claims::codec::{BindingKind, TAG_BYTES};
use crate::cookie::{BrowserCookie, CookieFamilies, SameSite};
use crate::ring::key::derive::HmacKey;
use crate::secret::{SecretBytes, equal_in_constant_time};
use crate::token::aead::NONCE_BYTES;

/// Bytes of a binding secret, whatever its kind.
const SECRET_BYTES: usize = 32;
/// A label of its own, with its length: the hash of a session id can be nothing else of this crate.
const SESSION_LABEL: &[u8; 24] = b"\x00\x16oauth-state/v1/session";
/// The shortest session id, in bytes: 128 bits if it is random.
const SHORTEST_SESSION: usize = 16;
/// The longest session id and user id, in bytes.
const LONGEST_ID: usize = 1024;

/// What ties a login to the user agent: chosen by the caller, with the same constructor at begin and at finish.
///
/// | the user agent is … | begin | finish |
/// |---|---|---|
/// | a browser | [`Binding::cookies`] | [`Binding::cookies`] |
/// | a client with a session of yours | [`Binding::session`] | [`Binding::session`] |
/// | a native, single-page or JSON client | [`Binding::new_login_secret`] | [`Binding::login_secret`] |
///
/// The kind that counts is the one given here, never one that the state names. It is an argument of begin and of finish,
/// and cannot be left out:
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
/// use oauth_state::Binding;
///
/// let session = Binding::session(b"0123456789abcdef-session")?;
/// assert_eq!(format!("{session:?}"), "Binding(session, [redacted])");
/// # Ok::<(), oauth_state::error::BindingError>(())
/// ```
#[derive(Clone)]
pub struct Binding<'a> {
    pub(crate) holder: Holder<'a>,
    pub(crate) user: Option<&'a [u8]>,
    /// The request's headers, where the holder does not have all of them.
    beside: Option<RequestHeaders<'a>>,
    pub(crate) same_origin_assumed: bool,
}

/// Who holds the secret.
#[derive(Clone)]
pub(crate) enum Holder<'a> {
    Cookies(RequestHeaders<'a>),
    Session(SecretBytes<SECRET_BYTES>),
    NewLoginSecret,
    LoginSecret(SecretBytes<SECRET_BYTES>),
    Unbound,
}

/// Why a binding was refused.
///
/// # Examples
///
/// ```
/// use oauth_state::error::BindingError;
/// use oauth_state::Binding;
/// assert_eq!(Binding::session(b"42").unwrap_err(), BindingError::SessionId);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindingError {
    /// The session id is shorter than 16 bytes or longer than 1024.
    #[error("a session id that binds a login has 16 to 1024 bytes and cannot be guessed")]
    SessionId,
    /// The login secret is not 43 characters of base64url.
    #[error("a login secret is the 43 characters that begin returned")]
    ClientSecret,
    /// The user id is empty or longer than 1024 bytes.
    #[error("a user id has 1 to 1024 bytes")]
    UserId,
}

impl<'a> Binding<'a> {
    fn of(holder: Holder<'a>) -> Self {
        Self { holder, user: None, beside: None, same_origin_assumed: false }
    }

    /// Binds to the browser by a cookie of this crate's own, `__Host-…`, `HttpOnly` and `Secure`.
    ///
    /// Pass the headers of the request as they came: at begin they hold the cookie to reuse and say what kind of
    /// request it is (`Sec-Fetch-*`, `Host`, `Origin`); at finish they hold the cookies to try and, if none fits, the
    /// likely reason.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::Binding;
    /// let headers = http::HeaderMap::new();
    /// assert_eq!(format!("{:?}", Binding::cookies(&headers)), "Binding(cookies, [redacted])");
    /// ```
    #[cfg(feature = "http")]
    #[must_use]
    pub fn cookies(headers: &'a http::HeaderMap) -> Self {
        Self::of(Holder::Cookies(RequestHeaders::Map(headers)))
    }

    /// Binds to the browser by cookie, given the octets of each `Cookie` header as they came.
    ///
    /// # Security
    ///
    /// Pass the raw header values, not what a cookie jar made of them. The requests' other headers stay unknown, so
    /// keep speculative loads away from the callback, and let begin answer document navigations only.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::Binding;
    /// let binding = Binding::cookie_headers([&b"theme=dark; a=b"[..]]);
    /// assert_eq!(format!("{binding:?}"), "Binding(cookies, [redacted])");
    /// ```
    #[must_use]
    pub fn cookie_headers(headers: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self::of(Holder::Cookies(RequestHeaders::CookiesOnly(headers.into_iter().collect())))
    }

    /// Binds to a session of the caller's own by its id.
    ///
    /// # Security
    ///
    /// The id must be unguessable, must be the one that the user agent itself proves to hold, and lasts as long as its
    /// store does. A user id is not a session id. If the session's id changes at sign-in, finish with the old one.
    ///
    /// # Errors
    ///
    /// [`BindingError::SessionId`] for less than 16 bytes or more than 1024.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::Binding;
    /// assert!(Binding::session(&[7; 16]).is_ok());
    /// assert!(Binding::session(b"user-42").is_err());
    /// ```
    pub fn session(id: &[u8]) -> Result<Self, BindingError> {
        if !(SHORTEST_SESSION..=LONGEST_ID).contains(&id.len()) {
            return Err(BindingError::SessionId);
        }
        let mut hash = Sha256::new_with_prefix(SESSION_LABEL);
        hash.update(id);
        Ok(Self::of(Holder::Session(SecretBytes::new(hash.finalize().into()))))
    }

    /// At begin: draws a secret for a client that keeps it itself and sends it back with the callback. It comes out
    /// as [`AuthorizationRequest::login_secret`](crate::AuthorizationRequest::login_secret).
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::Binding;
    /// assert_eq!(format!("{:?}", Binding::new_login_secret()), "Binding(login secret, [redacted])");
    /// ```
    #[must_use]
    pub fn new_login_secret() -> Self {
        Self::of(Holder::NewLoginSecret)
    }

    /// At finish: the secret that the client was given at begin.
    ///
    /// # Errors
    ///
    /// [`BindingError::ClientSecret`] for anything but 43 characters of base64url.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::Binding;
    /// assert!(Binding::login_secret(&"A".repeat(43)).is_ok());
    /// assert!(Binding::login_secret("short").is_err());
    /// ```
    pub fn login_secret(text: &str) -> Result<Self, BindingError> {
        let secret = base64url::decode_exact(text.as_bytes()).map_err(|_| BindingError::ClientSecret)?;
        Ok(Self::of(Holder::LoginSecret(SecretBytes::new(secret))))
    }

    /// Binds to nothing.
    ///
    /// # Security
    ///
    /// Whoever can make a person follow a link can sign that person in to an account of his own (login CSRF), and
    /// PKCE protects no more than a bearer value. Refused for `link` and `reauthenticate`.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::Binding;
    /// assert_eq!(format!("{:?}", Binding::dangerously_unbound()), "Binding(unbound, [redacted])");
    /// ```
    #[must_use]
    pub fn dangerously_unbound() -> Self {
        Self::of(Holder::Unbound)
    }

    /// Names the signed-in user as well: needed for `link` and `reauthenticate`, where the account that a provider's
    /// identity is attached to must be the one that began.
    ///
    /// # Errors
    ///
    /// [`BindingError::UserId`] for an empty id or one longer than 1024 bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::Binding;
    /// assert!(Binding::session(&[7; 16])?.for_user(b"user-42").is_ok());
    /// # Ok::<(), oauth_state::error::BindingError>(())
    /// ```
    pub fn for_user(self, user_id: &'a [u8]) -> Result<Self, BindingError> {
        if !(1..=LONGEST_ID).contains(&user_id.len()) {
            return Err(BindingError::UserId);
        }
        Ok(Self { user: Some(user_id), ..self })
    }

    /// Adds the request's headers to a binding that does not have them: `link` and `reauthenticate` begin only if they show
    /// a POST of this site's own pages, and a speculative load finishes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::Binding;
    /// let headers = http::HeaderMap::new();
    /// let binding = Binding::session(&[7; 16])?.with_headers(&headers).for_user(b"user-42")?;
    /// assert_eq!(format!("{binding:?}"), "Binding(session, [redacted])");
    /// # Ok::<(), oauth_state::error::BindingError>(())
    /// ```
    #[cfg(feature = "http")]
    #[must_use]
    pub fn with_headers(self, headers: &'a http::HeaderMap) -> Self {
        Self { beside: Some(RequestHeaders::Map(headers)), ..self }
    }

    /// Lets `link` and `reauthenticate` begin without headers that show a POST of this site's own pages.
    ///
    /// # Security
    ///
    /// Right for a client that authenticates itself with something no other site can send, such as an `Authorization`
    /// header. Where a session travels in a cookie, another site can then begin a link in its visitor's name, and with a
    /// provider that asks nothing, end it: the attacker's identity opens the visitor's account.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::Binding;
    /// let binding = Binding::new_login_secret().for_user(b"user-42")?.dangerously_assume_same_origin();
    /// assert_eq!(format!("{binding:?}"), "Binding(login secret, [redacted])");
    /// # Ok::<(), oauth_state::error::BindingError>(())
    /// ```
    #[must_use]
    pub fn dangerously_assume_same_origin(self) -> Self {
        Self { same_origin_assumed: true, ..self }
    }

    /// What is known of the request.
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
    /// The user agent that began.
    Same(FlowSecrets),
    /// No valid cookie of the family came.
    NoCookie,
    /// Something came, and it is another's.
    Other,
}

/// Compares what the callback brought with the binding tag, in constant time for each cookie tried.
pub(crate) fn compare(
    holder: &Holder<'_>,
    families: &CookieFamilies,
    same_site: SameSite,
    flow: &HmacKey,
    nonce: &[u8; NONCE_BYTES],
    binding_tag: &[u8; TAG_BYTES],
) -> Comparison {
    let kind = holder.kind();
    let fits = |secret: &[u8; SECRET_BYTES]| {
        let t1 = secrets::first_block(flow, kind, secret, nonce);
        // The kind is part of what is compared: a state bound with a session never fits a cookie.
        equal_in_constant_time(&t1.expose()[..TAG_BYTES], binding_tag)
            .then(|| FlowSecrets::expand(flow, kind, secret, nonce, t1))
    };
    let found = match holder {
        Holder::Cookies(headers) => {
            let candidates = headers.candidates(families, same_site);
            if candidates.iter().next().is_none() {
                return Comparison::NoCookie;
            }
            candidates.iter().find_map(|cookie: &BrowserCookie| fits(cookie.secret.expose()))
        }
        Holder::Session(secret) | Holder::LoginSecret(secret) => fits(secret.expose()),
        Holder::NewLoginSecret => None,
        Holder::Unbound => fits(&UNBOUND_SECRET),
    };
    found.map_or(Comparison::Other, Comparison::Same)
}

/// What an unbound login has for a secret: nothing secret at all.
pub(crate) const UNBOUND_SECRET: [u8; SECRET_BYTES] = [0; SECRET_BYTES];

#[cfg(test)]
mod tests;
