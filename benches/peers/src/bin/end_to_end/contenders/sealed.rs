//! The routes of this crate.

use axum::Router;
use axum::response::Redirect;
use oauth_state::{App, Flow, Provider, ReplayGuard, testing};
use oauth_state_axum::LoginRoutes;
use support::servers::Failure;

use super::{CLIENT_ID, REDIRECT_URI};

pub fn router(guard: impl ReplayGuard) -> Result<Router, Failure> {
    let google = Provider::google().client_id(CLIENT_ID).redirect_uri(REDIRECT_URI).scopes(["openid", "email"]);
    let routes = LoginRoutes::builder(Flow::builder(App::new("shop", "bench")?, testing::ring(), guard))
        .provider(google)
        .on_login(|login, _request| async move {
            Redirect::to(login.origin.return_to.as_ref().map_or("/", |path| path.as_str()))
        })
        .on_begin_error(|error| eprintln!("{}: {error}", error.code()))
        .on_error(|error| eprintln!("{}: {}", error.code(), error.diagnosis()))
        .build()?;
    Ok(oauth_state_axum::router(routes))
}
