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
