//! Hooks of the application's: what they may change, and what happens when they fail.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use oauth_state::testing::{ManualClock, ring};
use oauth_state::{BeginError, Flow, FlowBuilder, Provider, Purpose};
use oauth_state_axum::{Axum, LoginRoutes, RoutesBuilder, router};
use support::shop::{CountingGuard, NOW, app};

use crate::routes::{Answer, Server, Visitor};

fn builder(clock: &ManualClock, guard: &CountingGuard) -> RoutesBuilder<Axum, ()> {
    let flow = Flow::builder(app(), ring(), guard.clone()).clock(clock.clone());
    let flow = FlowBuilder::purpose(flow, Purpose::Login).purpose_without_code(Purpose::Custom("install"));
    let google = Provider::google().client_id("client").redirect_uri("https://shop.example/auth/google/callback");
    LoginRoutes::builder(flow).provider(google).on_login(|login, _| async move { login.origin.restarts.to_string() })
}

fn server(configure: impl FnOnce(RoutesBuilder<Axum, ()>) -> RoutesBuilder<Axum, ()>) -> Server {
    let (clock, guard, told) = (ManualClock::at(NOW), CountingGuard::new(), Arc::<Mutex<Vec<String>>>::default());
    let begins = Arc::clone(&told);
    let routes = configure(builder(&clock, &guard)).on_begin_error(move |error| {
        let source = std::error::Error::source(error).map(ToString::to_string);
        begins.lock().unwrap().push(format!("{}: {}", error.code(), source.unwrap_or_default()));
    });
    Server { router: router(routes.build().unwrap()), clock, guard, told }
}

fn parameter(begun: &Answer, name: &str) -> Option<String> {
    assert_eq!(begun.status, 303, "{}", begun.text);
    let url = url::Url::parse(begun.header("location")).unwrap();
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// Discovery, a hint or a pushed request needs to see the request, to wait, and to fail.
#[test]
fn authorize_sees_the_request_waits_and_keeps_what_belongs_to_the_login() {
    let server = server(|routes| {
        routes.authorize(|url, request| async move {
            tokio::task::yield_now().await;
            let query = request.uri.query().unwrap_or_default().to_owned();
            let hint = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "login_hint");
            let url = hint.map_or(url.clone(), |(_, hint)| url.login_hint(&hint));
            // What the login needs cannot be replaced.
            assert!(url.clone().param("state", "x").is_err() && url.clone().param("code_challenge", "x").is_err());
            Ok(url)
        })
    });
    let mut ann = Visitor::default();
    let begun = ann.get(&server, "/auth/google?login_hint=ann%40a.example&state=x&code_challenge=y");
    assert_eq!(parameter(&begun, "login_hint").as_deref(), Some("ann@a.example"));
    assert_eq!(parameter(&begun, "code_challenge").map(|challenge| challenge.len()), Some(43));
    let state = parameter(&begun, "state").unwrap();
    assert!(state.starts_with("ost1"));
    assert_eq!(ann.callback(&server, "google", &state).status, 200);
    assert_eq!(parameter(&ann.get(&server, "/auth/google"), "login_hint"), None);
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
    assert_eq!(*server.told.lock().unwrap(), ["hook_failed: the discovery document <b>did not come</b>"]);
    let begun = ann.get(&server, "/auth/google");
    assert_eq!(ann.callback(&server, "google", &parameter(&begun, "state").unwrap()).status, 200);
    let error = BeginError::HookFailed { hook: "authorize", source: "x".into() };
    assert_eq!(error.to_string(), "the `authorize` hook of the routes failed");
}

#[test]
fn what_comes_back_without_a_code_reaches_its_hook_and_is_used_once() {
    let routes = |routes: RoutesBuilder<Axum, ()>| {
        let routes = routes.each_login(|login, request| match request.uri.query() {
            Some("install") => login.purpose(Purpose::Custom("install")),
            _ => login,
        });
        let routes = routes.on_login(|_, _| async { "signed in" });
        routes.on_returned(|back, _| async move { back.parameters.get("installation_id").unwrap_or("-").to_owned() })
    };
    let server = server(routes);
    let mut ann = Visitor::default();
    let state = parameter(&ann.get(&server, "/auth/google?install"), "state").unwrap();
    let back = |ann: &mut Visitor| ann.get(&server, &format!("/auth/google/callback?installation_id=7&state={state}"));
    let first = back(&mut ann);
    assert_eq!((first.status.as_u16(), first.text.as_str()), (200, "7"));
    assert_ne!(back(&mut ann).text, "7");
    // A login never ends so, whatever hook there is.
    let state = parameter(&ann.get(&server, "/auth/google"), "state").unwrap();
    let refused = ann.get(&server, &format!("/auth/google/callback?installation_id=7&state={state}"));
    assert_eq!(refused.status, 400);
    assert_eq!(ann.callback(&server, "google", &state).text, "signed in");
}

/// A provider that is busy, or whose page stayed open too long: the same login again, once. A second time would be a loop between two
/// servers.
#[test]
fn a_denial_that_means_try_again_restarts_once_where_that_is_configured() {
    let deny = |ann: &mut Visitor, server: &Server, begun: &Answer, error: &str| {
        let state = parameter(begun, "state").unwrap();
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
    // Another browser's denial starts nothing there.
    let begun = ann.get(&restarting, "/auth/google");
    assert_ne!(deny(&mut Visitor::default(), &restarting, &begun, "temporarily_unavailable").status, 200);
    // Off by default.
    let plain = server(|routes| routes);
    let mut ann = Visitor::default();
    let begun = ann.get(&plain, "/auth/google");
    assert_eq!(deny(&mut ann, &plain, &begun, "temporarily_unavailable").status, 400);
}
