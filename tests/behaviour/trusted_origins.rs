//! Links and step-ups that start on a page of a trusted sibling origin.

use http::{HeaderMap, HeaderValue};
use oauth_state::{Binding, ConfigError, FlowBuilder, Login, Provider, Purpose};
use support::shop::{Shop, shop_with};

const APP: &str = "https://app.shop.example";

fn shop(trusted: &[&str]) -> Shop {
    let purposes = [Purpose::Login, Purpose::Link, Purpose::Reauthenticate];
    shop_with(|flow| {
        let github = Provider::github().redirect_uri("https://shop.example/auth/github/callback");
        let flow = flow.provider(github);
        let flow = purposes.into_iter().fold(flow, FlowBuilder::purpose);
        trusted.iter().fold(flow, |flow, origin| flow.trusted_origin(origin))
    })
}

/// The result of a POST to `shop.example` with this origin and site relation.
fn start(shop: &Shop, purpose: Purpose, origin: &str, site: Option<&'static str>) -> &'static str {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("shop.example"));
    headers.insert("origin", HeaderValue::from_str(origin).unwrap());
    if let Some(site) = site {
        headers.insert("sec-fetch-site", HeaderValue::from_static(site));
    }
    let binding = Binding::cookies(&headers).for_user(b"ann").unwrap();
    shop.flow.begin(binding, Login::with("github").purpose(purpose)).map_or_else(|error| error.code(), |_| "begins")
}

#[test]
fn a_page_of_a_trusted_origin_starts_links_and_step_ups() {
    let shop = shop(&[APP, "https://admin.shop.example:8443"]);
    for purpose in [Purpose::Link, Purpose::Reauthenticate] {
        for site in [Some("same-site"), None] {
            assert_eq!(start(&shop, purpose, APP, site), "begins", "{site:?}");
            assert_eq!(start(&shop, purpose, "https://admin.shop.example:8443", site), "begins");
        }
        assert_eq!(start(&shop, purpose, "https://shop.example", Some("same-origin")), "begins");
    }
}

/// Account-link fixation: any other page could link the attacker's identity.
#[test]
fn no_other_origin_starts_a_link() {
    let trusting = shop(&[APP]);
    for origin in [
        "http://app.shop.example",
        "https://app.shop.example.",
        "https://APP.shop.example",
        "https://app.shop.example:8443",
        "https://app.shop.example:443",
        "https://app.shop.example/",
        "https://evil.app.shop.example",
        "https://app.shop.example.evil.example",
        "https://other.shop.example",
        "null",
    ] {
        for site in [Some("same-site"), None] {
            assert_eq!(start(&trusting, Purpose::Link, origin, site), "not_same_origin", "{origin} {site:?}");
        }
    }
    // The browser calls it another site, or says that no site sent it.
    for site in ["cross-site", "none", "same-origin", ""] {
        assert_eq!(start(&trusting, Purpose::Link, APP, Some(site)), "not_same_origin", "{site}");
    }
    assert_eq!(start(&shop(&[]), Purpose::Link, APP, Some("same-site")), "not_same_origin", "off by default");
}

#[test]
fn what_is_no_https_origin_does_not_build() {
    for origin in [
        "http://app.shop.example",
        "app.shop.example",
        "https://app.shop.example/",
        "https://app.shop.example:443",
        "https://app.shop.example:08443",
        "https://App.shop.example",
        "https://*.shop.example",
        "https://ann@app.shop.example",
        "https://",
        "null",
        "",
    ] {
        let (clock, guard) =
            (oauth_state::testing::ManualClock::at(support::shop::NOW), support::shop::CountingGuard::new());
        let flow = oauth_state::Flow::builder(support::shop::app(), oauth_state::testing::ring(), guard).clock(clock);
        let flow = flow.provider(Provider::github()).trusted_origin(origin);
        assert!(matches!(flow.build(), Err(ConfigError::TrustedOrigin(_))), "{origin}");
    }
}
