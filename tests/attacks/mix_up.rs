//! Mix-up (RFC 9700 section 4.4, RFC 9207 section 2.4): a code of one provider is taken to another.
//!
//! Without the comparison an attacker who runs one of several providers is sent the code of an honest one, and signs in with it.

use crate::common::{app, callback, session, shop_with};
use oauth_state::testing::ring;
use oauth_state::{Callback, ConfigError, Expect, Flow, FlowBuilder, Login, Provider, SingleProcessGuard};

const ACME: &str = "https://login.acme.example";

#[test]
fn iss_is_compared_as_a_string_where_it_is_known() {
    let shop = shop_with(|builder| {
        builder
            .provider(Provider::custom("acme").unwrap().requires_iss(ACME))
            .provider(Provider::custom("known").unwrap().issuer(ACME))
            .provider(Provider::custom("silent").unwrap())
    });
    let code = |provider: &str, iss: &str| {
        let begun = shop.flow.begin(session(), Login::at(provider)).unwrap();
        let callback = Callback::from_query(&format!("code=c&state={}{iss}", begun.state)).unwrap();
        let checked = shop.flow.check(session(), Expect::provider(provider), callback);
        checked.map_or_else(|error| error.code(), |_| "passed")
    };
    assert_eq!(code("acme", "&iss=https%3A%2F%2Flogin.acme.example"), "passed");
    assert_eq!(code("acme", ""), "issuer_missing");
    assert_eq!(code("acme", "&iss="), "issuer_missing");
    for other in ["https://login.acme.example/", "https://LOGIN.acme.example", "http://login.acme.example", "x"] {
        assert_eq!(code("acme", &format!("&iss={other}")), "issuer_mismatch");
        assert_eq!(code("known", &format!("&iss={other}")), "issuer_mismatch");
        assert_eq!(code("silent", &format!("&iss={other}")), "passed");
    }
    assert_eq!(code("known", ""), "passed");
    assert_eq!(code("silent", ""), "passed");
}

#[test]
fn an_error_of_an_unchecked_issuer_is_refused_or_nobody_s() {
    let shop = shop_with(|builder| builder.provider(Provider::custom("acme").unwrap().requires_iss(ACME)));
    let begun = shop.flow.begin(session(), Login::at("acme")).unwrap();
    let callback = Callback::from_query(&format!("error=access_denied&state={}", begun.state)).unwrap();
    let refused = shop.flow.check(session(), Expect::provider("acme"), callback).unwrap_err();
    assert_eq!(refused.code(), "issuer_missing");
}

fn builder() -> FlowBuilder<()> {
    Flow::builder(app(), ring(), SingleProcessGuard::with_capacity(10))
}

fn acme() -> Provider {
    Provider::custom("acme").unwrap().requires_iss(ACME)
}

fn other() -> Provider {
    Provider::custom("other").unwrap().requires_iss("https://other.example")
}

#[test]
fn a_callback_address_that_several_providers_share_builds_only_with_iss() {
    let mix_up = |builder: FlowBuilder<()>| matches!(builder.build(), Err(ConfigError::MixUp(..)));
    assert!(mix_up(builder().provider(acme()).provider(Provider::github()).shared_callback()));
    assert!(mix_up(builder().provider(acme()).provider(Provider::google()).shared_callback()));
    let same_issuer = Provider::custom("double").unwrap().requires_iss(ACME);
    assert!(mix_up(builder().provider(acme()).provider(same_issuer).shared_callback()));
    let uri = "https://shop.example/callback";
    assert!(mix_up(builder().provider(acme().redirect_uri(uri)).provider(Provider::github().redirect_uri(uri))));
    assert!(mix_up(builder().provider(acme().redirect_uri(uri)).provider(other().redirect_uri(uri))));

    let by_id = |provider: Provider| provider.named_redirect_uri("web", uri);
    assert!(mix_up(builder().provider(by_id(Provider::github())).provider(by_id(Provider::google()))));
    assert!(mix_up(builder().provider(by_id(Provider::github())).provider(Provider::google().redirect_uri(uri))));

    assert!(builder().provider(acme()).provider(other()).shared_callback().build().is_ok());
    assert!(builder().provider(Provider::github()).shared_callback().build().is_ok());
    let (one, two) = ("https://shop.example/a", "https://shop.example/b");
    let apart = builder().provider(acme().redirect_uri(one)).provider(Provider::github().redirect_uri(two));
    assert!(apart.build().is_ok());
}

#[test]
fn on_a_shared_callback_the_provider_is_learned_and_its_iss_compared() {
    let shop = shop_with(|builder| builder.provider(acme()).provider(other()).shared_callback());
    let code = |provider: &str, iss: &str| {
        let begun = shop.flow.begin(session(), Login::at(provider)).unwrap();
        let callback = Callback::from_query(&format!("code=c&state={}&iss={iss}", begun.state)).unwrap();
        let checked = shop.flow.check(session(), Expect::any_provider(), callback);
        checked.map_or_else(|error| error.code(), |_| "passed")
    };
    assert_eq!(code("acme", ACME), "passed");
    assert_eq!(code("other", "https://other.example"), "passed");
    assert_eq!(code("acme", "https://other.example"), "issuer_mismatch");
    assert_eq!(code("acme", ""), "issuer_missing");
}

#[test]
fn an_empty_iss_is_an_absent_one() {
    let acme = || Provider::custom("acme").unwrap().requires_iss("https://acme.example");
    let shop = shop_with(|builder| builder.provider(acme()));
    let begun = shop.flow.begin(session(), Login::at("acme")).unwrap();
    let refused = shop.flow.check(session(), Expect::provider("acme"), callback(&begun.state).iss("")).unwrap_err();
    assert_eq!(refused.code(), "issuer_missing");
}
