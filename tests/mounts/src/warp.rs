//! warp 0.4.

use std::convert::Infallible;

use futures_util::TryStreamExt;
use http::{Method, Request};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use oauth_state_routes::LoginRoutes;
use tower_service::Service;
use warp::{Filter, Rejection, Reply, header::headers_cloned, method, path};

/// Returns a filter with the routes, for a server that speaks HTTP/1. Hooks see the value that `session` extracts in the
/// request's extensions.
pub fn mount<S: Clone + Send + Sync + 'static>(
    routes: LoginRoutes,
    session: impl Filter<Extract = (S,), Error = Infallible> + Clone + Send + Sync + 'static,
) -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone {
    let query = warp::query::raw().or_else(|_| async { Ok::<_, Infallible>((String::new(),)) });
    let head = method().and(path::full()).and(query).and(headers_cloned()).and(session);
    path("auth").and(head).and(warp::body::stream()).then(
        move |method: Method, path: path::FullPath, query, headers, session, body| {
            let body = StreamBody::new(TryStreamExt::map_ok(body, Frame::data));
            let mut request = Request::new(body);
            *request.method_mut() = method;
            *request.uri_mut() = format!("{}?{query}", path.as_str()).parse().unwrap_or_default();
            *request.headers_mut() = headers;
            request.extensions_mut().insert(session);
            let answering = routes.clone().call(request);
            async move {
                let Ok(response) = answering.await;
                let (head, body) = response.into_parts();
                let Ok(body) = body.collect().await;
                http::Response::from_parts(head, body.to_bytes())
            }
        },
    )
}
