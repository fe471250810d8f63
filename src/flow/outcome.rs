//! What a login ends in.

use std::fmt;

use crate::callback::{AuthorizationError, UnverifiedParameters};
use crate::claims::Origin;
use crate::secret::equal_in_constant_time;

/// A login that passed every check and the guard. The provider may still have said no.
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, LoginOutcome};
/// let LoginOutcome::Authorized(login) = testing::finished() else { panic!("the provider refused") };
/// assert_eq!(login.origin.provider, "github");
/// ```
#[derive(Debug)]
#[must_use = "a finished login holds the code to exchange, or the provider's refusal"]
#[non_exhaustive]
pub enum LoginOutcome<T> {
    /// The provider sent a code: exchange it, with the verifier, and compare the nonce.
    Authorized(Authorized<T>),
    /// The provider sent an error.
    Denied(Denied<T>),
}

impl<T> LoginOutcome<T> {
    /// What the state says of this login.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(oauth_state::testing::finished().origin().provider, "github");
    /// ```
    #[must_use]
    pub fn origin(&self) -> &Origin {
        let (Self::Authorized(Authorized { origin, .. }) | Self::Denied(Denied { origin, .. })) = self;
        origin
    }

    /// The same login with other data.
    pub(crate) fn with_data<U>(self, data: U) -> LoginOutcome<U> {
        match self {
            Self::Authorized(login) => {
                let Authorized { origin, code, code_verifier, nonce, parameters, .. } = login;
                LoginOutcome::Authorized(Authorized { origin, data, code, code_verifier, nonce, parameters })
            }
            Self::Denied(refusal) => {
                let Denied { origin, error, attributed_to, parameters, .. } = refusal;
                LoginOutcome::Denied(Denied { origin, data, error, attributed_to, parameters })
            }
        }
    }
}

/// A code, and what is needed to use it.
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, LoginOutcome};
/// let LoginOutcome::Authorized(login) = testing::finished() else { panic!("the provider refused") };
/// assert_eq!(login.code_verifier.secret().len(), 43);
/// ```
#[derive(Debug)]
#[must_use = "the code has to be exchanged with the code_verifier"]
#[non_exhaustive]
pub struct Authorized<T> {
    /// What the state says of this login.
    pub origin: Origin,
    /// The caller's data.
    pub data: T,
    /// For the token endpoint.
    pub code: Code,
    /// For the token endpoint (RFC 7636 section 4.5).
    pub code_verifier: CodeVerifier,
    /// To compare with the ID token's (OpenID Connect Core section 3.1.3.7, rule 11).
    pub nonce: Nonce,
    /// The callback's other parameters: text from outside.
    pub parameters: UnverifiedParameters,
}

/// The provider's refusal: the state is used up.
///
/// # Examples
///
/// ```
/// use oauth_state::outcome::AuthorizationError;
/// use oauth_state::testing;
/// let refusal = testing::provider_refusal();
/// assert_eq!(refusal.error, AuthorizationError::AccessDenied);
/// assert_eq!(refusal.attributed_to, None); // no `iss` vouches for it
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Denied<T> {
    /// What the state says of this login.
    pub origin: Origin,
    /// The caller's data.
    pub data: T,
    /// What the callback says.
    pub error: AuthorizationError,
    /// The provider that said so, if an `iss` was there and checked; otherwise anybody may have.
    pub attributed_to: Option<String>,
    /// The callback's other parameters, such as `error_description`: text from outside.
    pub parameters: UnverifiedParameters,
}

/// The authorization code. `Debug` redacts it.
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, LoginOutcome};
/// let LoginOutcome::Authorized(login) = testing::finished() else { panic!("the provider refused") };
/// assert_eq!(format!("{:?}", login.code), "Code([redacted])");
/// ```
pub struct Code(pub(crate) String);

/// The PKCE code_verifier (RFC 7636 section 4.1), 43 characters. `Debug` redacts it.
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, LoginOutcome};
/// let LoginOutcome::Authorized(login) = testing::finished() else { panic!("the provider refused") };
/// assert_eq!(format!("{:?}", login.code_verifier), "CodeVerifier([redacted])");
/// ```
pub struct CodeVerifier(pub(crate) String);

/// The nonce that the ID token must carry, 22 characters. `Debug` redacts it.
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, LoginOutcome};
/// let LoginOutcome::Authorized(login) = testing::finished() else { panic!("the provider refused") };
/// assert!(!login.nonce.matches("the nonce of another login"));
/// ```
pub struct Nonce(pub(crate) String);

impl Code {
    /// The code, for the token endpoint.
    ///
    /// # Security
    ///
    /// Anybody who has it and the verifier is the person, until it is used.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{testing, LoginOutcome};
    /// # let LoginOutcome::Authorized(login) = testing::finished() else { panic!("the provider refused") };
    /// assert_eq!(login.code.secret(), "code");
    /// ```
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
    /// It goes to the token endpoint of `origin.provider` and nowhere else.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{testing, LoginOutcome};
    /// # let LoginOutcome::Authorized(login) = testing::finished() else { panic!("the provider refused") };
    /// assert_eq!(login.code_verifier.secret().len(), 43);
    /// ```
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl Nonce {
    /// The nonce, for a library that compares it with the ID token's.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{testing, LoginOutcome};
    /// # let LoginOutcome::Authorized(login) = testing::finished() else { panic!("the provider refused") };
    /// assert_eq!(login.nonce.secret().len(), 22);
    /// ```
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Whether the ID token's `nonce` is this one, compared in constant time.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{testing, LoginOutcome};
    /// # let LoginOutcome::Authorized(login) = testing::finished() else { panic!("the provider refused") };
    /// let id_token_nonce = login.nonce.secret().to_owned();
    /// assert!(login.nonce.matches(&id_token_nonce));
    /// ```
    #[must_use]
    pub fn matches(&self, id_token_nonce: &str) -> bool {
        equal_in_constant_time(self.0.as_bytes(), id_token_nonce.as_bytes())
    }
}

macro_rules! redacted {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
        // The text goes out of memory with the value; one that was moved out is its new owner's to clear.
        impl Drop for $name {
            fn drop(&mut self) {
                zeroize::Zeroize::zeroize(&mut self.0);
            }
        }
    )*};
}
redacted!(Code, CodeVerifier, Nonce);

/// The caller's data did not become JSON, or did not come back from it. It does not repeat the data.
///
/// # Examples
///
/// ```
/// use oauth_state::error::DataError;
/// fn is_error<E: std::error::Error + Send + Sync>() -> bool { true }
/// assert!(is_error::<DataError>());
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{what} at line {line}, column {column} of the data's JSON")]
pub struct DataError {
    what: &'static str,
    line: usize,
    column: usize,
}

impl From<serde_json::Error> for DataError {
    /// Keeps the place and drops the words, which may quote the data.
    fn from(error: serde_json::Error) -> Self {
        let what = match error.classify() {
            serde_json::error::Category::Data => "a value of another type or an unexpected field",
            serde_json::error::Category::Io => "a writing error",
            serde_json::error::Category::Syntax | serde_json::error::Category::Eof => "a syntax error",
        };
        Self { what, line: error.line(), column: error.column() }
    }
}
