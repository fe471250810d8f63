//! The revocations of a document that may be refused as a whole.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::LARGEST;
use crate::key::RootKeyId;

/// Only this one field, whatever else stands there.
#[derive(Deserialize)]
struct Revocations {
    #[serde(default)]
    revoked: Vec<Entry>,
}

/// An id, or anything else, which is passed over: one bad entry must not save the keys that the others name.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Id(String),
    Other(IgnoredAny),
}

/// Every id that the text revokes, if it is JSON at all. An operator who revokes in a hurry may make a mistake elsewhere in the
/// document; a leaked key must not stay in use for that.
pub(crate) fn revocations(text: &str) -> Vec<RootKeyId> {
    if text.len() > LARGEST {
        return Vec::new();
    }
    let revoked = serde_json::from_str::<Revocations>(text.trim_ascii()).map(|read| read.revoked).unwrap_or_default();
    revoked
        .iter()
        .filter_map(|entry| match entry {
            Entry::Id(text) => RootKeyId::parse(text),
            Entry::Other(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_read_from_a_document_that_is_refused() {
        let id = RootKeyId::parse("00112233aabbccdd").unwrap();
        let good = r#""revoked":["00112233aabbccdd"]"#;
        for text in [
            format!("{{{good}}}"),
            format!(r#" {{"version":9,"keys":"none","surprise":[{{}}],{good}}} "#),
            r#"{"revoked":["no id", 7, null, {"a":1}, "00112233aabbccdd"]}"#.to_owned(),
        ] {
            assert_eq!(revocations(&text), [id], "{text}");
        }
        for text in ["", "osk1.x.y", r#"{"revoked":"00112233aabbccdd"}"#, r#"{"revoked":["00112233aabbccdd"]"#] {
            assert!(revocations(text).is_empty(), "{text}");
        }
        assert!(revocations(&format!("{}{{{good}}}", " ".repeat(LARGEST))).is_empty());
    }
}
