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

#[test]
fn addresses_that_lead_to_one_route_are_the_same() {
    let same =
        |one: &str, other: &str| RedirectUri::parse(one).unwrap().is_same_address(&RedirectUri::parse(other).unwrap());
    for other in ["https://SHOP.example/cb", "https://shop.example/CB/", "https://shop.example/%63b?x=1"] {
        assert!(same("https://shop.example/cb", other), "{other}");
    }
    for other in ["https://shop.example/cb2", "https://shop.example:8443/cb", "http://shop.example/cb", "app:/cb"] {
        assert!(!same("https://shop.example/cb", other), "{other}");
    }
    assert!(!same("com.shop.ios:/cb", "com.shop.android:/cb"));
}

proptest::proptest! {
    #[test]
    fn no_address_panics(text: String) {
        let _ = RedirectUri::parse(&text);
        let _ = RedirectUri::parse(&format!("https://{text}"));
    }
}
