//! Flows whose states are signed and not encrypted.

use super::{ConfigError, Flow, FlowBuilder};
use crate::token::wire::Form;

/// Data that may stand in a signed state, where anybody can read it: in the address bar and the browser's history, in the logs
/// of proxies, at the provider.
///
/// Implement it for a type that holds nothing personal and nothing secret, whatever its values: the marker is what says so in the
/// service's own code. `()` is public.
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
    message = "anybody can read a signed state, and `{Self}` is not marked as public",
    note = "if no value of it is personal or secret, write `impl PublicData for {Self} {{}}`; otherwise use `FlowBuilder::build`, \
            which encrypts"
)]
pub trait PublicData {}

impl PublicData for () {}

impl<T: PublicData> FlowBuilder<T> {
    /// Checks the configuration as [`FlowBuilder::build`] does, and makes a flow whose states (`oss1…`) are signed and **not
    /// encrypted**: for an edge proxy or a page that must read provider and return path without a key. Everybody else should build
    /// with [`FlowBuilder::build`].
    ///
    /// A state is 16 bytes longer, which counts against the provider's limit. The flow refuses encrypted states as `malformed`, as one
    /// that encrypts refuses signed ones; `Migration` of `oauth-state-store` moves a running service from one to the other.
    ///
    /// # Security
    ///
    /// Anybody who sees the URL reads the provider, the tenant, the redirect id, the return path, the data, when the login began, what
    /// it is bound by, and whether somebody was signed in. Nobody changes any of it, and neither the code_verifier nor the OpenID
    /// Connect nonce is in it. What is read without a key is an attacker's text: anybody writes a state that nobody signed. Only what a
    /// callback has finished is true.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] says what cannot work and what to change.
    pub fn build_signed_not_encrypted(self) -> Result<Flow<T>, ConfigError> {
        self.build_form(Form::Signed)
    }
}
