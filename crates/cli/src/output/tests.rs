use super::*;

#[test]
fn a_terminal_is_shown_keys_only_where_that_was_asked_for() {
    assert!(may_show(false, false).is_ok() && may_show(true, true).is_ok());
    assert_eq!(may_show(true, false).unwrap_err().exit, Exit::Usage);
}

#[test]
fn columns_are_aligned() {
    let rows = [vec!["id".to_owned(), "role".to_owned()], vec!["0011".to_owned(), String::new()]];
    assert_eq!(table(&rows), "id    role\n0011\n");
}
