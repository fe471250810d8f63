//! A state of another environment or application (RFC 8725 section 2.7, substitution): staging has the same root key,
//! and an attacker may start a login there.
//!
//! Without the names in the derivation, a state from a test system works in production.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth_state::testing::{ManualClock, ring};
use oauth_state::{App, Binding, ConfigError, Expect, Flow, FlowBuilder, Login, Provider, SingleProcessGuard};
use support::shop::{
    FORMS, NOW, app, block_on, callback, code_at_github as code, flow_of as flow, outcome, session, shop_with,
};

#[test]
fn staging_never_opens_in_production_nor_one_application_in_another() {
    for (form, flow) in FORMS {
        let begun = flow(app(), ring(), &[]).begin(session(), Login::with("github")).unwrap();
        assert!(begun.state.starts_with(form));
        for other in [("shop", "staging"), ("shop2", "test"), ("sho", "ptest"), ("test", "shop")] {
            let flow = flow(App::new(other.0, other.1).unwrap(), ring(), &[]);
            assert_eq!(code(&flow, &begun.state), "unknown_key", "{form}, {other:?}");
        }
    }
}

#[test]
fn the_cookie_of_one_environment_is_not_that_of_another() {
    let name = |environment: &str| {
        let flow = flow(App::new("shop", environment).unwrap(), ring(), &[]);
        let begun = flow.begin(Binding::cookie_headers([]), Login::with("github")).unwrap();
        begun.set_cookie.unwrap()[..15].to_owned()
    };
    assert_ne!(name("test"), name("production"));
    let shop = shop_with(|builder| builder.provider(Provider::github()));
    let begun = shop.flow.begin(Binding::cookie_headers([]), Login::with("github")).unwrap();
    assert_eq!(begun.set_cookie.unwrap()[..15], name("test"));
}

/// How two flows of one root key, with a guard in common, accept each other.
fn pair(
    names: [(&str, &str); 2],
    accept: fn(FlowBuilder<()>, App) -> FlowBuilder<()>,
) -> Result<[Flow; 2], ConfigError> {
    let guard = SingleProcessGuard::with_capacity(10);
    let [one, other] = names.map(|(name, environment)| App::new(name, environment).unwrap());
    let built = |own: &App, other: &App| {
        let builder = Flow::builder(own.clone(), ring(), guard.clone()).clock(ManualClock::at(NOW));
        accept(builder.provider(Provider::github()), other.clone()).build()
    };
    Ok([built(&one, &other)?, built(&other, &one)?])
}

fn until() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW + 3_600)
}

fn accept_app(builder: FlowBuilder<()>, app: App) -> FlowBuilder<()> {
    builder.accept_app(app, until())
}

/// A slip in a name must not let staging's states into production.
#[test]
fn a_renaming_reaches_another_environment_only_by_its_dangerous_name() {
    for other in [("shop", "staging"), ("store", "staging")] {
        let refused = pair([("shop", "test"), other], accept_app).unwrap_err();
        assert!(matches!(refused, ConfigError::AcceptsOtherEnvironment(_)), "{refused}");
    }
    let dangerous = |builder: FlowBuilder<()>, app| builder.dangerously_accept_other_environment(app, until());
    let [one, other] = pair([("shop", "test"), ("shop", "staging")], dangerous).unwrap();
    for (begin, finish) in [(&one, &other), (&other, &one)] {
        let state = begin.begin(session(), Login::with("github")).unwrap().state;
        assert_eq!(code(finish, &state), "passed");
    }
    // And no third one.
    let third = flow(App::new("shop", "production").unwrap(), ring(), &[]);
    let state = third.begin(session(), Login::with("github")).unwrap().state;
    assert_eq!(code(&one, &state), "unknown_key");
}

/// Two names share the guard: a state does not work once under each.
#[test]
fn a_state_that_was_used_under_one_name_is_used_under_the_other() {
    let [shop, store] = pair([("shop", "test"), ("store", "test")], accept_app).unwrap();
    for (begin, [first, then]) in [(&shop, [&store, &shop]), (&shop, [&shop, &store]), (&store, [&shop, &store])] {
        let state = begin.begin(session(), Login::with("github")).unwrap().state;
        let finish =
            |flow: &Flow| outcome(block_on(flow.finish(session(), Expect::provider("github"), callback(&state))));
        assert_eq!((finish(first), finish(then)), ("passed", "already_used"));
    }
}

/// An attacker who can plant a cookie of one name, for example through an old host, binds no login of the other.
#[test]
fn the_cookie_of_one_name_binds_no_login_of_the_other() {
    let [shop, store] = pair([("shop", "test"), ("store", "test")], accept_app).unwrap();
    let begun = |flow: &Flow| flow.begin(Binding::cookie_headers([]), Login::with("github")).unwrap();
    for (begin, finish) in [(&shop, &store), (&store, &shop)] {
        let (login, other) = (begun(begin), begun(finish));
        let check = |cookie: &str| {
            let binding = Binding::cookie_headers([cookie.as_bytes()]);
            outcome(finish.check(binding, Expect::provider("github"), callback(&login.state)))
        };
        let cookie = login.cookie_pair().unwrap();
        assert_eq!(check(cookie), "passed");
        assert_eq!(check(other.cookie_pair().unwrap()), "cookie_missing");
        // The right secret under the other name.
        let (_, secret) = cookie.split_once('=').unwrap();
        let (name, _) = other.cookie_pair().unwrap().split_once('=').unwrap();
        assert_eq!(check(&format!("{name}={secret}")), "cookie_missing");
    }
}
