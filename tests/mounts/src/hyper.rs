//! hyper 1, without a framework.

use std::io;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use oauth_state_routes::LoginRoutes;
use tokio::net::TcpListener;
use tower_service::Service;

/// Serves the routes on their own listener. If your server also has other paths, call the routes for requests for which
/// `routes.owns(request.uri().path())` is true.
///
/// # Errors
///
/// If the listener fails.
pub async fn serve(listener: TcpListener, routes: LoginRoutes) -> io::Result<()> {
    loop {
        // An error belongs to one connection, or is temporary.
        let Ok((connection, _)) = listener.accept().await else { continue };
        let routes = routes.clone();
        let service = service_fn(move |request| routes.clone().call(request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
    }
}
