//! Conversions to the types of the `oauth2` crate.

use oauth2::{AuthorizationCode, CsrfToken, PkceCodeChallenge, PkceCodeVerifier};

use crate::flow::{AuthorizationRequest, Code, CodeVerifier};

impl AuthorizationRequest {
    /// The state, as `authorize_url` accepts it.
    pub fn csrf_token(&self) -> CsrfToken {
        CsrfToken::new(self.state.clone())
    }

    /// The challenge with the method `S256`, as `set_pkce_challenge` accepts it; `None` if the provider's preset says that it rejects PKCE.
    /// [`AuthorizationRequest::url`] needs neither.
    ///
    /// # Panics
    ///
    /// Never: the two fields have the type's own form.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{Binding, Login, testing};
    /// use oauth2::{AuthUrl, ClientId, basic::BasicClient};
    ///
    /// let client = BasicClient::new(ClientId::new("my-client".to_owned()))
    ///     .set_auth_uri(AuthUrl::new("https://github.com/login/oauth/authorize".to_owned())?);
    ///
    /// let request = testing::flow().begin(Binding::session(&[7; 16])?, Login::with("github"))?;
    /// let mut authorize = client.authorize_url(|| request.csrf_token());
    /// if let Some(challenge) = request.pkce_challenge() {
    ///     authorize = authorize.set_pkce_challenge(challenge);
    /// }
    /// assert!(authorize.url().0.as_str().contains("&code_challenge_method=S256"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn pkce_challenge(&self) -> Option<PkceCodeChallenge> {
        self.code_challenge.as_deref().map(pkce_challenge)
    }
}

#[expect(clippy::expect_used, reason = "two strings under the two names that the type has; a test holds it")]
pub(crate) fn pkce_challenge(code_challenge: &str) -> PkceCodeChallenge {
    // The type has no constructor from a challenge, but a documented serde form.
    let fields = serde_json::json!({ "code_challenge": code_challenge, "code_challenge_method": "S256" });
    serde_json::from_value(fields).expect("a challenge and its method")
}

/// For `exchange_code`.
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
/// use oauth_state::outcome::{Code, CodeVerifier};
/// use oauth2::{ClientId, TokenUrl, basic::BasicClient};
///
/// let client = BasicClient::new(ClientId::new("my-client".to_owned()))
///     .set_token_uri(TokenUrl::new("https://github.com/login/oauth/access_token".to_owned())?);
///
/// let exchange = |code: Code, verifier: CodeVerifier| {
///     client.exchange_code(code.into()).set_pkce_verifier(verifier.into()) // then .request_async(&your_http_client)
/// };
/// # Ok::<(), oauth2::url::ParseError>(())
/// ```
impl From<CodeVerifier> for PkceCodeVerifier {
    fn from(mut verifier: CodeVerifier) -> Self {
        Self::new(std::mem::take(&mut verifier.0))
    }
}

/// For a [`StepUp`](crate::outcome::StepUp), which keeps its code until it is confirmed.
impl From<&Code> for AuthorizationCode {
    fn from(code: &Code) -> Self {
        Self::new(code.0.clone())
    }
}

impl From<&CodeVerifier> for PkceCodeVerifier {
    fn from(verifier: &CodeVerifier) -> Self {
        Self::new(verifier.0.clone())
    }
}
