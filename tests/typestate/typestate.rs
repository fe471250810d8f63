//! Uses that the types forbid do not compile.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail, and says why it was skipped")]

/// The release whose messages are in `cases/*.stderr`; they change from release to release.
const RUSTC: &str = "rustc 1.95.";

#[test]
fn a_login_cannot_be_read_before_the_guard_was_asked() {
    let version = std::process::Command::new("rustc").arg("--version").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    if !version.starts_with(RUSTC) {
        // The compile_fail examples in the documentation of `VerifiedCallback` and `Binding` hold for every release.
        println!("skipped: the expected messages are those of {RUSTC}*, this is {version}");
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.compile_fail("cases/*.rs");
}
