//! The front: it gives alternate requests to alternate servers, and serves the controls of the demonstration.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get};
use http::header::{CONTENT_SECURITY_POLICY, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use oauth_state_axum::set_no_store;
use tokio::net::TcpListener;

use crate::contents::Contents;
use crate::desk::{self, Desk};
use crate::visitor::attribute;
use crate::{Failure, address, pages};

/// No request of this demonstration is larger.
const LARGEST_BODY: usize = 64 * 1024;
/// No page of this demonstration is larger.
const LARGEST_PAGE: usize = 256 * 1024;

struct Front {
    desk: Arc<Desk>,
    next: AtomicUsize,
    client: Client<HttpConnector, Body>,
}

/// Serves until the process ends. Without a showcase it only forwards.
pub async fn serve(listener: TcpListener, desk: Arc<Desk>, showcase: bool) -> Result<(), std::io::Error> {
    let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let front = Arc::new(Front { desk: Arc::clone(&desk), next: AtomicUsize::new(0), client });
    let mut app = Router::new().fallback(any(forward));
    if showcase {
        app = app.route("/step-by-step", get(step_by_step));
    }
    let mut app = app.with_state(front);
    if showcase {
        // The buttons stop servers and revoke keys: no other site may lay its own page over them (clickjacking).
        app = app.merge(desk::routes(desk)).layer(axum::middleware::map_response(unframed));
    }
    axum::serve(listener, app).await
}

async fn unframed(mut response: Response) -> Response {
    let policy = HeaderValue::from_static("frame-ancestors 'none'");
    response.headers_mut().append(CONTENT_SECURITY_POLICY, policy);
    response
}

async fn forward(State(front): State<Arc<Front>>, request: Request) -> Response {
    let is_callback = request.uri().path() == "/callback";
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let response = front.send(parts, body).await;
    if is_callback { front.note(response).await } else { response }
}

/// Starts a login, and pauses it before the browser goes to the provider.
async fn step_by_step(State(front): State<Arc<Front>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    parts.uri = Uri::from_static("/login");
    let response = front.send(parts, Bytes::new()).await;
    match front.pause(response.headers()).await {
        Ok(Some(page)) => {
            let mut page = set_no_store(Html(page));
            for cookie in response.headers().get_all(SET_COOKIE) {
                page.headers_mut().append(SET_COOKIE, cookie.clone());
            }
            page
        }
        Ok(None) => response,
        Err(error) => desk::trouble(&*error),
    }
}

impl Front {
    /// Gives the request to the server whose turn it is, or to the next one that accepts connections.
    async fn send(&self, parts: Parts, body: Bytes) -> Response {
        let servers = self.desk.fleet.running().await;
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        for offset in 0..servers.len() {
            let index = turn.wrapping_add(offset).checked_rem(servers.len()).unwrap_or_default();
            let Some((_, server)) = servers.get(index) else { continue };
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
            match self.client.request(request).await {
                Ok(response) => return response.map(Body::new),
                // No byte was sent, so another server may try. A request that was sent is not sent twice.
                Err(error) if error.is_connect() => {}
                Err(_) => break,
            }
        }
        let page = pages::trouble("No application server answered. Start one, or start the demonstration again.");
        (StatusCode::BAD_GATEWAY, Html(page)).into_response()
    }

    /// Notes the outcome that the callback's page names, and passes the page on.
    async fn note(&self, response: Response) -> Response {
        let (parts, body) = response.into_parts();
        let Ok(body) = axum::body::to_bytes(body, LARGEST_PAGE).await else {
            return StatusCode::BAD_GATEWAY.into_response();
        };
        let html = String::from_utf8_lossy(&body);
        let [outcome, server] = ["data-outcome", "data-server"].map(|name| attribute(&html, name));
        self.desk.note_outcome(&outcome, &server);
        Response::from_parts(parts, Body::from(body))
    }

    /// The page that pauses a login between its start and the provider; `None` if no login started.
    async fn pause(&self, headers: &HeaderMap) -> Result<Option<String>, Failure> {
        let Some(location) = headers.get(LOCATION) else { return Ok(None) };
        let provider: Uri = location.to_str()?.parse()?;
        let parameters = address::parameters(&provider)?;
        let state = parameters.iter().find(|(name, _)| name == "state").ok_or("the redirect has no state")?;
        let ring = self.desk.rotation.lock().await.ring();
        let contents = Contents::read(&ring, &state.1, SystemTime::now())?;
        Ok(Some(pages::step::paused(&contents, &provider.to_string())))
    }
}
