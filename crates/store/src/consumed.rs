//! The results of a state store: an issued state, and a consumed one.

use std::fmt;
use std::time::SystemTime;

use oauth_state::http::SetsCookie;
use oauth_state::outcome::{AuthorizationError, Code, CodeVerifier, Nonce, UnverifiedParameters};
use oauth_state::{AuthorizationRequest, Authorized, Denied, LoginOutcome, Origin};

/// A login that a [`StateStore`](super::StateStore) started. See [`StateStore`](super::StateStore) for an example.
///
/// It differs from [`AuthorizationRequest`] in that a legacy store may know neither PKCE nor the nonce.
#[must_use = "send state, code_challenge and set_cookie to the user agent, or the callback will be refused"]
#[non_exhaustive]
pub struct Issued {
    /// The `state` parameter.
    pub state: String,
    /// The `code_challenge` parameter, for `code_challenge_method=S256` (RFC 7636 section 4.3). If it is `None`, send
    /// neither parameter.
    pub code_challenge: Option<String>,
    /// The `nonce` parameter of OpenID Connect.
    pub nonce: Option<String>,
    /// The value of a `Set-Cookie` header to send with the redirect.
    pub set_cookie: Option<String>,
    /// The values of further `Set-Cookie` headers, which delete surplus cookies.
    pub surplus_cookies: Vec<String>,
    /// The secret that the client keeps and sends back with the callback.
    pub login_secret: Option<String>,
    /// When the state expires, if the store knows.
    pub expires_at: Option<SystemTime>,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl Issued {
    /// A state of a legacy store, without PKCE, nonce and cookie.
    pub fn bare(state: String) -> Self {
        Self {
            state,
            code_challenge: None,
            nonce: None,
            set_cookie: None,
            surplus_cookies: Vec::new(),
            login_secret: None,
            expires_at: None,
        }
    }
}

impl From<AuthorizationRequest> for Issued {
    fn from(begun: AuthorizationRequest) -> Self {
        let AuthorizationRequest {
            state,
            code_challenge,
            nonce,
            set_cookie,
            surplus_cookies,
            login_secret,
            expires_at,
            ..
        } = begun;
        let expires_at = Some(expires_at);
        Self { state, code_challenge, nonce, set_cookie, surplus_cookies, login_secret, expires_at }
    }
}

impl SetsCookie for Issued {
    fn set_cookie(&self) -> Option<&str> {
        self.set_cookie.as_deref()
    }

    fn surplus_cookies(&self) -> &[String] {
        &self.surplus_cookies
    }
}

/// A login that a [`StateStore`](super::StateStore) finished. The provider may still have refused it.
///
/// # Examples
///
/// ```
/// use oauth_state::LoginOutcome;
/// use oauth_state_store::Consumed;
///
/// fn respond(consumed: Consumed<String>) -> &'static str {
///     match consumed {
///         // Exchange login.code, with login.code_verifier if there is one.
///         Consumed::Code(login) => "signed in",
///         Consumed::Refused(refusal) => "the provider refused",
///         // From a flow for logout and step-up; a legacy store has neither.
///         Consumed::Other(LoginOutcome::Returned(_)) => "signed out",
///         Consumed::Other(LoginOutcome::SteppedUp(step_up)) => "confirm it with its auth_time",
///         _ => "not expected here",
///     }
/// }
/// ```
#[derive(Debug)]
#[must_use = "a finished login holds the code to exchange, or the provider's refusal"]
#[non_exhaustive]
pub enum Consumed<S> {
    /// The provider sent a code: exchange it with the verifier and compare the nonce, if they exist.
    Code(ConsumedLogin<S>),
    /// The provider sent an error.
    Refused(ConsumedRefusal<S>),
    /// An outcome that no legacy store has, as [`Flow::finish`](oauth_state::Flow::finish) returned it:
    /// [`LoginOutcome::SteppedUp`] or [`LoginOutcome::Returned`]. It occurs only in flows that accept
    /// [`Purpose::Reauthenticate`](oauth_state::Purpose::Reauthenticate),
    /// [`Purpose::Logout`](oauth_state::Purpose::Logout) or a purpose without a code.
    Other(LoginOutcome<S>),
}

/// A code and the values for its exchange.
#[derive(Debug)]
#[must_use = "exchange the code"]
#[non_exhaustive]
pub struct ConsumedLogin<S> {
    /// The login as the state describes it. A legacy store knows only the provider.
    pub origin: Origin,
    /// The caller's data.
    pub data: S,
    /// To send to the token endpoint.
    pub code: Code,
    /// To send to the token endpoint, if the login started with a `code_challenge` of this crate.
    ///
    /// # Security
    ///
    /// If it is `None`, send no `code_verifier`: a provider must refuse one if there was no `code_challenge` (RFC 9700
    /// section 2.1.1).
    pub code_verifier: Option<CodeVerifier>,
    /// To compare with that of the ID token, if the login started with a nonce of this crate.
    pub nonce: Option<Nonce>,
    /// The callback's other parameters: text from outside.
    pub parameters: UnverifiedParameters,
}

/// The provider's refusal. The state is used up.
///
/// It lacks two fields of [`Denied`] that a legacy store does not have: who sent the error (`attributed_to`), and a
/// `restart`. Without the first, treat the error as text from outside: anyone who knows the state can send one.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConsumedRefusal<S> {
    /// The login as the state describes it. A legacy store knows only the provider.
    pub origin: Origin,
    /// The caller's data.
    pub data: S,
    /// The error code of the callback.
    pub error: AuthorizationError,
    /// The callback's other parameters, such as `error_description`: text from outside.
    pub parameters: UnverifiedParameters,
}

impl<S> From<LoginOutcome<S>> for Consumed<S> {
    fn from(finished: LoginOutcome<S>) -> Self {
        match finished {
            LoginOutcome::Authorized(login) => {
                let Authorized { origin, data, code, code_verifier, nonce, parameters, .. } = login;
                Self::Code(ConsumedLogin { origin, data, code, code_verifier, nonce, parameters })
            }
            LoginOutcome::Denied(Denied { origin, data, error, parameters, .. }) => {
                Self::Refused(ConsumedRefusal { origin, data, error, parameters })
            }
            other => Self::Other(other),
        }
    }
}
