//! What a state store gives: an issued state, and a consumed one.

use std::fmt;
use std::time::SystemTime;

use oauth_state::http::SetsCookie;
use oauth_state::outcome::{Code, CodeVerifier, Nonce, UnverifiedParameters};
use oauth_state::{AuthorizationRequest, Authorized, Denied, LoginOutcome, Origin, seam};

/// A login that a [`StateStore`](super::StateStore) has begun.
///
/// It differs from [`AuthorizationRequest`] in that a store from before this crate may know neither PKCE nor the nonce.
///
/// # Examples
///
/// ```
/// use oauth_state_store::StateStore;
/// use oauth_state::{testing, Binding, Login};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let issued = testing::flow().issue(Binding::session(&[7; 16])?, Login::with("github")).await?;
/// assert_eq!(issued.code_challenge.unwrap().len(), 43);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[must_use = "send state, code_challenge and set_cookie to the user agent, or the callback is refused"]
#[non_exhaustive]
pub struct Issued {
    /// The `state` parameter.
    pub state: String,
    /// The `code_challenge` parameter, for `code_challenge_method=S256` (RFC 7636 section 4.3); leave both out without it.
    pub code_challenge: Option<String>,
    /// The `nonce` parameter of OpenID Connect.
    pub nonce: Option<String>,
    /// The value of a `Set-Cookie` header to send with the redirect.
    pub set_cookie: Option<String>,
    /// The secret that the client keeps and sends back.
    pub login_secret: Option<String>,
    /// When the state expires, where the store says so.
    pub expires_at: Option<SystemTime>,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl Issued {
    /// A state of a store from before this crate, with nothing beside it.
    ///
    /// # Examples
    ///
    /// ```
    /// let issued = oauth_state_store::Issued::bare("d6f1a0c9".to_owned());
    /// assert!(issued.code_challenge.is_none());
    /// ```
    pub fn bare(state: String) -> Self {
        Self { state, code_challenge: None, nonce: None, set_cookie: None, login_secret: None, expires_at: None }
    }
}

impl From<AuthorizationRequest> for Issued {
    fn from(begun: AuthorizationRequest) -> Self {
        let AuthorizationRequest { state, code_challenge, nonce, set_cookie, login_secret, expires_at, .. } = begun;
        let (code_challenge, nonce, expires_at) = (Some(code_challenge), Some(nonce), Some(expires_at));
        Self { state, code_challenge, nonce, set_cookie, login_secret, expires_at }
    }
}

impl SetsCookie for Issued {
    fn set_cookie(&self) -> Option<&str> {
        self.set_cookie.as_deref()
    }
}

/// A login that a [`StateStore`](super::StateStore) has finished. The provider may still have said no.
///
/// # Examples
///
/// ```
/// use oauth_state::testing;
/// use oauth_state_store::Consumed;
/// let Consumed::Code(login) = Consumed::from(testing::finished()) else { panic!("the provider refused") };
/// assert_eq!(login.code_verifier.unwrap().secret().len(), 43);
/// ```
#[derive(Debug)]
#[must_use = "a finished login holds the code to exchange, or the provider's refusal"]
#[non_exhaustive]
pub enum Consumed<S> {
    /// The provider sent a code: exchange it, with the verifier if there is one, and compare the nonce if there is one.
    Code(ConsumedLogin<S>),
    /// The provider sent an error.
    Refused(Denied<S>),
}

/// A code, and what is needed to use it.
///
/// # Examples
///
/// ```
/// use oauth_state::testing;
/// use oauth_state_store::Consumed;
/// let Consumed::Code(login) = Consumed::from(testing::finished()) else { panic!("the provider refused") };
/// assert_eq!((login.origin.provider.as_str(), login.code.secret()), ("github", "code"));
/// ```
#[derive(Debug)]
#[must_use = "the code has to be exchanged"]
#[non_exhaustive]
pub struct ConsumedLogin<S> {
    /// What the state says of this login; of a store from before this crate, the provider alone.
    pub origin: Origin,
    /// The caller's data.
    pub data: S,
    /// For the token endpoint.
    pub code: Code,
    /// For the token endpoint, if the login began with a `code_challenge` of this crate's.
    ///
    /// # Security
    ///
    /// Send none without one: a provider must refuse a `code_verifier` where there was no `code_challenge` (RFC 9700
    /// section 2.1.1).
    pub code_verifier: Option<CodeVerifier>,
    /// To compare with the ID token's, if the login began with one of this crate's.
    pub nonce: Option<Nonce>,
    /// The callback's other parameters: text from outside.
    pub parameters: UnverifiedParameters,
}

impl<S> From<LoginOutcome<S>> for Consumed<S> {
    fn from(finished: LoginOutcome<S>) -> Self {
        let consumed = |login| {
            let Authorized { origin, data, code, code_verifier, nonce, parameters, .. } = login;
            let (code_verifier, nonce) = (Some(code_verifier), Some(nonce));
            Self::Code(ConsumedLogin { origin, data, code, code_verifier, nonce, parameters })
        };
        seam::either(finished, consumed, Self::Refused)
    }
}
