use super::*;

/// A wrapper that fails open does so only for errors that are not among these.
#[test]
fn a_server_that_has_too_much_to_do_is_told_from_one_that_is_down() {
    // Serialization, deadlock, connections, memory, lock, statement timeout.
    for code in ["40001", "40P01", "53300", "53200", "55P03", "57014"] {
        assert!(is_busy(&SqlState::from_code(code)), "{code}");
    }
    // Shut down, crashed, starting, I/O error, connection.
    for code in ["57P01", "57P02", "57P03", "58030", "08006"] {
        assert!(!is_busy(&SqlState::from_code(code)), "{code}");
    }
}

/// A fail-open wrapper must not open for these, nor a runbook say that the store should be started.
#[test]
fn a_server_that_is_no_postgres_or_has_no_tls_is_a_misconfiguration() {
    assert!(not_postgres("error performing TLS handshake: server does not support TLS").is_some());
    assert!(not_postgres("error performing TLS handshake: invalid dns name").is_some());
    assert!(not_postgres("unexpected message from server").is_some());
    assert!(not_postgres("error connecting to server: Connection refused (os error 111)").is_none());
}

/// Called down, a rule or a constraint of the table would be waited for, and a wrapper that fails open would open.
#[test]
fn a_server_that_refuses_the_statements_of_a_claim_is_not_down() {
    // A constraint, a value too long, a rule, an exception of a trigger, a renamed column, a right.
    for code in ["23514", "22001", "0A000", "P0001", "42703", "42501", "28P01", "3D000"] {
        assert!(!is_down(&SqlState::from_code(code)), "{code}");
    }
    // Poolers say that they cannot reach the server with 08P01.
    for code in ["08P01", "25006", "57P03", "58030", "XX000"] {
        assert!(is_down(&SqlState::from_code(code)), "{code}");
    }
}
