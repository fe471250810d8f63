//! The routes, mounted in axum.

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use oauth_state_routes::{Answer, Framework, Routes};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// axum: a hook returns anything that implements [`IntoResponse`].
#[derive(Clone, Copy, Debug)]
pub struct Axum;

impl Framework for Axum {
    type Body = Body;
}

impl<R: IntoResponse> Answer<R> for Axum {
    fn answer(answer: R) -> Response {
        answer.into_response()
    }
}

/// The login and callback routes of a set of providers, for axum: see [`Routes`]. [`router`] mounts them.
pub type LoginRoutes<T = ()> = Routes<Axum, T>;

/// A router with these routes. Merge it into your application's router, or nest it, whatever that router's state is.
///
/// # Examples
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
/// use oauth_state_axum::{LoginRoutes, router};
///
/// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
/// let routes = LoginRoutes::builder(flow)
///     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
///     .on_login(|_login, _request| async { "signed in" })
///     .build()?;
/// let app: Router = Router::new().route("/", get(|| async { "the shop" })).merge(router(routes));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn router<T, S>(routes: LoginRoutes<T>) -> Router<S>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
{
    let connections = routes.connections_below().map(|at| format!("{at}/{{*connection}}"));
    let paths = routes.paths().chain(connections);
    paths.fold(Router::new(), |router, path| router.route_service(&path, routes.clone()))
}
