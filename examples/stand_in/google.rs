//! A stand-in for Google: metadata, `iss` in every response, a nonce in the ID token, and `hd` for accounts of a
//! Workspace.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::Failure;
use super::grants::{Grant, Grants, Registration, random_text};
use super::openid::{Es256, Trouble, Troubles, now};
use super::program;
use super::wire::{Parameters, Reply, person, token_error};

/// The provider, as the walk-through uses it. Its address is its issuer.
pub struct Google {
    pub issuer: String,
    pub trouble: Troubles,
    client: Registration,
    key: Es256,
    grants: Grants,
}

/// Starts it with one client.
pub async fn start(client: Registration) -> Result<Arc<Google>, Failure> {
    let mut started = None;
    program::start(|address| {
        let (trouble, key, grants) = (Troubles::default(), Es256::new()?, Grants::default());
        let provider = Arc::new(Google { issuer: address.to_owned(), trouble, client, key, grants });
        started = Some(provider.clone());
        Ok(Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/oauth2/v3/certs", get(jwks))
            .route("/o/oauth2/v2/auth", get(authorize))
            .route("/token", post(token))
            .with_state(provider))
    })
    .await?;
    started.ok_or_else(|| "the provider did not start".into())
}

async fn metadata(State(provider): State<Arc<Google>>) -> Json<Value> {
    let issuer = &provider.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/o/oauth2/v2/auth"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/oauth2/v3/certs"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn jwks(State(provider): State<Arc<Google>>) -> Json<Value> {
    Json(provider.key.jwks())
}

async fn authorize(State(provider): State<Arc<Google>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Reply {
    let Some(request) = Parameters::parse(&query.unwrap_or_default()) else {
        return Reply::page("Error 400: invalid_request");
    };
    if request.get("client_id") != provider.client.client_id {
        return Reply::page("Error 401: invalid_client");
    }
    if request.get("redirect_uri") != provider.client.redirect_uri {
        return Reply::page("Error 400: redirect_uri_mismatch");
    }
    if request.get("response_type") != "code" || request.get("scope").is_empty() {
        return Reply::page("Error 400: invalid_request");
    }
    if !request.get("code_challenge").is_empty() && request.get("code_challenge_method") != "S256" {
        return Reply::page("Error 400: invalid_request");
    }
    let iss = provider.trouble.or(Trouble::Issuer, &provider.issuer, "https://login.mallory.example");
    let mut answer = vec![("state", request.get("state").to_owned()), ("iss", iss)];
    match person(&headers).as_str() {
        "" => return Reply::Page(StatusCode::OK, "Sign in with Google".to_owned()),
        "deny" => answer.push(("error", "access_denied".to_owned())),
        person => match provider.grants.issue(Grant::new(&request, person)) {
            Ok(code) => {
                let more = [("scope", request.get("scope")), ("authuser", "0"), ("prompt", "consent")];
                answer.push(("code", code));
                answer.extend(more.map(|(name, value)| (name, value.to_owned())));
            }
            Err(error) => return Reply::page(&error.to_string()),
        },
    }
    Reply::Query(provider.client.redirect_uri.clone(), answer)
}

async fn token(State(provider): State<Arc<Google>>, body: String) -> Response {
    match provider.exchange(&body) {
        Ok(answer) => Json(answer).into_response(),
        Err((error @ "invalid_client", text)) => token_error(StatusCode::UNAUTHORIZED, error, text),
        Err((error, text)) => token_error(StatusCode::BAD_REQUEST, error, text),
    }
}

impl Google {
    fn exchange(&self, body: &str) -> Result<Value, (&'static str, &'static str)> {
        let request = Parameters::parse(body).ok_or(("invalid_request", "Bad Request"))?;
        let Registration { client_id, client_secret, redirect_uri } = &self.client;
        if request.get("client_id") != client_id || request.get("client_secret") != client_secret {
            return Err(("invalid_client", "Unauthorized"));
        }
        if request.get("grant_type") != "authorization_code" {
            return Err(("unsupported_grant_type", "Invalid grant_type"));
        }
        let grant = self.grants.redeem(&request).ok_or(("invalid_grant", "Bad Request"))?;
        if request.get("redirect_uri") != redirect_uri {
            return Err(("redirect_uri_mismatch", "Bad Request"));
        }
        if !grant.is_verified_by(request.get("code_verifier")) {
            return Err(("invalid_grant", "Invalid code verifier."));
        }
        let access_token = random_text().map_err(|_| ("internal_failure", "no randomness"))?;
        let id_token = self.key.sign(&self.claims(&grant));
        Ok(json!({
            "access_token": access_token, "expires_in": 3599, "token_type": "Bearer", "scope": grant.scope, "id_token": id_token,
        }))
    }

    /// `ann@shop.example` is an account of the Workspace `shop.example`; `ann@gmail.com` is of none.
    fn claims(&self, grant: &Grant) -> Value {
        let domain = grant.person.split_once('@').map(|(_, domain)| domain).unwrap_or_default();
        json!({
            "iss": self.issuer,
            "aud": self.trouble.or(Trouble::Audience, &self.client.client_id, "another client"),
            "azp": self.client.client_id,
            "sub": format!("1-{}", grant.person),
            "email": grant.person,
            "email_verified": true,
            "nonce": self.trouble.or(Trouble::Nonce, &grant.nonce, "AAAAAAAAAAAAAAAAAAAAAA"),
            "iat": now(),
            "exp": now().saturating_add(3600),
            "hd": (domain != "gmail.com").then_some(domain),
        })
    }
}
