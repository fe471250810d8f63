use super::*;
use proptest::prelude::*;

fn families() -> CookieFamilies {
    CookieFamilies::new(&App::new("shop", "production").unwrap(), true, &CookieName::Host)
}

fn cookie(fill: u8) -> BrowserCookie {
    BrowserCookie::mint([fill; 6], SecretBytes::new([fill; 32]))
}

/// `name=value` as the browser sends it back.
fn sent(fill: u8, kind: CookieKind) -> String {
    families().set_cookie(kind, &cookie(fill), 3720).split(';').next().unwrap().to_owned()
}

fn found(headers: &[&[u8]]) -> Vec<u8> {
    let candidates = families().find(CookieKind::Lax, headers.iter().copied());
    candidates.iter().map(|cookie| cookie.secret.expose()[0]).collect()
}

#[test]
fn the_header_has_every_attribute_that_the_prefix_needs() {
    let header = families().set_cookie(CookieKind::Lax, &cookie(7), 3720);
    let (name, rest) = header.split_once('=').unwrap();
    assert!(name.starts_with("__Host-") && name.len() == 7 + 8 + 1 + 1 + 1 + 8, "{name}");
    assert_eq!(rest.split_once(';').unwrap().1, " Max-Age=3720; Path=/; HttpOnly; Secure; SameSite=Lax");
    assert!(!header.contains("Domain"));
    assert!(families().set_cookie(CookieKind::None, &cookie(7), 3720).ends_with("; Secure; SameSite=None"));
    let plain = CookieFamilies::new(&App::new("shop", "production").unwrap(), false, &CookieName::Host);
    let header = plain.set_cookie(CookieKind::Lax, &cookie(7), 1);
    assert!(header.starts_with("insecure-") && !header.contains("Secure"));
}

#[test]
fn a_cookie_comes_back_among_any_neighbours() {
    let ours = sent(7, CookieKind::Lax);
    for header in [
        ours.clone(),
        format!("a=b; {ours}"),
        format!("{ours};a=b"),
        format!(";;a;=b;\t{ours} ;  x=\"y;z\""),
        format!("{}={}", ours.split_once('=').unwrap().0, ours.split_once('=').unwrap().1),
    ] {
        assert_eq!(found(&[header.as_bytes()]), [7], "{header}");
    }
    let with_other_octets = [b"n=\xff\xfe\x00; ", ours.as_bytes(), "; é=ü".as_bytes()].concat();
    assert_eq!(found(&[&with_other_octets]), [7]);
    assert_eq!(found(&[b"a=b", ours.as_bytes()]), [7]);
}

/// Login CSRF by cookie tossing: a sibling site plants a cookie that a parser might accept as ours.
#[test]
fn a_tossed_cookie_is_not_ours() {
    let ours = sent(7, CookieKind::Lax);
    let bare = ours.strip_prefix("__Host-").unwrap();
    for tossed in [
        format!("_%5fHost-{bare}"),
        format!("%5f%5fHost-{bare}"),
        format!("\u{2000}{ours}"),
        format!("\u{a0}{ours}"),
        format!("\u{85}{ours}"),
        format!("\u{b}{ours}"),
        format!("\r{ours}"),
        format!("__host-{bare}"),
        format!("__HOST-{bare}"),
        format!("__Host-{}", bare.to_uppercase()),
        format!("={ours}"),
        format!("=; {}", ours.replace('=', "")),
        format!("\"{ours}\""),
        ours.replace('=', "=\"") + "\"",
        ours.replace('=', " x="),
        ours.replace('=', "%3d"),
        format!("{ours}="),
        format!("{ours}A"),
        ours[..ours.len() - 1].to_owned(),
        ours.replace("-l-", "-n-"),
        bare.to_owned(),
        format!("insecure-{bare}"),
    ] {
        assert!(found(&[tossed.as_bytes()]).is_empty(), "{tossed:?}");
    }
    // The value has one canonical form: its last character has two unused bits.
    let mut last = ours.clone().into_bytes();
    *last.last_mut().unwrap() += 1;
    assert!(found(&[&last]).is_empty());
}

#[test]
fn the_other_environment_and_the_other_same_site_have_cookies_of_their_own() {
    let staging = CookieFamilies::new(&App::new("shop", "staging").unwrap(), true, &CookieName::Host);
    let header = sent(7, CookieKind::Lax);
    assert_eq!(staging.find(CookieKind::Lax, [header.as_bytes()].into_iter()).iter().count(), 0);
    assert_eq!(families().find(CookieKind::None, [header.as_bytes()].into_iter()).iter().count(), 0);
}

#[test]
fn several_are_tried_by_ascending_name_and_64_at_most() {
    let header = [9, 3, 5].map(|fill| sent(fill, CookieKind::Lax)).join("; ");
    assert_eq!(found(&[header.as_bytes()]), [3, 5, 9]);
    let many: Vec<_> = (0..100).rev().map(|fill| sent(fill, CookieKind::Lax)).collect();
    let mut expected: Vec<_> = (0..100).map(cookie).collect();
    expected.sort_by_key(|cookie| cookie.suffix);
    let expected: Vec<_> = expected.iter().take(64).map(|cookie| cookie.secret.expose()[0]).collect();
    assert_eq!(found(&[many.join(";").as_bytes()]), expected);
    let turned: Vec<_> = many.iter().rev().map(String::as_str).collect();
    assert_eq!(found(&[turned.join(";").as_bytes()]), expected, "whatever order they come in");
}

proptest! {
    #[test]
    fn no_octets_panic_and_none_pass_for_ours(header: Vec<u8>) {
        prop_assert!(found(&[&header]).is_empty());
    }
}
