//! poem, with its feature `tower-compat`.

use oauth_state_routes::LoginRoutes;
use poem::Route;
use poem::endpoint::TowerCompatExt;

/// Adds the routes to a route. Hooks see the extensions that middleware, such as that of your sessions, inserts into a request.
pub fn mount(app: Route, routes: LoginRoutes) -> Route {
    app.nest_no_strip("/auth", routes.compat())
}
