//! Flows whose states are signed and not encrypted.

use super::{ConfigError, Flow, FlowBuilder};
use crate::token::wire::Form;

/// Data that may be part of a signed state, which anyone can read: in the address bar, the browser's history, the logs of proxies, and at
/// the provider.
///
/// Implement it for a type whose values never hold anything personal or secret: with this marker, your code declares them public. `()` is
/// public.
///
/// # Examples
///
/// ```
/// use oauth_state::inspect::{PublicData, UnverifiedClaims};
/// use oauth_state::{testing, App, Binding, Flow, Login, Provider, SingleProcessGuard};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Language(String);
/// impl PublicData for Language {}
///
/// let guard = SingleProcessGuard::with_capacity(100);
/// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), guard)
///     .carrying::<Language>()
///     .provider(Provider::github())
///     .build_signed_not_encrypted()?;
/// let begun = flow.begin(Binding::session(&[7; 16])?, Login::with("github").data(Language("gsw".to_owned())))?;
/// assert_eq!(UnverifiedClaims::read(&begun.state).unwrap().data, br#""gsw""#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A type without the marker does not build:
///
/// ```compile_fail,E0277
/// # use oauth_state::{testing, App, Flow, Provider, SingleProcessGuard};
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct EmailAddress(String);
///
/// let guard = SingleProcessGuard::with_capacity(100);
/// let flow = Flow::builder(App::new("shop", "test").unwrap(), testing::ring(), guard)
///     .carrying::<EmailAddress>()
///     .provider(Provider::github())
///     .build_signed_not_encrypted();
/// ```
#[diagnostic::on_unimplemented(
    message = "anyone can read a signed state, and `{Self}` is not marked as public",
    note = "if no value of it is personal or secret, write `impl PublicData for {Self} {{}}`; otherwise use `FlowBuilder::build`, \
            which encrypts"
)]
pub trait PublicData {}

impl PublicData for () {}

impl<T: PublicData> FlowBuilder<T> {
    /// Checks the configuration as [`FlowBuilder::build`] does, and builds a flow whose states (`oss1…`) are signed and **not encrypted**,
    /// for an edge proxy or a page that must read provider and return path without a key. All other applications should use
    /// [`FlowBuilder::build`].
    ///
    /// A state is 16 bytes longer, which counts toward the provider's limit. The flow refuses encrypted states as `malformed`, just as an
    /// encrypting flow refuses signed ones; `Migration` of `oauth-state-store` moves a running service from one to the other.
    ///
    /// # Security
    ///
    /// Anyone who sees the URL can read the provider, the tenant, the redirect id, the return path, the data, the start time of the login,
    /// its binding and whether a user was signed in. They cannot change any of it, and it contains neither the code_verifier nor the OpenID
    /// Connect nonce. Text that is read without a key may come from an attacker, who can write a state and leave out the signature. Trust
    /// it only after the callback has been finished.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] says what cannot work and what to change.
    pub fn build_signed_not_encrypted(self) -> Result<Flow<T>, ConfigError> {
        self.build_form(Form::Signed)
    }
}
