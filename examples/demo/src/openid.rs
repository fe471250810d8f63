//! OpenID Connect, for a provider that the tests bring: discovery, and an ID token with this login's nonce.

use oauth_state::{AuthorizationRequest, AuthorizationUrl, Authorized};
use openidconnect::core::{CoreClient, CoreProviderMetadata};
use openidconnect::{
    ClientId, ClientSecret, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, RedirectUrl,
    RequestTokenError, TokenResponse,
};
use tokio::sync::OnceCell;

use crate::exchanged::Exchanged;
use crate::settings::{BegunOn, Settings};
use crate::{Failure, http_client};

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// A client of an OpenID provider.
pub struct OpenId {
    issuer: String,
    client_id: String,
    client_secret: String,
    redirect_uri: String,
    client: OnceCell<Client>,
}

impl OpenId {
    /// A client that asks for the provider's metadata when it first needs them.
    pub fn new(settings: &Settings) -> Self {
        Self {
            issuer: settings.issuer.clone(),
            client_id: settings.client_id.clone(),
            client_secret: settings.client_secret.clone(),
            redirect_uri: format!("{}/callback", settings.public),
            client: OnceCell::new(),
        }
    }

    /// Where to send the user.
    pub async fn authorization_url(&self, begun: &AuthorizationRequest) -> Result<AuthorizationUrl, Failure> {
        Ok(begun.url_at(self.client().await?.auth_uri().as_str())?)
    }

    /// Exchanges the code and accepts the ID token only with this login's nonce.
    pub async fn exchange(&self, login: Authorized<BegunOn>) -> Exchanged {
        let Ok(client) = self.client().await else {
            return Exchanged::Failed("provider_unreachable", "The provider could not be reached.");
        };
        let Some(nonce) = login.nonce.map(Nonce::from) else {
            return Exchanged::Failed("no_nonce", "The login has no nonce.");
        };
        let Ok(mut exchange) = client.exchange_code(login.code.into()) else {
            return Exchanged::Failed("provider_error", "The provider has no token endpoint.");
        };
        if let Some(verifier) = login.code_verifier {
            exchange = exchange.set_pkce_verifier(verifier.into());
        }
        let tokens = match exchange.request_async(&http_client::send).await {
            Ok(tokens) => tokens,
            Err(RequestTokenError::ServerResponse(refused)) => {
                return Exchanged::Refused(refused.error().as_ref().to_owned());
            }
            Err(_) => return Exchanged::Failed("provider_error", "The provider did not answer the exchange."),
        };
        let claims = tokens.id_token().and_then(|token| token.claims(&client.id_token_verifier(), &nonce).ok());
        match claims {
            Some(claims) => Exchanged::Subject(claims.subject().as_str().to_owned()),
            None => Exchanged::Failed("id_token_refused", "The ID token, or its nonce, was not this login's."),
        }
    }

    /// The provider's metadata and keys, fetched once. A long-running service fetches them again from time to time, and when an
    /// ID token names a key that it does not have.
    async fn client(&self) -> Result<&Client, Failure> {
        self.client
            .get_or_try_init(|| async {
                let issuer = IssuerUrl::new(self.issuer.clone())?;
                let metadata = CoreProviderMetadata::discover_async(issuer, &http_client::send).await?;
                let (id, secret) =
                    (ClientId::new(self.client_id.clone()), ClientSecret::new(self.client_secret.clone()));
                let redirect_uri = RedirectUrl::new(self.redirect_uri.clone())?;
                Ok(CoreClient::from_provider_metadata(metadata, id, Some(secret)).set_redirect_uri(redirect_uri))
            })
            .await
    }
}
