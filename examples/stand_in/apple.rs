//! A stand-in for Apple: form_post for any scope, a client secret that is a JWT, and `user` only after the first
//! consent.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use p256::pkcs8::{EncodePrivateKey, LineEnding};
use serde_json::{Value, json};

use super::Failure;
use super::grants::{Grant, Grants, random_text};
use super::openid::{Es256, Trouble, Troubles, now, verified};
use super::program;
use super::wire::{Parameters, Reply, person, token_error};

/// The required `aud` of a client secret, whatever the stand-in's address.
const AUDIENCE: &str = "https://appleid.apple.com";
/// Six months, in seconds: the longest life of a client secret.
const LONGEST: u64 = 15_777_000;

/// A Services ID and its downloaded key.
#[derive(Clone)]
pub struct Registration {
    pub client_id: String,
    pub team_id: String,
    pub key_id: String,
    pub redirect_uri: String,
    key: Es256,
}

impl Registration {
    /// A Services ID with a fresh key.
    pub fn new(redirect_uri: &str) -> Result<Self, Failure> {
        let [client_id, team_id, key_id] = ["example.shop.web", "A1B2C3D4E5", "ABC123DEFG"].map(str::to_owned);
        Ok(Self { client_id, team_id, key_id, redirect_uri: redirect_uri.to_owned(), key: Es256::new()? })
    }

    /// The file `AuthKey_….p8`.
    pub fn p8(&self) -> Result<String, Failure> {
        Ok(self.key.key().to_pkcs8_pem(LineEnding::LF)?.to_string())
    }
}

/// The provider, as the walk-through uses it. Its address is its issuer.
pub struct Apple {
    pub issuer: String,
    pub trouble: Troubles,
    client: Registration,
    key: Es256,
    grants: Grants,
    /// The users who consented before.
    known: Mutex<HashSet<String>>,
}

/// Starts it with one client.
pub async fn start(client: Registration) -> Result<Arc<Apple>, Failure> {
    let mut started = None;
    program::start(|address| {
        let (trouble, key, grants) = (Troubles::default(), Es256::new()?, Grants::default());
        let issuer = address.to_owned();
        let provider = Arc::new(Apple { issuer, trouble, client, key, grants, known: Mutex::default() });
        started = Some(provider.clone());
        Ok(Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/auth/keys", get(jwks))
            .route("/auth/authorize", get(authorize))
            .route("/auth/token", post(token))
            .with_state(provider))
    })
    .await?;
    started.ok_or_else(|| "the provider did not start".into())
}

async fn metadata(State(provider): State<Arc<Apple>>) -> Json<Value> {
    let issuer = &provider.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/auth/authorize"),
        "token_endpoint": format!("{issuer}/auth/token"),
        "jwks_uri": format!("{issuer}/auth/keys"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "scopes_supported": ["openid", "email", "name"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    }))
}

async fn jwks(State(provider): State<Arc<Apple>>) -> Json<Value> {
    Json(provider.key.jwks())
}

async fn authorize(State(provider): State<Arc<Apple>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Reply {
    let Some(request) = Parameters::parse(&query.unwrap_or_default()) else {
        return Reply::page("invalid_request");
    };
    if request.get("client_id") != provider.client.client_id {
        return Reply::page("invalid_client");
    }
    if request.get("redirect_uri") != provider.client.redirect_uri {
        return Reply::page("invalid_request: Invalid web redirect url.");
    }
    let asks_for = |scope: &str| request.get("scope").split(' ').any(|asked| asked == scope);
    let by_form = request.get("response_mode") == "form_post";
    if (asks_for("name") || asks_for("email")) && !by_form {
        return Reply::page("invalid_request: response_mode must be form_post when name or email scope is requested.");
    }
    let mut answer = vec![("state", request.get("state").to_owned())];
    match person(&headers).as_str() {
        "" => return Reply::Page(StatusCode::OK, "Sign in with your Apple Account".to_owned()),
        "deny" => answer.push(("error", "user_cancelled_authorize".to_owned())),
        person => match provider.grants.issue(Grant::new(&request, person)) {
            Ok(code) => {
                answer.push(("code", code));
                let first = provider.known.lock().unwrap_or_else(PoisonError::into_inner).insert(person.to_owned());
                if first && asks_for("name") {
                    let name = json!({ "firstName": person, "lastName": "<Example>" });
                    answer.push(("user", json!({ "name": name, "email": email(person) }).to_string()));
                }
            }
            Err(error) => return Reply::page(&error.to_string()),
        },
    }
    let address = provider.client.redirect_uri.clone();
    if by_form { Reply::FormPost(address, answer) } else { Reply::Query(address, answer) }
}

fn email(person: &str) -> String {
    format!("{person}@privaterelay.appleid.com")
}

async fn token(State(provider): State<Arc<Apple>>, body: String) -> Response {
    match provider.exchange(&body) {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => token_error(StatusCode::BAD_REQUEST, error, ""),
    }
}

impl Apple {
    fn exchange(&self, body: &str) -> Result<Value, &'static str> {
        let request = Parameters::parse(body).ok_or("invalid_request")?;
        if request.get("client_id") != self.client.client_id || !self.is_client_secret(request.get("client_secret")) {
            return Err("invalid_client");
        }
        let grant = self.grants.redeem(&request).ok_or("invalid_grant")?;
        if request.get("redirect_uri") != self.client.redirect_uri
            || !grant.is_verified_by(request.get("code_verifier"))
        {
            return Err("invalid_grant");
        }
        let [access_token, refresh_token] = [random_text(), random_text()].map(Result::unwrap_or_default);
        let id_token = self.key.sign(&json!({
            "iss": self.issuer,
            "aud": self.trouble.or(Trouble::Audience, &self.client.client_id, "another client"),
            "sub": format!("000123.{}", grant.person),
            "email": email(&grant.person),
            // A text, although others use a boolean.
            "email_verified": "true",
            "is_private_email": "true",
            "nonce": self.trouble.or(Trouble::Nonce, &grant.nonce, "AAAAAAAAAAAAAAAAAAAAAA"),
            "nonce_supported": true,
            "iat": now(),
            "exp": now().saturating_add(86_400),
        }));
        Ok(json!({
            "access_token": access_token, "token_type": "Bearer", "expires_in": 3600, "refresh_token": refresh_token,
            "id_token": id_token,
        }))
    }

    /// ES256, the key's id in the header, the team as issuer, the client as subject, Apple as audience, at most six months.
    fn is_client_secret(&self, jwt: &str) -> bool {
        let Some((header, claims)) = verified(jwt, self.client.key.key().verifying_key()) else { return false };
        let [from, until] = ["iat", "exp"].map(|name| claims.get(name).and_then(Value::as_u64).unwrap_or_default());
        let says = |name: &str, expected: &str| claims.get(name).and_then(Value::as_str) == Some(expected);
        header.get("kid").and_then(Value::as_str) == Some(&self.client.key_id)
            && says("iss", &self.client.team_id)
            && says("sub", &self.client.client_id)
            && says("aud", AUDIENCE)
            && from <= now().saturating_add(60)
            && until > now()
            && until.saturating_sub(from) <= LONGEST
    }
}
