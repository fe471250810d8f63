//! Logins that cannot work are refused before the user is redirected.

use http::{HeaderMap, HeaderValue};
use oauth_state::error::FinishErrorKind;
use oauth_state::ring::RootKey;
use oauth_state::testing::ring;
use oauth_state::{
    BeginError, Binding, ConfigError, Expect, Flow, FlowBuilder, KeyRing, Login, Provider, Purpose, ReturnTo,
    SingleProcessGuard,
};
use std::time::Duration;
use support::shop::{Browser, NOW, app, callback, session, shop, shop_with};

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
}

/// Login cookies can pile up until requests fail with 431: images, frames and fetches must not start logins.
#[test]
fn only_a_document_navigation_begins_a_login_by_cookie() {
    let shop = shop();
    let begins = |pairs: &[(&'static str, &'static str)]| {
        let headers = headers(pairs);
        match shop.flow.begin(Binding::cookies(&headers), Login::with("github")) {
            Ok(_) => true,
            Err(BeginError::NotANavigation) => false,
            Err(other) => panic!("{other}"),
        }
    };
    assert!(begins(&[]));
    assert!(begins(&[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-fetch-site", "none")]));
    assert!(!begins(&[("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")]));
    assert!(!begins(&[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")]));
    assert!(!begins(&[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")]));
    assert!(!begins(&[("sec-purpose", "prefetch")]));
    assert!(!begins(&[("purpose", "prefetch")]));
    assert!(!begins(&[("x-purpose", "preview")]));
    assert!(!begins(&[("x-moz", "prefetch")]));

    // A cookie binding and the request's headers together describe one request.
    let fetch = headers(&[("sec-fetch-mode", "cors")]);
    let binding = Binding::cookie_headers([]).with_headers(&fetch);
    assert!(matches!(shop.flow.begin(binding, Login::with("github")), Err(BeginError::NotANavigation)));
}

/// A service worker that passes a navigation on: `fetch(event.request)` has the mode `navigate` and the destination `empty`.
#[test]
fn a_navigation_that_a_service_worker_forwards_begins_a_login() {
    let shop = shop();
    let code = |pairs: &[(&'static str, &'static str)]| {
        let headers = headers(pairs);
        let begun = shop.flow.begin(Binding::cookies(&headers), Login::with("github"));
        begun.map_or_else(|error| error.code(), |_| "begins")
    };
    let (navigate, empty) = (("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "empty"));
    assert_eq!(code(&[navigate, empty, ("sec-fetch-site", "same-origin")]), "begins");
    assert_eq!(code(&[navigate, empty, ("sec-fetch-site", "cross-site")]), "begins");
    // Everything that a script or a frame can send by itself stays refused.
    for refused in [
        &[("sec-fetch-mode", "cors"), empty][..],
        &[("sec-fetch-mode", "same-origin"), empty],
        &[("sec-fetch-mode", "no-cors"), empty],
        &[empty],
        &[navigate, ("sec-fetch-dest", "iframe")],
        &[navigate, ("sec-fetch-dest", "frame")],
        &[navigate, ("sec-fetch-dest", "embed")],
        &[navigate, ("sec-fetch-dest", "object")],
        &[navigate, ("sec-fetch-dest", "")],
        &[navigate, empty, ("sec-purpose", "prefetch;prerender")],
    ] {
        assert_eq!(code(refused), "not_a_navigation", "{refused:?}");
    }
}

/// A browser sends no Lax cookie with another site's POST, so each one would set a new cookie. Enough of them push the
/// cookies of pending logins out of the browser.
#[test]
fn another_site_s_post_starts_no_login_by_cookie() {
    let shop = shop();
    let code = |pairs: &[(&'static str, &'static str)]| {
        let headers = headers(pairs);
        shop.flow
            .begin(Binding::cookies(&headers), Login::with("github"))
            .map_or_else(|error| error.code(), |_| "begins")
    };
    let host = ("host", "shop.example");
    let evil = ("origin", "https://evil.example");
    let navigation = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    let post = |more: &[(&'static str, &'static str)]| code(&[&[host], &navigation[..], more].concat());
    assert_eq!(post(&[evil, ("sec-fetch-site", "cross-site")]), "cross_site_post");
    // Through a redirect of this site, or from a sandboxed frame.
    assert_eq!(post(&[("origin", "https://shop.example"), ("sec-fetch-site", "cross-site")]), "cross_site_post");
    assert_eq!(post(&[("origin", "null"), ("sec-fetch-site", "cross-site")]), "cross_site_post");
    // Browsers without Sec-Fetch-*.
    for origin in ["https://evil.example", "null", "https://shop.example.evil.example", "https://shop.example:8443", ""]
    {
        assert_eq!(code(&[host, ("origin", origin)]), "cross_site_post", "{origin}");
    }
    assert_eq!(code(&[host, ("origin", "https://shop.example")]), "begins");
    assert_eq!(code(&[("host", "shop.example:443"), ("origin", "https://shop.example")]), "begins");
    // The site's own pages, one of them without a referrer, and a sibling, whose POST carries the cookie.
    assert_eq!(post(&[("origin", "https://shop.example"), ("sec-fetch-site", "same-origin")]), "begins");
    assert_eq!(post(&[("origin", "null"), ("sec-fetch-site", "same-origin")]), "begins");
    assert_eq!(post(&[("origin", "https://www.shop.example"), ("sec-fetch-site", "same-site")]), "begins");
    // A link from any site: browsers send no Origin with a GET.
    assert_eq!(post(&[("sec-fetch-site", "cross-site")]), "begins");
    // The local machine, by any of its names.
    for host in ["localhost:3000", "acme.localhost:3000", "127.0.0.2", "[::1]:8080"] {
        let own: HeaderMap = [("host", host.to_owned()), ("origin", format!("http://{host}"))]
            .into_iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        assert!(shop.flow.begin(Binding::cookies(&own), Login::with("github")).is_ok(), "{host}");
    }
    // A client that is not bound by cookie gets no cookie.
    let cross_site = headers(&[host, evil, ("sec-fetch-site", "cross-site")]);
    assert!(shop.flow.begin(Binding::new_login_secret().with_headers(&cross_site), Login::with("github")).is_ok());
}

#[test]
fn a_callback_host_that_the_cookie_never_reaches_is_refused() {
    let provider = || Provider::github().redirect_uri("https://login.shop.example:8443/callback");
    let at = |host: &'static str, shop: &support::shop::Shop| {
        let headers = headers(&[("host", host)]);
        shop.flow.begin(Binding::cookies(&headers), Login::with("github")).map(|_| ())
    };
    let shop = shop_with(|builder| builder.provider(provider()));
    assert!(at("login.shop.example", &shop).is_ok());
    assert!(at("LOGIN.shop.example:443", &shop).is_ok());
    assert!(matches!(at("shop.example", &shop), Err(BeginError::CookieHostMismatch)));
    // For browsers, a host with a trailing dot is a different cookie host.
    assert!(matches!(at("login.shop.example.", &shop), Err(BeginError::CookieHostMismatch)));
    assert!(shop.flow.begin(session(), Login::with("github")).is_ok());

    let behind_a_proxy = shop_with(|builder| builder.provider(provider()).public_hosts(["login.shop.example"]));
    assert!(at("upstream-7:8080", &behind_a_proxy).is_ok());

    let several = shop_with(|builder| {
        let github = Provider::github().named_redirect_uri("one", "https://one.example/cb");
        builder.provider(github.named_redirect_uri("two", "https://two.example/cb"))
    });
    let begin = |id: &str| {
        let headers = headers(&[("host", "one.example")]);
        several.flow.begin(Binding::cookies(&headers), Login::with("github").redirect(id)).map(|_| ())
    };
    assert!(begin("one").is_ok());
    assert!(matches!(begin("two"), Err(BeginError::CookieHostMismatch)));
    assert!(matches!(begin("three"), Err(BeginError::UnknownRedirect)));
    assert!(matches!(begin("Not a name"), Err(BeginError::Name(_))));
}

/// A proxy may write into `Host` the port that browsers omit from `Origin`.
#[test]
fn a_host_header_with_the_default_port_is_the_same_origin() {
    let shop = shop_with(|builder| {
        let provider = Provider::github().redirect_uri("HTTPS://Shop.example:443/callback");
        builder.purpose(Purpose::Link).provider(provider)
    });
    let begins = |host: &'static str| {
        let headers = headers(&[("host", host), ("origin", "https://shop.example")]);
        let binding = Binding::cookies(&headers).for_user(b"ann").unwrap();
        match shop.flow.begin(binding, Login::with("github")) {
            Ok(_) => true,
            Err(BeginError::NotSameOrigin(Purpose::Link)) => false,
            Err(other) => panic!("{other}"),
        }
    };
    assert!(begins("shop.example") && begins("SHOP.example:443"));
    for host in ["shop.example:80", "shop.example:0443", "shop.example.", "evil.example:443"] {
        assert!(!begins(host), "{host}");
    }
}

#[test]
fn a_login_does_not_return_to_its_own_callback() {
    let shop = shop_with(|builder| {
        let provider = Provider::github().redirect_uri("https://shop.example/auth/github/callback");
        builder.provider(provider.named_redirect_uri("web", "https://shop.example/cb?x=1"))
    });
    for path in ["/auth/github/callback", "/auth/github/c%61llback?a", "/cb/", "/CB#x"] {
        let login = Login::with("github").return_to(path.parse::<ReturnTo>().unwrap());
        assert!(matches!(shop.flow.begin(session(), login), Err(BeginError::ReturnsToCallback)), "{path}");
    }
    let login = Login::with("github").return_to("/auth/github".parse::<ReturnTo>().unwrap());
    assert!(shop.flow.begin(session(), login).is_ok());

    // Nor to one sealed by a server that does not know the address.
    let unaware = shop_with(|builder| builder.provider(Provider::github()));
    let login = Login::with("github").return_to("/auth/github/callback".parse::<ReturnTo>().unwrap());
    let begun = unaware.flow.begin(session(), login).unwrap();
    let checked = shop.flow.check(session(), Expect::provider("github"), callback(&begun.state));
    assert_eq!(checked.unwrap_err().code(), "malformed");
}

#[test]
fn a_secret_that_the_client_chose_is_not_taken_at_begin() {
    let secret = "A".repeat(43);
    let refused = shop().flow.begin(Binding::login_secret(&secret).unwrap(), Login::with("github"));
    assert!(matches!(refused, Err(BeginError::LoginSecretGiven)));
}

#[test]
fn data_that_is_not_json_is_an_error_without_the_data() {
    struct Unwritable;
    impl serde::Serialize for Unwritable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("hunter2"))
        }
    }
    impl<'de> serde::Deserialize<'de> for Unwritable {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Self)
        }
    }
    let shop = shop_with(|builder| builder.carrying::<Unwritable>().provider(Provider::github()));
    let refused = shop.flow.begin(session(), Login::with("github").data(Unwritable)).unwrap_err();
    assert!(matches!(refused, BeginError::Data(_)));
    assert!(!format!("{refused:?}").contains("hunter2"));
}

#[test]
fn configurations_that_cannot_work_do_not_build() {
    let builder = || Flow::builder(app(), ring(), SingleProcessGuard::with_capacity(1));
    let error = |builder: FlowBuilder<()>| builder.build().unwrap_err();
    let github = Provider::github;
    assert_eq!(error(builder()), ConfigError::NoProvider);
    assert_eq!(error(builder().provider(github()).provider(github())), ConfigError::DuplicateProvider("github".into()));
    let plain = builder().provider(Provider::apple()).dangerously_allow_plain_http();
    assert_eq!(error(plain), ConfigError::FormPostOverPlainHttp("apple".into()));
    for uri in [
        "",
        "/callback",
        "https://shop.example/cb#x",
        "https://",
        "http:///cb",
        "https://shop.example./cb",
        "https://shop.example:0443/cb",
        "https://shop.example/a/../cb",
    ] {
        let refused = error(builder().provider(github().redirect_uri(uri)));
        assert_eq!(refused, ConfigError::RedirectUri("github".into()), "{uri}");
        let named = error(builder().provider(github().named_redirect_uri("web", uri)));
        assert_eq!(named, ConfigError::RedirectUri("web".into()));
    }
    let (one, other) = ("https://a.example/", "https://b.example/");
    let twice = github().named_redirect_uri("a", one).named_redirect_uri("a", other);
    assert_eq!(error(builder().provider(twice)), ConfigError::DuplicateRedirect("a".into()));
    let twice = github().redirect_uri(one).redirect_uri(other);
    assert_eq!(error(builder().provider(twice)), ConfigError::DuplicateRedirect("github".into()));
    for host in ["", "https://shop.example", "shop.example/", "shop example", "a@b", "shop.example.", "127.1"] {
        assert_eq!(
            error(builder().provider(github()).public_hosts([host])),
            ConfigError::PublicHost(host.into()),
            "{host}"
        );
    }
    assert!(matches!(error(builder().provider(github()).purpose(Purpose::Custom("A b"))), ConfigError::Name(_)));
    assert_eq!(error(builder().provider(github()).purpose_for_user(Purpose::Login)), ConfigError::UserForLogin);
    for purpose in [Purpose::Login, Purpose::Link, Purpose::Reauthenticate] {
        let refused = error(builder().provider(github()).purpose_without_code(purpose));
        assert_eq!(refused, ConfigError::CodelessPurpose(purpose), "a login without a code");
    }
    let by_query = github().post_only();
    assert_eq!(error(builder().provider(by_query)), ConfigError::PostOnlyWithoutFormPost("github".into()));
    let native = builder().provider(github().redirect_uri("com.example.shop:/callback"));
    assert!(native.build().is_ok());
}

#[test]
fn plain_http_has_a_cookie_without_the_prefix_and_a_name_that_says_so() {
    let shop = shop_with(|builder| builder.provider(Provider::github()).dangerously_allow_plain_http());
    let mut browser = Browser::default();
    let begun = browser.begin(&shop, Login::with("github"));
    let header = begun.set_cookie.as_ref().unwrap();
    assert!(header.starts_with("insecure-") && !header.contains("; Secure"));
    assert!(browser.finish(&shop, "github", &begun.state).is_ok());
}

/// Safari keeps no `Secure` cookie on http://localhost. An option that could reach production would bring login CSRF
/// back.
#[test]
fn plain_http_on_loopback_builds_for_loopback_alone() {
    let build = |uris: &[&str]| {
        let github = uris.iter().enumerate().fold(Provider::github(), |github, (at, uri)| {
            if at == 0 { github.redirect_uri(uri) } else { github.named_redirect_uri(&format!("r{at}"), uri) }
        });
        let guard = SingleProcessGuard::with_capacity(1);
        Flow::builder(app(), ring(), guard).provider(github).allow_plain_http_on_loopback().build()
    };
    for own in [
        "http://localhost:8080/cb",
        "http://app.localhost/cb",
        "http://127.0.0.1:3000/cb",
        "http://[::1]/cb",
        "https://localhost/cb",
    ] {
        let begun = build(&[own]).unwrap().begin(Binding::cookie_headers([]), Login::with("github")).unwrap();
        let header = begun.set_cookie.unwrap();
        assert!(header.starts_with("insecure-") && !header.contains("; Secure"), "{own}: {header}");
    }
    for elsewhere in
        ["https://shop.example/cb", "http://shop.example/cb", "http://localhost.evil.example/cb", "app:/cb"]
    {
        assert!(matches!(build(&[elsewhere]), Err(ConfigError::NotOnLoopback(_))), "{elsewhere}");
        assert!(
            matches!(build(&["http://localhost/cb", elsewhere]), Err(ConfigError::NotOnLoopback(_))),
            "{elsewhere}"
        );
    }
    assert!(matches!(build(&[]), Err(ConfigError::NotOnLoopback(_))), "no address shows that it is on loopback");
    // A provider that is loaded at run time.
    let flow = build(&["http://localhost/cb"]).unwrap();
    let loaded = |uri: &str| Provider::custom("acme").unwrap().client_id("c").redirect_uri(uri);
    let begin = |loaded: &Provider| flow.begin(Binding::cookie_headers([]), Login::with(loaded)).map(drop);
    assert!(begin(&loaded("http://localhost/auth/acme/cb")).is_ok());
    let refused = begin(&loaded("https://shop.example/auth/acme/cb")).unwrap_err();
    assert!(matches!(refused, BeginError::Connection(ConfigError::NotOnLoopback(_))), "{refused}");
}

#[test]
fn the_lifetime_is_the_flow_s_and_has_bounds() {
    let build = |lifetime: Duration| {
        let guard = SingleProcessGuard::with_capacity(1);
        Flow::builder(app(), ring(), guard).provider(Provider::github()).lifetime(lifetime).build().err()
    };
    for seconds in [0, 3601, 65_536 + 600, u64::MAX] {
        assert_eq!(build(Duration::from_secs(seconds)), Some(ConfigError::Lifetime { cap: 3600 }));
    }
    assert_eq!(build(Duration::from_millis(1500)), Some(ConfigError::Lifetime { cap: 3600 }));
    assert_eq!(build(Duration::from_secs(3600)), None);

    let shop = shop_with(|builder| builder.provider(Provider::github()).lifetime(Duration::from_secs(1)));
    let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
    shop.clock.set(NOW + 61);
    let refused = shop.flow.check(session(), Expect::provider("github"), callback(&begun.state)).unwrap_err();
    assert_eq!(refused.kind(), FinishErrorKind::Expired);
}

#[test]
fn a_ring_that_does_not_seal_yet_does_not_build() {
    let key = RootKey::generate().unwrap().to_secret_text();
    let ring = format!(
        r#"{{"version":1,"serial":1,"propagation":0,"skew":60,"lifetime_cap":600,"keys":[
        {{"key":"{}","published_at":"2050-01-01T00:00:00Z","seal_from":"2050-01-01T00:00:00Z"}}]}}"#,
        key.expose()
    )
    .parse::<KeyRing>()
    .unwrap();
    let built = Flow::builder(app(), ring, SingleProcessGuard::with_capacity(1)).provider(Provider::github()).build();
    assert_eq!(built.unwrap_err(), ConfigError::NoActiveKey);
}

/// The status tells who must fix it: the requester, the waiting user's operator, or the developer.
#[test]
fn a_refusal_at_begin_says_by_its_status_whose_fault_it_is() {
    let status = |error: BeginError| error.status();
    for error in [BeginError::NoActiveKey, BeginError::Clock] {
        assert_eq!(status(error), 503);
    }
    for error in [
        BeginError::StateTooLong { provider: "x".to_owned(), actual: 600, limit: 500 },
        BeginError::UnknownProvider,
        BeginError::ReturnsToCallback,
        BeginError::NotSameOrigin(Purpose::Link),
        BeginError::NotANavigation,
    ] {
        assert_eq!(status(error), 400);
    }
    for error in [BeginError::UnknownRedirect, BeginError::UserRequired(Purpose::Link), BeginError::CookieHostMismatch]
    {
        assert_eq!(status(error), 500);
    }
}
