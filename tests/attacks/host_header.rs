//! Forged hosts: the `Host` header and the header that a proxy sends instead (RFC 9110 section 7.2: "a frequent
//! target").
//!
//! A login start compares `Origin` and the redirect URI with the host that the browser used. An attacker who controls
//! that host starts a link of their own identity from another site's page (account-link fixation).

use http::{HeaderMap, HeaderValue};
use oauth_state::seam::host_of_request;
use oauth_state::{Binding, FlowBuilder, Login, Provider, Purpose};
use support::shop::{Shop, session, shop_with};

const FORWARDED: &str = "x-forwarded-host";
const BOTH: [&str; 2] = ["a.example", "b.example"];

fn shop(configure: impl FnOnce(FlowBuilder<()>) -> FlowBuilder<()>) -> Shop {
    shop_with(|builder| {
        let github = Provider::github().named_redirect_uri("a", "https://a.example/callback");
        let github = github.named_redirect_uri("b", "https://b.example/callback");
        configure(builder.purpose(Purpose::Login).purpose(Purpose::Link).provider(github))
    })
}

fn headers<'a>(pairs: impl IntoIterator<Item = (&'static str, &'a str)>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

/// Starts a link with this redirect URI, by session and by cookie.
fn links(shop: &Shop, redirect: &str, headers: &HeaderMap) -> bool {
    let link = || Login::with("github").purpose(Purpose::Link).redirect(redirect);
    let by_session = session().with_headers(headers).for_user(b"ann").unwrap();
    let by_cookie = Binding::cookies(headers).for_user(b"ann").unwrap();
    let by_session = shop.flow.begin(by_session, link()).is_ok();
    let by_cookie = shop.flow.begin(by_cookie, link()).is_ok();
    assert_eq!(by_session, by_cookie, "{headers:?}");
    by_session
}

/// Values in which one parser sees an allowed host, and another sees the attacker's or none.
const FORGED: [&str; 20] = [
    "evil.example",
    "a.example, evil.example",
    "evil.example, a.example",
    "a.example,b.example",
    "a.example.",
    "a.example.:443",
    "a.example:",
    "a.example:0443",
    "a.example:99999",
    "a.example:443:443",
    "a.example:443@evil.example",
    "evil.example@a.example",
    "user:a.example@evil.example",
    "https://a.example",
    "a.example/",
    "a.example?",
    "a.example evil.example",
    "a%2eexample",
    "[a.example]",
    "",
];

/// The page at evil.example posts to a service that trusts the header, through a proxy that passes the header on.
#[test]
fn a_forged_trusted_header_makes_no_other_site_the_service_s_own() {
    for public_hosts in [&[][..], &BOTH] {
        let shop = shop(|builder| builder.public_hosts(public_hosts.iter().copied()).trusted_host_header(FORWARDED));
        for forged in FORGED.into_iter().filter(|forged| !public_hosts.is_empty() || *forged != "evil.example") {
            for origin in
                ["https://evil.example", "https://b.example", "https://a.example.", "https://a.example@evil.example"]
            {
                let request = headers([("host", "evil.example"), (FORWARDED, forged), ("origin", origin)]);
                assert!(!links(&shop, "a", &request), "{forged}, from {origin}");
            }
        }
        // The same value in another case is the same host, and no other value is.
        let upper = |origin| headers([(FORWARDED, "A.EXAMPLE"), ("origin", origin)]);
        assert!(links(&shop, "a", &upper("https://a.example")));
        assert!(!links(&shop, "a", &upper("https://b.example")));
    }
}

/// A proxy that appends its own line after the client's.
#[test]
fn two_lines_of_the_trusted_header_name_no_host() {
    for public_hosts in [&[][..], &BOTH] {
        let shop = shop(|builder| builder.public_hosts(public_hosts.iter().copied()).trusted_host_header(FORWARDED));
        for (first, second) in [("b.example", "a.example"), ("a.example", "b.example"), ("evil.example", "a.example")] {
            let lines = [(FORWARDED, first), (FORWARDED, second)];
            assert_eq!(host_of_request(&shop.flow, &headers(lines)), None, "{first}, {second}");
            for origin in ["https://b.example", "https://evil.example"] {
                let request = headers(lines.into_iter().chain([("origin", origin)]));
                assert!(!links(&shop, "a", &request), "{first}, {second}, from {origin}");
            }
        }
    }
}

/// The routes pass this host to the application, which uses it to build links and choose tenants.
#[test]
fn no_forged_value_becomes_the_host_of_a_request() {
    for public_hosts in [&[][..], &BOTH] {
        let trusting =
            shop(|builder| builder.public_hosts(public_hosts.iter().copied()).trusted_host_header(FORWARDED));
        for forged in FORGED {
            let request = headers([("host", "a.example"), (FORWARDED, forged)]);
            assert_eq!(host_of_request(&trusting.flow, &request), None, "{forged}");
        }
        let reading_host = shop(|builder| builder.public_hosts(public_hosts.iter().copied()));
        for forged in ["evil.example", "a.example.", "evil.example@a.example", "a.example, b.example", ""] {
            assert_eq!(host_of_request(&reading_host.flow, &headers([("host", forged)])), None, "{forged}");
        }
    }
}

/// Both hosts belong to one service, but their pages may not: a.example can be a customer's own site.
#[test]
fn a_page_of_one_public_host_starts_no_link_on_another() {
    let shop = shop(|builder| builder.public_hosts(BOTH));
    // The host is known, replaced by a proxy, or outside the list.
    for host in ["b.example", "b.example:443", "upstream-7:8080", "evil.example"] {
        for site in [None, Some("same-origin")] {
            let post = |origin| {
                let site = site.map(|site| ("sec-fetch-site", site));
                links(&shop, "b", &headers([("host", host), ("origin", origin)].into_iter().chain(site)))
            };
            assert!(!post("https://a.example"), "{host}, {site:?}");
            assert!(!post("https://evil.example"), "{host}, {site:?}");
            assert!(post("https://b.example"), "{host}, {site:?}");
        }
    }
}

/// The cookie of a.example is never sent to the callback on b.example; a cookie planted by a sibling site may be.
#[test]
fn a_login_of_one_public_host_does_not_end_on_another() {
    let shop = shop(|builder| builder.public_hosts(BOTH));
    let code = |host, redirect: &str| {
        let headers = headers([("host", host)]);
        let begun = shop.flow.begin(Binding::cookies(&headers), Login::with("github").redirect(redirect));
        begun.map_or_else(|error| error.code(), |_| "starts")
    };
    assert_eq!((code("a.example", "a"), code("b.example", "b")), ("starts", "starts"));
    assert_eq!((code("a.example", "b"), code("B.example:8443", "a")), ("cookie_host_mismatch", "cookie_host_mismatch"));
}

/// DNS rebinding: evil.example resolves to the service, so the browser calls its own page same-origin.
#[test]
fn a_host_outside_the_list_is_never_the_service_s_own() {
    let shop = shop(|builder| builder.public_hosts(BOTH));
    let site = ("sec-fetch-site", "same-origin");
    for host in ["evil.example", "evil.example:443", "a.example.evil.example", "a.example."] {
        let origin = format!("https://{host}");
        let request = headers([("host", host), ("origin", &*origin), site]);
        assert!(!links(&shop, "a", &request), "{host}");
        assert_eq!(host_of_request(&shop.flow, &request), None, "{host}");
    }
}
