//! What a login belongs to: the application and its environment, the purpose, and the rule for short names.

use std::fmt;

use crate::framing::length_prefixed;

/// The longest name, in bytes.
const LONGEST: usize = 32;

/// A name that this crate does not take.
///
/// Names travel inside the state and stand in derivations, so they are short and have one spelling.
///
/// # Examples
///
/// ```
/// use oauth_state::App;
/// let error = App::new("My Shop", "production").unwrap_err();
/// assert_eq!(error.to_string(), "the application name must be 1 to 32 of a-z, 0-9, '.', '_' and '-'");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {what} must be 1 to 32 of a-z, 0-9, '.', '_' and '-'")]
pub struct NameError {
    what: &'static str,
}

/// Whether `name` keeps the rule for names.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
}

/// Checks `name`; `what` names it in the error.
pub(crate) fn check(what: &'static str, name: &str) -> Result<(), NameError> {
    if is_name(name) { Ok(()) } else { Err(NameError { what }) }
}

/// The application and the environment that a key ring seals for.
///
/// Both go into the derivation of every key and into the associated data, so that a state of `staging` never opens in
/// `production`, nor one of another application that was given the same root key.
///
/// # Examples
///
/// ```
/// use oauth_state::App;
/// let app = App::new("shop", "production")?;
/// assert_eq!((app.name(), app.environment()), ("shop", "production"));
/// # Ok::<(), oauth_state::error::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    name: Box<str>,
    environment: Box<str>,
}

impl App {
    /// Names the application and the environment: each 1 to 32 bytes of `a-z`, `0-9`, `.`, `_` and `-`.
    ///
    /// # Errors
    ///
    /// [`NameError`] says which of the two is not such a name.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::App;
    /// assert!(App::new("shop", "").is_err());
    /// ```
    pub fn new(name: &str, environment: &str) -> Result<Self, NameError> {
        check("application name", name)?;
        check("environment", environment)?;
        Ok(Self { name: name.into(), environment: environment.into() })
    }

    /// The application's name.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::App;
    /// assert_eq!(App::new("shop", "test").unwrap().name(), "shop");
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The environment.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::App;
    /// assert_eq!(App::new("shop", "test").unwrap().environment(), "test");
    /// ```
    #[must_use]
    pub fn environment(&self) -> &str {
        &self.environment
    }
}

/// What a login is for. A state begun for one purpose is never accepted for another.
///
/// The purpose goes into the derivation of the keys, so that each has keys and key ids of its own.
///
/// # Examples
///
/// ```
/// use oauth_state::Purpose;
/// assert_eq!(Purpose::Login.to_string(), "login");
/// // The caller's own purposes have a prefix of their own:
/// assert_eq!(Purpose::Custom("login").to_string(), "custom:login");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// Signing a person in.
    Login,
    /// Attaching an identity at a provider to an account that is signed in. Needs a user; see
    /// [`Binding::for_user`](crate::Binding::for_user).
    Link,
    /// Asking a person who is signed in to prove it once more. Needs a user, too.
    Reauthenticate,
    /// A purpose of the caller's own, 1 to 32 bytes of `a-z`, `0-9`, `.`, `_` and `-`. If its callback changes something that
    /// belongs to an account, register it with [`FlowBuilder::purpose_for_user`](crate::FlowBuilder::purpose_for_user), which
    /// gives it the rules of `Link`.
    Custom(&'static str),
}

impl Purpose {
    /// The purposes that every verifier knows, so as to tell `wrong_purpose` from `unknown_key`.
    pub(crate) const STANDARD: [Self; 3] = [Self::Login, Self::Link, Self::Reauthenticate];

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

    /// Appends the purpose, the application and the environment, each with its length.
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
            // The prefix keeps `custom("login")` from ever deriving the keys of `login`.
            Self::Custom(name) => write!(f, "custom:{name}"),
        }
    }
}

#[cfg(test)]
mod tests;
