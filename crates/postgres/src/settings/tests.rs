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
