//! Services with several public hosts, and proxies that send the host in a header of their own.

use http::{HeaderMap, HeaderValue};
use oauth_state::seam::host_of_request;
use oauth_state::testing::ring;
use oauth_state::{
    BeginError, Binding, ConfigError, Expect, Flow, FlowBuilder, Login, Provider, Purpose, SingleProcessGuard,
};
use support::shop::{Shop, app, callback, session, shop_with};

const FORWARDED: &str = "x-forwarded-host";

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

/// GitHub with one redirect URI on each of two hosts.
fn github() -> Provider {
    let github = Provider::github().named_redirect_uri("a", "https://a.example/auth/github/callback");
    github.named_redirect_uri("b", "https://B.example:8443/auth/github/callback")
}

fn two_hosts(builder: FlowBuilder<()>) -> FlowBuilder<()> {
    builder.purpose(Purpose::Login).purpose(Purpose::Link).public_hosts(["a.example", "b.example"]).provider(github())
}

/// Starts a login that is bound by cookie.
fn starts(shop: &Shop, redirect: &str, pairs: &[(&'static str, &'static str)]) -> &'static str {
    let headers = headers(pairs);
    let begun = shop.flow.begin(Binding::cookies(&headers), Login::with("github").redirect(redirect));
    begun.map_or_else(|error| error.code(), |_| "starts")
}

/// Starts a link of a signed-in user, bound to a session.
fn links(shop: &Shop, login: Login, pairs: &[(&'static str, &'static str)]) -> &'static str {
    let headers = headers(pairs);
    let binding = session().with_headers(&headers).for_user(b"ann").unwrap();
    shop.flow.begin(binding, login.purpose(Purpose::Link)).map_or_else(|error| error.code(), |_| "starts")
}

fn github_at(redirect: &str) -> Login {
    Login::with("github").redirect(redirect)
}

#[test]
fn a_login_by_cookie_starts_on_the_host_of_its_redirect_uri_only() {
    let shop = shop_with(two_hosts);
    for host in ["a.example", "A.example:443", "a.example:8080"] {
        assert_eq!(starts(&shop, "a", &[("host", host)]), "starts", "{host}");
        assert_eq!(starts(&shop, "b", &[("host", host)]), "cookie_host_mismatch", "{host}");
    }
    assert_eq!(starts(&shop, "b", &[("host", "b.example")]), "starts");
    assert_eq!(starts(&shop, "a", &[("host", "b.example")]), "cookie_host_mismatch");
    // A proxy replaced the header, or it is missing: the host is unknown.
    assert_eq!(starts(&shop, "a", &[("host", "upstream-7:8080")]), "starts");
    assert_eq!(starts(&shop, "b", &[]), "starts");
}

#[test]
fn a_public_host_that_is_named_twice_is_one_host() {
    let shop = shop_with(|builder| {
        let github = Provider::github().named_redirect_uri("a", "https://a.example/auth/github/callback");
        builder.public_hosts(["b.example"]).public_hosts(["a.example", "A.EXAMPLE"]).provider(github)
    });
    assert_eq!(starts(&shop, "a", &[("host", "upstream-7")]), "starts");
    assert_eq!(host_of_request(&shop.flow, &headers(&[("host", "upstream-7")])).as_deref(), Some("a.example"));
}

#[test]
fn with_one_public_host_no_header_matters() {
    let shop = shop_with(|builder| {
        let github = Provider::github().named_redirect_uri("a", "https://a.example/auth/github/callback");
        let builder = builder.purpose(Purpose::Login).purpose(Purpose::Link).public_hosts(["a.example"]);
        builder.trusted_host_header(FORWARDED).provider(github)
    });
    for host in ["a.example", "evil.example", "a.example, evil.example"] {
        assert_eq!(starts(&shop, "a", &[("host", "upstream-7"), (FORWARDED, host)]), "starts", "{host}");
        let link = |origin| links(&shop, github_at("a"), &[(FORWARDED, host), ("origin", origin)]);
        assert_eq!(link("https://a.example"), "starts");
        assert_eq!(link("https://evil.example"), "not_same_origin");
    }
}

#[test]
fn a_link_starts_from_a_page_of_the_request_s_own_host() {
    let shop = shop_with(two_hosts);
    let link = |host, origin| links(&shop, github_at("a"), &[("host", host), ("origin", origin)]);
    assert_eq!(link("a.example", "https://a.example"), "starts");
    assert_eq!(link("A.example:443", "https://a.example:8443"), "starts");
    assert_eq!(link("a.example", "http://a.example"), "not_same_origin");
    assert_eq!(link("a.example", "https://b.example"), "not_same_origin");
    assert_eq!(link("a.example", "https://evil.example"), "not_same_origin");
}

#[test]
fn a_link_to_an_unknown_host_starts_from_a_page_on_the_host_of_its_redirect_uri() {
    let shop = shop_with(two_hosts);
    for host in [&[("host", "upstream-7")][..], &[]] {
        let link = |redirect, origin| links(&shop, github_at(redirect), &[host, &[("origin", origin)]].concat());
        assert_eq!(link("a", "https://a.example"), "starts");
        assert_eq!(link("b", "https://b.example:8443"), "starts");
        assert_eq!(link("b", "https://a.example"), "not_same_origin");
        assert_eq!(link("a", "https://b.example"), "not_same_origin");
        assert_eq!(link("a", "https://evil.example"), "not_same_origin");
    }
    // An app's redirect URI has no host, so any public host will do, and no other.
    let app = shop_with(|builder| {
        let github = Provider::github().redirect_uri("com.example.shop:/callback");
        builder.purpose(Purpose::Link).public_hosts(["a.example", "b.example"]).provider(github)
    });
    let link = |origin| links(&app, Login::with("github"), &[("host", "upstream-7"), ("origin", origin)]);
    assert_eq!((link("https://a.example"), link("https://b.example")), ("starts", "starts"));
    assert_eq!(link("https://upstream-7"), "not_same_origin");
}

/// `Sec-Fetch-Site` counts first; browsers without it send only `Origin`.
#[test]
fn a_post_from_another_public_host_starts_no_login_by_cookie() {
    let shop = shop_with(two_hosts);
    let post = |host, origin| starts(&shop, "a", &[("host", host), ("origin", origin)]);
    for host in ["a.example", "upstream-7"] {
        assert_eq!(post(host, "https://a.example"), "starts");
        assert_eq!(post(host, "https://b.example"), "cross_site_post");
        assert_eq!(post(host, "https://evil.example"), "cross_site_post");
    }
}

#[test]
fn a_trusted_header_takes_the_place_of_host() {
    let shop = shop_with(|builder| {
        let builder = builder.purpose(Purpose::Login).purpose(Purpose::Link);
        builder.trusted_host_header("X-Forwarded-Host").provider(github())
    });
    let behind_a_proxy = |host| [("host", "b.example"), (FORWARDED, host)];
    for host in ["a.example", "A.EXAMPLE", "a.example:443"] {
        assert_eq!(starts(&shop, "a", &behind_a_proxy(host)), "starts", "{host}");
        assert_eq!(starts(&shop, "b", &behind_a_proxy(host)), "cookie_host_mismatch", "{host}");
        let link = |origin| links(&shop, github_at("a"), &[&behind_a_proxy(host)[..], &[("origin", origin)]].concat());
        assert_eq!(link("https://a.example"), "starts", "{host}");
        assert_eq!(link("https://b.example"), "not_same_origin", "{host}");
        // With the port, as for `Host`.
        assert_eq!(link("https://a.example:8443"), "not_same_origin", "{host}");
    }
    // Without the header the host is unknown, whatever `Host` says.
    assert_eq!(starts(&shop, "a", &[("host", "b.example")]), "starts");
    let link = |origin| links(&shop, github_at("a"), &[("host", "b.example"), ("origin", origin)]);
    assert_eq!((link("https://a.example"), link("https://b.example")), ("starts", "not_same_origin"));
}

#[test]
fn a_trusted_header_chooses_among_the_public_hosts_only() {
    let shop = shop_with(|builder| two_hosts(builder).trusted_host_header(FORWARDED));
    assert_eq!(starts(&shop, "a", &[("host", "b.example"), (FORWARDED, "a.example")]), "starts");
    assert_eq!(starts(&shop, "b", &[("host", "b.example"), (FORWARDED, "a.example")]), "cookie_host_mismatch");
    let link = |origin| links(&shop, github_at("a"), &[(FORWARDED, "evil.example"), ("origin", origin)]);
    assert_eq!((link("https://a.example"), link("https://evil.example")), ("starts", "not_same_origin"));
}

#[test]
fn a_redirect_uri_outside_the_public_hosts_does_not_build() {
    let builder = || Flow::builder(app(), ring(), SingleProcessGuard::with_capacity(1));
    let refused = |redirect_uri: &str, hosts: &[&'static str]| {
        let github = github().redirect_uri(redirect_uri);
        builder().provider(github).public_hosts(hosts.iter().copied()).build().err()
    };
    let both = ["B.example", "a.example"];
    assert_eq!(refused("https://a.example/callback", &both), None);
    assert_eq!(refused("com.example.shop:/callback", &both), None);
    assert_eq!(refused("https://c.example/callback", &[]), None);
    let error = refused("https://c.example/callback", &both).unwrap();
    let public_hosts = vec!["b.example".to_owned(), "a.example".to_owned()];
    assert_eq!(error, ConfigError::CookieHost { redirect_host: "c.example".into(), public_hosts });
    assert!(error.to_string().contains("b.example, a.example"), "{error}");
    assert!(matches!(refused("https://a.example/cb", &["a.example"]), Some(ConfigError::CookieHost { .. })));
    let bad = builder().provider(github()).public_hosts(["a.example", "b.example."]).build();
    assert_eq!(bad.unwrap_err(), ConfigError::PublicHost("b.example.".into()));
}

/// A provider that is loaded at run time follows the same rule when a login starts.
#[test]
fn a_connection_outside_the_public_hosts_starts_no_login() {
    let shop = shop_with(two_hosts);
    let loaded = |host: &str| {
        let acme = Provider::custom("acme").unwrap();
        acme.redirect_uri(&format!("https://{host}/auth/acme/callback"))
    };
    let start = |host| shop.flow.begin(session(), Login::with(&loaded(host))).map(|_| ());
    assert!(start("a.example").is_ok() && start("b.example").is_ok());
    assert!(matches!(start("c.example"), Err(BeginError::Connection(ConfigError::CookieHost { .. }))));
}

#[test]
fn the_name_of_the_trusted_header_is_checked_when_the_flow_builds() {
    let builder = || Flow::builder(app(), ring(), SingleProcessGuard::with_capacity(1)).provider(Provider::github());
    for name in ["x-forwarded-host", "X-Original-Host", "host"] {
        assert!(builder().trusted_host_header(name).build().is_ok(), "{name}");
    }
    for name in ["", "x forwarded host", "x-forwarded-host:", "x-hôst", "Forwarded"] {
        let refused = builder().trusted_host_header(name).build().unwrap_err();
        assert_eq!(refused, ConfigError::TrustedHostHeader(name.into()), "{name}");
    }
}

#[test]
fn the_routes_learn_only_an_allowed_host() {
    let host = |shop: &Shop, pairs: &[(&'static str, &'static str)]| host_of_request(&shop.flow, &headers(pairs));
    let (a, b) = (Some("a.example".to_owned()), Some("b.example".to_owned()));

    let several = shop_with(two_hosts);
    assert_eq!(host(&several, &[("host", "A.example:8080")]), a);
    assert_eq!(host(&several, &[("host", "b.example")]), b);
    for other in ["evil.example", "upstream-7", "a.example.", "a.example@evil.example", ""] {
        assert_eq!(host(&several, &[("host", other)]), None, "{other}");
    }
    assert_eq!(host(&several, &[(FORWARDED, "a.example")]), None);

    // Without public hosts, the hosts of the redirect URIs count.
    let unnamed = shop_with(|builder| builder.provider(github()));
    assert_eq!(host(&unnamed, &[("host", "B.EXAMPLE")]), b);
    assert_eq!(host(&unnamed, &[("host", "evil.example")]), None);
    assert_eq!(host(&unnamed, &[]), None);

    let trusting = shop_with(|builder| builder.trusted_host_header(FORWARDED).provider(github()));
    assert_eq!(host(&trusting, &[("host", "b.example"), (FORWARDED, "A.example")]), a);
    assert_eq!(host(&trusting, &[("host", "b.example")]), None);
    assert_eq!(host(&trusting, &[("host", "b.example"), (FORWARDED, "evil.example")]), None);

    let local = shop_with(|builder| builder.provider(Provider::github().redirect_uri("http://[::1]:3000/callback")));
    assert_eq!(host(&local, &[("host", "[::1]:3000")]).as_deref(), Some("::1"));
}

#[test]
fn a_missing_cookie_on_another_public_host_says_so() {
    let shop = shop_with(two_hosts);
    let begun = shop.flow.begin(Binding::cookie_headers([]), github_at("a")).unwrap();
    let diagnosis = |host: &'static str| {
        let headers = headers(&[("host", host)]);
        let expect = Expect::provider("github").any_redirect();
        let refused = shop.flow.check(Binding::cookies(&headers), expect, callback(&begun.state));
        refused.unwrap_err().diagnosis()
    };
    assert!(diagnosis("b.example").contains("another host than the one where"));
    for host in ["a.example", "upstream-7"] {
        assert!(diagnosis(host).contains("no cookies came at all"), "{host}");
    }
}
