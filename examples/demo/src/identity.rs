//! The URL of the provider that a user is redirected to, and the exchange of the code that comes back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, StatusCode};
use oauth_state::{AuthorizationRequest, AuthorizationUrl, Authorized};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::exchanged::Exchanged;
use crate::settings::{BegunOn, Settings};
use crate::{Failure, http_client};

/// The provider's client, by its protocol.
pub enum Identity {
    OAuth(OAuth),
    #[cfg(feature = "openid")]
    OpenId(Box<crate::openid::OpenId>),
}

impl Identity {
    /// The client that the settings ask for.
    pub fn new(settings: &Settings) -> Result<Self, Failure> {
        if !settings.openid {
            return Ok(Self::OAuth(OAuth::new(settings)));
        }
        #[cfg(feature = "openid")]
        return Ok(Self::OpenId(Box::new(crate::openid::OpenId::new(settings))));
        #[cfg(not(feature = "openid"))]
        Err("--openid needs a build with `--features openid`".into())
    }

    /// Where to send the user.
    pub async fn authorization_url(&self, begun: &AuthorizationRequest) -> Result<AuthorizationUrl, Failure> {
        match self {
            Self::OAuth(_) => Ok(begun.url()?),
            #[cfg(feature = "openid")]
            Self::OpenId(client) => client.authorization_url(begun).await,
        }
    }

    /// Exchanges the code.
    pub async fn exchange(&self, login: Authorized<BegunOn>) -> Exchanged {
        match self {
            Self::OAuth(client) => client.exchange(login).await,
            #[cfg(feature = "openid")]
            Self::OpenId(client) => client.exchange(login).await,
        }
    }
}

/// OAuth 2.0 with PKCE; the provider's user endpoint says who the user is. Written out, because that is short; a service can use the
/// `oauth2` crate.
pub struct OAuth {
    issuer: String,
    client_id: String,
    client_secret: String,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

#[derive(Deserialize)]
struct User {
    sub: String,
}

impl OAuth {
    fn new(settings: &Settings) -> Self {
        Self {
            issuer: settings.issuer.clone(),
            client_id: settings.client_id.clone(),
            client_secret: settings.client_secret.clone(),
        }
    }

    async fn exchange(&self, login: Authorized<BegunOn>) -> Exchanged {
        let tokens = match self.tokens(&login.token_form()).await {
            Ok(Ok(tokens)) => tokens,
            Ok(Err(refusal)) => return Exchanged::Refused(refusal.error),
            Err(_) => return Exchanged::Failed("provider_error", "The provider did not answer the exchange."),
        };
        match self.user(&tokens.access_token).await {
            Ok(user) => Exchanged::Subject(user.sub),
            Err(_) => Exchanged::Failed("provider_error", "The provider did not say who signed in."),
        }
    }

    /// RFC 6749 section 4.1.3, with the client's password in the header (section 2.3.1).
    async fn tokens(&self, form: &[(&str, &str)]) -> Result<Result<Tokens, Refusal>, Failure> {
        let password = STANDARD.encode(format!("{}:{}", self.client_id, self.client_secret));
        let request = Request::post(format!("{}/token", self.issuer))
            .header(AUTHORIZATION, format!("Basic {password}"))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(serde_urlencoded::to_string(form)?.into_bytes())?;
        let (status, body) = answer(request).await?;
        Ok(if status == StatusCode::OK { Ok(read(&body)?) } else { Err(read(&body)?) })
    }

    async fn user(&self, token: &str) -> Result<User, Failure> {
        let request = Request::get(format!("{}/user", self.issuer)).header(AUTHORIZATION, format!("Bearer {token}"));
        let (status, body) = answer(request.body(Vec::new())?).await?;
        if status == StatusCode::OK { read(&body) } else { Err(format!("the user endpoint answered {status}").into()) }
    }
}

async fn answer(request: Request<Vec<u8>>) -> Result<(StatusCode, Vec<u8>), Failure> {
    let response = http_client::send(request).await?;
    Ok((response.status(), response.into_body()))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    Ok(serde_json::from_slice(body)?)
}
