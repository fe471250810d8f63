//! The revocations of a refused document that is JSON: only ids listed under `revoked` count.
//!
//! Only ids are collected, so that no copy of a key is left behind. `docs/key-ring.md` specifies the walk.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use zeroize::Zeroizing;

use super::characters::{DEEPEST, REVOKED, embedded, id, is_of_word};
use crate::ring::key::RootKeyId;

/// The deepest nesting at which a string is read as a document, so that documents in documents cannot exhaust the stack.
const MOST_NESTED: usize = 16;

/// The revocations in a text that is embedded in a number of documents.
pub(super) type InDocument = fn(Zeroizing<Vec<u8>>, usize) -> Vec<RootKeyId>;

/// The revocations in this text, or `None` if it is not JSON, or is nested too deep for `serde_json`. `in_document` reads a document in a
/// string of it.
pub(super) fn walk(text: &[u8], level: usize, in_document: InDocument) -> Option<Vec<RootKeyId>> {
    let mut found = Found { is_listed: false, top: Vec::new(), below: Vec::new(), level, in_document };
    let mut json = serde_json::Deserializer::from_slice(text);
    Walk { place: Place::Top, depth: 0, found: &mut found }.deserialize(&mut json).ok()?;
    json.end().ok()?;
    Some(if found.is_listed { found.top } else { found.below })
}

struct Found {
    /// The document has its own `revoked`, so nothing else counts.
    is_listed: bool,
    top: Vec<RootKeyId>,
    below: Vec<RootKeyId>,
    /// The number of documents that this one is embedded in.
    level: usize,
    in_document: InDocument,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The document itself.
    Top,
    /// Anywhere else outside of lists and notes.
    Below,
    /// In the value of the document's own `revoked`.
    TopList,
    /// In the value of any other `revoked`.
    List,
    Note,
}

struct Walk<'f> {
    place: Place,
    depth: usize,
    found: &'f mut Found,
}

impl Walk<'_> {
    fn list(&mut self) -> Option<&mut Vec<RootKeyId>> {
        match self.place {
            Place::TopList => Some(&mut self.found.top),
            Place::List => Some(&mut self.found.below),
            Place::Top | Place::Below | Place::Note => None,
        }
    }
}

/// The ids in a string that consists of ids only. In a sentence, an id may be that of the key that replaces a revoked one.
fn ids(text: &str) -> Vec<RootKeyId> {
    let words = text.as_bytes().split(|character| !is_of_word(*character)).filter(|word| !word.is_empty());
    words.map(id).collect::<Option<_>>().unwrap_or_default()
}

/// The result is whether this says "no": `null` or `false`.
impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(true)
    }

    fn visit_bool<E>(self, value: bool) -> Result<bool, E> {
        Ok(!value)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    /// An unquoted id that has decimal digits only.
    fn visit_u64<E>(mut self, number: u64) -> Result<bool, E> {
        if let Some(list) = self.list() {
            list.extend(id(number.to_string().as_bytes()));
        }
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(mut self, text: &str) -> Result<bool, E> {
        let begins_document =
            text.trim_start_matches(|letter: char| !letter.is_ascii_graphic()).starts_with(['{', '"']);
        if let Some(list) = self.list() {
            list.extend(ids(text));
        } else if begins_document
            && self.place != Place::Note
            && self.depth <= MOST_NESTED
            && self.found.level < DEEPEST
        {
            let below = (self.found.in_document)(embedded(text), self.found.level.saturating_add(1));
            self.found.below.extend(below);
        }
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        let Self { place, depth, found } = self;
        let place = if place == Place::Top { Place::Below } else { place };
        while list.next_element_seed(Walk { place, depth: depth.saturating_add(1), found })?.is_some() {}
        Ok(false)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<bool, A::Error> {
        while let Some(name) = map.next_key_seed(NameSeed)? {
            let place = match (self.place, name.kind) {
                (Place::Top, Kind::Revoked) => Place::TopList,
                (Place::Below, Kind::Revoked) => Place::List,
                (Place::Top | Place::Below, Kind::Note) => Place::Note,
                (Place::Top | Place::Below, Kind::Other) => Place::Below,
                (place, _) => place,
            };
            self.found.is_listed |= place == Place::TopList;
            let before = self.list().map(|list| {
                let before = list.len();
                list.extend(name.ids);
                before
            });
            let depth = self.depth.saturating_add(1);
            let says_no = map.next_value_seed(Walk { place, depth, found: self.found })?;
            if let (true, Some(before), Some(list)) = (says_no, before, self.list()) {
                list.truncate(before);
            }
        }
        Ok(false)
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Revoked,
    Note,
    Other,
}

struct Name {
    kind: Kind,
    ids: Vec<RootKeyId>,
}

struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
        let is = |other: &[u8]| {
            name.trim_matches(|letter: char| !letter.is_ascii_graphic()).as_bytes().eq_ignore_ascii_case(other)
        };
        let kind = match () {
            () if is(REVOKED) => Kind::Revoked,
            () if is(b"note") => Kind::Note,
            () => Kind::Other,
        };
        Ok(Name { kind, ids: ids(name) })
    }
}

#[cfg(test)]
mod tests;
