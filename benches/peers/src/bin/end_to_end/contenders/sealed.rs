//! The routes of this crate.

use axum::Router;
use axum::response::Redirect;
use oauth_state::observe::{Event, Observers};
use oauth_state::{App, Flow, Provider, ReplayGuard, testing};
use oauth_state_axum::LoginRoutes;
use support::servers::Failure;

use super::{CLIENT_ID, REDIRECT_URI};

pub fn router(guard: impl ReplayGuard) -> Result<Router, Failure> {
    let google = Provider::google().client_id(CLIENT_ID).redirect_uri(REDIRECT_URI).scopes(["openid", "email"]);
    let log = |event: &Event<'_>| event.report().into_iter().for_each(|line| eprintln!("{line}"));
    let flow = Flow::builder(App::new("shop", "bench")?, testing::ring(), guard).provider(google);
    let routes = LoginRoutes::builder(flow.observers(Observers::default().and(log)).build()?)
        .on_login(|login, _request| async move {
            Ok(Redirect::to(login.origin.return_to.as_ref().map_or("/", |path| path.as_str())))
        })
        .build()?;
    Ok(oauth_state_axum::router(routes))
}
