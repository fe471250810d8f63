//! The revocations of a document that may be refused as a whole, or that is not even JSON.

use super::LARGEST;
use crate::key::RootKeyId;

/// How the list begins.
const FIELD: &str = "\"revoked\"";
/// What is looked through at most; a document that is too large is refused, and its revocations hold all the same.
const MOST_LOOKED_AT: usize = 16 * LARGEST;

/// Every id that the text revokes, whatever else is wrong with it: a comma too many, a field that stands twice, a document that
/// was cut off. An operator who revokes in a hurry makes such mistakes, and a leaked key must not stay in use for them.
///
/// No parser: from each `"revoked"` and its opening bracket on, every quoted id up to the closing one.
pub(crate) fn revocations(text: &str) -> Vec<RootKeyId> {
    let mut found = Vec::new();
    let mut rest = text.get(..MOST_LOOKED_AT).unwrap_or(text);
    while let Some((_, after)) = rest.split_once(FIELD) {
        rest = after;
        let list =
            after.trim_ascii_start().strip_prefix(':').and_then(|list| list.trim_ascii_start().strip_prefix('['));
        let Some(list) = list else { continue };
        let list = list.split(']').next().unwrap_or_default();
        // Between two quotation marks is what stands at every odd place.
        found.extend(list.split('"').skip(1).step_by(2).filter_map(id));
    }
    found
}

/// As it would be written, or nearly.
fn id(text: &str) -> Option<RootKeyId> {
    RootKeyId::parse(&text.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
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
}
