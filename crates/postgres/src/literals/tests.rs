use super::*;
use crate::table::INSERT;

#[test]
fn every_place_gets_its_literal() {
    let literals = ["3".to_owned(), bytes(&[0, 0x1f, 0xff]), base64url("aZ09-_"), "17".to_owned()];
    let text = with_literals(INSERT, &literals);
    assert!(text.contains("VALUES (3, decode('001fff', 'hex'), 'aZ09-_', 17) ON CONFLICT"), "{text}");
    assert!(!text.contains('$'));
}

#[test]
fn octets_come_back_from_hexadecimal_digits() {
    assert_eq!(from_hex("001fff"), Some(vec![0, 0x1f, 0xff]));
    assert_eq!(from_hex(""), Some(Vec::new()));
    for text in ["0", "001", "0g", "é"] {
        assert_eq!(from_hex(text), None, "{text}");
    }
}

/// SQL injection: a literal that ends early makes a statement of the rest.
#[test]
fn no_character_ends_a_literal() {
    assert_eq!(base64url("a'; DROP TABLE x; --\\"), "'aDROPTABLEx--'");
}
