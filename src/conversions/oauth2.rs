//! Conversions to the types of the `oauth2` crate.

use oauth2::{AuthorizationCode, CsrfToken, PkceCodeChallenge, PkceCodeVerifier};

use crate::flow::{AuthorizationRequest, Code, CodeVerifier};

impl AuthorizationRequest {
    /// The state, as `authorize_url` takes it.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, Binding, Login};
    /// let begun = testing::flow().begin(Binding::session(&[7; 16])?, Login::with("github"))?;
    /// assert_eq!(begun.csrf_token().secret(), &begun.state);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn csrf_token(&self) -> CsrfToken {
        CsrfToken::new(self.state.clone())
    }

    /// The challenge, as `set_pkce_challenge` takes it.
    ///
    /// # Panics
    ///
    /// Never: the two fields are of the type's own form.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, Binding, Login};
    /// let begun = testing::flow().begin(Binding::session(&[7; 16])?, Login::with("github"))?;
    /// let challenge = begun.pkce_challenge();
    /// assert_eq!((challenge.as_str(), challenge.method().as_str()), (begun.code_challenge.as_str(), "S256"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn pkce_challenge(&self) -> PkceCodeChallenge {
        pkce_challenge(&self.code_challenge)
    }
}

#[expect(clippy::expect_used, reason = "two strings under the two names that the type has; a test holds it")]
pub(crate) fn pkce_challenge(code_challenge: &str) -> PkceCodeChallenge {
    // The type has no constructor from a challenge, but it has a documented serde form.
    let fields = serde_json::json!({ "code_challenge": code_challenge, "code_challenge_method": "S256" });
    serde_json::from_value(fields).expect("a challenge and its method")
}

/// For `exchange_code`.
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, LoginOutcome};
/// let LoginOutcome::Authorized(login) = testing::finished() else { panic!("the provider refused") };
/// let code: oauth2::AuthorizationCode = login.code.into();
/// assert_eq!(code.secret(), "code");
/// ```
impl From<Code> for AuthorizationCode {
    fn from(mut code: Code) -> Self {
        Self::new(std::mem::take(&mut code.0))
    }
}

/// For `set_pkce_verifier`.
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, LoginOutcome};
/// let LoginOutcome::Authorized(login) = testing::finished() else { panic!("the provider refused") };
/// let verifier: oauth2::PkceCodeVerifier = login.code_verifier.into();
/// assert_eq!(verifier.secret().len(), 43);
/// ```
impl From<CodeVerifier> for PkceCodeVerifier {
    fn from(mut verifier: CodeVerifier) -> Self {
        Self::new(std::mem::take(&mut verifier.0))
    }
}
