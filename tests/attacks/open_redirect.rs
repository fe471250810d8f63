//! Open redirect (RFC 9700 section 4.11, CVE-2017-1000070): a return path that leads to another site.
//!
//! Without the check, a link to the service's own sign-in, which users trust, ends on the attacker's copy of its page
//! and asks for the password.

use oauth_state::ReturnTo;
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use url::Url;

/// The address that a browser opens for `text` as `Location` (WHATWG URL, "resolve").
fn resolved(text: &str) -> Option<Url> {
    Url::parse("https://shop.example/auth/callback").unwrap().join(text).ok()
}

fn leaves_the_site(text: &str) -> bool {
    resolved(text).is_some_and(|url| url.origin() != Url::parse("https://shop.example").unwrap().origin())
}

/// Texts that lead a browser to another site, and variants that a server or proxy turns into one.
const TRICKS: &[&str] = &[
    // Another scheme or host.
    "https://evil.example",
    "http:evil.example",
    "https:/evil.example",
    "https:evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://evil.example/x",
    "evil.example",
    "@evil.example",
    ":80",
    "?next=//evil.example",
    "#//evil.example",
    "",
    // A host without a scheme, in every spelling of two slashes.
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "//evil.example/%2f..",
    "//evil.example@shop.example",
    "//shop.example@evil.example",
    "//shop.example:443@evil.example/",
    "//evil%E3%80%82example",
    "//0x7f000001/",
    "//[::1]/",
    "//2130706433/",
    "/\\evil.example",
    "/\\/evil.example",
    "/\\\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "\\evil.example",
    "/.\\evil.example",
    "/a\\..\\..\\evil.example",
    // Characters that a browser removes first: tabs and line breaks anywhere, spaces at the ends.
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "\t//evil.example",
    " //evil.example",
    "\u{0}//evil.example",
    "\u{1f}//evil.example",
    "/\t\\evil.example",
    "/\u{b}/evil.example",
    "/ /evil.example",
    "//evil.example ",
    "java\tscript:alert(1)",
    // Characters that look like a slash, or are normalized to one.
    "/\u{2044}/evil.example",
    "/\u{2215}/evil.example",
    "/\u{ff0f}/evil.example",
    "/\u{3002}/evil.example",
    "\u{ff0f}\u{ff0f}evil.example",
    "/\u{a0}/evil.example",
    "/\u{feff}/evil.example",
    "/\u{202e}/evil.example",
    // Percent-encoded, which a proxy, a router or a next redirect decodes: once, twice, three times.
    "/%2fevil.example",
    "/%2Fevil.example",
    "/%2f%2fevil.example",
    "/%5cevil.example",
    "/%5Cevil.example",
    "/%5c%2fevil.example",
    "/%09/evil.example",
    "/%0a/evil.example",
    "/%0d/evil.example",
    "/%0d%0aLocation:%20https://evil.example",
    "/%20/..//evil.example",
    "/%00/evil.example",
    "/%7f/evil.example",
    "/%252fevil.example",
    "/%25252fevil.example",
    "/%2525252fevil.example",
    "/%252f%252fevil.example",
    "/%255cevil.example",
    "/%2500",
    "/%250d%250aSet-Cookie:a=b",
    "/%c0%af/..%c0%af/%5cevil.example",
    "/%zz",
    "/%",
    "/%2",
    "/%u002fevil.example",
    // Segments that a browser removes, so that two slashes meet.
    "/.",
    "/..",
    "/./",
    "/../",
    "/.//evil.example",
    "/..//evil.example",
    "/a/..//evil.example",
    "/a/../../evil.example",
    "/./\\evil.example",
    "/%2e//evil.example",
    "/%2e%2e//evil.example",
    "/%2e./evil.example",
    "/.%2e/evil.example",
    "/%2E%2E%2F%2Fevil.example",
    "/%252e%252e%252f%252fevil.example",
    "/a/%2e%2e/%2fevil.example",
    "/a//evil.example",
    "/a%2f%2fevil.example",
    "/a/%2f/evil.example",
    "/a//",
    // A question mark or number sign that some parsers recognize later than others.
    "/%3f//evil.example",
    "/%23//evil.example",
    "/a;/..//evil.example",
    "/;//evil.example",
    // Longer than the limit.
    concat!(
        "//",
        "evil.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    ),
];

#[test]
fn no_trick_is_taken_for_a_path() {
    for trick in TRICKS {
        assert!(trick.parse::<ReturnTo>().is_err(), "{trick:?}");
    }
    // The list is effective: a browser goes to another site, or to no http address at all, for a good part of it.
    let leaving = TRICKS.iter().filter(|trick| leaves_the_site(trick)).count();
    assert!(leaving > 30, "{leaving}");
}

/// A proxy, a router or a second redirect that decodes the path once more than a browser must also stay on the site.
#[test]
fn what_is_accepted_stays_on_the_site_however_often_it_is_decoded() {
    for path in
        ["/a%2fb", "/100%25", "/a%20b", "/%C3%A9", "/a/%7Euser", "/%25zz", "/?u=%2f%2fevil.example", "/#//evil.example"]
    {
        let mut text = path.parse::<ReturnTo>().unwrap().as_str().to_owned();
        for _ in 0..4 {
            assert!(!leaves_the_site(&text), "{text}");
            text = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Pieces of the tricks in random combinations.
    #[test]
    fn every_accepted_path_stays_on_the_site(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "/", "\\", "//", ".", "..", "%2f", "%5c", "%2e", "%25", "%0a", "\t", "\n", " ", "?", "#", "@", ":", "a",
                "evil.example", "https:", "%", "%00", "\u{ff0f}", ";", "=", "&",
            ]),
            0..8,
        )
    ) {
        let text = format!("/{}", pieces.concat());
        if let Ok(path) = text.parse::<ReturnTo>() {
            prop_assert_eq!(path.as_str(), &text);
            prop_assert!(!leaves_the_site(&text), "{}", text);
            let url = resolved(&text).unwrap();
            prop_assert_eq!(url.path(), text.split(['?', '#']).next().unwrap());
        }
    }
}
