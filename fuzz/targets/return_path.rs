//! An accepted return path stays on the site, as the `url` crate resolves it like browsers, from any base address and
//! after a router or proxy has decoded it, and it leads to the path that it shows.
//!
//! It finds an open redirect: `//host`, `/\host`, `/x/..//host`, with any of it percent-encoded, once or repeatedly.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use oauth_state::ReturnTo;
use url::Url;

static BASES: LazyLock<[Url; 3]> = LazyLock::new(|| {
    ["https://shop.example/auth/callback?code=a#b", "http://localhost:8080/", "https://shop.example/a/b/c/"]
        .map(|base| Url::parse(base).unwrap())
});

/// Decodes once, by hand.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        let hex = after.get(..2).filter(|hex| *first == b'%' && hex.iter().all(u8::is_ascii_hexdigit));
        bytes.push(match hex {
            Some(hex) => {
                rest = &after[2..];
                u8::from_str_radix(std::str::from_utf8(hex).unwrap(), 16).unwrap()
            }
            None => *first,
        });
    }
    bytes
}

fn stays(text: &str) {
    for base in &*BASES {
        let resolved = base.join(text).expect("a path resolves");
        assert_eq!((resolved.scheme(), resolved.origin()), (base.scheme(), base.origin()), "{text:?} leaves the site");
        assert!(resolved.username().is_empty() && resolved.password().is_none());
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(path) = text.parse::<ReturnTo>() else { return };
    assert_eq!(path.as_str(), text);
    assert_eq!(path.as_str().parse::<ReturnTo>(), Ok(path.clone()));
    stays(text);
    // The shown path is the target: nothing is resolved away.
    let shown = text.split(['?', '#']).next().unwrap().as_bytes();
    let resolved = BASES[0].join(text).unwrap();
    assert_eq!(decoded(resolved.path().as_bytes()), decoded(shown));

    let mut shown = shown.to_vec();
    for _ in 0..4 {
        shown = decoded(&shown);
        // A decoded `%3f` or `%23` is a character of the path, for any reader that decodes it.
        stays(&String::from_utf8_lossy(&shown).replace(['?', '#'], "x"));
    }
});
