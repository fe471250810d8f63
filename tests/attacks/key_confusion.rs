//! Key confusion: a state that was sealed under a key which this service does not accept, or accepts no more (RFC 9700
//! section 4.7.1: a state is good only where it can be validated).
//!
//! Without the check, a key that leaked goes on making logins after it was revoked.

use crate::common::{NOW, app, code_at_github as code, flow_of as flow, session, shop};
use oauth_state::testing::ManualClock;
use oauth_state::{BeginError, Flow, KeyRing, Login, Provider, RootKey, SingleProcessGuard};

#[test]
fn a_key_that_the_ring_does_not_hold_opens_nothing() {
    let begun = shop().flow.begin(session(), Login::at("github")).unwrap();
    let other = flow(app(), KeyRing::from(RootKey::generate().unwrap()), &[]);
    assert_eq!(code(&other, &begun.state), "unknown_key");
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
