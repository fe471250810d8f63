//! What the types forbid does not compile.

#[test]
fn a_login_cannot_be_read_before_the_guard_was_asked() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/typestate/*.rs");
}
