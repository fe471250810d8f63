//! The routes, mounted in axum.

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use oauth_state_routes::{Answer, Framework, Routes};

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
pub type LoginRoutes = Routes<Axum>;

/// A router that serves these routes at `/auth/…`. Merge it into your application's router, whatever that router's
/// state is. If you nest it under `/app`, its paths become `/app/auth/…`, and so must the redirect URIs.
///
/// # Examples
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
/// use oauth_state_axum::{LoginRoutes, router};
///
/// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
/// #     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
/// #     .build()?;
/// let routes = LoginRoutes::builder(flow)
///     .on_login(|_login, _request| async { Ok("signed in") })
///     .build()?;
/// let app: Router = Router::new().route("/", get(|| async { "the shop" })).merge(router(routes));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn router<S: Clone + Send + Sync + 'static>(routes: LoginRoutes) -> Router<S> {
    let connections = routes.connections_below().map(|at| format!("{at}/{{*connection}}"));
    routes
        .paths()
        .into_iter()
        .chain(connections)
        .fold(Router::new(), |router, path| router.route_service(&path, routes.clone()))
}
