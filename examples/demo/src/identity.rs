//! Who signed in, as the provider tells it: the URL to send a user to, and the exchange of the code that comes back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, StatusCode};
use oauth_state::provider::ResponseMode;
use oauth_state::{AuthorizationRequest, Authorized};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::address::{pair, with_parameters};
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
    pub async fn authorization_url(&self, begun: &AuthorizationRequest, mode: ResponseMode) -> Result<String, Failure> {
        match self {
            Self::OAuth(client) => client.authorization_url(begun, mode),
            #[cfg(feature = "openid")]
            Self::OpenId(client) => client.authorization_url(begun, mode).await,
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

/// OAuth 2.0 with PKCE; the user is who the provider's user endpoint says. Written out, because that is short; a service takes the
/// `oauth2` crate.
pub struct OAuth {
    issuer: String,
    client_id: String,
    client_secret: String,
    redirect_uri: String,
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
            redirect_uri: format!("{}/callback", settings.public),
        }
    }

    /// RFC 6749 section 4.1.1, RFC 7636 section 4.3.
    fn authorization_url(&self, begun: &AuthorizationRequest, mode: ResponseMode) -> Result<String, Failure> {
        let mut parameters = vec![
            pair("response_type", "code"),
            pair("client_id", &self.client_id),
            pair("redirect_uri", &self.redirect_uri),
            pair("state", &begun.state),
            pair("code_challenge", &begun.code_challenge),
            pair("code_challenge_method", "S256"),
        ];
        if mode != ResponseMode::Query {
            parameters.push(pair("response_mode", "form_post"));
        }
        Ok(with_parameters(&format!("{}/authorize", self.issuer), &parameters)?.to_string())
    }

    async fn exchange(&self, login: Authorized<BegunOn>) -> Exchanged {
        let tokens = match self.tokens(login.code.secret(), login.code_verifier.secret()).await {
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
    async fn tokens(&self, code: &str, code_verifier: &str) -> Result<Result<Tokens, Refusal>, Failure> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", code_verifier),
        ];
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
