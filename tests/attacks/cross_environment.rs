//! A state of another environment or application (RFC 8725 section 2.7, substitution): staging has the same root key,
//! and an attacker may start a login there.
//!
//! Without the names in the derivation, a state from a test system works in production.

use oauth_state::testing::ring;
use oauth_state::{App, Binding, Login, Provider};
use support::shop::{FORMS, app, code_at_github as code, flow_of as flow, session, shop_with};

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
