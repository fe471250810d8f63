//! The outcome of a login.

use std::fmt;

use crate::callback::{Answer, AuthorizationError, Callback};
use crate::claims::Origin;
use crate::clock::unix_seconds;
use crate::provider::Provider;
use crate::refusal::Restart;
use crate::secret::equal_in_constant_time;
use crate::unverified::UnverifiedParameters;

/// A login that passed every check and the guard. The provider may still have refused it.
#[derive(Debug)]
#[must_use = "a finished login holds the code to exchange, or the provider's refusal"]
#[non_exhaustive]
pub enum LoginOutcome<T> {
    /// The provider sent a code: exchange it, with the verifier, and compare the nonce.
    Authorized(Authorized<T>),
    /// The provider sent a code for [`Purpose::Reauthenticate`](crate::Purpose::Reauthenticate): exchange it, and confirm when the user
    /// authenticated.
    SteppedUp(StepUp<T>),
    /// The provider sent an error.
    Denied(Denied<T>),
    /// The user came back from a page that grants nothing, such as a logout or an installation.
    Returned(Returned<T>),
}

impl<T> LoginOutcome<T> {
    /// The origin that the state records. For a step-up it proves nothing before [`StepUp::confirm`].
    #[must_use]
    pub fn origin(&self) -> &Origin {
        match self {
            Self::Authorized(Authorized { origin, .. })
            | Self::SteppedUp(StepUp { exchange: Authorized { origin, .. }, .. })
            | Self::Denied(Denied { origin, .. })
            | Self::Returned(Returned { origin, .. }) => origin,
        }
    }

    /// The outcome in one word, for metrics and spans.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Authorized(_) | Self::SteppedUp(_) | Self::Returned(_) => "ok",
            Self::Denied(_) => "provider_refused",
        }
    }

    /// The provider's error in one word, for metrics.
    pub(super) fn error_word(&self) -> Option<&'static str> {
        match self {
            Self::Denied(denied) => Some(denied.error.word()),
            _ => None,
        }
    }

    /// The same login with other data.
    pub fn map_data<U>(self, map: impl FnOnce(T) -> U) -> LoginOutcome<U> {
        match self {
            Self::Authorized(login) => LoginOutcome::Authorized(login.map_data(map)),
            Self::SteppedUp(StepUp { exchange, came_at, skew }) => {
                LoginOutcome::SteppedUp(StepUp { exchange: exchange.map_data(map), came_at, skew })
            }
            Self::Denied(Denied { origin, data, error, attributed_to, parameters, restart }) => {
                LoginOutcome::Denied(Denied { origin, data: map(data), error, attributed_to, parameters, restart })
            }
            Self::Returned(Returned { origin, data, parameters }) => {
                LoginOutcome::Returned(Returned { origin, data: map(data), parameters })
            }
        }
    }

    pub(super) fn into_parts(self) -> (Origin, T, UnverifiedParameters) {
        match self {
            Self::Authorized(Authorized { origin, data, parameters, .. })
            | Self::SteppedUp(StepUp { exchange: Authorized { origin, data, parameters, .. }, .. })
            | Self::Denied(Denied { origin, data, parameters, .. })
            | Self::Returned(Returned { origin, data, parameters }) => (origin, data, parameters),
        }
    }
}

/// A code, and the values needed to exchange it.
///
/// # Examples
///
/// ```
/// use oauth_state::{LoginOutcome, testing};
/// let LoginOutcome::Authorized(login) = testing::finished() else { panic!("the provider refused") };
/// let form = login.token_form(); // for your HTTP client, together with the client's own authentication
/// assert!(form.contains(&("grant_type", "authorization_code")) && form.contains(&("code", login.code.secret())));
/// ```
#[derive(Debug)]
#[must_use = "the code has to be exchanged with the code_verifier"]
#[non_exhaustive]
pub struct Authorized<T> {
    /// The origin that the state records.
    pub origin: Origin,
    /// Your own data.
    pub data: T,
    /// The code, for the token endpoint.
    pub code: Code,
    /// The verifier, for the token endpoint (RFC 7636 section 4.5); `None` if the provider's preset says that it rejects PKCE.
    pub code_verifier: Option<CodeVerifier>,
    /// Compare it with the ID token's (OpenID Connect Core section 3.1.3.7, rule 11); `None` if the login asked for no ID token.
    pub nonce: Option<Nonce>,
    /// The callback's other parameters: text from outside.
    pub parameters: UnverifiedParameters,
    pub(super) provider: Provider,
}

impl<T> Authorized<T> {
    /// The redirect_uri of the authorization request, which the token request must repeat (RFC 6749 section 4.1.3); `None` if the provider
    /// has none.
    #[must_use]
    pub fn redirect_uri(&self) -> Option<&str> {
        Some(&self.provider.redirect_uri_of(self.origin.redirect.as_deref())?.text)
    }

    /// The form of the token request (RFC 6749 section 4.1.3, RFC 7636 section 4.5): `grant_type`, `code`, and `redirect_uri`, `client_id`
    /// and `code_verifier` if there are any. You add the client's own authentication, such as a client secret.
    #[must_use]
    pub fn token_form(&self) -> Vec<(&'static str, &str)> {
        let optional = [
            ("redirect_uri", self.redirect_uri()),
            ("client_id", self.provider.client_id_or_none()),
            ("code_verifier", self.code_verifier.as_ref().map(CodeVerifier::secret)),
        ];
        let given = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
        [("grant_type", "authorization_code"), ("code", self.code.secret())].into_iter().chain(given).collect()
    }

    fn map_data<U>(self, map: impl FnOnce(T) -> U) -> Authorized<U> {
        let Self { origin, data, code, code_verifier, nonce, parameters, provider } = self;
        Authorized { origin, data: map(data), code, code_verifier, nonce, parameters, provider }
    }
}

/// The outcome of a [`Purpose::Reauthenticate`](crate::Purpose::Reauthenticate). It has the values for the exchange, and returns the
/// login's data once you have shown when the user authenticated.
///
/// # Examples
///
/// ```
/// # use oauth_state::outcome::StepUp;
/// # fn exchange(_: Vec<(&str, &str)>) -> (String, Option<u64>) { (String::new(), None) }
/// fn confirmed<T>(login: StepUp<T>, linked_subject: &str) -> Result<T, Box<dyn std::error::Error>> {
///     let (subject, auth_time) = exchange(login.token_form()); // of the verified ID token
///     if subject != linked_subject {
///         return Err("another person's account".into());
///     }
///     Ok(login.confirm(auth_time)?.data)
/// }
/// ```
#[derive(Debug)]
#[must_use = "until its time of authentication is confirmed, it proves nothing"]
pub struct StepUp<T> {
    pub(super) exchange: Authorized<T>,
    /// When its callback arrived, in Unix seconds.
    pub(super) came_at: u64,
    /// The allowed difference between two clocks, in seconds.
    pub(super) skew: u32,
}

/// A step-up whose time of authentication was confirmed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Confirmed<T> {
    /// The origin that the state records.
    pub origin: Origin,
    /// Your own data.
    pub data: T,
}

/// The user did not authenticate between the start of the step-up and its callback, or the ID token does not say when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the provider did not ask the user to authenticate again: auth_time is missing, or not between start and callback"
)]
pub struct StaleAuthentication;

impl<T> StepUp<T> {
    /// The code, for the token endpoint.
    #[must_use]
    pub fn code(&self) -> &Code {
        &self.exchange.code
    }

    /// The verifier, for the token endpoint; see [`Authorized::code_verifier`].
    #[must_use]
    pub fn code_verifier(&self) -> Option<&CodeVerifier> {
        self.exchange.code_verifier.as_ref()
    }

    /// Compare it with the ID token's; see [`Authorized::nonce`].
    #[must_use]
    pub fn nonce(&self) -> Option<&Nonce> {
        self.exchange.nonce.as_ref()
    }

    /// The callback's other parameters: text from outside.
    #[must_use]
    pub fn parameters(&self) -> &UnverifiedParameters {
        &self.exchange.parameters
    }

    /// The provider's id, to choose the token endpoint.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.exchange.origin.provider
    }

    /// The form of the token request; see [`Authorized::token_form`].
    #[must_use]
    pub fn token_form(&self) -> Vec<(&'static str, &str)> {
        self.exchange.token_form()
    }

    /// Returns the login if the user authenticated between its start and its callback. `auth_time` comes from the verified ID token, in
    /// Unix seconds (OpenID Connect Core section 2).
    ///
    /// # Errors
    ///
    /// [`StaleAuthentication`] if it is missing, or more than the ring's skew before the start or after the callback.
    ///
    /// # Security
    ///
    /// Compare the ID token's issuer and `sub` with the identity that is linked to the signed-in user before you call this: an attacker
    /// at an unlocked computer can answer the provider's prompt with an account of their own.
    pub fn confirm(self, auth_time: Option<u64>) -> Result<Confirmed<T>, StaleAuthentication> {
        let (started, skew) = (unix_seconds(self.exchange.origin.issued_at), u64::from(self.skew));
        let (earliest, latest) = (started.saturating_sub(skew), self.came_at.saturating_add(skew));
        let is_fresh = auth_time.is_some_and(|at| (earliest..=latest).contains(&at));
        if is_fresh { Ok(self.dangerously_confirm_without_auth_time()) } else { Err(StaleAuthentication) }
    }

    /// Returns the login without checking when the user authenticated, for providers whose tokens do not say.
    ///
    /// # Security
    ///
    /// It proves no fresh authentication: an attacker at an unlocked computer passes. Compare the account at the provider with the one
    /// that is linked to the signed-in user, as for [`StepUp::confirm`].
    #[must_use]
    pub fn dangerously_confirm_without_auth_time(self) -> Confirmed<T> {
        Confirmed { origin: self.exchange.origin, data: self.exchange.data }
    }
}

/// The provider's refusal: the state is used up.
#[derive(Debug)]
#[non_exhaustive]
pub struct Denied<T> {
    /// The origin that the state records.
    pub origin: Origin,
    /// Your own data.
    pub data: T,
    /// The error in the callback.
    pub error: AuthorizationError,
    /// The provider that sent the error, if the callback had an `iss` and it was checked; otherwise anyone may have sent it.
    pub attributed_to: Option<String>,
    /// The callback's other parameters, such as `error_description`: text from outside.
    pub parameters: UnverifiedParameters,
    /// Starts the same login again, for an error such as `temporarily_unavailable`.
    pub restart: Restart,
}

/// The return from a page that grants nothing: the state is used up.
#[derive(Debug)]
#[non_exhaustive]
pub struct Returned<T> {
    /// The origin that the state records.
    pub origin: Origin,
    /// Your own data.
    pub data: T,
    /// The callback's parameters, such as GitHub's `installation_id`: text from outside, which proves nothing.
    pub parameters: UnverifiedParameters,
}

/// The authorization code. `Debug` redacts it.
pub struct Code(pub(crate) String);

/// The PKCE code_verifier (RFC 7636 section 4.1), 43 characters. `Debug` redacts it.
pub struct CodeVerifier(pub(crate) String);

/// The nonce that the ID token must carry, 43 characters. `Debug` redacts it.
pub struct Nonce(pub(crate) String);

impl Code {
    /// The code, for the token endpoint.
    ///
    /// # Security
    ///
    /// Until the code is exchanged, anyone who has it and the verifier can sign in as the user.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl CodeVerifier {
    /// The verifier, for the token endpoint.
    ///
    /// # Security
    ///
    /// Send it only to the token endpoint of `origin.provider`.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl Nonce {
    /// The nonce, for a library that compares it with the ID token's.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Compares the ID token's `nonce` with this one, in constant time.
    #[must_use]
    pub fn matches(&self, id_token_nonce: &str) -> bool {
        equal_in_constant_time(self.0.as_bytes(), id_token_nonce.as_bytes())
    }
}

impl Callback {
    /// The code or the error, and the other parameters, all unchecked: for a store of your own, which checks the state itself.
    pub fn into_unverified(self) -> (Result<Option<Code>, AuthorizationError>, UnverifiedParameters) {
        let answer = match self.answer {
            Answer::Code(code) => Ok(Some(Code(code))),
            Answer::Nothing => Ok(None),
            Answer::Error(error) => Err(error),
        };
        (answer, self.others)
    }
}

macro_rules! redacted {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    )*};
}
redacted!(Code, CodeVerifier, Nonce);

macro_rules! cleared {
    ($($name:ident),*) => {$(
        // The text is cleared when the value is dropped; code that moves it out has to clear it.
        impl Drop for $name {
            fn drop(&mut self) {
                zeroize::Zeroize::zeroize(self.0.as_mut_str());
            }
        }
    )*};
}
// The nonce was in the authorization URL, so it is not secret.
cleared!(Code, CodeVerifier);

/// Your data could not be serialized to JSON, or deserialized from it. The error does not repeat the data.
#[derive(Debug, thiserror::Error)]
#[error("{what} at line {line}, column {column} of the data's JSON")]
pub struct DataError {
    what: &'static str,
    line: usize,
    column: usize,
}

impl From<serde_json::Error> for DataError {
    /// Keeps the position and drops the message, which may quote the data.
    fn from(error: serde_json::Error) -> Self {
        let what = match error.classify() {
            serde_json::error::Category::Data => "a value of another type or an unexpected field",
            serde_json::error::Category::Io => "a writing error",
            serde_json::error::Category::Syntax | serde_json::error::Category::Eof => "a syntax error",
        };
        Self { what, line: error.line(), column: error.column() }
    }
}
