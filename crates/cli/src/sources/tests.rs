use super::*;

fn name(given: &str) -> String {
    given.parse::<Source>().map_or_else(|refused| refused, |source| source.name().to_owned())
}

#[test]
fn a_source_is_what_its_scheme_says_and_a_file_otherwise() {
    for (given, expected) in [
        ("ring.json", "the file ring.json"),
        ("file:ring.json", "the file ring.json"),
        ("file:env:x", "the file env:x"),
        ("./a:b", "the file ./a:b"),
        ("C:\\ring.json", "the file C:\\ring.json"),
        ("env:SHOP_KEYS", "the environment variable SHOP_KEYS"),
        ("-", "standard input"),
        ("aws:prod/oauth-state", "aws:prod/oauth-state"),
        ("my-store:a:b", "my-store:a:b"),
        ("", "the location is missing"),
        ("env:", "the location is missing"),
    ] {
        assert_eq!(name(given), expected, "{given}");
    }
}
