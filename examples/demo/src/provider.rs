//! A stand-in for an OAuth 2.0 provider: enough of RFC 6749, RFC 7636 (PKCE) and RFC 9207 (`iss`) to sign a user in, so that the
//! demonstration needs nothing but Rust. `scripts/test e2e` uses a certified OpenID provider.

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
use rand::TryRng;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use crate::address::{pair, with_parameters};
use crate::{Failure, pages};

/// The most codes or tokens that wait to be used; further logins are refused.
const MOST_GRANTS: usize = 10_000;
/// How long a code or a token lives.
const GRANT_LIFETIME: Duration = Duration::from_secs(60);

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

/// The provider: its issuer, its client, and the codes and tokens that it issued.
pub struct Provider {
    issuer: String,
    client: Client,
    /// By code.
    codes: Mutex<HashMap<String, Grant>>,
    /// By access token.
    tokens: Mutex<HashMap<String, Grant>>,
}

/// The login that a code or an access token stands for.
struct Grant {
    subject: String,
    code_challenge: String,
    issued_at: SystemTime,
}

impl Provider {
    /// A provider of one client.
    pub fn new(issuer: &str, client: Client) -> Self {
        Self { issuer: issuer.to_owned(), client, codes: Mutex::default(), tokens: Mutex::default() }
    }
}

/// Keeps a grant under a new random name, which it returns.
fn keep(grants: &Mutex<HashMap<String, Grant>>, grant: Grant) -> Result<String, Failure> {
    let name = random_text()?;
    let mut grants = grants.lock().unwrap_or_else(PoisonError::into_inner);
    let now = SystemTime::now();
    grants.retain(|_, grant| now.duration_since(grant.issued_at).is_ok_and(|age| age < GRANT_LIFETIME));
    if grants.len() >= MOST_GRANTS {
        return Err("too many logins are waiting at the provider".into());
    }
    grants.insert(name.clone(), grant);
    Ok(name)
}

/// Removes a grant, even if the request then fails: a code and a token work once here.
fn take(grants: &Mutex<HashMap<String, Grant>>, name: &str) -> Option<Grant> {
    let grant = grants.lock().unwrap_or_else(PoisonError::into_inner).remove(name)?;
    grant.issued_at.elapsed().is_ok_and(|age| age < GRANT_LIFETIME).then_some(grant)
}

fn random_text() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Serves the provider until the process ends.
pub async fn serve(listener: TcpListener, provider: Provider) -> Result<(), std::io::Error> {
    let app = Router::new()
        .route("/authorize", get(authorize))
        .route("/decide", post(decide))
        .route("/token", post(token))
        .route("/user", get(user))
        .with_state(Arc::new(provider));
    axum::serve(listener, app).await
}

#[derive(Deserialize)]
struct Request {
    client_id: String,
    redirect_uri: String,
    response_type: String,
    state: String,
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

/// The page on which the user chooses an account. The form carries the request, because this provider has no sessions.
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
    /// The user who signs in, or `deny`.
    subject: String,
}

async fn decide(State(provider): State<Arc<Provider>>, Form(decision): Form<Decision>) -> Response {
    match provider.answer(&decision) {
        Ok(address) => Redirect::to(&address).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

impl Provider {
    fn answer(&self, decision: &Decision) -> Result<String, Failure> {
        let request: Request = serde_urlencoded::from_str(&decision.request)?;
        request.check(&self.client)?;
        let Request { state, redirect_uri, code_challenge, .. } = request;
        let grant = Grant { subject: decision.subject.clone(), code_challenge, issued_at: SystemTime::now() };
        let answer = match decision.subject.as_str() {
            "deny" => pair("error", "access_denied"),
            _ => pair("code", &keep(&self.codes, grant)?),
        };
        let address = with_parameters(&redirect_uri, &[pair("state", &state), pair("iss", &self.issuer), answer])?;
        Ok(address.to_string())
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
        let grant = take(&self.codes, &request.code).ok_or("invalid_grant")?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(request.code_verifier.as_bytes()));
        if challenge != grant.code_challenge {
            return Err("invalid_grant");
        }
        let access_token = keep(&self.tokens, grant).map_err(|_| "server_error")?;
        Ok(serde_json::json!({ "access_token": access_token, "token_type": "Bearer", "expires_in": 60 }))
    }
}

/// Who an access token belongs to.
async fn user(State(provider): State<Arc<Provider>>, headers: HeaderMap) -> Response {
    let token = headers.get("authorization").and_then(|given| given.to_str().ok()?.strip_prefix("Bearer "));
    match token.and_then(|token| take(&provider.tokens, token)) {
        Some(grant) => Json(serde_json::json!({ "sub": grant.subject })).into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}
