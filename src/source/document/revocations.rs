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
#[path = "revocations_tests.rs"]
mod tests;
