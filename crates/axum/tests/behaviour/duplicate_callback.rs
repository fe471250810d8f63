//! A callback that comes twice, late, without its cookie or from another browser: the user gets one restart or a page,
//! and nothing loops.

use std::time::Duration;

use oauth_state_axum::Failure;

use crate::public_answers::without_reference;
use crate::routes::{Answer, Server, Visitor, server};

const NEUTRAL: &str = "This sign-in could not be completed. Please start again.";

/// A refusal page, without scripts and without anything from the request.
fn assert_page(answer: &Answer, status: u16, words: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert!(answer.text.contains(words), "{}", answer.text);
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!((answer.header("cache-control"), answer.header("referrer-policy")), ("no-store", "no-referrer"));
    assert!(!answer.text.contains("<script") && !answer.text.contains("ost1") && !answer.text.contains("://"));
    assert!(answer.text.contains("<html lang=\"en\">") && answer.text.contains("name=\"viewport\""));
    assert!(!answer.headers.contains_key("set-cookie"));
}

#[test]
fn a_signed_in_user_goes_to_the_return_path() {
    let server = server();
    for (begin, target) in [("/auth/github?return_to=/cart?a=1", "/cart?a=1"), ("/auth/github", "/home")] {
        let mut ann = Visitor::default();
        let state = ann.get(&server, begin).state();
        assert_eq!(ann.callback(&server, "github", &state).status, 200);
        ann.user = Some("ann");
        let again = ann.callback(&server, "github", &state);
        assert_eq!((again.status.as_u16(), again.header("location")), (303, format!("{target}#").as_str()));
        assert_eq!(again.header("cache-control"), "no-store");
    }
}

#[test]
fn a_signed_out_user_restarts_once_and_then_gets_a_page() {
    let (server, mut ann) = (server(), Visitor::default());
    let first = ann.get(&server, "/auth/github?return_to=/cart").state();
    let _ = ann.callback(&server, "github", &first);
    let used = ann.callback(&server, "github", &first);
    let second = ann.restart(&server, &used).state();
    assert_eq!(ann.callback(&server, "github", &second).header("x-path"), "/cart");
    assert_page(&ann.callback(&server, "github", &second), 400, "was already completed");
}

#[test]
fn a_login_that_took_too_long_restarts_once_by_a_redirect_to_the_login_start() {
    let (server, mut ann) = (server(), Visitor::default());
    let first = ann.get(&server, "/auth/github?return_to=/cart").state();
    server.clock.advance(Duration::from_secs(700));
    let expired = ann.callback(&server, "github", &first);
    let second = ann.restart(&server, &expired).state();
    server.clock.advance(Duration::from_secs(700));
    assert_page(&ann.callback(&server, "github", &second), 400, "took too long");
    // The button starts a new login, which may also restart once.
    let third = ann.get(&server, "/auth/github").state();
    assert_eq!(ann.callback(&server, "github", &third).status, 200);
}

/// Two servers in turn, a browser that keeps no cookies, and a provider that never asks the user: exactly one restart.
#[test]
fn a_browser_that_loses_the_cookie_does_not_loop_between_two_servers() {
    let servers = [server(), server()];
    let mut ann = Visitor { blocks_cookies: true, ..Visitor::default() };
    let mut answer = ann.get(&servers[0], "/auth/github?return_to=/cart");
    let mut restarts = 0;
    for server in servers.iter().cycle().skip(1).take(10) {
        answer = ann.callback(server, "github", &answer.state());
        if answer.status != 303 {
            break;
        }
        answer = ann.restart(server, &answer);
        restarts += 1;
    }
    assert_eq!(restarts, 1);
    assert_page(&answer, 400, "Your browser blocks cookies for this site");
    assert!(answer.text.contains("href=\"/auth/github\"") && !answer.text.contains("/cart"));
    assert_eq!(servers.iter().map(|server| server.guard.calls()).sum::<usize>(), 0);
    let told: Vec<_> = servers.iter().flat_map(|server| server.told.lock().unwrap().clone()).collect();
    assert_eq!(told, ["cookie_missing", "cookie_missing"]);
}

/// Login CSRF: a user with a login of their own opens the attacker's genuine link.
#[test]
fn another_browser_gets_a_page_and_starts_no_login() {
    let (server, mut mallory, mut ann) = (server(), Visitor::default(), Visitor::signed_in("ann"));
    let link = mallory.get(&server, "/auth/github?return_to=/mallory").state();
    let _ = ann.get(&server, "/auth/github");
    let page = ann.callback(&server, "github", &link);
    assert_page(&page, 400, "started elsewhere");
    assert!(!page.text.contains("mallory") && page.header("location").is_empty());
    assert_eq!(server.guard.calls(), 0);
    assert_eq!(mallory.callback(&server, "github", &link).status, 200);
}

/// The reasons shown to the user for a missing cookie, each produced by a real request.
#[test]
fn a_missing_cookie_has_its_likely_reason_in_words() {
    let page = |change: &dyn Fn(http::request::Builder) -> http::request::Builder, post: bool| {
        let (server, mut lost) = (server(), Visitor { blocks_cookies: true, ..Visitor::default() });
        let first = lost.get(&server, "/auth/github").state();
        let refused = lost.callback(&server, "github", &first);
        let second = lost.restart(&server, &refused).state();
        let form = format!("code=c&state={second}");
        let request = if post {
            http::Request::post("/auth/github/callback")
        } else {
            http::Request::get(format!("/auth/github/callback?{form}"))
        };
        let answer = lost.send(&server, change(request), &form);
        assert_page(&answer, 400, "did not send our cookie");
        answer.text
    };
    assert!(page(&|request| request, false).contains("blocks cookies for this site"));
    assert!(page(&|request| request.header("cookie", "theme=dark"), false).contains("may have been cleared"));
    let cross_site = |request: http::request::Builder| request.header("origin", "https://idp.example");
    assert!(page(&cross_site, true).contains("came from another site"));
}

/// All states that are not authentic get one text, so that an attacker does not learn which check failed.
#[test]
fn states_that_are_not_authentic_get_one_neutral_page() {
    let (server, mut ann) = (server(), Visitor::default());
    let state = ann.get(&server, "/auth/github").state();
    let mut pages: Vec<String> = Vec::new();
    for query in [
        String::new(),
        "code=c".to_owned(),
        format!("state={state}"),
        format!("code=c&state={state}AAAA"),
        format!("code=c&state={state}&state={state}"),
        "code=c&state=%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
        "error=%3Cb%3E&error_description=%22%3E%3Cb%3E".to_owned(),
    ] {
        let page = ann.get(&server, &format!("/auth/github/callback?{query}"));
        assert_page(&page, 400, NEUTRAL);
        pages.push(without_reference(&page.text));
    }
    // Also a genuine state of another provider's callback.
    let of_another = ann.callback(&server, "x", &state).text.replace("/auth/x", "/auth/github");
    pages.push(without_reference(&of_another));
    pages.dedup();
    assert_eq!(pages.len(), 1);
    assert_eq!(server.guard.calls(), 0);
}

/// An application's own page keeps the headers, and is not used when the response is a redirect.
#[test]
fn an_own_page_is_protected_too() {
    let server: Server = crate::routes::server_with(
        |flow| flow,
        |routes| {
            routes.error_page(|failure, again, _| match failure {
                Failure::Refused(error) => format!("{} {again}", error.code()),
                _ => "another failure".to_owned(),
            })
        },
    );
    let page = Visitor::default().get(&server, "/auth/github/callback");
    assert_eq!((page.text.as_str(), page.header("referrer-policy")), ("missing_state /auth/github", "no-referrer"));
}
