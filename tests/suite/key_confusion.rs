//! A state opens only under its own key, purpose, application and environment.

use crate::common::{NOW, app, callback, session, shop, shop_with};
use oauth_state::testing::{ManualClock, ring};
use oauth_state::{
    App, BeginError, Binding, ConfigError, Expect, Flow, KeyRing, Login, Provider, Purpose, RootKey, SingleProcessGuard,
};

fn flow(app: App, ring: KeyRing, purposes: &[Purpose]) -> Flow {
    let builder = Flow::builder(app, ring, SingleProcessGuard::with_capacity(10)).clock(ManualClock::at(NOW));
    let builder = purposes.iter().fold(builder, |builder, purpose| builder.purpose(*purpose));
    builder.provider(Provider::github()).build().unwrap()
}

fn code(flow: &Flow, state: &str) -> &'static str {
    let checked = flow.check(session(), Expect::provider("github"), callback(state));
    checked.map_or_else(|error| error.code(), |_| "passed")
}

#[test]
fn staging_never_opens_in_production_nor_one_application_in_another() {
    let begun = shop().flow.begin(session(), Login::at("github")).unwrap();
    for other in [("shop", "staging"), ("shop2", "test"), ("sho", "ptest"), ("test", "shop")] {
        let flow = flow(App::new(other.0, other.1).unwrap(), ring(), &[]);
        assert_eq!(code(&flow, &begun.state), "unknown_key", "{other:?}");
    }
}

#[test]
fn a_key_that_the_ring_does_not_hold_opens_nothing() {
    let begun = shop().flow.begin(session(), Login::at("github")).unwrap();
    let other = flow(app(), KeyRing::from(RootKey::generate().unwrap()), &[]);
    assert_eq!(code(&other, &begun.state), "unknown_key");
}

#[test]
fn a_state_of_another_purpose_is_refused_by_name() {
    let login = flow(app(), ring(), &[Purpose::Login]);
    let custom = flow(app(), ring(), &[Purpose::Custom("login")]);
    let link = flow(app(), ring(), &[Purpose::Link]);
    let both = flow(app(), ring(), &[Purpose::Login, Purpose::Link]);
    let state = login.begin(session(), Login::at("github")).unwrap().state;
    assert_eq!(code(&link, &state), "wrong_purpose");
    assert_eq!(code(&custom, &state), "wrong_purpose");
    assert_eq!(code(&both, &state), "passed");
    let narrowed =
        both.check(session(), Expect::provider("github").purpose(Purpose::Link), callback(&state)).unwrap_err();
    assert_eq!(narrowed.code(), "wrong_purpose");
    let state = custom.begin(session(), Login::at("github")).unwrap().state;
    assert_eq!(code(&login, &state), "unknown_key");

    let user = || session().and_user(b"ann").unwrap().dangerously_assume_same_origin();
    let state = link.begin(user(), Login::at("github")).unwrap().state;
    assert_eq!(code(&login, &state), "wrong_purpose");
    let finished = both.check(user(), Expect::provider("github"), callback(&state));
    assert!(finished.is_ok());
    let refused = login.begin(user(), Login::at("github").purpose(Purpose::Link)).unwrap_err();
    assert!(matches!(refused, BeginError::PurposeNotAccepted(Purpose::Link)));
}

/// PENDING opens and does not seal; RETIRING opens; RETIRED and REVOKED do not.
#[test]
fn a_ring_of_two_keys_hands_over_without_a_refused_login() {
    let (old, new) = (RootKey::generate().unwrap(), RootKey::generate().unwrap());
    let document = |revoked: &str| {
        let (old, new) = (old.to_secret_text(), new.to_secret_text());
        KeyRing::parse(&format!(
            r#"{{"version":1,"serial":2,"propagation":300,"skew":60,"lifetime_cap":600,"keys":[
            {{"key":"{}","published_at":"2027-01-01T00:00:00Z","seal_from":"2027-01-01T00:00:00Z"}},
            {{"key":"{}","published_at":"2027-01-15T07:00:00Z","seal_from":"2027-01-15T08:00:00Z"}}],
            "revoked":[{revoked}]}}"#,
            old.expose(),
            new.expose()
        ))
        .unwrap()
    };
    let clock = ManualClock::at(NOW); // 2027-01-15T08:00:00Z
    let build = |ring: KeyRing| {
        Flow::builder(app(), ring, SingleProcessGuard::with_capacity(10))
            .clock(clock.clone())
            .provider(Provider::github())
            .build()
            .unwrap()
    };
    let begin = |flow: &Flow| flow.begin(session(), Login::at("github")).unwrap().state;
    let both = build(document(""));
    clock.set(NOW - 1);
    let before = begin(&both);
    clock.set(NOW);
    let after = begin(&both);
    assert_ne!(before[..9], after[..9], "the key id changes with the key");
    for state in [&before, &after] {
        assert_eq!(code(&both, state), "passed");
    }
    // accept_until = 300 + 600 + 2·60 after it was superseded; its states have expired by then in any case.
    clock.set(NOW + 1020);
    assert_eq!(code(&both, &before), "unknown_key");
    clock.set(NOW + 1019);
    assert_eq!(code(&both, &before), "expired");

    clock.set(NOW);
    let revoked = build(document(&format!("\"{}\"", new.id())));
    assert_eq!(code(&revoked, &after), "key_revoked");
    assert_eq!(code(&revoked, &before), "passed");
    let none = revoked.begin(session(), Login::at("github")).unwrap_err();
    assert!(matches!(none, BeginError::NoActiveKey));
}

#[test]
fn a_ring_that_does_not_seal_yet_does_not_build() {
    let key = RootKey::generate().unwrap().to_secret_text();
    let ring = KeyRing::parse(&format!(
        r#"{{"version":1,"serial":1,"propagation":0,"skew":60,"lifetime_cap":600,"keys":[
        {{"key":"{}","published_at":"2050-01-01T00:00:00Z","seal_from":"2050-01-01T00:00:00Z"}}]}}"#,
        key.expose()
    ))
    .unwrap();
    let built = Flow::builder(app(), ring, SingleProcessGuard::with_capacity(1)).provider(Provider::github()).build();
    assert_eq!(built.unwrap_err(), ConfigError::NothingSealsYet);
}

#[test]
fn the_cookie_of_one_environment_is_not_that_of_another() {
    let name = |environment: &str| {
        let flow = flow(App::new("shop", environment).unwrap(), ring(), &[]);
        let begun = flow.begin(Binding::cookie_headers([]), Login::at("github")).unwrap();
        begun.set_cookie.unwrap()[..15].to_owned()
    };
    assert_ne!(name("test"), name("production"));
    let shop = shop_with(|builder| builder.provider(Provider::github()));
    let begun = shop.flow.begin(Binding::cookie_headers([]), Login::at("github")).unwrap();
    assert_eq!(begun.set_cookie.unwrap()[..15], name("test"));
}
