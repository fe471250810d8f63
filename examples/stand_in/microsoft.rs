//! A stand-in for Microsoft Entra: several tenants under one address, `common` for all of them, and AADSTS errors.
//!
//! As at Microsoft: the metadata of `common` has `{tenantid}` as the issuer, and each ID token the issuer of its own
//! tenant. The response comes by query or form_post, as requested, without `iss`. A query string that is too long is
//! AADSTS90015.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use oauth_state::provider::Preset;
use serde_json::{Value, json};

use super::Failure;
use super::grants::{Grant, Grants, Registration, random_text};
use super::openid::{Es256, Trouble, Troubles, now};
use super::program;
use super::wire::{Parameters, Reply, person, token_error};

/// The tenants of the stand-in: `ann@contoso` belongs to the first.
pub const TENANTS: [(&str, &str); 2] =
    [("contoso", "6babcaad-604b-40ac-a9d7-9fd97c0b779f"), ("fabrikam", "b8bdbc86-7e8f-4d2b-8d1e-0d5bd3f8f7b1")];

/// The provider, as the walk-through uses it.
pub struct Microsoft {
    pub address: String,
    pub trouble: Troubles,
    client: Registration,
    key: Es256,
    grants: Grants,
}

/// Starts it with one client, for users of all tenants.
pub async fn start(client: Registration) -> Result<Arc<Microsoft>, Failure> {
    let mut started = None;
    program::start(|address| {
        let (trouble, key, grants) = (Troubles::default(), Es256::new()?, Grants::default());
        let provider = Arc::new(Microsoft { address: address.to_owned(), trouble, client, key, grants });
        started = Some(provider.clone());
        Ok(Router::new()
            .route("/{tenant}/v2.0/.well-known/openid-configuration", get(metadata))
            .route("/{tenant}/discovery/v2.0/keys", get(jwks))
            .route("/{tenant}/oauth2/v2.0/authorize", get(authorize))
            .route("/{tenant}/oauth2/v2.0/token", post(token))
            .with_state(provider))
    })
    .await?;
    started.ok_or_else(|| "the provider did not start".into())
}

async fn metadata(State(provider): State<Arc<Microsoft>>, Path(tenant): Path<String>) -> Json<Value> {
    let address = &provider.address;
    let issuer = if tenant == "common" { "{tenantid}" } else { &tenant };
    Json(json!({
        "issuer": format!("{address}/{issuer}/v2.0"),
        "authorization_endpoint": format!("{address}/{tenant}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{address}/{tenant}/oauth2/v2.0/token"),
        "jwks_uri": format!("{address}/{tenant}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
    }))
}

async fn jwks(State(provider): State<Arc<Microsoft>>) -> Json<Value> {
    Json(provider.key.jwks())
}

async fn authorize(
    State(provider): State<Arc<Microsoft>>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Reply {
    let Some(request) = Parameters::parse(&query.unwrap_or_default()) else {
        return Reply::page("AADSTS9000411: The request is not properly formatted. A parameter is duplicated.");
    };
    let limit = Preset::find("entra").and_then(|preset| preset.max_state_chars).map(|limit| limit.value);
    if limit.is_some_and(|limit| request.get("state").len() > limit) {
        return Reply::page("AADSTS90015: Requested query string is too long.");
    }
    if request.get("client_id") != provider.client.client_id {
        return Reply::page("AADSTS700016: Application was not found in the directory.");
    }
    if request.get("redirect_uri") != provider.client.redirect_uri {
        return Reply::page("AADSTS50011: The redirect URI specified in the request does not match.");
    }
    let person = person(&headers);
    let mut answer = vec![("state", request.get("state").to_owned())];
    match person.as_str() {
        "" => return Reply::Page(StatusCode::OK, "Sign in to your account".to_owned()),
        "deny" => answer.push(("error", "access_denied".to_owned())),
        person if tenant != "common" && tenant_of(person) != tenant => {
            return Reply::page("AADSTS50020: User account from another identity provider does not exist in tenant.");
        }
        person => match provider.grants.issue(Grant::new(&request, person)) {
            Ok(code) => answer.extend([("code", code), ("session_state", "5f1c0c8c".to_owned())]),
            Err(error) => return Reply::page(&error.to_string()),
        },
    }
    let address = provider.client.redirect_uri.clone();
    match request.get("response_mode") {
        "" | "query" => Reply::Query(address, answer),
        "form_post" => Reply::FormPost(address, answer),
        _ => Reply::page("AADSTS70007: The response_mode is not supported here."),
    }
}

async fn token(State(provider): State<Arc<Microsoft>>, body: String) -> Response {
    match provider.exchange(&body) {
        Ok(answer) => Json(answer).into_response(),
        Err((error @ "invalid_client", text)) => token_error(StatusCode::UNAUTHORIZED, error, text),
        Err((error, text)) => token_error(StatusCode::BAD_REQUEST, error, text),
    }
}

fn tenant_of(person: &str) -> &'static str {
    let name = person.split_once('@').map(|(_, tenant)| tenant).unwrap_or_default();
    TENANTS.iter().find(|(known, _)| *known == name).map(|(_, id)| *id).unwrap_or_default()
}

impl Microsoft {
    fn exchange(&self, body: &str) -> Result<Value, (&'static str, &'static str)> {
        let request = Parameters::parse(body).ok_or(("invalid_request", "AADSTS9000411: a parameter is duplicated"))?;
        let Registration { client_id, client_secret, redirect_uri } = &self.client;
        if request.get("client_id") != client_id || request.get("client_secret") != client_secret {
            return Err(("invalid_client", "AADSTS7000215: Invalid client secret provided."));
        }
        let used = "AADSTS54005: OAuth2 Authorization code was already redeemed.";
        let grant = self.grants.redeem(&request).ok_or(("invalid_grant", used))?;
        if request.get("redirect_uri") != redirect_uri {
            return Err(("invalid_grant", "AADSTS70000: The provided value for the 'redirect_uri' is not valid."));
        }
        if !grant.is_verified_by(request.get("code_verifier")) {
            let text = "AADSTS50148: The code_verifier does not match the code_challenge supplied.";
            return Err(("invalid_grant", text));
        }
        let access_token = random_text().map_err(|_| ("server_error", "no randomness"))?;
        let id_token = self.key.sign(&self.claims(&grant));
        Ok(json!({
            "token_type": "Bearer", "scope": grant.scope, "expires_in": 3599, "access_token": access_token, "id_token": id_token,
        }))
    }

    fn claims(&self, grant: &Grant) -> Value {
        let tenant = tenant_of(&grant.person);
        let [_, (_, other)] = TENANTS;
        json!({
            "iss": format!("{}/{}/v2.0", self.address, self.trouble.or(Trouble::Tenant, tenant, other)),
            "aud": self.trouble.or(Trouble::Audience, &self.client.client_id, "another client"),
            "tid": tenant,
            "oid": format!("oid-{}", grant.person),
            "sub": format!("pairwise-{}", grant.person),
            "preferred_username": grant.person,
            "nonce": self.trouble.or(Trouble::Nonce, &grant.nonce, "AAAAAAAAAAAAAAAAAAAAAA"),
            "ver": "2.0",
            "iat": now(),
            "exp": now().saturating_add(3600),
        })
    }
}
