//! One browser with many tabs and its cookies.

use oauth_state::error::FinishErrorKind;
use oauth_state::provider::ResponseMode;
use oauth_state::{Binding, Callback, Expect, Login, Provider};
use support::shop::{Browser, block_on, callback, shop, shop_with};

/// Four tabs restored with an empty jar each get a cookie, and all of them work.
#[test]
fn tabs_opened_at_once_all_finish_in_any_order() {
    let shop = shop();
    let (empty, mut browser) = (Browser::default(), Browser::default());
    let begun: Vec<_> = (0..4)
        .map(|_| shop.flow.begin(Binding::cookies(&empty.headers()), Login::with("github")).unwrap())
        .inspect(|begun| browser.take(begun))
        .collect();
    assert_eq!(browser.jar().len(), 4);
    for begun in [&begun[2], &begun[0], &begun[3], &begun[1]] {
        assert!(browser.finish(&shop, "github", &begun.state).is_ok());
    }
}

#[test]
fn one_cookie_serves_every_later_login_and_is_sent_again_each_time() {
    let shop = shop();
    let mut browser = Browser::default();
    let first = browser.begin(&shop, Login::with("github"));
    let second = browser.begin(&shop, Login::with("google"));
    assert_eq!(first.set_cookie, second.set_cookie);
    assert_eq!(browser.jar().len(), 1);
    assert!(browser.finish(&shop, "google", &second.state).is_ok());
    assert!(browser.finish(&shop, "github", &first.state).is_ok());
}

/// Apple responds with a cross-site POST; a login there and one at GitHub must not overwrite each other's cookie.
#[test]
fn form_post_has_a_cookie_of_its_own() {
    let shop = shop();
    let mut browser = Browser::default();
    let github = browser.begin(&shop, Login::with("github"));
    let apple = browser.begin(&shop, Login::with("apple"));
    assert!(apple.set_cookie.as_ref().unwrap().ends_with("Secure; SameSite=None"));
    assert!(github.set_cookie.as_ref().unwrap().ends_with("Secure; SameSite=Lax"));
    assert_eq!(browser.jar().len(), 2);
    assert!(browser.finish(&shop, "apple", &apple.state).is_ok());
    assert!(browser.finish(&shop, "github", &github.state).is_ok());
}

#[test]
fn a_missing_cookie_says_why_as_far_as_headers_tell() {
    let shop = shop();
    let mut browser = Browser::default();
    let (github, apple) = (browser.begin(&shop, Login::with("github")), browser.begin(&shop, Login::with("apple")));
    let diagnosis = |provider: &str, state: &str, headers: &[(&'static str, &str)]| {
        let mut map = http::HeaderMap::new();
        headers.iter().for_each(|(name, value)| {
            map.insert(*name, value.parse().unwrap());
        });
        let finished = block_on(shop.flow.finish(Binding::cookies(&map), Expect::provider(provider), callback(state)));
        let refused = finished.unwrap_err();
        assert_eq!(refused.kind(), FinishErrorKind::CookieMissing);
        refused.diagnosis()
    };
    let cross_site = [("origin", "https://idp.example"), ("sec-fetch-site", "cross-site")];
    assert!(diagnosis("github", &github.state, &cross_site).contains("declare the provider's response mode"));
    assert!(diagnosis("apple", &apple.state, &cross_site).contains("blocks third-party cookies"));
    assert!(diagnosis("github", &github.state, &[]).contains("no cookies came at all"));
    assert!(diagnosis("github", &github.state, &[("cookie", "a=b")]).contains("other cookies came"));
}

/// A start at `www.` and a callback without it: the cookie belongs to the other host.
#[test]
fn a_callback_on_another_host_than_the_cookie_says_so() {
    let shop = shop_with(|builder| {
        builder
            .provider(Provider::github().redirect_uri("https://shop.example/callback"))
            .public_hosts(["shop.example"])
    });
    let begun = shop.flow.begin(Binding::cookie_headers([]), Login::with("github")).unwrap();
    let diagnosis = |host: &str| {
        let headers = [(http::header::HOST, host.parse().unwrap())].into_iter().collect();
        let refused = shop.flow.check(Binding::cookies(&headers), Expect::provider("github"), callback(&begun.state));
        refused.unwrap_err().diagnosis()
    };
    assert!(diagnosis("www.shop.example").contains("another host than the one where"));
    // The service's own host, and a host that a proxy substituted.
    for own in ["shop.example", "SHOP.example", "shop.example:443", "upstream-7:8080", "10.0.0.5", "myshop.example"] {
        assert!(diagnosis(own).contains("no cookies came at all"), "{own}");
    }
}

/// A second POST from another site, although the first one got the page that posts from this site.
#[test]
fn a_reposted_callback_without_the_cookie_says_that_its_page_did_not_help() {
    let shop = shop_with(|builder| {
        builder.provider(Provider::custom("acme").unwrap().response_mode(ResponseMode::FormPostReposted))
    });
    let begun = shop.flow.begin(Binding::cookie_headers([]), Login::with("acme")).unwrap();
    let mut headers = http::HeaderMap::new();
    headers.insert("origin", "https://idp.example".parse().unwrap());
    let body = format!("state={}&code=c&oauth_state_reposted=1", begun.state);
    let callback = Callback::from_form(body.as_bytes()).unwrap();
    let refused = shop.flow.check(Binding::cookies(&headers), Expect::provider("acme"), callback).unwrap_err();
    assert_eq!(refused.kind(), FinishErrorKind::CookieMissing);
    assert!(refused.diagnosis().contains("posted again"));
}
