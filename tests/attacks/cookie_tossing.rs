//! Cookie tossing (RFC 6265bis section 4.1.3.2; CVE-2020-7070, CVE-2022-31629): a sibling domain plants a cookie that
//! the service mistakes for its own.
//!
//! Without the prefix, or with a parser that decodes names, the attacker plants the secret of their own login, and the
//! victim's browser finishes it.

use oauth_state::error::FinishErrorKind;
use oauth_state::{Binding, Expect, Login};
use support::shop::{Browser, callback, shop};

/// A sibling domain can set any cookie whose name is not `__Host-…` as the browser compares it.
#[test]
fn a_cookie_that_only_looks_like_ours_is_not_taken() {
    let shop = shop();
    let mut attacker = Browser::default();
    let planted = attacker.begin(&shop, Login::with("github"));
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
    // Other cookies with arbitrary bytes do not hide the genuine one.
    let line = [b"n=\xff\xfe; ", format!("{name}={value}").as_bytes(), b"; \x80=\x81"].concat();
    let binding = Binding::cookie_headers([line.as_slice()]);
    assert!(shop.flow.check(binding, Expect::provider("github"), callback(&planted.state)).is_ok());
}

/// A sibling can plant any cookie that browsers let it set for the whole domain: none whose name starts with `__Host-`,
/// in any case.
#[test]
fn a_sibling_cannot_plant_the_cookie_of_a_login_of_its_own() {
    let shop = shop();
    for provider in ["github", "apple"] {
        let (mut attacker, mut victim) = (Browser::default(), Browser::default());
        let his = attacker.begin(&shop, Login::with(provider));
        for (name, value) in attacker.jar() {
            if !name.to_ascii_lowercase().starts_with("__host-") {
                victim.put(name, value);
            }
        }
        let refused = victim.finish(&shop, provider, &his.state).unwrap_err();
        assert_eq!(refused.kind(), FinishErrorKind::CookieMissing, "{provider}");
        // The attributes without which a browser rejects a cookie with that name.
        let attributes = his.set_cookie.unwrap().to_ascii_lowercase();
        assert!(attributes.contains("; secure") && attributes.contains("; path=/;") && !attributes.contains("domain="));
    }
}

/// The same secret under the other SameSite is a different kind of cookie and is not accepted.
#[test]
fn a_lax_cookie_does_not_finish_a_form_post_login() {
    let shop = shop();
    let mut browser = Browser::default();
    let apple = browser.begin(&shop, Login::with("apple"));
    let (name, value) = browser.jar()[0].clone();
    let mut other = Browser::default();
    other.put(&name.replace("-n-", "-l-"), &value);
    assert_eq!(other.finish(&shop, "apple", &apple.state).unwrap_err().kind(), FinishErrorKind::CookieMissing);
}

/// A sibling that can set a cookie of another name fills the jar; the genuine one is found anyway.
#[test]
fn planted_cookies_do_not_hide_the_genuine_one() {
    let shop = shop();
    let mut victim = Browser::default();
    let begun = victim.begin(&shop, Login::with("github"));
    let (name, value) = victim.jar()[0].clone();
    let bare = name.strip_prefix("__Host-").unwrap();
    let planted = format!("{bare}=x; {name}x={value}; {name}=; {name}=not-a-secret; =; ;;; {name}");
    let line = format!("{planted}; {name}={value}; {planted}");
    let binding = Binding::cookie_headers([line.as_bytes()]);
    assert!(shop.flow.check(binding, Expect::provider("github"), callback(&begun.state)).is_ok());
}
