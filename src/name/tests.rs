use super::*;

#[test]
fn a_name_that_could_be_read_in_two_ways_is_refused() {
    for name in ["", " ", "Shop", "shop ", "a/b", "a\0b", "é", "a:b", &"x".repeat(33)] {
        assert!(!is_name(name), "{name:?}");
    }
    assert!(is_name(&"x".repeat(32)) && is_name("a-b_c.9"));
    assert!(Purpose::Custom("a:b").check().is_err());
}

/// Connections have ids that databases generate.
#[test]
fn a_provider_id_may_be_a_ulid_or_a_uuid() {
    let ids = ["github", "01JDQ8ZK3M7Y5V2W9X4R6T1B0C", "0190f3c2-7d4e-7a1b-9c3d-5e6f7a8b9c0d", "_", &"Z".repeat(64)];
    ids.iter().for_each(|id| assert!(is_provider_id(id), "{id:?}"));
    for id in ["", ".", "..", " ", "a b", "a/b", "a%2fb", "a:b", "a\0b", "é", &"x".repeat(65)] {
        assert!(!is_provider_id(id), "{id:?}");
    }
    let refused = check_provider_id("a/b").unwrap_err().to_string();
    assert_eq!(refused, "the provider id must be 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-', and not '.' or '..'");
}

#[test]
fn shifting_a_letter_between_two_names_changes_the_framing() {
    let framed = |name: &str, environment: &str| {
        let mut out = Vec::new();
        Purpose::Login.frame_with(&App::new(name, environment).unwrap(), &mut out);
        out
    };
    assert_ne!(framed("ab", "c"), framed("a", "bc"));
}
