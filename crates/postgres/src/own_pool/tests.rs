use std::time::{Duration, UNIX_EPOCH};

use super::*;

#[test]
fn the_statement_deletes_as_many_as_its_constant_says() {
    assert!(PURGE.contains(&format!("LIMIT {PURGE_BATCH})")), "{PURGE}");
}

/// A purger must allow for the longest claim, by both clocks.
#[test]
fn a_claim_that_is_under_way_keeps_its_place() {
    assert!(PURGE.contains(&format!("::bigint - {LONGEST_CLAIM})")), "{PURGE}");
    assert_eq!(purge_before(UNIX_EPOCH + Duration::from_secs(1_800_000_000)), 1_800_000_000 - 60);
    assert_eq!(purge_before(UNIX_EPOCH), 0);
    #[cfg(feature = "client")]
    assert_eq!(LONGEST_CLAIM, oauth_state_guard_kit::LONGEST_BUDGET.as_secs());
}

/// A wrapper that fails open opens for `Unavailable` and `OutcomeUnknown`, so an attacker must not be able to cause these by load.
#[test]
fn load_is_told_from_an_outage() {
    use GuardErrorKind::{Full, Misconfigured, OutcomeUnknown, Overloaded, Unavailable};
    for (code, claiming, connecting) in [
        (None, OutcomeUnknown, Unavailable),
        // Serialization, deadlock, too many connections, memory, lock, statement timeout.
        (Some("40001"), Overloaded, Overloaded),
        (Some("40P01"), Overloaded, Overloaded),
        (Some("53300"), Overloaded, Overloaded),
        (Some("53200"), Overloaded, Overloaded),
        (Some("55P03"), Overloaded, Overloaded),
        (Some("57014"), Overloaded, Overloaded),
        // Shut down, crashed, starting, I/O error, connection, completion unknown.
        (Some("57P01"), OutcomeUnknown, Unavailable),
        (Some("57P02"), OutcomeUnknown, Unavailable),
        (Some("57P03"), OutcomeUnknown, Unavailable),
        (Some("58030"), OutcomeUnknown, Unavailable),
        (Some("08006"), OutcomeUnknown, Unavailable),
        (Some("40003"), OutcomeUnknown, Unavailable),
        // Read-only, disk full.
        (Some("25006"), Unavailable, Unavailable),
        (Some("53100"), Full, Full),
        // A missing table, a missing right, a wrong password, a missing database.
        (Some("42P01"), Misconfigured, Misconfigured),
        (Some("42501"), Misconfigured, Misconfigured),
        (Some("28P01"), Misconfigured, Misconfigured),
        (Some("3D000"), Misconfigured, Misconfigured),
    ] {
        assert_eq!(claim_error(code, "cause").kind(), claiming, "claim, {code:?}");
        assert_eq!(connect_error(code, "cause").kind(), connecting, "connect, {code:?}");
    }
}
