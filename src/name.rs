//! The application and its environment, the purpose of a login, and the rule for short names.

use std::fmt;

use crate::framing::length_prefixed;

/// The longest name, in bytes.
const LONGEST: usize = 32;
/// The longest id of a provider, in bytes.
const LONGEST_PROVIDER_ID: usize = 64;

/// A name that this crate does not accept.
///
/// Names are part of the state and of key derivations, so they are short and have one spelling.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {what} must be {rule}")]
pub struct NameError {
    what: &'static str,
    rule: &'static str,
}

/// Whether `name` follows the rule for names.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
}

/// Checks `name`; `what` describes it in the error.
pub(crate) fn check(what: &'static str, name: &str) -> Result<(), NameError> {
    if is_name(name) { Ok(()) } else { Err(NameError { what, rule: "1 to 32 of a-z, 0-9, '.', '_' and '-'" }) }
}

/// Whether `id` may name a provider: longer than other names, and in upper and lower case, because databases generate such ids (ULID,
/// UUID). Browsers remove `.` and `..` from a callback's path.
pub(crate) fn is_provider_id(id: &str) -> bool {
    (1..=LONGEST_PROVIDER_ID).contains(&id.len())
        && !matches!(id, "." | "..")
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// Checks the id of a provider.
pub(crate) fn check_provider_id(id: &str) -> Result<(), NameError> {
    let error =
        NameError { what: "provider id", rule: "1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-', and not '.' or '..'" };
    if is_provider_id(id) { Ok(()) } else { Err(error) }
}

/// The application and the environment that a key ring seals for.
///
/// Both are part of every key derivation and of the associated data, so a state of `staging` never opens in `production`, nor one of
/// another application with the same root key.
///
/// # Examples
///
/// ```
/// use oauth_state::testing::{self, TestBrowser};
/// use oauth_state::{App, Expect, Flow, Login, Provider, SingleProcessGuard};
///
/// let flow = |app| {
///     let guard = SingleProcessGuard::with_capacity(100);
///     Flow::builder(app, testing::ring(), guard).provider(Provider::github()).build()
/// };
/// let (staging, production) = (flow(App::new("shop", "staging")?)?, flow(App::new("shop", "production")?)?);
///
/// let browser = TestBrowser::follow(&staging.begin(TestBrowser::default().binding(), Login::with("github"))?);
/// let check = |server: &Flow| server.check(browser.binding(), Expect::provider("github"), browser.callback());
/// assert!(check(&staging).is_ok());
/// assert_eq!(check(&production).unwrap_err().code(), "unknown_key");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    name: Box<str>,
    environment: Box<str>,
}

impl App {
    /// Sets the application and the environment: each 1 to 32 bytes of `a-z`, `0-9`, `.`, `_` and `-`.
    ///
    /// # Errors
    ///
    /// [`NameError`] says which of the two is not a valid name.
    pub fn new(name: &str, environment: &str) -> Result<Self, NameError> {
        check("application name", name)?;
        check("environment", environment)?;
        Ok(Self { name: name.into(), environment: environment.into() })
    }

    /// The application's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The environment.
    #[must_use]
    pub fn environment(&self) -> &str {
        &self.environment
    }
}

/// The purpose of a login. A state that was started for one purpose is never accepted for another.
///
/// The purpose is part of the key derivation, so each has its own keys and key ids. A custom purpose is written with a prefix, as in
/// `custom:admin`, so that `Custom("login")` is not `Login`.
///
/// # Examples
///
/// ```
/// use oauth_state::testing::{self, TestBrowser};
/// use oauth_state::{App, Expect, Flow, Login, Provider, Purpose, SingleProcessGuard};
///
/// let admin = Purpose::Custom("admin");
/// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
///     .provider(Provider::github())
///     .purpose(Purpose::Login)
///     .purpose(admin)
///     .build()?;
/// let browser = TestBrowser::follow(&flow.begin(TestBrowser::default().binding(), Login::with("github"))?);
///
/// let check = |expect| flow.check(browser.binding(), expect, browser.callback());
/// assert!(check(Expect::provider("github")).is_ok()); // the flow's first purpose
/// assert_eq!(check(Expect::provider("github").purpose(admin)).unwrap_err().code(), "wrong_purpose");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// Signing a user in.
    Login,
    /// Attaching an identity at a provider to the account of a signed-in user. Needs a user; see
    /// [`Binding::for_user`](crate::Binding::for_user).
    Link,
    /// Asking a signed-in user to authenticate again. Needs a user, too.
    Reauthenticate,
    /// Signing out at the provider (OpenID Connect RP-Initiated Logout 1.0). Its callback has neither code nor error.
    Logout,
    /// A custom purpose, 1 to 32 bytes of `a-z`, `0-9`, `.`, `_` and `-`. If its callback changes something that
    /// belongs to an account, register it with [`FlowBuilder::purpose_for_user`](crate::FlowBuilder::purpose_for_user), which
    /// gives it the rules of `Link`.
    Custom(&'static str),
}

impl Purpose {
    /// The purposes that every verifier knows, to tell `wrong_purpose` from `unknown_key`.
    pub(crate) const STANDARD: [Self; 4] = [Self::Login, Self::Link, Self::Reauthenticate, Self::Logout];

    /// Whether the state must name the signed-in user, and may never be unbound.
    pub(crate) const fn needs_user(self) -> bool {
        matches!(self, Self::Link | Self::Reauthenticate)
    }

    pub(crate) fn check(self) -> Result<(), NameError> {
        match self {
            Self::Custom(name) => check("purpose", name),
            _ => Ok(()),
        }
    }

    /// Appends the purpose, the application and the environment, each with a length prefix.
    pub(crate) fn frame_with(self, app: &App, out: &mut Vec<u8>) {
        length_prefixed(self.to_string().as_bytes(), out);
        length_prefixed(app.name.as_bytes(), out);
        length_prefixed(app.environment.as_bytes(), out);
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login => f.write_str("login"),
            Self::Link => f.write_str("link"),
            Self::Reauthenticate => f.write_str("reauthenticate"),
            Self::Logout => f.write_str("logout"),
            // The prefix keeps `custom("login")` from ever deriving the keys of `login`.
            Self::Custom(name) => write!(f, "custom:{name}"),
        }
    }
}

#[cfg(test)]
mod tests;
