//! Login CSRF: a genuine state in the wrong browser, cookies that were planted, and many tabs that are all right.

use crate::common::{Browser, block_on, callback, shop};
use oauth_state::{Binding, Expect, FinishErrorKind, Login};

/// RFC 6749 section 10.12: the attacker begins, authorizes as himself, and leads the victim to the callback.
#[test]
fn another_browser_is_refused_and_cannot_use_up_the_owner_s_login() {
    let shop = shop();
    let (mut attacker, mut victim) = (Browser::default(), Browser::default());
    let planted = attacker.begin(&shop, Login::at("github"));
    let refused = victim.finish(&shop, "github", &planted.state).unwrap_err();
    assert_eq!(refused.kind(), FinishErrorKind::CookieMissing);
    let own = victim.begin(&shop, Login::at("github"));
    let refused = victim.finish(&shop, "github", &planted.state).unwrap_err();
    assert_eq!(refused.kind(), FinishErrorKind::OtherBrowser);
    assert!(!refused.restart().unwrap().may_restart());
    assert_eq!(shop.guard.calls(), 0);
    assert!(attacker.finish(&shop, "github", &planted.state).is_ok());
    assert!(victim.finish(&shop, "github", &own.state).is_ok());
}

/// A sibling domain can set any cookie whose name is not `__Host-…` as the browser compares it.
#[test]
fn a_cookie_that_only_looks_like_ours_is_not_taken() {
    let shop = shop();
    let mut attacker = Browser::default();
    let planted = attacker.begin(&shop, Login::at("github"));
    let (name, value) = attacker.jar()[0].clone();
    let bare = name.strip_prefix("__Host-").unwrap();
    for tossed in [
        format!("_%5fHost-{bare}"),
        format!("%5F%5FHost-{bare}"),
        format!("\u{2000}{name}"),
        format!("\u{a0}{name}"),
        format!("__host-{bare}"),
        format!("__HOST-{bare}"),
        format!("={name}"),
        String::new(),
    ] {
        let line = format!("n=\u{e9}; {tossed}={value}; z=\u{ff}");
        let binding = Binding::cookie_headers([line.as_bytes()]);
        let refused = shop.flow.check(binding, Expect::provider("github"), callback(&planted.state)).unwrap_err();
        assert_eq!(refused.kind(), FinishErrorKind::CookieMissing, "{tossed:?}");
    }
    // Neighbours of any octets do not hide the genuine one.
    let line = [b"n=\xff\xfe; ", format!("{name}={value}").as_bytes(), b"; \x80=\x81"].concat();
    let binding = Binding::cookie_headers([line.as_slice()]);
    assert!(shop.flow.check(binding, Expect::provider("github"), callback(&planted.state)).is_ok());
}

/// Four tabs restored with an empty jar each get a cookie of their own, and all of them work.
#[test]
fn tabs_opened_at_once_all_finish_in_any_order() {
    let shop = shop();
    let (empty, mut browser) = (Browser::default(), Browser::default());
    let begun: Vec<_> = (0..4)
        .map(|_| shop.flow.begin(Binding::cookies(&empty.headers()), Login::at("github")).unwrap())
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
    let first = browser.begin(&shop, Login::at("github"));
    let second = browser.begin(&shop, Login::at("google"));
    assert_eq!(first.set_cookie, second.set_cookie);
    assert_eq!(browser.jar().len(), 1);
    assert!(browser.finish(&shop, "google", &second.state).is_ok());
    assert!(browser.finish(&shop, "github", &first.state).is_ok());
}

/// Apple answers by a cross-site POST; a login there and one at GitHub must not rewrite each other's cookie.
#[test]
fn form_post_has_a_cookie_of_its_own() {
    let shop = shop();
    let mut browser = Browser::default();
    let github = browser.begin(&shop, Login::at("github"));
    let apple = browser.begin(&shop, Login::at("apple"));
    assert!(apple.set_cookie.as_ref().unwrap().ends_with("Secure; SameSite=None"));
    assert!(github.set_cookie.as_ref().unwrap().ends_with("Secure; SameSite=Lax"));
    assert_eq!(browser.jar().len(), 2);
    assert!(browser.finish(&shop, "apple", &apple.state).is_ok());
    assert!(browser.finish(&shop, "github", &github.state).is_ok());
}

/// The same secret under the other SameSite is another family: it does not serve.
#[test]
fn a_lax_cookie_does_not_finish_a_form_post_login() {
    let shop = shop();
    let mut browser = Browser::default();
    let apple = browser.begin(&shop, Login::at("apple"));
    let (name, value) = browser.jar()[0].clone();
    let mut other = Browser::default();
    other.put(&name.replace("-n-", "-l-"), &value);
    assert_eq!(other.finish(&shop, "apple", &apple.state).unwrap_err().kind(), FinishErrorKind::CookieMissing);
}

#[test]
fn each_kind_of_binding_refuses_another_holder_and_another_kind() {
    let shop = shop();
    let github = || Expect::provider("github");
    let session = |fill: u8| Binding::session(&[fill; 16]).unwrap();
    let code = |binding: Binding<'_>, state: &str| {
        shop.flow.check(binding, github(), callback(state)).map_or_else(|error| error.code(), |_| "passed")
    };

    let by_session = shop.flow.begin(session(1), Login::at("github")).unwrap();
    assert_eq!(code(session(1), &by_session.state), "passed");
    assert_eq!(code(session(2), &by_session.state), "other_session");
    assert_eq!(code(Binding::dangerously_unbound(), &by_session.state), "other_browser");
    assert_eq!(code(Binding::cookie_headers([]), &by_session.state), "cookie_missing");

    let by_client = shop.flow.begin(Binding::new_client_secret(), Login::at("github")).unwrap();
    let secret = by_client.client_secret.unwrap();
    assert_eq!(code(Binding::client_secret(&secret).unwrap(), &by_client.state), "passed");
    assert_eq!(code(Binding::client_secret(&"A".repeat(43)).unwrap(), &by_client.state), "other_client");
    assert_eq!(code(Binding::new_client_secret(), &by_client.state), "other_client");
    assert_eq!(code(session(1), &by_client.state), "other_session");

    let unbound = shop.flow.begin(Binding::dangerously_unbound(), Login::at("github")).unwrap();
    assert_eq!(code(Binding::dangerously_unbound(), &unbound.state), "passed");
    assert_eq!(code(Binding::client_secret(&"A".repeat(43)).unwrap(), &unbound.state), "other_client");
    assert_eq!(code(session(1), &unbound.state), "other_session");
}

#[test]
fn the_verifier_differs_between_two_logins_of_one_browser() {
    let shop = shop();
    let mut browser = Browser::default();
    let (one, other) = (browser.begin(&shop, Login::at("github")), browser.begin(&shop, Login::at("github")));
    assert_ne!(one.code_challenge, other.code_challenge);
    assert_ne!(one.nonce, other.nonce);
    assert_ne!(one.state, other.state);
}

#[test]
fn a_missing_cookie_says_why_as_far_as_headers_tell() {
    let shop = shop();
    let mut browser = Browser::default();
    let (github, apple) = (browser.begin(&shop, Login::at("github")), browser.begin(&shop, Login::at("apple")));
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
