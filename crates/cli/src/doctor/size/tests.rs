use super::*;
use crate::doctor::Level;

#[test]
fn data_has_the_length_that_is_asked_for() {
    for data in [1, 2, 3, 100] {
        let value = Sizes { data, ..Sizes::default() }.value();
        assert_eq!(serde_json::to_string(&value).unwrap().len(), data);
    }
    assert_eq!(Sizes::default().value(), Value::Null);
    assert_eq!(serde_json::to_string(&AnyData(Value::from(7))).unwrap(), "7");
}

#[test]
fn a_state_is_too_long_beyond_the_limit_alone() {
    let provider = Provider::x();
    let level = |characters| Sizes::default().judge(&provider, characters).level;
    assert_eq!((level(500), level(501)), (Level::Ok, Level::Error));
    assert!(Sizes::default().judge(&provider, 503).to_do.unwrap().contains("3 bytes less"));
    assert!(Sizes::default().judge(&provider, 496).found.ends_with("3 bytes more fit"));
}
