//! A login in the session of `tower-sessions`, which a published store keeps in Redis.

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use support::servers::Failure;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration;
use tower_sessions::{Expiry, Session, SessionManagerLayer};
use tower_sessions_redis_store::RedisStore;
use tower_sessions_redis_store::fred::prelude::{Client, ClientLike, Config};
use tower_sessions_redis_store::fred::types::config::{ConnectionConfig, TcpConfig};

use super::{CALLBACK, CallbackQuery, LIFETIME, START, StartQuery};

const KEY: &str = "login";

/// One value of the session, so that it is serialized once.
#[derive(Serialize, Deserialize)]
struct Pending {
    state: String,
    code_verifier: String,
    nonce: String,
    return_to: String,
}

pub async fn router(redis: &str) -> Result<Router, Failure> {
    let tcp = TcpConfig { nodelay: Some(true), ..TcpConfig::default() };
    let connection = ConnectionConfig { tcp, ..ConnectionConfig::default() };
    let client = Client::new(Config::from_url(redis)?, None, Some(connection), None);
    client.init().await?;
    let sessions = SessionManagerLayer::new(RedisStore::new(client))
        .with_name("__Host-session")
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(Duration::seconds(LIFETIME.into())));
    Ok(Router::new().route(START, get(start)).route(CALLBACK, get(callback)).layer(sessions))
}

async fn start(session: Session, query: Query<StartQuery>) -> Result<Redirect, StatusCode> {
    let return_to = super::return_path(query).ok_or(StatusCode::BAD_REQUEST)?;
    let [state, code_verifier, nonce] = super::secrets();
    let address = super::authorization_url(&state, &super::code_challenge(&code_verifier), &nonce);
    let pending = Pending { state, code_verifier, nonce, return_to };
    session.insert(KEY, pending).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(Redirect::to(&address))
}

async fn callback(session: Session, Query(callback): Query<CallbackQuery>) -> Result<Redirect, StatusCode> {
    let pending = session.remove::<Pending>(KEY).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let pending = pending.ok_or(StatusCode::FORBIDDEN)?;
    // The session is empty now: remove it instead of saving an empty one.
    session.flush().await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    if !bool::from(pending.state.as_bytes().ct_eq(callback.state.as_bytes())) {
        return Err(StatusCode::FORBIDDEN);
    }
    // A service exchanges these now.
    std::hint::black_box((callback.code, pending.code_verifier, pending.nonce));
    Ok(Redirect::to(&pending.return_to))
}
