//! The contenders: the same two addresses, and the same redirects from them.

mod row;
mod sealed;
mod session;

use axum::Router;
use axum::extract::Query;
use axum::response::Redirect;
use axum::routing::get;
use oauth_state::SingleProcessGuard;
use oauth_state_redis::RedisGuard;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::time::Duration;
use support::servers::Failure;

use crate::login::{encode, random};

pub const START: &str = "/auth/google";
pub const CALLBACK: &str = "/auth/google/callback";
/// The return path of every login of a round, and its form in a query.
pub const RETURN_TO: &str = "/projects/4711/settings?tab=members";
pub const RETURN_TO_ENCODED: &str = "%2Fprojects%2F4711%2Fsettings%3Ftab%3Dmembers";
pub const PROVIDER_URL: &str = "https://accounts.google.com/o/oauth2/v2/auth";
const CLIENT_ID: &str = "4711-shop.apps.googleusercontent.com";
const REDIRECT_URI: &str = "https://shop.example/auth/google/callback";
const REDIRECT_URI_ENCODED: &str = "https%3A%2F%2Fshop.example%2Fauth%2Fgoogle%2Fcallback";
/// Seconds for which an unfinished login is kept, as the routes do by default.
const LIFETIME: u32 = 600;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// Two handlers that redirect to constant addresses.
    Redirect,
    /// The routes of this crate with the memory guard.
    Sealed,
    /// The same with the Redis guard.
    SealedRedis,
    /// A session of `tower-sessions` in Redis.
    Session,
    /// A row in Redis, and a cookie.
    Row,
}

impl Contender {
    pub const ALL: [Self; 5] = [Self::Redirect, Self::Sealed, Self::SealedRedis, Self::Session, Self::Row];

    /// As an argument.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redirect => "redirect",
            Self::Sealed => "sealed",
            Self::SealedRedis => "sealed-redis",
            Self::Session => "session",
            Self::Row => "row",
        }
    }

    /// In a table.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Redirect => "handlers that only redirect",
            Self::Sealed => "oauth-state, `SingleProcessGuard`",
            Self::SealedRedis => "oauth-state, `RedisGuard`",
            Self::Session => "session in Redis (`tower-sessions`)",
            Self::Row => "row in Redis (`SETEX` and `GETDEL`)",
        }
    }

    pub fn named(name: &str) -> Result<Self, Failure> {
        let known = Self::ALL.into_iter().find(|contender| contender.name() == name);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("unknown contender {name:?}; the contenders are {names}").into()
        })
    }

    /// Whether the contender has logins at all, and so must refuse a callback without one.
    pub fn checks(self) -> bool {
        self != Self::Redirect
    }

    pub async fn router(self, redis: &str) -> Result<Router, Failure> {
        match self {
            Self::Redirect => Ok(redirect()),
            Self::Sealed => sealed::router(SingleProcessGuard::with_capacity(2_000_000)),
            Self::SealedRedis => {
                // Generous, so that a busy machine slows a login down instead of failing it.
                sealed::router(RedisGuard::builder(redis).budget(Duration::from_secs(5)).connect().await?)
            }
            Self::Session => session::router(redis).await,
            Self::Row => row::router(redis).await,
        }
    }
}

/// The floor: the cost of axum and the two redirects without a login.
fn redirect() -> Router {
    let [state, code_challenge, nonce] = secrets();
    let address = authorization_url(&state, &code_challenge, &nonce);
    Router::new()
        .route(START, get(|| async move { Redirect::to(&address) }))
        .route(CALLBACK, get(|| async { Redirect::to(RETURN_TO) }))
}

/// The query of a login start.
#[derive(Deserialize)]
struct StartQuery {
    return_to: String,
}

/// A path on this site, and nothing that a browser reads as another site.
fn return_path(query: Query<StartQuery>) -> Option<String> {
    let path = query.0.return_to;
    (path.starts_with('/') && !path.starts_with("//") && !path.contains('\\')).then_some(path)
}

/// The query of a callback.
#[derive(Deserialize)]
struct CallbackQuery {
    state: String,
    code: String,
}

/// Values of 32 random bytes, drawn from the operating system in one call.
fn secrets<const N: usize>() -> [String; N] {
    let mut drawn = [[0; 32]; N];
    random(drawn.as_flattened_mut());
    drawn.map(|bytes| encode(&bytes))
}

fn code_challenge(code_verifier: &str) -> String {
    encode(&Sha256::digest(code_verifier))
}

/// Written straight down: only the state, the challenge and the nonce change, and none needs escaping.
fn authorization_url(state: &str, code_challenge: &str, nonce: &str) -> String {
    format!(
        "{PROVIDER_URL}?response_type=code&client_id={CLIENT_ID}&redirect_uri={REDIRECT_URI_ENCODED}&scope=openid%20email\
         &state={state}&code_challenge={code_challenge}&code_challenge_method=S256&nonce={nonce}"
    )
}
