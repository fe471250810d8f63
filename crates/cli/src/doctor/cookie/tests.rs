use super::*;
use crate::doctor::Level;

fn origin(text: &str) -> WebOrigin {
    text.parse().unwrap()
}

#[test]
fn an_origin_is_scheme_host_and_port_alone() {
    assert_eq!(origin("https://Shop.example:8443/").host(), "shop.example");
    for text in [
        "",
        "shop.example",
        "https://",
        "ftp://shop.example",
        "https://shop.example/a",
        "https://a?b",
        "https:/\\/a",
        "https://a\t",
        "https:a",
        "https://a:443",
        "data:text/plain,a",
    ] {
        assert!(text.parse::<WebOrigin>().is_err(), "{text}");
    }
    assert!("https://u:p@shop.example".parse::<WebOrigin>().is_err());
}

/// A Secure cookie over plain http is never set, and one without Secure over https loses the protection of https.
#[test]
fn the_cookie_fits_the_scheme_of_the_origin() {
    const SECURE: &str = "__Host-0-n-0=s3cret; Max-Age=3720; Path=/; HttpOnly; Secure; SameSite=None";
    const PLAIN: &str = "insecure-0-l-0=s3cret; Max-Age=3720; Path=/; HttpOnly; SameSite=Lax";
    for (at, set_cookie, level) in [
        ("https://shop.example", SECURE, Level::Ok),
        ("http://shop.example", SECURE, Level::Error),
        ("http://localhost:8080", SECURE, Level::Ok),
        ("https://shop.example", PLAIN, Level::Error),
        ("http://shop.example", PLAIN, Level::Warning),
    ] {
        let check = cookie(&origin(at), "apple", "form_post", set_cookie);
        assert_eq!(check.level, level, "{at} {set_cookie}");
        assert!(!check.found.contains("s3cret") && check.found.contains("HttpOnly"), "{}", check.found);
    }
}

#[test]
fn a_callback_over_another_scheme_misses_the_cookie() {
    let told = |uri| redirect_uri(&origin("https://shop.example"), "github", uri).is_some();
    assert!(told("http://shop.example/cb"));
    assert!(told("com.shop.app:/cb") && !told("https://shop.example/cb"));
    let at_home = |uri| redirect_uri(&origin("https://[::1]:8443"), "github", uri).is_some();
    assert!(at_home("https://shop.example/cb") && !at_home("https://[::1]:8443/cb"));
}
