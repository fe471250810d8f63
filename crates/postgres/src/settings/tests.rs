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

/// A pooler lends the session to another application after the transaction: a setting that stayed would cancel its statements, or make its
/// commits volatile.
#[test]
fn no_setting_outlives_the_transaction_of_a_claim() {
    for relaxed in [false, true] {
        let builder = crate::PostgresGuard::builder("postgres://service@127.0.0.1/shop");
        let builder = if relaxed { builder.synchronous_commit_off() } else { builder };
        let text = builder.store().unwrap().settings.of_transaction();
        let statements: Vec<_> = text.split(';').map(str::trim).filter(|statement| !statement.is_empty()).collect();
        assert_eq!(statements.len(), 4, "{text}");
        for statement in statements {
            let ends_with_it = statement.starts_with("SET LOCAL ")
                || statement.starts_with("SET TRANSACTION ")
                || (statement.starts_with("SELECT set_config(") && statement.ends_with(", true)"));
            assert!(ends_with_it, "{statement}");
        }
    }
}
