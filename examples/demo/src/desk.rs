//! The controls of the demonstration: its servers, its keys, its attacks, and the list of refusals. The front serves
//! them on loopback, to its own pages only.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::contents::time_of_day;
use crate::fleet::Fleet;
use crate::rotation::{self, Rotation};
use crate::visitor::Page;
use crate::{Failure, attacks, meaning, pages};

/// Refusals that the list keeps.
const LONGEST_LIST: usize = 50;

/// The servers and keys that the controls act on, and the list of refusals.
pub struct Desk {
    /// The origin of the demonstration's pages.
    public: String,
    lifetime: Duration,
    pub fleet: Fleet,
    pub rotation: tokio::sync::Mutex<Rotation>,
    seen: Mutex<Seen>,
    is_attacking: AtomicBool,
}

/// The record of what happened so far.
#[derive(Default)]
struct Seen {
    /// Newest first.
    refusals: VecDeque<Refusal>,
    count: usize,
    /// How the last control ended.
    note: String,
}

#[derive(Clone, Serialize)]
struct Refusal {
    number: usize,
    at: String,
    server: String,
    code: String,
    meaning: &'static str,
}

impl Desk {
    pub fn new(public: &str, lifetime: Duration, fleet: Fleet, rotation: Rotation) -> Self {
        let (rotation, seen) = (tokio::sync::Mutex::new(rotation), Mutex::default());
        Self { public: public.to_owned(), lifetime, fleet, rotation, seen, is_attacking: AtomicBool::new(false) }
    }

    /// Adds a callback's outcome to the list, unless the user signed in.
    pub fn note_outcome(&self, code: &str, server: &str) {
        if code.is_empty() || code == "signed_in" {
            return;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.count = seen.count.saturating_add(1);
        let (number, at) = (seen.count, time_of_day(SystemTime::now()));
        let (server, code, meaning) = (server.to_owned(), code.to_owned(), meaning::of(code));
        seen.refusals.push_front(Refusal { number, at, server, code, meaning });
        seen.refusals.truncate(LONGEST_LIST);
    }

    /// Says on every page how a control ended.
    fn note(&self, ended: Result<String, Failure>) -> StatusCode {
        let (status, note) = match ended {
            Ok(note) => (StatusCode::NO_CONTENT, note),
            Err(error) => (StatusCode::CONFLICT, format!("That did not work: {}.", with_causes(&*error))),
        };
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).note = note;
        status
    }
}

fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// The controls. Requests of other sites are refused.
pub fn routes(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/try/other-browser", post(other_browser))
        .route("/try/fresh-browser", post(fresh_browser))
        .route("/try/expired", post(expired))
        .route("/try/every", post(every))
        .route("/control/status", get(status))
        .route("/control/stop", post(stop))
        .route("/control/start", post(start))
        .route("/control/rotate", post(rotate))
        .route("/control/revoke", post(revoke))
        .route_layer(from_fn_with_state(Arc::clone(&desk), own_pages_only))
        .with_state(desk)
}

async fn own_pages_only(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    if is_from_own_page(request.method(), request.headers(), &desk.public) {
        // On a task of its own: a browser that goes on to another page must not interrupt a rotation.
        oauth_state_axum::run_to_completion(next.run(request)).await
    } else {
        (StatusCode::FORBIDDEN, "refused: only the pages of this demonstration may use its controls\n").into_response()
    }
}

/// Whether a page of the demonstration sent the request. Without this, any site that the user has open could press the
/// buttons (CSRF), and a name that resolves to 127.0.0.1 could read the status (DNS rebinding).
fn is_from_own_page(method: &Method, headers: &HeaderMap, public: &str) -> bool {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if header(HOST.as_str()) != public.strip_prefix("http://") {
        return false;
    }
    let (origin, site) = (header(ORIGIN.as_str()), header("sec-fetch-site"));
    match (origin, site) {
        (Some(origin), None | Some("same-origin")) if origin == public => true,
        // A page with `Referrer-Policy: no-referrer` posts its forms with the origin `null`.
        (None | Some("null"), Some("same-origin")) => true,
        (None, None | Some("none")) => *method == Method::GET,
        _ => false,
    }
}

async fn status(State(desk): State<Arc<Desk>>) -> Response {
    let servers = desk.fleet.list().await;
    let servers: Vec<_> = servers.iter().map(|(name, id)| json!({ "name": name, "process_id": id })).collect();
    let ring = desk.rotation.lock().await.ring();
    let keys = ring.roles(SystemTime::now());
    let keys: Vec<_> = keys.map(|(id, role)| json!({ "id": id.to_string(), "role": role.to_string() })).collect();
    let seen = desk.seen.lock().unwrap_or_else(PoisonError::into_inner);
    let status = json!({ "servers": servers, "keys": keys, "note": seen.note, "refusals": seen.refusals });
    oauth_state_axum::set_no_store(Json(status))
}

#[derive(Deserialize)]
struct Named {
    server: String,
}

async fn stop(State(desk): State<Arc<Desk>>, Form(Named { server }): Form<Named>) -> StatusCode {
    let stopped = desk.fleet.stop(&server).await;
    let rest = if desk.fleet.running().await.is_empty() {
        "No server is left; start one."
    } else {
        "The other server finishes its logins."
    };
    desk.note(stopped.map(|()| format!("Server {server} is stopped. {rest}")))
}

async fn start(State(desk): State<Arc<Desk>>, Form(Named { server }): Form<Named>) -> StatusCode {
    let started = desk.fleet.start_again(&server).await;
    desk.note(started.map(|()| format!("Server {server} runs again. It needed nothing but the keys.")))
}

async fn rotate(State(desk): State<Arc<Desk>>) -> StatusCode {
    let rotated = desk.rotation.lock().await.rotate().await;
    desk.note(rotated.map(|key| {
        let from = time_of_day(key.seal_from);
        format!("Key {} was added and seals new logins from {from}. Logins under way finish under the old key.", key.id)
    }))
}

#[derive(Deserialize)]
struct Revoked {
    /// The id of a key; without it, the active key.
    key: Option<String>,
}

async fn revoke(State(desk): State<Arc<Desk>>, Form(Revoked { key }): Form<Revoked>) -> StatusCode {
    let revoked = async {
        let id = key.map(|key| key.parse()).transpose()?;
        // Not under the lock, because the status needs it meanwhile.
        let (id, wait) = desk.rotation.lock().await.revocable(id)?;
        tokio::time::sleep(wait).await;
        desk.rotation.lock().await.revoke(id).await?;
        tokio::time::sleep(rotation::READ_BY_ALL).await;
        Ok(id)
    };
    let revoked = revoked.await;
    desk.note(revoked.map(|id| format!("Key {id} is revoked. Its logins end as key_revoked, and new ones work.")))
}

#[derive(Deserialize)]
struct Link {
    address: String,
}

/// Opens a callback address in a second browser, which has a login of its own.
async fn other_browser(State(desk): State<Arc<Desk>>, Form(link): Form<Link>) -> Response {
    shown(attacks::open_in_another_browser(&desk.public, &link.address).await)
}

/// Opens a callback address in a browser that was never here.
async fn fresh_browser(State(desk): State<Arc<Desk>>, Form(link): Form<Link>) -> Response {
    shown(attacks::open_in_a_fresh_browser(&desk.public, &link.address).await)
}

/// Starts a login of its own, answers too late, and comes back.
async fn expired(State(desk): State<Arc<Desk>>) -> Response {
    shown(attacks::answer_too_late(&desk.public, desk.lifetime).await)
}

/// Tries every attack in the background; the list of refusals shows the outcomes.
async fn every(State(desk): State<Arc<Desk>>) -> StatusCode {
    if desk.is_attacking.swap(true, Ordering::SeqCst) {
        return desk.note(Err("the attacks are under way".into()));
    }
    let last = desk.lifetime.as_secs().saturating_add(2);
    let status =
        desk.note(Ok(format!("Every attack is under way. The last one waits {last} s for a login to expire.")));
    tokio::spawn(async move {
        let tried = attacks::every(&desk.public, desk.lifetime).await;
        desk.note(tried.map(|()| "Every attack was tried, and refused.".to_owned()));
        desk.is_attacking.store(false, Ordering::SeqCst);
    });
    status
}

fn shown(page: Result<Page, Failure>) -> Response {
    page.map_or_else(|error| trouble(&*error), |page| Html(page.html).into_response())
}

/// The page for something that should not happen.
pub fn trouble(error: &(dyn std::error::Error + 'static)) -> Response {
    (StatusCode::BAD_GATEWAY, Html(pages::trouble(&with_causes(error)))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str = "http://localhost:8080";

    fn is_accepted(method: &Method, headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        is_from_own_page(method, &headers.collect(), PUBLIC)
    }

    #[test]
    fn own_pages_may_use_the_controls() {
        let host = ("host", "localhost:8080");
        for headers in [
            &[host, ("origin", PUBLIC), ("sec-fetch-site", "same-origin")][..],
            &[host, ("origin", PUBLIC)],
            &[host, ("origin", "null"), ("sec-fetch-site", "same-origin")],
        ] {
            assert!(is_accepted(&Method::POST, headers), "{headers:?}");
        }
        assert!(is_accepted(&Method::GET, &[host]));
    }

    #[test]
    fn other_sites_may_not() {
        let host = ("host", "localhost:8080");
        for headers in [
            &[host][..],
            &[host, ("sec-fetch-site", "none")],
            &[host, ("origin", "null")],
            &[host, ("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
            &[host, ("origin", "https://evil.example")],
            &[host, ("origin", "http://localhost:9090"), ("sec-fetch-site", "same-site")],
            &[host, ("origin", PUBLIC), ("sec-fetch-site", "cross-site")],
            &[("host", "evil.example:8080"), ("origin", "http://evil.example:8080"), ("sec-fetch-site", "same-origin")],
            &[("origin", PUBLIC), ("sec-fetch-site", "same-origin")],
        ] {
            assert!(!is_accepted(&Method::POST, headers), "{headers:?}");
        }
        assert!(!is_accepted(&Method::GET, &[("host", "evil.example:8080")]));
        assert!(!is_accepted(&Method::GET, &[host, ("sec-fetch-site", "cross-site")]));
    }
}
