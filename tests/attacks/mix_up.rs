//! Mix-up (RFC 9700 section 4.4, RFC 9207 section 2.4): an attacker takes a code of one provider to another.
//!
//! Without the comparison, an attacker who runs one of several providers receives an honest provider's code and signs
//! in with it.

use oauth_state::testing::ring;
use oauth_state::{Callback, ConfigError, Expect, Flow, FlowBuilder, Login, Provider, SingleProcessGuard};
use support::shop::{app, callback_of_issuer, session, shop_with};

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
        let begun = shop.flow.begin(session(), Login::with(provider)).unwrap();
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
fn an_error_of_an_unchecked_issuer_is_refused_or_unattributed() {
    let shop = shop_with(|builder| builder.provider(Provider::custom("acme").unwrap().requires_iss(ACME)));
    let begun = shop.flow.begin(session(), Login::with("acme")).unwrap();
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

/// Browsers, proxies and routers lead all of these to one route, so a flow with two of them could not tell the
/// providers apart.
#[test]
fn two_spellings_of_one_callback_address_are_one_address() {
    let same = [
        ("https://shop.example/cb", "https://shop.example:443/cb"),
        ("https://shop.example/cb", "https://shop.example:/cb"),
        ("https://shop.example/cb", "https://shop.example:0443/cb"),
        ("https://shop.example:8443/cb", "https://shop.example:08443/cb"),
        ("http://shop.example/cb", "http://shop.example:80/cb"),
        ("https://shop.example/cb", "HTTPS://SHOP.Example/cb"),
        ("https://shop.example/cb", "https://shop.example./cb"),
        ("https://shop.example/cb", "https://shop.example.:443/cb"),
        ("https://shop.example/cb", "https://%73hop.example/cb"),
        ("https://shop.example/cb", "https://shop%2Eexample/cb"),
        ("https://shop.example/cb", "https://user@shop.example/cb"),
        ("https://shop.example/cb", "https://:@shop.example/cb"),
        ("https://shop.example/cb", "https:/shop.example/cb"),
        ("https://shop.example/cb", "https:shop.example/cb"),
        ("https://shop.example/cb", "https:///shop.example/cb"),
        ("https://shop.example/cb", "https:\\\\shop.example\\cb"),
        ("https://shop.example/cb", "https://shop.ex\tample/cb"),
        ("https://shop.example/cb", "https://shop.example/c\nb"),
        ("https://shop.example/cb", " https://shop.example/cb"),
        ("https://shop.example/cb", "https://xn--shop-.example/cb"),
        ("https://xn--mnchen-3ya.example/cb", "https://XN--MNCHEN-3YA.example/cb"),
        ("https://xn--mnchen-3ya.example/cb", "https://m\u{fc}nchen.example/cb"),
        ("https://shop.example/cb", "https://shop.example/a/../cb"),
        ("https://shop.example/cb", "https://shop.example/./cb"),
        ("https://shop.example/cb", "https://shop.example/%2e%2E/cb"),
        ("https://shop.example/cb", "https://shop.example/.%2e/cb"),
        ("https://shop.example/cb", "https://shop.example//cb"),
        ("https://shop.example/cb", "https://shop.example/cb//"),
        ("https://shop.example/cb", "https://shop.example/CB/?provider=other"),
        ("https://shop.example/cb", "https://shop.example/%63%62"),
        ("https://shop.example", "https://shop.example/"),
        ("https://127.0.0.1/cb", "https://127.1/cb"),
        ("https://127.0.0.1/cb", "https://0x7f.0.0.1/cb"),
        ("https://127.0.0.1/cb", "https://2130706433/cb"),
        ("https://127.0.0.1/cb", "https://0177.0.0.01/cb"),
        ("https://127.0.0.1/cb", "https://127.0.0.1./cb"),
        ("https://[::1]/cb", "https://[0:0:0:0:0:0:0:1]/cb"),
        ("https://[::1]/cb", "https://[::0001]:443/cb"),
        ("https://[2001:db8::a]/cb", "https://[2001:DB8::A]/cb"),
        ("https://[::ffff:7f00:1]/cb", "https://[::ffff:127.0.0.1]/cb"),
        ("com.example.shop:/cb", "COM.Example.Shop:/cb"),
        ("com.example.shop:/cb", "com.example.shop:///cb"),
        ("com.example.shop:/cb", "com.example.shop:/a/../cb"),
        ("com.example.shop://login/cb", "com.example.shop://LOGIN/cb"),
        ("com.example.shop://login/cb", "com.example.shop://login:/cb"),
    ];
    let github = |uri: &str| Provider::github().redirect_uri(uri);
    for (one, other) in same {
        let plain = || builder().dangerously_allow_plain_http();
        let two = |one: &str, other: &str| plain().provider(acme().redirect_uri(one)).provider(github(other)).build();
        for built in [two(one, other), two(other, one)] {
            let refused = matches!(built, Err(ConfigError::MixUp(..) | ConfigError::RedirectUri(_)));
            assert!(refused, "{one} and {other} are treated as two addresses");
        }
    }
    for other in
        ["https://shop.example:8443/cb", "https://www.shop.example/cb", "https://shop.example/cb2", "com.example:/cb"]
    {
        let apart = builder().provider(acme().redirect_uri("https://shop.example/cb")).provider(github(other));
        assert!(apart.build().is_ok(), "{other}");
    }
    let apps =
        builder().provider(acme().redirect_uri("com.example.shop://a/cb")).provider(github("com.example.shop://b/cb"));
    assert!(apps.build().is_ok());
}

#[test]
fn on_a_shared_callback_the_provider_is_learned_and_its_iss_compared() {
    let shop = shop_with(|builder| builder.provider(acme()).provider(other()).shared_callback());
    let code = |provider: &str, iss: &str| {
        let begun = shop.flow.begin(session(), Login::with(provider)).unwrap();
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
    let begun = shop.flow.begin(session(), Login::with("acme")).unwrap();
    let refused =
        shop.flow.check(session(), Expect::provider("acme"), callback_of_issuer(&begun.state, "")).unwrap_err();
    assert_eq!(refused.code(), "issuer_missing");
}
