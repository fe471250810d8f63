use super::*;

const ID: &str = "00112233aabbccdd";

#[test]
fn they_are_read_from_whatever_an_operator_in_a_hurry_may_write() {
    let id = RootKeyId::parse(ID).unwrap();
    let good = format!(r#""revoked": ["{ID}"]"#);
    for text in [
        format!("{{{good}}}"),
        format!(r#" {{"version":9,"keys":"none","surprise":[{{}}],{good}}} "#),
        format!(r#"{{"revoked":["no id", 7, null, {{"a":1}}, "{ID}"]}}"#),
        // A comma too many, one too few, no end, a byte order mark, twice the field, other spellings of the id.
        format!(r#"{{"serial": 7,, {good}}}"#),
        format!(r#"{{"serial": 7 {good}}}"#),
        format!(r#"{{"revoked": ["{ID}""#),
        format!("\u{feff}{{{good}}}"),
        format!(r#"{{"revoked": [], {good}}}"#),
        format!(r#"{{{good}, "revoked": []}}"#),
        format!(r#"{{"revoked" : [ " {} " ] }}"#, ID.to_uppercase()),
        format!("{}{{{good}}}", " ".repeat(LARGEST)),
        format!("{}{good}", "[".repeat(1_000)),
    ] {
        assert_eq!(revocations(&text), [id], "{}", text.trim());
    }
}

/// Nothing else is taken for one, least of all a key that stands in the list of keys.
#[test]
fn an_id_elsewhere_revokes_nothing() {
    for text in [
        String::new(),
        "osk1.x.y".to_owned(),
        format!(r#"{{"revoked": "{ID}"}}"#),
        format!(r#"{{"revoked": [], "keys": ["{ID}"]}}"#),
        format!(r#"{{"note": "\"revoked\": [\"{ID}\"]"}}"#),
        format!(r#"{{"unrevoked": ["{ID}"]}}"#),
    ] {
        assert!(revocations(&text).is_empty(), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text: String) {
        revocations(&text);
        revocations(&format!("{FIELD}:[{text}"));
    }
}
