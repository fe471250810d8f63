//! The routes, mounted in axum.

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use oauth_state_routes::{Answer, Framework, Routes};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// axum: a hook answers with whatever implements [`IntoResponse`].
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

/// Login and callback of a set of providers, for axum; see [`Routes`], and [`router`], which mounts them.
pub type LoginRoutes<T = ()> = Routes<Axum, T>;

/// A router of the routes, to be merged into the application's or nested, whatever state that has.
///
/// # Examples
///
/// ```
/// use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
/// use oauth_state_axum::{LoginRoutes, router};
/// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
/// # let routes = LoginRoutes::builder(flow)
/// #     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
/// #     .on_login(|_, _| async { "signed in" })
/// #     .build()?;
/// let app: axum::Router = axum::Router::new().merge(router(routes));
/// assert!(app.has_routes());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn router<T, S>(routes: LoginRoutes<T>) -> Router<S>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
{
    let paths: Vec<String> = routes.paths().collect();
    paths.iter().fold(Router::new(), |router, path| router.route_service(path, routes.clone()))
}
