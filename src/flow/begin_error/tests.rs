use super::*;

/// A code that is missing from the list would not be counted.
#[test]
fn every_code_is_in_the_list_once() {
    let source = include_str!("../begin_error.rs");
    let (_, function) = source.split_once("pub const fn code").unwrap();
    let (body, _) = function.split_once("pub const fn status").unwrap();
    let given: Vec<_> = body.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(given, BeginError::CODES);
    assert_eq!(BeginError::NoActiveKey.code(), "no_active_key");
}
