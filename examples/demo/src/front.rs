//! The front: alternate requests to alternate servers, and a few addresses under `/try/` that act as other people do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, post};
use axum::{Form, Router};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;

use crate::{attacks, pages};

/// No request of this demonstration is larger.
const LARGEST_BODY: usize = 64 * 1024;

struct Front {
    servers: Vec<SocketAddr>,
    next: AtomicUsize,
    client: Client<HttpConnector, Body>,
    tools: Tools,
}

/// What the addresses under `/try/` need.
pub struct Tools {
    public: String,
    lifetime: Duration,
}

impl Tools {
    pub fn new(public: &str, lifetime: Duration) -> Self {
        Self { public: public.to_owned(), lifetime }
    }
}

/// Serves until the process ends.
pub async fn serve(listener: TcpListener, servers: Vec<SocketAddr>, tools: Tools) -> Result<(), std::io::Error> {
    let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let front = Arc::new(Front { servers, next: AtomicUsize::new(0), client, tools });
    let app = Router::new()
        .route("/try/other-browser", post(other_browser))
        .route("/try/expired", post(expired))
        .fallback(any(forward))
        .with_state(front);
    axum::serve(listener, app).await
}

/// Gives the request to the server whose turn it is, or to the next one that takes connections.
async fn forward(State(front): State<Arc<Front>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let turn = front.next.fetch_add(1, Ordering::Relaxed);
    for offset in 0..front.servers.len() {
        let index = turn.wrapping_add(offset).checked_rem(front.servers.len()).unwrap_or_default();
        let Some(server) = front.servers.get(index) else { continue };
        let mut request = Request::from_parts(parts.clone(), Body::from(body.clone()));
        let mut address = request.uri().clone().into_parts();
        address.scheme = Some(Scheme::HTTP);
        address.authority = server.to_string().parse::<Authority>().ok();
        address.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
        match Uri::from_parts(address) {
            // The Host header stays as the browser sent it, as a proxy in front of a login must leave it.
            Ok(uri) => *request.uri_mut() = uri,
            Err(_) => return StatusCode::BAD_REQUEST.into_response(),
        }
        match front.client.request(request).await {
            Ok(response) => return response.map(Body::new),
            // Nothing was sent: another server may take it. Once something was, it is not sent twice.
            Err(error) if error.is_connect() => {}
            Err(_) => break,
        }
    }
    let page = pages::trouble("No application server answered. Start the demonstration again.");
    (StatusCode::BAD_GATEWAY, Html(page)).into_response()
}

#[derive(serde::Deserialize)]
struct Link {
    address: String,
}

/// Takes the address of a callback, as a person would who was sent it, and opens it in a second browser.
async fn other_browser(State(front): State<Arc<Front>>, Form(link): Form<Link>) -> Response {
    shown(attacks::open_in_another_browser(&front.tools.public, &link.address).await)
}

/// Begins a login of its own, answers too late, and comes back.
async fn expired(State(front): State<Arc<Front>>) -> Response {
    shown(attacks::answer_too_late(&front.tools.public, front.tools.lifetime).await)
}

fn shown(page: Result<crate::visitor::Page, crate::Failure>) -> Response {
    match page {
        Ok(page) => Html(page.html).into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, Html(pages::trouble(&error.to_string()))).into_response(),
    }
}
