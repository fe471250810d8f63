//! Conversions to the types of the `oauth2` and `openidconnect` crates.

use oauth2::{CsrfToken, PkceCodeChallenge};

use crate::Issued;

impl Issued {
    /// The state, as `authorize_url` expects it.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth2::{AuthUrl, ClientId, basic::BasicClient};
    /// use oauth_state::testing::{self, block_on};
    /// use oauth_state::{Binding, Login};
    /// use oauth_state_store::StateStore;
    ///
    /// let client = BasicClient::new(ClientId::new("my-client".to_owned()))
    ///     .set_auth_uri(AuthUrl::new("https://github.com/login/oauth/authorize".to_owned())?);
    ///
    /// let issued = block_on(testing::flow().issue(Binding::session(&[7; 16])?, Login::with("github")))?;
    /// let mut request = client.authorize_url(|| issued.csrf_token());
    /// if let Some(challenge) = issued.pkce_challenge() {
    ///     request = request.set_pkce_challenge(challenge); // a legacy store may have none
    /// }
    /// assert!(request.url().0.as_str().contains("&code_challenge_method=S256"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn csrf_token(&self) -> CsrfToken {
        CsrfToken::new(self.state.clone())
    }

    /// The challenge, as `set_pkce_challenge` expects it, if the store has one.
    #[must_use]
    pub fn pkce_challenge(&self) -> Option<PkceCodeChallenge> {
        let challenge = self.code_challenge.as_deref()?;
        // The type has no constructor from a challenge, but it has a documented serde form.
        let fields = serde_json::json!({ "code_challenge": challenge, "code_challenge_method": "S256" });
        serde_json::from_value(fields).ok()
    }

    /// The nonce, as `authorize_url` of `openidconnect` expects it, if the store has one; see
    /// [`AuthorizationRequest::openidconnect_nonce`](oauth_state::AuthorizationRequest::openidconnect_nonce) for an
    /// example.
    #[cfg(feature = "openidconnect")]
    #[must_use]
    pub fn openidconnect_nonce(&self) -> Option<openidconnect::Nonce> {
        self.nonce.clone().map(openidconnect::Nonce::new)
    }
}
