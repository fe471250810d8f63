//! A login in a row of Redis under its state, bound to the browser by a random cookie.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Redirect};
use axum::routing::get;
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use support::servers::Failure;

use super::{CALLBACK, CallbackQuery, LIFETIME, START, StartQuery};

const NAME: &str = "__Host-login";

#[derive(Serialize, Deserialize)]
struct Row {
    browser: String,
    code_verifier: String,
    nonce: String,
    return_to: String,
}

pub async fn router(redis: &str) -> Result<Router, Failure> {
    let connection = redis::Client::open(redis)?.get_multiplexed_async_connection().await?;
    Ok(Router::new().route(START, get(start)).route(CALLBACK, get(callback)).with_state(connection))
}

async fn start(
    State(mut redis): State<MultiplexedConnection>,
    query: Query<StartQuery>,
) -> Result<impl IntoResponse, StatusCode> {
    let return_to = super::return_path(query).ok_or(StatusCode::BAD_REQUEST)?;
    let [state, browser, code_verifier, nonce] = super::secrets();
    let address = super::authorization_url(&state, &super::code_challenge(&code_verifier), &nonce);
    let cookie = format!("{NAME}={browser}; Path=/; Max-Age={LIFETIME}; Secure; HttpOnly; SameSite=Lax");
    let row = Row { browser, code_verifier, nonce, return_to };
    let json = serde_json::to_string(&row).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let written = redis.set_ex(key(&state), json, LIFETIME.into()).await;
    let () = written.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to(&address)))
}

async fn callback(
    State(mut redis): State<MultiplexedConnection>,
    headers: HeaderMap,
    Query(callback): Query<CallbackQuery>,
) -> Result<Redirect, StatusCode> {
    let taken = redis.get_del(key(&callback.state)).await;
    let json: Option<String> = taken.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let json = json.ok_or(StatusCode::FORBIDDEN)?;
    let row: Row = serde_json::from_str(&json).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let browser = browser_of(&headers).ok_or(StatusCode::FORBIDDEN)?;
    if !bool::from(row.browser.as_bytes().ct_eq(browser.as_bytes())) {
        return Err(StatusCode::FORBIDDEN);
    }
    // A service exchanges these now.
    std::hint::black_box((callback.code, row.code_verifier, row.nonce));
    Ok(Redirect::to(&row.return_to))
}

fn key(state: &str) -> String {
    format!("login:{state}")
}

/// The value of the login's cookie.
fn browser_of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(COOKIE)?.to_str().ok()?;
    let named = cookies.split("; ").filter_map(|cookie| cookie.split_once('='));
    named.into_iter().find(|(name, _)| *name == NAME).map(|(_, value)| value)
}
