use super::*;
use proptest::prelude::*;
use url::Url;

#[test]
fn open_redirects_are_refused() {
    for text in [
        "",
        "home",
        "//",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " /home",
        "/home ",
        "/a b",
        "/%2f/evil.example",
        "/%3f//a",
        "/%2fevil.example",
        "/%2Fevil.example",
        "/%5cevil.example",
        "/a%5c",
        "/.",
        "/..",
        "/./",
        "/../",
        "/./a",
        "/a/.",
        "/a/..",
        "/a/../b",
        "/a/./b",
        "/.//evil.example",
        "/%2e/",
        "/%2e%2e/",
        "/.%2E/x",
        "/%2e.",
        "/a//b",
        "/a/%2e%2e",
        "/a%2f%2fb",
        "/a%2f..%2fb",
        "/%252e%252e/",
        "/%25252e/",
        "/%252fevil.example",
        "/%0d%0aset-cookie:a",
        "/%00",
        "/%7f",
        "/%250a",
        "/%",
        "/%2",
        "/%zz",
        "/é",
        "/\u{2215}evil",
        "https://evil.example",
        "javascript:alert(1)",
        "data:,",
        "/a\u{0}",
        "?",
        "#",
    ] {
        assert!(text.parse::<ReturnTo>().is_err(), "{text:?}");
    }
    assert_eq!("//evil.example".parse::<ReturnTo>(), Err(ReturnToError::NotAPath));
    assert_eq!("/a//b".parse::<ReturnTo>(), Err(ReturnToError::Segment));
    assert_eq!(format!("/{}", "a".repeat(1024)).parse::<ReturnTo>(), Err(ReturnToError::TooLong));
}

#[test]
fn ordinary_paths_are_accepted() {
    for text in [
        "/",
        "/home",
        "/home/",
        "/a/b/c",
        "/a?next=https://example.org//x",
        "/a#b//c",
        "/?a=%0a",
        "/a.b/..c",
        "/...",
        "/a%20b",
        "/%C3%A9",
        "/100%25",
        "/a;b=c",
        "/@me",
        "/a:b",
        "/~x/!$&'()*+,=",
        "/a%2fb",
        "/%25zz",
        "/a?\"<>^`{|}",
    ] {
        assert_eq!(text.parse::<ReturnTo>().unwrap().as_str(), text);
    }
    assert!(format!("/{}", "a".repeat(1023)).parse::<ReturnTo>().is_ok());
}

/// Encoding never makes a refused path valid, and an accepted path stays as it is.
#[test]
fn a_decoded_path_is_encoded_and_then_checked() {
    for (text, path) in [
        ("/café", "/caf%C3%A9"),
        ("/a b?c d#e f", "/a%20b?c%20d#e%20f"),
        ("/100%", "/100%25"),
        ("/%zz%4", "/%25zz%254"),
        ("/a%20b", "/a%20b"),
        ("/日本", "/%E6%97%A5%E6%9C%AC"),
        ("/a?\"<>^`{|}", "/a?\"<>^`{|}"),
    ] {
        assert_eq!(ReturnTo::from_decoded(text).unwrap().as_str(), path);
    }
    for refused in [
        "//evil",
        "/\\evil",
        "/a\\b",
        "/\tevil",
        "/a\u{85}b",
        " /a",
        "é",
        "/a/../b",
        "/%2e%2e/b",
        "/a//b",
        "/%0a",
        "/%25%0a",
        "",
    ] {
        assert!(ReturnTo::from_decoded(refused).is_err(), "{refused:?}");
    }
    assert_eq!(ReturnTo::from_decoded(&format!("/{}", "é".repeat(512))), Err(ReturnToError::TooLong));
    assert_eq!(ReturnTo::from_decoded(&format!("/{}", " ".repeat(1023))), Err(ReturnToError::TooLong));
}

#[test]
fn a_path_to_the_callback_is_seen_through_its_encoding() {
    for text in ["/auth/callback", "/auth/callback/", "/auth/c%61llback?x", "/auth/%2563allback#y", "/Auth/Callback"] {
        assert!(text.parse::<ReturnTo>().unwrap().checked().leads_to("/auth/callback"), "{text}");
    }
    for text in ["/auth/callback2", "/auth/c%61llback2", "/c%61llback", "/auth/callback/%20"] {
        assert!(!text.parse::<ReturnTo>().unwrap().checked().leads_to("/auth/callback"), "{text}");
    }
    assert!("/auth/callback".parse::<ReturnTo>().unwrap().checked().leads_to("/auth/c%61llback/"));
    assert!(!"/".parse::<ReturnTo>().unwrap().checked().leads_to("/auth/callback"));
}

proptest! {
    #[test]
    fn an_accepted_path_stays_on_the_site_in_a_browser(text in "[/\\\\.%25cCeEfF0?#@: a-z\t]{0,20}") {
        if let Ok(path) = text.parse::<ReturnTo>() {
            let base = Url::parse("https://shop.example/auth/callback").unwrap();
            let resolved = base.join(path.as_str()).unwrap();
            prop_assert_eq!(resolved.origin(), base.origin());
            prop_assert_eq!(resolved.path(), text.split(['?', '#']).next().unwrap());
        }
    }

    #[test]
    fn a_decoded_path_stays_on_the_site_and_means_the_same(text in "[/\\\\.%25cCeEfF0?#@: a-zé\u{2028}\t]{0,20}") {
        if let Ok(path) = ReturnTo::from_decoded(&text) {
            let base = Url::parse("https://shop.example/auth/callback").unwrap();
            let resolved = base.join(path.as_str()).unwrap();
            prop_assert_eq!(resolved.origin(), base.origin());
            // A browser that is given the text itself goes to the same address, but for spaces at its end, which it drops (URL standard, 4.4).
            if !text.contains('%') && !text.ends_with(' ') {
                let direct = base.join(&text).unwrap();
                prop_assert_eq!(direct.path(), resolved.path());
            }
            prop_assert_eq!(path.as_str().parse::<ReturnTo>().unwrap(), path);
        }
    }

    #[test]
    fn no_text_panics(text: String) {
        let _ = ReturnTo::from_decoded(&text);
        let _ = text.parse::<ReturnTo>().map(|path| path.checked().leads_to(&text));
    }
}
