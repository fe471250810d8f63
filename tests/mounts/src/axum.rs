//! axum.

use axum::Router;
use oauth_state_axum::{LoginRoutes, router};

/// Adds the routes to a router. Hooks see the extensions that layers of the router, such as the one of your sessions, insert
/// into a request.
pub fn mount(app: Router, routes: LoginRoutes) -> Router {
    app.merge(router(routes))
}
