//! The application's hooks: what they may change, and what happens when they fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::StatusCode;
use oauth_state::observe::Reference;
use oauth_state::testing::{ManualClock, ring};
use oauth_state::{Binding, Flow, FlowBuilder, Login, Provider, Purpose};
use oauth_state_axum::{Axum, Failure, LoginRoutes, RoutesBuilder};
use support::shop::{CountingGuard, NOW, app};

use crate::routes::{Answer, Server, Visitor, at_shop, server_of};

const INSTALL: Purpose = Purpose::Custom("install");

fn server(configure: impl FnOnce(RoutesBuilder<Axum, ()>) -> RoutesBuilder<Axum, ()>) -> Server {
    server_and_flow(configure).0
}

fn server_and_flow(configure: impl FnOnce(RoutesBuilder<Axum, ()>) -> RoutesBuilder<Axum, ()>) -> (Server, Flow) {
    let (clock, guard) = (ManualClock::at(NOW), CountingGuard::new());
    let flow = Flow::builder(app(), ring(), guard.clone()).clock(clock.clone()).provider(at_shop(Provider::google()));
    let flow = FlowBuilder::purpose(flow, Purpose::Login).purpose_without_code(INSTALL);
    let mut shared = None;
    let server = server_of(flow, &clock, &guard, |flow| {
        shared = Some(flow.clone());
        configure(LoginRoutes::builder(flow).on_login(|login, _| async move { Ok(login.origin.restarts.to_string()) }))
    });
    (server, shared.unwrap())
}

/// Discovery, a hint or a pushed request needs to read the request, to wait, and to fail.
#[test]
fn authorize_sees_the_request_waits_and_keeps_what_belongs_to_the_login() {
    let server = server(|routes| {
        routes.authorize(|url, request| async move {
            tokio::task::yield_now().await;
            let url = request.query("login_hint").map_or(url.clone(), |hint| url.login_hint(&hint));
            // The login's own parameters cannot be replaced.
            assert!(url.clone().param("state", "x").is_err() && url.clone().param("code_challenge", "x").is_err());
            Ok(url)
        })
    });
    let mut ann = Visitor::default();
    let begun = ann.get(&server, "/auth/google?login_hint=ann%40a.example&state=x&code_challenge=y");
    assert_eq!(begun.parameter("login_hint").as_deref(), Some("ann@a.example"));
    assert_eq!(begun.parameter("code_challenge").map(|challenge| challenge.len()), Some(43));
    let state = begun.state();
    assert!(state.starts_with("ost1"));
    assert_eq!(ann.callback(&server, "google", &state).status, 200);
    assert_eq!(ann.get(&server, "/auth/google").parameter("login_hint"), None);
}

#[test]
fn a_hook_that_fails_is_told_to_the_operator_and_shows_the_user_a_way_to_try_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let server = server(move |routes| {
        routes.authorize(move |url, _| {
            let call = counted.fetch_add(1, Ordering::SeqCst);
            async move { if call == 0 { Err("the discovery document <b>did not come</b>".into()) } else { Ok(url) } }
        })
    });
    let mut ann = Visitor::default();
    let refused = ann.get(&server, "/auth/google");
    assert_eq!((refused.status.as_u16(), refused.header("location")), (503, ""));
    assert!(refused.text.contains("href=\"/auth/google\"") && !refused.text.contains("discovery"), "{}", refused.text);
    assert_eq!(
        *server.told.lock().unwrap(),
        ["hook_failed: the `authorize` hook of the routes failed: the discovery document <b>did not come</b>"]
    );
    let begun = ann.get(&server, "/auth/google");
    assert_eq!(ann.callback(&server, "google", &begun.state()).status, 200);
}

/// Every hook may fail before the login is used up: nothing is consumed, and the same callback works afterwards.
#[test]
fn a_hook_that_fails_before_the_login_is_used_consumes_nothing() {
    type Configure = fn(RoutesBuilder<Axum, ()>, Arc<AtomicUsize>) -> RoutesBuilder<Axum, ()>;
    let with_site: Configure = |routes, broken| {
        routes.site(move |_| {
            let fails = broken.load(Ordering::SeqCst) == 1;
            async move { if fails { Err("no database".into()) } else { Ok(oauth_state_axum::Site::default()) } }
        })
    };
    let with_user: Configure = |routes, broken| {
        routes.signed_in_user(move |_| {
            let fails = broken.load(Ordering::SeqCst) == 1;
            async move { if fails { Err("no database".into()) } else { Ok(None) } }
        })
    };
    for (hook, configure) in [("site", with_site), ("signed_in_user", with_user)] {
        let broken = Arc::new(AtomicUsize::new(0));
        let server = server(|routes| configure(routes, Arc::clone(&broken)));
        let mut ann = Visitor::default();
        let state = ann.get(&server, "/auth/google").state();
        broken.store(1, Ordering::SeqCst);
        let page = ann.callback(&server, "google", &state);
        assert_eq!((page.status.as_u16(), page.header("retry-after")), (503, "2"), "{hook}");
        assert!(page.text.contains("reload this page") && !page.text.contains("database"), "{}", page.text);
        assert_eq!((server.told.lock().unwrap().pop().as_deref(), server.guard.calls()), (Some("hook_failed"), 0));
        broken.store(0, Ordering::SeqCst);
        assert_eq!(ann.callback(&server, "google", &state).status, 200, "{hook}");
    }
}

/// An exchange that fails must neither show its error to the user nor go unnoticed.
#[test]
fn a_hook_that_fails_after_the_login_was_used_is_told_and_offers_another_login() {
    let server = server(|routes| routes.on_login(|_, _| async { Err::<(), _>("invalid_grant <b>".into()) }));
    let mut ann = Visitor::default();
    let state = ann.get(&server, "/auth/google").state();
    let page = ann.callback(&server, "google", &state);
    assert_eq!((page.status.as_u16(), page.header("location")), (500, ""));
    assert_eq!((page.header("cache-control"), page.header("referrer-policy")), ("no-store", "no-referrer"));
    assert!(page.text.contains("href=\"/auth/google\"") && !page.text.contains("invalid_grant"), "{}", page.text);
    assert!(page.text.contains(&format!("<p>Reference: {}</p>", Reference::of(&state))), "{}", page.text);
    assert_eq!(*server.told.lock().unwrap(), ["google on_login: invalid_grant <b>"]);
}

#[test]
fn an_error_page_of_the_application_s_replaces_every_page() {
    let server = server(|routes| {
        let routes = routes.on_login(|_, _| async { Err::<(), _>("x".into()) });
        routes.error_page(|failure, target, request| {
            let words = match failure {
                Failure::StartRefused(error) => format!("start {}", error.code()),
                Failure::Refused(error) => format!("refused {}", error.code()),
                Failure::Denied { error, .. } => format!("denied {}", error.as_str()),
                Failure::HookFailed { hook, .. } => format!("failed {hook}"),
                _ => "other".to_owned(),
            };
            let status = StatusCode::from_u16(failure.status()).unwrap();
            let reference = failure.reference().map_or_else(String::new, |reference| format!(" {reference}"));
            (status, format!("{words} {} {}{reference}", target.as_str(), request.host().unwrap_or("-")))
        })
    });
    let mut ann = Visitor::default();
    let mut state = || ann.get(&server, "/auth/google").state();
    let (denied, failed) = (state(), state());
    let page = |ann: &mut Visitor, uri: &str| {
        let page = ann.get(&server, uri);
        assert_eq!(page.header("cache-control"), "no-store");
        (page.status.as_u16(), page.text)
    };
    let callback = |query: String| format!("/auth/google/callback?{query}");
    let expected = |status, text: &str, state: &str| {
        (status, format!("{text} /auth/google shop.example {}", Reference::of(state)))
    };
    assert_eq!(page(&mut ann, &callback("code=c&state=x".into())), expected(400, "refused malformed", "x"));
    let refused = page(&mut ann, &callback(format!("error=access_denied&state={denied}")));
    assert_eq!(refused, expected(400, "denied access_denied", &denied));
    let of_hook = page(&mut ann, &callback(format!("code=c&state={failed}")));
    assert_eq!(of_hook, expected(500, "failed on_login", &failed));
    let fetched = http::Request::get("/auth/google").header("sec-fetch-mode", "cors");
    let page = ann.send(&server, fetched, "");
    assert_eq!((page.status.as_u16(), page.text.as_str()), (400, "start not_a_navigation / shop.example"));
}

#[test]
fn what_comes_back_without_a_code_reaches_its_hook_and_is_used_once() {
    let (server, flow) = server_and_flow(|routes| {
        let routes = routes.on_login(|_, _| async { Ok("signed in") });
        routes
            .on_returned(|back, _| async move { Ok(back.parameters.get("installation_id").unwrap_or("-").to_owned()) })
    });
    let mut ann = Visitor::default();
    let headers = http::HeaderMap::new();
    let begun = flow.begin(Binding::cookies(&headers), Login::with("google").purpose(INSTALL)).unwrap();
    ann.jar.push(begun.cookie_pair().unwrap().to_owned());
    let url = begun.url_at("https://github.example/apps/shop/installations/new").unwrap().to_string();
    assert!(url.starts_with("https://github.example/apps/shop/installations/new?"));
    let callback = format!("/auth/google/callback?installation_id=7&state={}", begun.state);
    let first = ann.get(&server, &callback);
    assert_eq!((first.status.as_u16(), first.text.as_str()), (200, "7"));
    assert_ne!(ann.get(&server, &callback).text, "7");
    // A sign-in never ends like this, whatever the hook.
    let state = ann.get(&server, "/auth/google").state();
    let refused = ann.get(&server, &format!("/auth/google/callback?installation_id=7&state={state}"));
    assert_eq!(refused.status, 400);
    assert_eq!(ann.callback(&server, "google", &state).text, "signed in");
}

/// A provider that is busy, or whose page stayed open too long, gets the same login again, once. A second restart would
/// be a loop between two servers.
#[test]
fn a_denial_that_means_try_again_restarts_once_where_that_is_configured() {
    let deny = |ann: &mut Visitor, server: &Server, begun: &Answer, error: &str| {
        let state = begun.state();
        ann.get(server, &format!("/auth/google/callback?error={error}&state={state}"))
    };
    let restarting = server(RoutesBuilder::restart_after_denial);
    for error in
        ["temporarily_unavailable&error_description=authentication_expired", "login_required", "interaction_required"]
    {
        let mut ann = Visitor::default();
        let begun = ann.get(&restarting, "/auth/google");
        let denied = deny(&mut ann, &restarting, &begun, error);
        let again = ann.restart(&restarting, &denied);
        let second = deny(&mut ann, &restarting, &again, error);
        assert_eq!((second.status.as_u16(), second.header("location")), (400, ""), "{error}");
    }
    let mut ann = Visitor::default();
    let begun = ann.get(&restarting, "/auth/google");
    assert_eq!(deny(&mut ann, &restarting, &begun, "access_denied").status, 400);
    // Another browser's denial is refused.
    let begun = ann.get(&restarting, "/auth/google");
    let mut other = Visitor::default();
    let _ = other.get(&restarting, "/auth/google");
    let refused = deny(&mut other, &restarting, &begun, "temporarily_unavailable");
    assert_eq!((refused.status.as_u16(), refused.header("location")), (400, ""));
    // Off by default.
    let plain = server(|routes| routes);
    let mut ann = Visitor::default();
    let begun = ann.get(&plain, "/auth/google");
    assert_eq!(deny(&mut ann, &plain, &begun, "temporarily_unavailable").status, 400);
}
