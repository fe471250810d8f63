use proptest::prelude::*;
use url::Url;

use super::*;

#[test]
fn redirect_uris_come_apart() {
    let parse = |uri: &str| RedirectUri::parse(uri).map(|parts| (parts.host, parts.path));
    let host = |host: &str| Some(host.to_owned());
    assert_eq!(parse("https://Shop.example/cb?a=b"), Some((host("shop.example"), "/cb".into())));
    assert_eq!(parse("http://localhost:8080"), Some((host("localhost"), "/".into())));
    assert_eq!(parse("http://[::1]:80/cb"), Some((host("::1"), "/cb".into())));
    assert_eq!(parse("com.example.app:/cb"), Some((None, "/cb".into())));
    for uri in ["", "/cb", "https:", "https:///cb", "https://a/b#c", "https://a b/", "https://u@h/", "ht tp://a/", ":a"]
    {
        assert_eq!(parse(uri), None, "{uri}");
    }
}

/// Addresses as services and apps register them.
#[test]
fn addresses_that_are_in_use_are_accepted() {
    for uri in [
        "https://shop.example/auth/acme/callback",
        "https://Shop.Example:443/auth/acme/callback/",
        "https://my_shop.example:8443/cb?tenant=7",
        "https://xn--mnchen-3ya.example/cb",
        "https://shop.example/R%C3%BCckkehr/~me/a.b",
        "http://localhost:3000/cb",
        "http://127.0.0.1/cb",
        "http://[::1]:8080/cb",
        "https://[2001:DB8::a]/cb",
        "com.example.app:/oauth2redirect/acme",
        "com.example.app://login.shop.example/ios/com.example.app/callback",
        "com.example.app:///callback",
        "app://-/callback",
        "app://./callback",
        "msauth://com.example.app/kz%2F%2Fabc%3D",
        "urn:ietf:wg:oauth:2.0:oob",
    ] {
        assert!(RedirectUri::parse(uri).is_some(), "{uri}");
    }
}

#[test]
fn addresses_that_lead_to_one_route_are_the_same() {
    let same =
        |one: &str, other: &str| RedirectUri::parse(one).unwrap().is_same_address(&RedirectUri::parse(other).unwrap());
    for other in [
        "https://SHOP.example/cb",
        "HTTPS://shop.example:443/CB/",
        "https://shop.example/%63b?x=1",
        "http://shop.example/cb",
    ] {
        assert!(same("https://shop.example/cb", other), "{other}");
    }
    for other in ["https://shop.example/cb2", "https://shop.example:8443/cb", "http://shop.example:8080/cb", "app:/cb"]
    {
        assert!(!same("https://shop.example/cb", other), "{other}");
    }
    assert!(same("http://[::1]:80/cb", "http://[::1]/cb"));
    assert!(!same("https://shop.example:80/cb", "https://shop.example/cb"));
    assert!(same("com.shop.ios:/cb", "COM.Shop.ios:///cb"));
    assert!(!same("com.shop.ios:/cb", "com.shop.android:/cb"));
    assert!(!same("com.shop.ios://a/cb", "com.shop.ios://b/cb"));
}

/// `localhost` and every name below it lead to this machine (RFC 6761 section 6.3). A name that only looks like it may be an attacker's.
#[test]
fn plain_http_passes_on_loopback_hosts_only() {
    let is_elsewhere = |uri: &str| RedirectUri::parse(uri).unwrap().is_plain_http_elsewhere();
    for uri in [
        "http://localhost:8080/cb",
        "http://acme.localhost:8080/cb",
        "http://sso.Acme.LocalHost/cb",
        "http://127.0.0.1/cb",
        "http://[::1]/cb",
        "https://shop.example/cb",
    ] {
        assert!(!is_elsewhere(uri), "{uri}");
    }
    for uri in [
        "http://localhost.evil.example/cb",
        "http://notlocalhost/cb",
        "http://acme.localhost.evil/cb",
        "http://acme.notlocalhost/cb",
        "http://127.0.0.1.evil.example/cb",
    ] {
        assert!(is_elsewhere(uri), "{uri}");
    }
}

/// A proxy may write the default port out. Everything else must be the same.
#[test]
fn the_host_of_a_request_is_compared_with_its_origin_without_the_default_port() {
    for host in ["shop.example", "Shop.Example", "shop.example:443"] {
        assert!(is_host_of_origin(host, "https", "shop.example"), "{host}");
    }
    assert!(is_host_of_origin("localhost:80", "http", "localhost"));
    assert!(is_host_of_origin("[::1]:443", "https", "[::1]"));
    for host in
        ["", "shop.example.", "shop.example:80", "shop.example:0443", "shop.example:", "u@shop.example", "evil.example"]
    {
        assert!(!is_host_of_origin(host, "https", "shop.example"), "{host}");
    }
    assert!(!is_host_of_origin("shop.example:443", "http", "shop.example"));
}

#[test]
fn the_host_of_a_header_keeps_its_dot_and_loses_its_port() {
    let hosts = [("a.example:443", Some("a.example")), ("a.example.", Some("a.example.")), ("[::1]:80", Some("::1"))];
    for (header, host) in
        hosts.into_iter().chain(["", ":80", "u@a", "[::1", "[::1]a", "[]"].map(|header| (header, None)))
    {
        assert_eq!(host_of(header), host, "{header}");
    }
}

/// Whether a browser arrives at one address with both.
fn is_same_to_a_browser(one: &str, other: &str) -> bool {
    let (Ok(one), Ok(other)) = (Url::parse(one), Url::parse(other)) else { return false };
    let place = |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port());
    place(&one) == place(&other) && is_same_route(one.path(), other.path())
}

/// Addresses that are often equal to another one, and seldom spelled alike.
fn address() -> impl Strategy<Value = String> {
    let scheme = prop::sample::select(vec!["https", "HTTPS", "http", "app", "App", "ftp", "ws", "file"]);
    let slashes = prop::sample::select(vec!["://", "://", "://", ":/", ":", ":///", ":\\\\"]);
    let user = prop::sample::select(vec!["", "", "", "u@", ":@", "u:p@"]);
    let host = prop_oneof![
        prop::sample::select(vec![
            "a.b",
            "A.B",
            "a.b.",
            "%61.b",
            "a%2eb",
            "a..b",
            ".a.b",
            "a.b..",
            "xn--a-.b",
            "\u{ff41}.b",
            "a\u{ad}.b",
            "a\t.b",
            "-a.b",
            "a_.b",
            "127.0.0.1",
            "127.1",
            "0x7f.1",
            "0x7F000001",
            "2130706433",
            "0177.0.0.1",
            "127.0.0.1.",
            "127.0.0.0x1",
            "1.2.3.4.5",
            "a.0x",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[::0001]",
            "[::1%25lo]",
            "[1::]",
            "[1:0::]",
            "[::FFFF:1.2.3.4]",
            "[::ffff:102:304]",
            "[::1.2.3.4]",
            "[1:0:0:2::3]",
            "[1:0:2:3:4:5:6:7]",
            "[1::2:3:4:5:6:7]",
            "",
        ])
        .prop_map(str::to_owned),
        "[aA0-9x.%-]{1,6}",
        "\\[[0-9a-fA-F:.]{1,12}\\]",
    ];
    let port = prop::sample::select(vec![
        "", "", ":", ":443", ":0443", ":80", ":080", ":8443", ":08443", ":65536", ":0", ":x", ":+443",
    ]);
    let segment = prop::sample::select(vec![
        "",
        "cb",
        "CB",
        "%63b",
        ".",
        "..",
        "%2e",
        "%2E.",
        ".%2e",
        "x",
        "%252e%252e",
        "%",
        "c\nb",
        "\"",
        "%22",
    ]);
    let path = prop::collection::vec((prop::sample::select(vec!["/", "/", "/", "\\", "%2f"]), segment), 0..4);
    let path =
        path.prop_map(|path| path.into_iter().map(|(slash, segment)| format!("{slash}{segment}")).collect::<String>());
    let end = prop::sample::select(vec!["", "", "?a=b", "?", "#", " "]);
    (scheme, slashes, user, host, port, path, end).prop_map(|(scheme, slashes, user, host, port, path, end)| {
        format!("{scheme}{slashes}{user}{host}{port}{path}{end}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    #[test]
    fn no_address_panics(text: String) {
        let _ = RedirectUri::parse(&text);
        let _ = RedirectUri::parse(&format!("https://{text}"));
        let _ = (host_of(&text), canonical_host(&text), is_host_of_origin(&text, "https", &text));
    }

    /// `url` parses addresses as browsers do (WHATWG URL).
    #[test]
    fn addresses_that_browsers_equate_are_refused_or_equal(one in address(), other in address()) {
        let (parsed, other_parsed) = (RedirectUri::parse(&one), RedirectUri::parse(&other));
        let both = parsed.as_ref().zip(other_parsed.as_ref());
        if let Some((parsed, other_parsed)) = both.filter(|_| is_same_to_a_browser(&one, &other)) {
            prop_assert!(parsed.is_same_address(other_parsed), "{one:?} and {other:?}");
        }
        // Random pairs are seldom equal. This covers every address: if it is accepted, a browser arrives there.
        for (text, parsed) in [(&one, parsed), (&other, other_parsed)] {
            let Some((parsed, url)) = parsed.zip(Url::parse(text).ok()) else { continue };
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            let authority = format!("{}{port}", url.host_str().unwrap_or_default()).to_ascii_lowercase();
            prop_assert_eq!(&parsed.authority, &authority, "{:?}", text);
            prop_assert!(is_same_route(&parsed.path, url.path()), "{text:?} is {url}");
            prop_assert_eq!(&parsed.scheme, url.scheme());
        }
    }
}
