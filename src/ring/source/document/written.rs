//! Reading and writing of the document's JSON.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::time::Utc;
use super::{DocumentKey, KeyRingDocument, LARGEST, RingError, RingTiming};
use crate::ring::key::ring::Timing;
use crate::ring::key::{RootKey, RootKeyId};
use crate::secret::SecretString;

/// The document's form. Unknown fields are refused: a misspelled `revoked` must not go unnoticed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u64,
    serial: u64,
    #[serde(default)]
    revoked: Vec<String>,
    // As wide as any number, so that a number that is much too large also gets the error about its range.
    propagation: u64,
    skew: u64,
    lifetime_cap: u64,
    keys: Vec<Object<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    key: SecretString,
    published_at: String,
    seal_from: String,
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    emergency: bool,
}

/// A value that must be a JSON object. A derived reader also accepts a list of the fields' values, in which nothing says which of two times
/// is which.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfMap<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OfMap<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(OfMap(PhantomData))
    }
}

/// The document for writing; the texts of the keys are borrowed, so that no copy is left behind.
#[derive(Serialize)]
struct DocumentOut<'d> {
    version: u64,
    serial: u64,
    // Before the keys, so that a truncated document does not lose a revocation.
    revoked: Vec<String>,
    propagation: u32,
    skew: u32,
    lifetime_cap: u16,
    keys: Vec<EntryOut<'d>>,
}

#[derive(Serialize)]
struct EntryOut<'d> {
    key: &'d str,
    published_at: String,
    seal_from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'d str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    emergency: bool,
}

pub(super) fn read(text: &str) -> Result<KeyRingDocument, RingError> {
    let document = serde_json::from_str::<Document>(text).map_err(|error| without_text(&error))?;
    if document.version != 1 {
        return Err(RingError::Version(document.version));
    }
    let timing = Timing::try_from(RingTiming {
        propagation: Duration::from_secs(document.propagation),
        skew: Duration::from_secs(document.skew),
        lifetime_cap: Duration::from_secs(document.lifetime_cap),
    })?;
    let id = |(number, text): (usize, &String)| text.parse::<RootKeyId>().map_err(|_| RingError::RevokedId(number));
    let revoked = (1..).zip(&document.revoked).map(id).collect::<Result<_, _>>()?;
    // Before the keys are read one by one, because there may be thousands.
    if document.keys.is_empty() || document.keys.len() > super::MOST_KEYS {
        return Err(RingError::KeyCount);
    }
    let keys = (1..).zip(document.keys).map(|(number, Object(entry))| entry.read(number)).collect::<Result<_, _>>()?;
    KeyRingDocument::checked(document.serial, timing, keys, revoked)
}

impl Entry {
    fn read(self, number: usize) -> Result<DocumentKey, RingError> {
        let root = self.key.expose().parse::<RootKey>().map_err(|source| RingError::Key { number, source })?;
        let time = |field, text: &str| Utc::parse(text).map(|time| time.0).ok_or(RingError::Time { number, field });
        Ok(DocumentKey {
            root,
            published_at: time("published_at", &self.published_at)?,
            seal_from: time("seal_from", &self.seal_from)?,
            note: self.note,
            emergency: self.emergency,
        })
    }
}

pub(super) fn write(document: &KeyRingDocument) -> SecretString {
    let texts: Vec<SecretString> = document.keys.iter().map(|key| key.root.to_secret_text()).collect();
    let entry = |(key, text)| {
        let (key, text): (&DocumentKey, &SecretString) = (key, text);
        EntryOut {
            key: text.expose(),
            published_at: Utc(key.published_at).to_string(),
            seal_from: Utc(key.seal_from).to_string(),
            note: key.note.as_deref(),
            emergency: key.emergency,
        }
    };
    let out = DocumentOut {
        version: 1,
        serial: document.serial,
        revoked: document.revoked.iter().map(ToString::to_string).collect(),
        propagation: document.timing.propagation,
        skew: document.timing.skew,
        lifetime_cap: document.timing.lifetime_cap,
        keys: document.keys.iter().zip(&texts).map(entry).collect(),
    };
    // Allocated in full, so that a growing buffer leaves no copy of the keys behind. Writing a map with text keys into memory does not
    // fail.
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(LARGEST));
    let _ = serde_json::to_writer_pretty(&mut *bytes, &out);
    bytes.push(b'\n');
    SecretString::from(String::from_utf8(std::mem::take(&mut *bytes)).unwrap_or_default())
}

/// `serde_json` repeats its input ("invalid type: string \"osk1.…\""), so only the position is kept and, if the message names a field of
/// ours, its words.
fn without_text(error: &serde_json::Error) -> RingError {
    let words = error.to_string();
    let problem = match error.classify() {
        serde_json::error::Category::Data if words.starts_with("missing field") => {
            words.split(" at line").next().unwrap_or_default().to_owned()
        }
        serde_json::error::Category::Data if words.starts_with("unknown field") => {
            let known = words.rsplit("expected").next().and_then(|rest| rest.split(" at line").next());
            format!("unknown field; expected{}", known.unwrap_or_default())
        }
        serde_json::error::Category::Data if words.starts_with("duplicate field") => "a field occurs twice".to_owned(),
        serde_json::error::Category::Data => "a value of another type was expected".to_owned(),
        _ => "this is not JSON".to_owned(),
    };
    RingError::Json { line: error.line(), column: error.column(), problem }
}
