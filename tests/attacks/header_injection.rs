//! Header and cookie injection (RFC 9110 section 5.5, RFC 6265bis section 4.1.1): a line break or a semicolon in a
//! header value.
//!
//! Without the checks, a return path or a provider's address splits the response, and the attacker sets cookies on the
//! service's own origin: cookie tossing without a sibling domain.

use oauth_state::http::redirect;
use oauth_state::{App, Binding, Login, Provider, ReturnTo};
use support::shop::{Browser, app, session, shop, shop_with};

#[test]
fn a_return_path_holds_nothing_that_ends_a_header() {
    for byte in (0..=0x20).chain(0x7f..=0xff) {
        for text in
            [format!("/a{}b", char::from(byte)), format!("/a?{}", char::from(byte)), format!("/a#{}", char::from(byte))]
        {
            assert!(text.parse::<ReturnTo>().is_err(), "{text:?}");
        }
        // In the path, percent-encoded, which a server behind may decode.
        if byte < 0x20 || byte == 0x7f {
            assert!(format!("/a%{byte:02x}b").parse::<ReturnTo>().is_err(), "%{byte:02x}");
            assert!(format!("/a%25{byte:02x}b").parse::<ReturnTo>().is_err(), "%25{byte:02x}");
        }
    }
}

/// This crate writes only a few plain characters into headers, whatever the login's values are.
#[test]
fn state_and_cookie_are_of_plain_characters_alone() {
    let shop = shop();
    for path in ["/a;b=c,d", "/a?x=\"y\"&z=%0d%0a", "/~'()*"] {
        let login = Login::with("google").return_to(path.parse::<ReturnTo>().unwrap()).tenant([b'\n'; 16]);
        let begun = shop.flow.begin(Binding::cookies(&Browser::default().headers()), login).unwrap();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        assert!(
            begun.state.bytes().all(plain)
                && [begun.code_challenge, begun.nonce].iter().flatten().all(|text| text.bytes().all(plain))
        );
        let cookie = begun.set_cookie.unwrap();
        let mut parts = cookie.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        assert!(name.bytes().chain(value.bytes()).all(plain), "{cookie}");
        assert_eq!(parts.collect::<Vec<_>>(), ["Max-Age=3720", "Path=/", "HttpOnly", "Secure", "SameSite=Lax"]);
    }
}

/// Names that reach a cookie, a state or an error have only letters and digits, so configuration cannot add an
/// attribute.
#[test]
fn names_with_separators_are_refused() {
    for name in ["shop;Domain=x", "shop\r\n", "shop name", "shop=", "", "sh\u{f6}p", "shop,x"] {
        assert!(App::new(name, "test").is_err() || name == "shop name", "{name:?}");
        assert!(Provider::custom(name).is_err(), "{name:?}");
    }
    let shop = shop_with(|builder| builder.provider(Provider::github()));
    for name in ["a;b", "a\r\nb", "a b"] {
        assert!(shop.flow.begin(session(), Login::with(name)).is_err());
        assert!(shop.flow.begin(session(), Login::with("github").redirect(name)).is_err());
    }
    assert_eq!(app().name(), "shop");
}

#[test]
fn an_address_with_a_line_break_is_not_redirected_to() {
    let shop = shop();
    let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
    for address in ["https://idp.example/\r\nSet-Cookie: a=b", "https://idp.example/\n", "https://idp.example/\0"] {
        assert!(redirect(&begun, address).is_err(), "{address:?}");
    }
    let response = redirect(&begun, "https://idp.example/authorize?state=s").unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
}
