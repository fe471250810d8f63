//! salvo, with its feature `tower-compat`. An application that depends on `salvo` writes `salvo` for both packages.

use oauth_state_routes::LoginRoutes;
use salvo_core::Router;
use salvo_core::http::ReqBody;
use salvo_extra::tower_compat::TowerServiceCompat;

/// Returns a router with the routes, to push into yours. Hooks see the extensions that hoops insert into a request, but not
/// the depot.
pub fn mount(routes: LoginRoutes) -> Router {
    let service = TowerServiceCompat::<ReqBody, _, _, _>::compat(routes);
    Router::with_path("auth/{**path}").goal(service)
}
