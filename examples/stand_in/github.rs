//! A stand-in for GitHub: OAuth apps, their codes, and `/user`.
//!
//! As documented by GitHub: the token endpoint always has status 200, and form encoding unless asked for JSON. A
//! `redirect_uri` that is neither the registered one nor below it redirects the user to the registered one with an
//! error. `/user` requires a `User-Agent`. `iss` is in every response.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::Failure;
use super::grants::{Grant, Grants, Registration, random_text};
use super::program;
use super::wire::{Parameters, Reply, person};

/// Its addresses; the real ones are in the preset `github`.
#[derive(Clone)]
pub struct GitHub {
    pub address: String,
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub user_endpoint: String,
}

/// Starts it with some OAuth apps.
pub async fn start(apps: Vec<Registration>) -> Result<GitHub, Failure> {
    let address = program::start(|address| {
        let issuer = format!("{address}/login/oauth");
        let provider = Provider { issuer, apps, grants: Grants::default(), tokens: Mutex::default() };
        Ok(Router::new()
            .route("/login/oauth/authorize", get(authorize))
            .route("/login/oauth/access_token", post(access_token))
            .route("/user", get(user))
            .with_state(Arc::new(provider)))
    })
    .await?;
    Ok(GitHub {
        issuer: format!("{address}/login/oauth"),
        authorization_endpoint: format!("{address}/login/oauth/authorize"),
        token_endpoint: format!("{address}/login/oauth/access_token"),
        user_endpoint: format!("{address}/user"),
        address,
    })
}

struct Provider {
    issuer: String,
    apps: Vec<Registration>,
    grants: Grants,
    /// The user of each access token.
    tokens: Mutex<HashMap<String, String>>,
}

async fn authorize(State(provider): State<Arc<Provider>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Reply {
    let Some(request) = Parameters::parse(&query.unwrap_or_default()) else {
        return Reply::page("a parameter came twice");
    };
    let Some(app) = provider.app(&request) else {
        return Reply::Page(StatusCode::NOT_FOUND, "unknown app".to_owned());
    };
    let asked = match request.get("redirect_uri") {
        "" => app.redirect_uri.as_str(),
        asked => asked,
    };
    let answer = |address: &str, parameters: &[(&'static str, &str)]| {
        let always = [("state", request.get("state")), ("iss", provider.issuer.as_str())];
        let parameters = parameters.iter().chain(&always).filter(|(_, value)| !value.is_empty());
        Reply::Query(address.to_owned(), parameters.map(|(name, value)| (*name, (*value).to_owned())).collect())
    };
    let below = |asked: &str| asked.strip_prefix(&app.redirect_uri).is_some_and(|rest| rest.starts_with('/'));
    if asked != app.redirect_uri && !below(asked) {
        return answer(&app.redirect_uri, &[("error", "redirect_uri_mismatch")]);
    }
    if !request.get("code_challenge").is_empty() && request.get("code_challenge_method") != "S256" {
        return answer(asked, &[("error", "invalid_request")]);
    }
    match person(&headers).as_str() {
        "" => Reply::Page(StatusCode::OK, "Sign in to GitHub".to_owned()),
        "deny" => answer(
            asked,
            &[("error", "access_denied"), ("error_description", "The user has denied your application access.")],
        ),
        person => match provider.grants.issue(Grant { redirect_uri: asked.to_owned(), ..Grant::new(&request, person) })
        {
            Ok(code) => answer(asked, &[("code", &code)]),
            Err(error) => Reply::page(&error.to_string()),
        },
    }
}

async fn access_token(State(provider): State<Arc<Provider>>, headers: HeaderMap, body: String) -> Response {
    let answer = match provider.exchange(&body) {
        Ok(answer) => answer,
        Err((error, description)) => json!({ "error": error, "error_description": description }),
    };
    // Status 200 either way.
    if headers.get("accept").is_some_and(|accept| accept.as_bytes().starts_with(b"application/json")) {
        return Json(answer).into_response();
    }
    let pairs =
        answer.as_object().into_iter().flatten().map(|(name, value)| (name, value.as_str().unwrap_or_default()));
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    ([("content-type", "application/x-www-form-urlencoded; charset=utf-8")], form).into_response()
}

const BAD_CODE: (&str, &str) = ("bad_verification_code", "The code passed is incorrect or expired.");

impl Provider {
    fn app(&self, request: &Parameters) -> Option<&Registration> {
        self.apps.iter().find(|app| app.client_id == request.get("client_id"))
    }

    fn exchange(&self, body: &str) -> Result<Value, (&'static str, &'static str)> {
        let request = Parameters::parse(body).ok_or(BAD_CODE)?;
        let app = self.app(&request).filter(|app| app.client_secret == request.get("client_secret"));
        app.ok_or(("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect."))?;
        let grant = self.grants.redeem(&request).ok_or(BAD_CODE)?;
        if !["", &grant.redirect_uri].contains(&request.get("redirect_uri")) {
            let text = "The redirect_uri MUST match the registered callback URL for this application.";
            return Err(("redirect_uri_mismatch", text));
        }
        if !grant.is_verified_by(request.get("code_verifier")) {
            return Err(BAD_CODE);
        }
        let token = random_text().map_err(|_| ("server_error", "no randomness"))?;
        let token = format!("gho_{token}");
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone(), grant.person);
        Ok(json!({ "access_token": token, "scope": grant.scope.replace(' ', ","), "token_type": "bearer" }))
    }
}

async fn user(State(provider): State<Arc<Provider>>, headers: HeaderMap) -> Response {
    if !headers.contains_key("user-agent") {
        return (StatusCode::FORBIDDEN, "Request forbidden by administrative rules.").into_response();
    }
    let token = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let tokens = provider.tokens.lock().unwrap_or_else(PoisonError::into_inner);
    match token.and_then(|token| tokens.get(token)) {
        Some(person) => {
            let id = person.bytes().fold(0_u64, |id, byte| id.wrapping_mul(31).wrapping_add(byte.into()));
            Json(json!({ "login": person, "id": id, "type": "User" })).into_response()
        }
        None => (StatusCode::UNAUTHORIZED, Json(json!({ "message": "Bad credentials" }))).into_response(),
    }
}
