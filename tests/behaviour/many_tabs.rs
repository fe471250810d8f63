//! A browser that restores many tabs at once, each of which starts a login before any has a cookie.

use oauth_state::{Binding, Login, Provider};
use support::shop::{Browser, Shop, shop, shop_with};

/// Applies a `Set-Cookie` header to the jar as a browser does.
fn apply(browser: &mut Browser, headers: impl IntoIterator<Item = String>) {
    for header in headers {
        let (name, rest) = header.split_once('=').unwrap();
        browser.remove(name);
        if !rest.contains("Max-Age=0") {
            browser.put(name, rest.split(';').next().unwrap());
        }
    }
}

/// Every tab starts with the empty jar; the browser keeps all their cookies.
fn restore(shop: &Shop, tabs: usize) -> (Browser, Vec<String>) {
    let (empty, mut browser) = (Browser::default(), Browser::default());
    let start = |_| shop.flow.begin(Binding::cookies(&empty.headers()), Login::with("github")).unwrap();
    let states = (0..tabs).map(start).inspect(|begun| browser.take(begun)).map(|begun| begun.state).collect();
    (browser, states)
}

fn start(shop: &Shop, browser: &mut Browser) -> String {
    let begun = shop.flow.begin(Binding::cookies(&browser.headers()), Login::with("github")).unwrap();
    apply(browser, begun.surplus_cookies.into_iter().chain(begun.set_cookie));
    begun.state
}

fn cookie_bytes(browser: &Browser) -> usize {
    browser.headers().get("cookie").map_or(0, http::HeaderValue::len)
}

/// A `Cookie` header of 8.6 kB exceeds the limit of most proxies (431, 400).
#[test]
fn after_the_next_login_of_120_restored_tabs_less_than_4_kib_of_cookies_are_left() {
    let shop = shop();
    let (mut browser, _) = restore(&shop, 120);
    assert!(cookie_bytes(&browser) > 8_000);
    let state = start(&shop, &mut browser);
    let surplus = shop.flow.surplus_cookies(&Binding::cookies(&browser.headers()));
    assert!(browser.finish(&shop, "github", &state).is_ok());
    apply(&mut browser, surplus);
    assert!(cookie_bytes(&browser) < 4_096, "{}", cookie_bytes(&browser));
    // Some logins later eight are left, and they stay.
    for _ in 0..3 {
        start(&shop, &mut browser);
    }
    assert_eq!(browser.jar().len(), 8);
    start(&shop, &mut browser);
    assert_eq!(browser.jar().len(), 8);
}

/// nginx accepts 4 KiB of response headers by default.
#[test]
fn no_response_deletes_more_than_a_proxy_takes() {
    let shop = shop();
    let (browser, _) = restore(&shop, 120);
    let binding = || browser.headers();
    let begun = shop.flow.begin(Binding::cookies(&binding()), Login::with("github")).unwrap();
    for deleted in [begun.surplus_cookies, shop.flow.surplus_cookies(&Binding::cookies(&binding()))] {
        assert_eq!(deleted.len(), 32);
        let bytes: usize = deleted.iter().map(|line| "Set-Cookie: ".len() + line.len() + 2).sum();
        assert!(bytes <= 32 * 68, "{bytes}");
        assert!(
            deleted.iter().all(|line| line.starts_with("__Host-") && line.ends_with("=; Max-Age=0; Path=/; Secure"))
        );
    }
}

#[test]
fn up_to_eight_tabs_lose_nothing() {
    let shop = shop();
    let (mut browser, states) = restore(&shop, 8);
    let late = start(&shop, &mut browser);
    for state in states.iter().chain([&late]) {
        let surplus = shop.flow.surplus_cookies(&Binding::cookies(&browser.headers()));
        assert!(browser.finish(&shop, "github", state).is_ok());
        apply(&mut browser, surplus);
    }
    assert_eq!(browser.jar().len(), 8);
}

/// The cookie of a login that has just started is never deleted.
#[test]
fn a_new_login_keeps_its_cookie() {
    let shop = shop();
    let (mut browser, _) = restore(&shop, 64);
    for _ in 0..4 {
        let state = start(&shop, &mut browser);
        assert!(browser.finish(&shop, "github", &state).is_ok());
    }
}

/// A login with one kind of cookie deletes none of another kind: a login by form_post may be in progress.
#[test]
fn kinds_are_counted_apart() {
    let shop = shop();
    let (mut browser, _) = restore(&shop, 8);
    let apple = shop.flow.begin(Binding::cookies(&browser.headers()), Login::with("apple")).unwrap();
    assert!(apple.surplus_cookies.is_empty());
    browser.take(&apple);
    assert!(shop.flow.surplus_cookies(&Binding::cookies(&browser.headers())).is_empty());
    assert!(browser.finish(&shop, "apple", &apple.state).is_ok());
}

/// Browsers delete a cookie only by a header that could also set it.
#[test]
fn the_header_that_deletes_has_the_attributes_of_its_kind() {
    let framed = || {
        let mut headers = http::HeaderMap::new();
        for (name, value) in
            [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe"), ("sec-fetch-site", "same-origin")]
        {
            headers.insert(name, http::HeaderValue::from_static(value));
        }
        headers
    };
    let shop = shop_with(|flow| flow.host_http_cookies().allow_same_origin_frames().provider(Provider::github()));
    let mut browser = Browser::default();
    for _ in 0..9 {
        browser.take(&shop.flow.begin(Binding::cookies(&framed()), Login::with("github")).unwrap());
    }
    let surplus = shop.flow.surplus_cookies(&Binding::cookies(&browser.headers()));
    assert_eq!(surplus.len(), 1);
    assert!(
        surplus[0].ends_with("=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"),
        "{}",
        surplus[0]
    );
}
