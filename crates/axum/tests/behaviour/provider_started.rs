//! Logins that a provider starts: a callback without `state`, from a portal tile, an app directory or an installed app.
//! They start once, never use the code that came, and never loop.

use http::Request;
use oauth_state::testing::{ManualClock, ring};
use oauth_state::{Flow, Provider};
use oauth_state_axum::LoginRoutes;
use support::shop::{CountingGuard, NOW, app};

use crate::routes::{Answer, Server, Visitor, at_shop, server, server_of};

const INSTALLED: &str = "/auth/github/callback?code=x&installation_id=1&setup_action=install";

fn starting() -> Server {
    let (clock, guard) = (ManualClock::at(NOW), CountingGuard::new());
    let flow = Flow::builder(app(), ring(), guard.clone()).clock(clock.clone());
    let flow = flow.provider(at_shop(Provider::github()).may_start_logins()).provider(at_shop(Provider::google()));
    server_of(flow.loads_providers(), &clock, &guard, |flow| {
        LoginRoutes::builder(flow)
            .connections(|id, _| async move {
                if id == "broken" {
                    return Err("the database is gone".into());
                }
                if id == "gone" {
                    return Ok(None);
                }
                let provider =
                    Provider::custom(&id)?.authorization_endpoint("https://login.customer.example/authorize");
                let provider = at_shop(provider);
                Ok(Some(if id == "tile" { provider.may_start_logins() } else { provider }))
            })
            .on_login(|login, _| async move { Ok(login.code.secret().to_owned()) })
    })
}

/// The target of the redirect to the login start.
fn bounced(answer: &Answer, callback: &str) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert_eq!((answer.header("cache-control"), answer.header("referrer-policy")), ("no-store", "no-referrer"));
    let at = url::Url::parse("https://shop.example").unwrap().join(callback).unwrap();
    let to = at.join(answer.header("location")).unwrap();
    assert_eq!(to.origin(), at.origin());
    to[url::Position::BeforePath..].to_owned()
}

#[test]
fn a_callback_without_a_state_starts_a_login_and_its_code_is_never_used() {
    let (server, mut ann) = (starting(), Visitor::default());
    for callback in [INSTALLED, "/auth/github/callback", "/auth/tile/callback?iss=https%3A%2F%2Fportal.example"] {
        ann.jar.clear();
        let bounce = ann.get(&server, callback);
        let marker = bounce.header("set-cookie");
        assert!(
            marker.starts_with("__Host-") && marker.contains("; Secure") && marker.contains("SameSite=Lax"),
            "{marker}"
        );
        let start = bounced(&bounce, callback);
        assert!(!start.contains("code") && !start.contains("installation"), "{start}");
        let begun = ann.get(&server, &start);
        let provider = callback.split('/').nth(2).unwrap();
        assert_eq!(ann.callback(&server, provider, &begun.state()).text, "c", "the code of its own callback");
    }
    assert!(server.told.lock().unwrap().is_empty(), "nothing was refused");
}

/// The provider drops `state` every time, and never asks the user.
#[test]
fn a_provider_that_never_returns_a_state_causes_no_loop() {
    let (server, mut ann) = (starting(), Visitor::default());
    let start = bounced(&ann.get(&server, INSTALLED), INSTALLED);
    assert_eq!(ann.get(&server, &start).status, 303);
    let second = ann.get(&server, INSTALLED);
    assert_eq!((second.status.as_u16(), second.header("location"), second.header("set-cookie")), (200, "", ""));
    assert!(second.text.contains("href=\"/auth/github\"") && !second.text.contains("installation"), "{}", second.text);
    // Through another provider that may start logins as well.
    assert_eq!(ann.get(&server, "/auth/tile/callback").status, 200);
}

/// A browser without cookies never sends the marker, so it must not be sent to the provider.
#[test]
fn a_browser_that_keeps_no_cookies_gets_a_page_with_a_button() {
    let server = starting();
    let mut ann = Visitor { blocks_cookies: true, ..Visitor::default() };
    for (callback, login_start) in
        [(INSTALLED, "/auth/github"), ("/auth/tile/callback", "/auth/tile"), (INSTALLED, "/auth/github")]
    {
        let start = bounced(&ann.get(&server, callback), callback);
        let page = ann.get(&server, &start);
        assert_eq!((page.status.as_u16(), page.header("location"), page.header("set-cookie")), (200, "", ""));
        assert!(page.text.contains(&format!("href=\"{login_start}\"")), "{}", page.text);
    }
    // The button is a plain login start.
    assert_eq!(ann.get(&server, "/auth/github").status, 303);
}

#[test]
fn only_providers_that_may_start_logins_do() {
    let mut ann = Visitor::default();
    let starting = starting();
    for callback in ["/auth/google/callback?code=x", "/auth/another/callback?code=x"] {
        let refused = ann.get(&starting, callback);
        assert_eq!((refused.status.as_u16(), refused.header("set-cookie")), (400, ""), "{callback}");
    }
    assert!(starting.told.lock().unwrap().iter().all(|code| code == "missing_state"));
    assert_eq!(ann.get(&server(), INSTALLED).status, 400, "off by default");
}

/// Other cookies may hold anything, and only the marker that a sibling site cannot plant counts.
#[test]
fn the_marker_is_found_by_its_exact_name_next_to_any_cookie() {
    let server = starting();
    let start = |cookie: &[u8]| {
        let cookie = http::HeaderValue::from_bytes(cookie).unwrap();
        let begun =
            Visitor::default().send(&server, Request::get("/auth/github?started=1").header("cookie", cookie), "");
        begun.status.as_u16()
    };
    assert_eq!(start("__Host-oauth-state-started=1; name=Zoé".as_bytes()), 303);
    for planted in ["oauth-state-started=1", "__Secure-oauth-state-started=1", "x__Host-oauth-state-started=1"] {
        assert_eq!(start(planted.as_bytes()), 200, "{planted}");
    }
}

/// A failing hook must not look like a callback that no user sent.
#[test]
fn a_hook_that_fails_at_a_provider_s_start_is_told_and_tried_again() {
    let server = starting();
    let page = Visitor::default().get(&server, "/auth/broken/callback?code=x");
    assert_eq!((page.status.as_u16(), page.header("retry-after")), (503, "2"));
    assert_eq!(*server.told.lock().unwrap(), ["hook_failed"]);
    assert_eq!(Visitor::default().get(&server, "/auth/gone?started=1").status, 404);
}

/// An error, a state of whatever kind, a POST and a prefetch start nothing.
#[test]
fn a_callback_that_is_a_response_or_no_navigation_starts_nothing() {
    let (server, mut ann) = (starting(), Visitor::default());
    for query in ["error=access_denied", "error_code=901&error_message=x", "state=x&code=c", "code=c&state=ost1x"] {
        let refused = ann.get(&server, &format!("/auth/github/callback?{query}"));
        assert_eq!((refused.status.as_u16(), refused.header("set-cookie")), (400, ""), "{query}");
    }
    assert_eq!(ann.send(&server, Request::post("/auth/github/callback"), "code=c").status, 400);
    for speculative in [Request::head(INSTALLED), Request::get(INSTALLED).header("sec-purpose", "prefetch")] {
        let answer = ann.send(&server, speculative, "");
        assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (503, ""));
    }
    // A frame or a script of another site cannot start a login this way either.
    let start = bounced(&ann.get(&server, INSTALLED), INSTALLED);
    assert_eq!(ann.send(&server, Request::get(&start).header("sec-fetch-dest", "iframe"), "").status, 400);
}
