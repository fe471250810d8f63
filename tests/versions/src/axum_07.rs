//! The routes in axum 0.7.

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use oauth_state_routes::{Answer, Framework, Routes};

/// Lets the hooks return the response types of this axum.
pub struct Axum07;

impl Framework for Axum07 {
    type Body = Body;
}

impl<R: IntoResponse> Answer<R> for Axum07 {
    fn answer(answer: R) -> Response {
        answer.into_response()
    }
}

/// `LoginRoutes::builder(flow).on_login(…).build()?`
pub type LoginRoutes = Routes<Axum07>;

/// Adds the routes to a router.
pub fn mount(app: Router, routes: LoginRoutes) -> Router {
    app.route_service("/auth/*path", routes)
}
