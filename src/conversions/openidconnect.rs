//! Conversions to the types of the `openidconnect` crate. It re-exports the types of `oauth2`, so the conversions of that feature work here
//! as well.

use crate::flow::{AuthorizationRequest, Nonce};

impl AuthorizationRequest {
    /// The nonce, as `authorize_url` accepts it; `None` if the login asks for no ID token.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{App, Binding, Flow, Login, Provider, SingleProcessGuard, testing};
    /// use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreJsonWebKeySet};
    /// use openidconnect::{AuthUrl, ClientId, IssuerUrl};
    ///
    /// let issuer = IssuerUrl::new("https://accounts.google.com".to_owned())?;
    /// let client = CoreClient::new(ClientId::new("my-client".to_owned()), issuer, CoreJsonWebKeySet::default())
    ///     .set_auth_uri(AuthUrl::new("https://accounts.google.com/o/oauth2/v2/auth".to_owned())?);
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    ///     .provider(Provider::google())
    ///     .build()?;
    ///
    /// let request = flow.begin(Binding::session(&[7; 16])?, Login::with("google"))?;
    /// let (state, nonce) = (request.csrf_token(), request.openidconnect_nonce().ok_or("asks for no ID token")?);
    /// let mut authorize = client.authorize_url(CoreAuthenticationFlow::AuthorizationCode, || state, || nonce);
    /// if let Some(challenge) = request.pkce_challenge() {
    ///     authorize = authorize.set_pkce_challenge(challenge);
    /// }
    /// assert!(authorize.url().0.as_str().contains("&nonce="));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn openidconnect_nonce(&self) -> Option<openidconnect::Nonce> {
        self.nonce.clone().map(openidconnect::Nonce::new)
    }
}

/// For `IdToken::claims`, which compares it.
impl From<Nonce> for openidconnect::Nonce {
    fn from(mut nonce: Nonce) -> Self {
        Self::new(std::mem::take(&mut nonce.0))
    }
}

impl From<&Nonce> for openidconnect::Nonce {
    fn from(nonce: &Nonce) -> Self {
        Self::new(nonce.0.clone())
    }
}
