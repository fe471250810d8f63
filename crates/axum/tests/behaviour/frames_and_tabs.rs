//! The routes in frames, and in a browser that restored many tabs at once.

use http::Request;
use oauth_state::FlowBuilder;

use crate::routes::{Answer, Server, Visitor, server, server_with};

fn in_frame(request: http::request::Builder) -> http::request::Builder {
    let headers = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe"), ("sec-fetch-site", "same-origin")];
    headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))
}

fn frame_ancestors(page: &Answer) -> &str {
    page.header("content-security-policy").split_once("frame-ancestors ").unwrap().1
}

/// Clickjacking: the pages of the routes have buttons.
#[test]
fn pages_are_shown_in_the_named_frames_alone() {
    let embedded = server_with(|flow| flow.embedded_in(["https://portal.example"]), |routes| routes);
    let own = server_with(FlowBuilder::allow_same_origin_frames, |routes| routes);
    for (server, expected) in [(&server(), "'none'"), (&own, "'self'"), (&embedded, "'self' https://portal.example")] {
        let refused_callback = Visitor::default().get(server, "/auth/github/callback?code=c&state=none");
        let refused_start =
            Visitor::default().send(server, Request::get("/auth/github").header("sec-fetch-mode", "cors"), "");
        let posted = Visitor::signed_in("ann").post_from_own_page(server, "/auth/github/link");
        for page in [&refused_callback, &refused_start, &posted] {
            assert_eq!(frame_ancestors(page), expected, "{}", page.text);
        }
    }
}

#[test]
fn a_login_starts_and_ends_in_a_frame_where_that_is_allowed() {
    let (server, mut ann) = (server_with(FlowBuilder::allow_same_origin_frames, |routes| routes), Visitor::default());
    let begun = ann.send(&server, in_frame(Request::get("/auth/github")), "");
    assert!(begun.header("set-cookie").ends_with("Partitioned"));
    let callback = format!("/auth/github/callback?code=c&state={}", begun.state());
    assert_eq!(ann.send(&server, in_frame(Request::get(callback)), "").status, 200);

    let refused = Visitor::default().send(&crate::routes::server(), in_frame(Request::get("/auth/github")), "");
    assert_eq!(refused.status, 400);
}

/// Every tab starts a login before any of them has a cookie.
fn restored(server: &Server, tabs: usize) -> (Visitor, Vec<String>) {
    let (mut browser, mut states) = (Visitor::default(), Vec::new());
    for _ in 0..tabs {
        let mut tab = Visitor::default();
        states.push(tab.get(server, "/auth/github").state());
        browser.jar.append(&mut tab.jar);
    }
    (browser, states)
}

fn deleted(answer: &Answer) -> Vec<String> {
    let headers = answer.headers.get_all("set-cookie").iter().map(|header| header.to_str().unwrap().to_owned());
    headers.filter(|header| header.contains("=; Max-Age=0")).collect()
}

#[test]
fn login_start_and_callback_delete_surplus_cookies() {
    let server = server();
    let (mut browser, states) = restored(&server, 20);
    let begun = browser.clone().get(&server, "/auth/github");
    assert_eq!(deleted(&begun).len(), 12);
    let done = browser.callback(&server, "github", &states[0]);
    assert_eq!((done.status.as_u16(), deleted(&done).len()), (200, 12));
}

/// A refused callback may be retried, for example after the guard was down, so its cookie must still exist.
#[test]
fn a_refused_callback_deletes_no_cookie() {
    let server = server();
    let (mut browser, _) = restored(&server, 20);
    let mut other = Visitor::default();
    let state = other.get(&server, "/auth/github").state();
    let refused = browser.callback(&server, "github", &state);
    assert_eq!((refused.status.as_u16(), deleted(&refused).len()), (400, 0));
}
