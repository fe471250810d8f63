use super::*;

/// A warning before it must not hide the flaw that makes the server unusable.
#[test]
fn a_fatal_flaw_refuses_the_server_whatever_its_position() {
    let flaws = [Flaw::warning("a", "one", "two"), Flaw::fatal("b", "three", "four")];
    let cause = refuse(&flaws).unwrap_err().into_cause().unwrap();
    assert_eq!(cause.to_string(), "three; four");
    assert!(refuse(&flaws[..1]).is_ok() && refuse(&[]).is_ok());
}

#[test]
fn only_a_loopback_address_is_this_machine() {
    for host in ["localhost", "LocalHost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"] {
        assert!(is_this_machine(host), "{host}");
    }
    for host in ["10.0.0.1", "localhost.example", "redis", "128.0.0.1", ""] {
        assert!(!is_this_machine(host), "{host}");
    }
}

#[test]
fn a_clock_that_is_off_is_warned_of() {
    assert_eq!(clock_apart(-9_999), None);
    let found = |ahead| clock_apart(ahead).map(|flaw| flaw.found);
    assert_eq!(found(400_000).as_deref(), Some("the store's clock is 400 s ahead of this machine's"));
    assert_eq!(found(-61_000).as_deref(), Some("the store's clock is 61 s behind this machine's"));
}
