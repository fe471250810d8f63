use super::*;

#[test]
fn a_name_that_could_be_read_in_two_ways_is_refused() {
    for name in ["", " ", "Shop", "shop ", "a/b", "a\0b", "é", "a:b", &"x".repeat(33)] {
        assert!(!is_name(name), "{name:?}");
    }
    assert!(is_name(&"x".repeat(32)) && is_name("a-b_c.9"));
    assert!(Purpose::Custom("a:b").check().is_err());
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
