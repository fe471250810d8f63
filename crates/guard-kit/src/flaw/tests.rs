use super::*;

/// A warning before it must not hide the flaw that makes the server unusable.
#[test]
fn a_fatal_flaw_refuses_the_server_whatever_its_position() {
    let flaws = [Flaw::warning("a", "one", "two"), Flaw::fatal("b", "three", "four")];
    let cause = refuse(&flaws).unwrap_err().into_cause().unwrap();
    assert_eq!(cause.to_string(), "three; four");
    assert!(refuse(&flaws[..1]).is_ok() && refuse(&[]).is_ok());
}
