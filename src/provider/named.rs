//! Constructors for the providers of the preset table.

use super::presets;
use super::{Preset, PresetError, Provider, RedirectUri, is_loopback};
use crate::name;

impl Provider {
    /// GitHub, id `github`.
    #[must_use]
    pub fn github() -> Self {
        presets::GITHUB.provider()
    }

    /// Google, id `google`. If `iss` is sent, it must be `https://accounts.google.com`.
    #[must_use]
    pub fn google() -> Self {
        presets::GOOGLE.provider()
    }

    /// Microsoft Entra, id `entra`. Measured: it refuses a state of more than about 1800 characters.
    #[must_use]
    pub fn entra() -> Self {
        presets::ENTRA.provider()
    }

    /// Microsoft, by its better-known name; the same as [`entra`](Self::entra), with the id `entra`.
    #[must_use]
    pub fn microsoft() -> Self {
        Self::entra()
    }

    /// Apple, id `apple`. It uses form_post as soon as a scope is requested.
    #[must_use]
    pub fn apple() -> Self {
        presets::APPLE.provider()
    }

    /// X, id `x`. It accepts up to 500 characters of state.
    #[must_use]
    pub fn x() -> Self {
        presets::X.provider()
    }

    /// GitLab, id `gitlab`, for gitlab.com. Use [`oidc`](Self::oidc) for a self-managed instance.
    #[must_use]
    pub fn gitlab() -> Self {
        presets::GITLAB.provider()
    }

    /// Discord, id `discord`. If `iss` is sent, it must be `https://discord.com`.
    #[must_use]
    pub fn discord() -> Self {
        presets::DISCORD.provider()
    }

    /// LinkedIn, id `linkedin`.
    #[must_use]
    pub fn linkedin() -> Self {
        presets::LINKEDIN.provider()
    }

    /// Slack, id `slack`.
    #[must_use]
    pub fn slack() -> Self {
        presets::SLACK.provider()
    }

    /// Facebook, id `facebook`.
    #[must_use]
    pub fn facebook() -> Self {
        presets::FACEBOOK.provider()
    }

    /// A preset by its id. Okta, Auth0, Keycloak and Cognito have an issuer for each customer; this constructor sets none.
    ///
    /// # Errors
    ///
    /// [`PresetError::Unknown`] if there is no such preset.
    pub fn preset(id: &str) -> Result<Self, PresetError> {
        Preset::find(id).map(Preset::provider).ok_or_else(|| PresetError::Unknown(id.to_owned()))
    }

    /// Okta, id `okta`, with the issuer of your authorization server, such as `https://dev-1.okta.com/oauth2/default`. If `iss` is sent, it
    /// must equal the issuer.
    ///
    /// # Errors
    ///
    /// [`PresetError::Issuer`] if it is not an issuer identifier.
    pub fn okta(issuer: &str) -> Result<Self, PresetError> {
        presets::OKTA.provider().with_issuer(issuer)
    }

    /// Auth0, id `auth0`, with the issuer of your tenant, `https://shop.eu.auth0.com/`. Auth0's issuers end in a slash, which is added
    /// if it is missing. If `iss` is sent, it must equal the issuer.
    ///
    /// # Errors
    ///
    /// [`PresetError::Issuer`] if it is not an issuer identifier.
    pub fn auth0(issuer: &str) -> Result<Self, PresetError> {
        let slash = if issuer.ends_with('/') { "" } else { "/" };
        presets::AUTH0.provider().with_issuer(&format!("{issuer}{slash}"))
    }

    /// Keycloak, id `keycloak`, with the issuer of your realm, such as `https://login.shop.example/realms/shop`. It has sent `iss` since
    /// version 23, unless a client's settings disable it. If `iss` is sent, it must equal the issuer; [`requires_iss`](Self::requires_iss)
    /// also requires that it is sent.
    ///
    /// # Errors
    ///
    /// [`PresetError::Issuer`] if it is not an issuer identifier.
    pub fn keycloak(issuer: &str) -> Result<Self, PresetError> {
        presets::KEYCLOAK.provider().with_issuer(issuer)
    }

    /// Amazon Cognito, id `cognito`, with the issuer of your user pool, such as
    /// `https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf`. If `iss` is sent, it must equal the issuer.
    ///
    /// # Errors
    ///
    /// [`PresetError::Issuer`] if it is not an issuer identifier.
    pub fn cognito(issuer: &str) -> Result<Self, PresetError> {
        presets::COGNITO.provider().with_issuer(issuer)
    }

    /// Any OpenID provider, by an id of your choice and its issuer. If `iss` is sent, it must equal the issuer. The scopes are `openid`,
    /// `profile` and `email`. Use this for two tenants of one product in the same flow, which need two ids.
    ///
    /// # Errors
    ///
    /// [`PresetError`] if the id is not a valid name (see [`custom`](Self::custom)), or the issuer is not an issuer identifier.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::testing::{self, TestBrowser};
    /// use oauth_state::{App, Flow, Login, Provider, SingleProcessGuard};
    ///
    /// let acme = Provider::oidc("acme", "https://login.acme.example")?
    ///     .authorization_endpoint("https://login.acme.example/authorize")
    ///     .client_id("shop")
    ///     .redirect_uri("https://shop.example/auth/acme/callback");
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    ///     .provider(acme)
    ///     .build()?;
    /// let url = flow.begin(TestBrowser::default().binding(), Login::with("acme"))?.url()?.to_string();
    /// assert!(url.contains("&scope=openid+profile+email&") && url.contains("&nonce="));
    ///
    /// for issuer in ["login.acme.example", "http://login.acme.example", "https://login.acme.example?tenant=1"] {
    ///     assert!(Provider::oidc("acme", issuer).is_err());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn oidc(id: &str, issuer: &str) -> Result<Self, PresetError> {
        name::check_provider_id(id)?;
        presets::OIDC.provider().with(|settings| settings.id = id.to_owned()).with_issuer(issuer)
    }

    fn with_issuer(self, issuer: &str) -> Result<Self, PresetError> {
        if is_issuer(issuer) { Ok(self.issuer(issuer)) } else { Err(PresetError::Issuer) }
    }
}

/// RFC 8414 section 2: https, without query and fragment. Plain http is allowed for a provider on the developer's own machine.
fn is_issuer(issuer: &str) -> bool {
    let Some(RedirectUri { scheme, host: Some(host), .. }) = RedirectUri::parse(issuer) else { return false };
    !issuer.contains('?') && (scheme == "https" || is_loopback(&host))
}
