//! A small OpenID provider: enough of OpenID Connect Core to sign somebody in with a code, PKCE and a nonce.
//!
//! It is a stand-in, so that the demonstration needs nothing but Rust; `scripts/test e2e` uses a certified one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::extract::{RawQuery, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode};
use openidconnect::core::{
    CoreEdDsaPrivateSigningKey, CoreIdToken, CoreIdTokenClaims, CoreJsonWebKeySet, CoreJwsSigningAlgorithm,
};
use openidconnect::{
    Audience, EmptyAdditionalClaims, IssuerUrl, JsonWebKeyId, Nonce, PrivateSigningKey, StandardClaims,
    SubjectIdentifier,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use url::Url;

use crate::{Failure, pages};

/// Codes that wait to be exchanged; a flood is cut off here.
const MOST_CODES: usize = 10_000;
/// How long a code lives.
const CODE_LIFETIME: Duration = Duration::from_secs(60);

/// The one client that is registered here.
#[derive(Clone)]
pub struct Client {
    pub id: String,
    pub secret: String,
    redirect_uri: String,
}

impl Client {
    /// A client with a fresh secret.
    pub fn new(redirect_uri: &str) -> Result<Self, Failure> {
        Ok(Self { id: "shop".to_owned(), secret: random_text()?, redirect_uri: redirect_uri.to_owned() })
    }
}

/// The provider: its name, its key, its client and the codes it gave out.
pub struct Provider {
    issuer: String,
    key: CoreEdDsaPrivateSigningKey,
    client: Client,
    codes: Mutex<HashMap<String, Grant>>,
}

/// What a code stands for.
struct Grant {
    subject: String,
    code_challenge: String,
    nonce: String,
    issued_at: SystemTime,
}

impl Provider {
    /// A provider with a fresh signing key.
    pub fn new(issuer: &str, client: Client) -> Result<Self, Failure> {
        // RFC 8410: an Ed25519 key in PKCS #8 is a constant head and 32 random bytes.
        let head = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
        let seed = random_bytes()?;
        let body = STANDARD.encode([head.as_slice(), &seed].concat());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        let key = CoreEdDsaPrivateSigningKey::from_ed25519_pem(&pem, Some(JsonWebKeyId::new("1".to_owned())))?;
        Ok(Self { issuer: issuer.to_owned(), key, client, codes: Mutex::default() })
    }
}

fn random_bytes() -> Result<[u8; 32], Failure> {
    use rand::TryRng;
    let mut bytes = [0; 32];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes)?;
    Ok(bytes)
}

fn random_text() -> Result<String, Failure> {
    Ok(URL_SAFE_NO_PAD.encode(random_bytes()?))
}

/// Serves the provider until the process ends.
pub async fn serve(listener: TcpListener, provider: Provider) -> Result<(), std::io::Error> {
    let app = Router::new()
        .route("/.well-known/openid-configuration", get(configuration))
        .route("/jwks", get(jwks))
        .route("/authorize", get(authorize))
        .route("/decide", post(decide))
        .route("/token", post(token))
        .with_state(Arc::new(provider));
    axum::serve(listener, app).await
}

async fn configuration(State(provider): State<Arc<Provider>>) -> Json<serde_json::Value> {
    let issuer = &provider.issuer;
    Json(serde_json::json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn jwks(State(provider): State<Arc<Provider>>) -> Json<CoreJsonWebKeySet> {
    Json(CoreJsonWebKeySet::new(vec![provider.key.as_verification_key()]))
}

#[derive(Deserialize)]
struct Request {
    client_id: String,
    redirect_uri: String,
    response_type: String,
    state: String,
    nonce: String,
    code_challenge: String,
    code_challenge_method: String,
}

impl Request {
    /// A request of another client or address is shown an error here and never sent back: the address is not to be
    /// trusted (RFC 6749 section 4.1.2.1).
    fn check(&self, client: &Client) -> Result<(), &'static str> {
        if self.client_id != client.id || self.redirect_uri != client.redirect_uri {
            return Err("unknown client or redirect_uri");
        }
        if self.response_type != "code" || self.code_challenge_method != "S256" || self.code_challenge.len() != 43 {
            return Err("this provider takes response_type=code with an S256 challenge");
        }
        Ok(())
    }
}

/// The page on which a person chooses who to be. The request travels in the form, because this provider has no sessions.
async fn authorize(State(provider): State<Arc<Provider>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let request = serde_urlencoded::from_str::<Request>(&query).map_err(|_| "a parameter is missing");
    match request.and_then(|request| request.check(&provider.client)) {
        Ok(()) => Html(pages::provider_page(&query)).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error).into_response(),
    }
}

#[derive(Deserialize)]
struct Decision {
    /// The authorization request's query.
    request: String,
    /// Who signs in; nobody, if it is `deny`.
    subject: String,
}

async fn decide(State(provider): State<Arc<Provider>>, Form(decision): Form<Decision>) -> Response {
    match provider.answer(&decision) {
        Ok(address) => Redirect::to(address.as_str()).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

impl Provider {
    fn answer(&self, decision: &Decision) -> Result<Url, Failure> {
        let request: Request = serde_urlencoded::from_str(&decision.request)?;
        request.check(&self.client)?;
        let mut address = Url::parse(&request.redirect_uri)?;
        address.query_pairs_mut().append_pair("state", &request.state).append_pair("iss", &self.issuer);
        if decision.subject == "deny" {
            address.query_pairs_mut().append_pair("error", "access_denied");
            return Ok(address);
        }
        let code = random_text()?;
        address.query_pairs_mut().append_pair("code", &code);
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let now = SystemTime::now();
        codes.retain(|_, grant| now.duration_since(grant.issued_at).is_ok_and(|age| age < CODE_LIFETIME));
        if codes.len() >= MOST_CODES {
            return Err("too many codes are waiting to be exchanged".into());
        }
        let Request { code_challenge, nonce, .. } = request;
        codes.insert(code, Grant { subject: decision.subject.clone(), code_challenge, nonce, issued_at: now });
        Ok(address)
    }
}

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: String,
    code: String,
    redirect_uri: String,
    code_verifier: String,
}

async fn token(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    Form(request): Form<TokenRequest>,
) -> Response {
    match provider.exchange(&headers, &request) {
        Ok(body) => Json(body).into_response(),
        // RFC 6749 section 5.2.
        Err(error) => (StatusCode::BAD_REQUEST, Json(serde_json::json!({ "error": error }))).into_response(),
    }
}

impl Provider {
    fn exchange(&self, headers: &HeaderMap, request: &TokenRequest) -> Result<serde_json::Value, &'static str> {
        let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", self.client.id, self.client.secret)));
        if headers.get("authorization").is_none_or(|given| given.as_bytes() != basic.as_bytes()) {
            return Err("invalid_client");
        }
        if request.grant_type != "authorization_code" || request.redirect_uri != self.client.redirect_uri {
            return Err("invalid_request");
        }
        // Taken out whatever comes next: a code serves once.
        let grant = self.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(&request.code);
        let grant = grant.ok_or("invalid_grant")?;
        let fresh = grant.issued_at.elapsed().is_ok_and(|age| age < CODE_LIFETIME);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(request.code_verifier.as_bytes()));
        if !fresh || challenge != grant.code_challenge {
            return Err("invalid_grant");
        }
        let id_token = self.id_token(grant).map_err(|_| "server_error")?;
        let access_token = random_text().map_err(|_| "server_error")?;
        Ok(serde_json::json!({
            "access_token": access_token, "token_type": "Bearer", "expires_in": 60, "id_token": id_token.to_string(),
        }))
    }

    fn id_token(&self, grant: Grant) -> Result<CoreIdToken, Failure> {
        let now = SystemTime::now();
        let claims = CoreIdTokenClaims::new(
            IssuerUrl::new(self.issuer.clone())?,
            vec![Audience::new(self.client.id.clone())],
            now.checked_add(CODE_LIFETIME).unwrap_or(now).into(),
            now.into(),
            StandardClaims::new(SubjectIdentifier::new(grant.subject)),
            EmptyAdditionalClaims {},
        )
        .set_nonce(Some(Nonce::new(grant.nonce)));
        Ok(CoreIdToken::new(claims, &self.key, CoreJwsSigningAlgorithm::EdDsa, None, None)?)
    }
}
