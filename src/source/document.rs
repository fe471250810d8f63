//! The ring document (docs/key-ring.md): one JSON form for every source, checked before it is used.

use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::key::material::PREFIX;
use crate::key::ring::{LONGEST_LIFETIME, RingKey, Timing};
use crate::key::{KeyRing, RootKey, RootKeyError, RootKeyId};
use crate::secret::SecretText;

/// The largest document, in bytes.
pub(super) const LARGEST: usize = 65_536;
/// The most keys a ring may hold at once.
const MOST_KEYS: usize = 16;
/// The largest skew, in seconds: more than this is a broken clock, not a difference between clocks.
const LARGEST_SKEW: u32 = 900;
/// The longest propagation, in seconds: a week.
const LONGEST_PROPAGATION: u32 = 604_800;

/// Why a key ring was refused. It never repeats the document.
///
/// # Examples
///
/// ```
/// use oauth_state::{KeyRing, RingError};
/// assert!(matches!(KeyRing::parse("{}"), Err(RingError::Json { .. })));
/// assert!(matches!(KeyRing::parse(""), Err(RingError::NeitherKeyNorDocument)));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RingError {
    /// Neither `osk1.…` nor a JSON object.
    #[error("expected a root key (osk1.…) or a key ring document ({{…}}); the text is neither")]
    NeitherKeyNorDocument,
    /// Longer than 65,536 bytes.
    #[error("the key ring document is longer than {LARGEST} bytes")]
    TooLarge,
    /// Not JSON of the documented form.
    #[error("the key ring document is not of its form at line {line}, column {column}: {problem}")]
    Json {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What is wrong there, without the text that stands there.
        problem: String,
    },
    /// A `version` other than 1.
    #[error("the key ring document has version {0}; this release reads version 1")]
    Version(u64),
    /// A number outside its range.
    #[error("`{field}` of the key ring document must be {range}")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// The range, in words.
        range: &'static str,
    },
    /// A root key was refused.
    #[error("key number {number} of the key ring is refused")]
    Key {
        /// The position in the list, counted from 1.
        number: usize,
        /// Why.
        #[source]
        source: RootKeyError,
    },
    /// A time is not RFC 3339 in UTC.
    #[error("`{field}` of key number {number} must be a time such as 2026-11-23T12:00:00Z")]
    Time {
        /// The position in the list, counted from 1.
        number: usize,
        /// The field.
        field: &'static str,
    },
    /// An id in `revoked` is not 16 hexadecimal digits.
    #[error("entry number {0} of `revoked` must be a root key's id: 16 lower-case hexadecimal digits")]
    RevokedId(usize),
    /// No key, or more than 16.
    #[error("the key ring document must hold 1 to {MOST_KEYS} keys; drop those that are retired")]
    KeyCount,
    /// A key stands twice.
    #[error("key {0} stands twice in the key ring document")]
    KeyTwice(RootKeyId),
    /// Two keys begin to seal in the same second.
    #[error("keys {0} and {1} have the same `seal_from`; which one seals would depend on their order")]
    SealFromTwice(RootKeyId, RootKeyId),
    /// A key would seal before every server has it.
    #[error(
        "key {id} is to seal {given} s after it was published, but a document takes {propagation} s to reach every \
         server; move `seal_from`, or, in an emergency, revoke the key it replaces and set `emergency`"
    )]
    TooEarly {
        /// The key.
        id: RootKeyId,
        /// `seal_from` − `published_at`, in seconds.
        given: u64,
        /// The document's `propagation`, in seconds.
        propagation: u32,
    },
    /// The environment variable is not set, or is not Unicode.
    #[error("the environment variable {0} is not set; set it to a root key or a key ring document")]
    NoVariable(String),
    /// The file could not be read.
    #[error("the key ring file {path} could not be read")]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The document's form. Unknown fields are refused: a misspelt `revoked` must not pass in silence.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u64,
    serial: u64,
    propagation: u32,
    skew: u32,
    lifetime_cap: u32,
    keys: Vec<Entry>,
    #[serde(default)]
    revoked: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    key: SecretText,
    published_at: String,
    seal_from: String,
    /// For people; this crate does not read it.
    #[serde(default, rename = "note")]
    _note: Option<String>,
    #[serde(default)]
    emergency: bool,
}

impl KeyRing {
    /// Reads a bare root key or a key ring document, and checks it.
    ///
    /// A bare key is a ring in which that key seals since ever. White space around the text is ignored, because files
    /// and secret managers like to add a line end.
    ///
    /// # Errors
    ///
    /// [`RingError`] says what is wrong and where.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{KeyRing, RootKey};
    ///
    /// let key = RootKey::generate()?.to_secret_text();
    /// let ring = KeyRing::parse(&format!(r#"{{
    ///     "version": 1, "serial": 7, "propagation": 300, "skew": 60, "lifetime_cap": 3600,
    ///     "keys": [{{ "key": "{}", "published_at": "2026-11-23T12:00:00Z", "seal_from": "2026-11-23T12:05:00Z" }}],
    ///     "revoked": []
    /// }}"#, key.expose()))?;
    /// assert_eq!(ring.serial(), 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, RingError> {
        if text.len() > LARGEST {
            return Err(RingError::TooLarge);
        }
        let text = text.trim_ascii();
        if text.starts_with(PREFIX) {
            return RootKey::parse(text).map(Self::from).map_err(|source| RingError::Key { number: 1, source });
        }
        if !text.starts_with('{') {
            return Err(RingError::NeitherKeyNorDocument);
        }
        serde_json::from_str::<Document>(text).map_err(|error| without_text(&error))?.check()
    }
}

impl Document {
    fn check(self) -> Result<KeyRing, RingError> {
        if self.version != 1 {
            return Err(RingError::Version(self.version));
        }
        let timing = self.timing()?;
        let revoked = self.revoked_ids()?;
        if !(1..=MOST_KEYS).contains(&self.keys.len()) {
            return Err(RingError::KeyCount);
        }
        let mut scheduled = (1..)
            .zip(&self.keys)
            .map(|(number, entry)| entry.check(number, &revoked))
            .collect::<Result<Vec<_>, _>>()?;
        scheduled.sort_by_key(|entry| entry.key.seal_from);
        check_schedule(&scheduled, timing.propagation)?;
        let keys = scheduled.into_iter().map(|entry| entry.key).collect();
        Ok(KeyRing::from_parts(self.serial, timing, keys, revoked))
    }

    fn timing(&self) -> Result<Timing, RingError> {
        let out_of_range = |field, range| RingError::OutOfRange { field, range };
        if self.propagation > LONGEST_PROPAGATION {
            return Err(out_of_range("propagation", "0 to 604800 seconds"));
        }
        if self.skew > LARGEST_SKEW {
            return Err(out_of_range("skew", "0 to 900 seconds"));
        }
        let lifetime_cap = u16::try_from(self.lifetime_cap).ok().filter(|cap| (1..=LONGEST_LIFETIME).contains(cap));
        let lifetime_cap = lifetime_cap.ok_or(out_of_range("lifetime_cap", "1 to 3600 seconds"))?;
        Ok(Timing { propagation: self.propagation, skew: self.skew, lifetime_cap })
    }

    fn revoked_ids(&self) -> Result<Vec<RootKeyId>, RingError> {
        let id = |(number, text): (usize, &String)| RootKeyId::parse(text).ok_or(RingError::RevokedId(number));
        (1..).zip(&self.revoked).map(id).collect()
    }
}

struct Scheduled {
    key: RingKey,
    published_at: u64,
    emergency: bool,
}

impl Entry {
    fn check(&self, number: usize, revoked: &[RootKeyId]) -> Result<Scheduled, RingError> {
        let root = RootKey::parse(self.key.expose()).map_err(|source| RingError::Key { number, source })?;
        let id = root.id();
        let published_at = utc(&self.published_at).ok_or(RingError::Time { number, field: "published_at" })?;
        let seal_from = utc(&self.seal_from).ok_or(RingError::Time { number, field: "seal_from" })?;
        let key = RingKey { id, root, seal_from, revoked: revoked.contains(&id) };
        Ok(Scheduled { key, published_at, emergency: self.emergency })
    }
}

/// Checks the keys, sorted by `seal_from`, against each other.
fn check_schedule(keys: &[Scheduled], propagation: u32) -> Result<(), RingError> {
    for (position, entry) in keys.iter().enumerate() {
        let earlier = keys.get(..position).unwrap_or_default();
        if earlier.iter().any(|other| other.key.id == entry.key.id) {
            return Err(RingError::KeyTwice(entry.key.id));
        }
        // The first key replaces none: no server can be sealing with an older one.
        let Some(replaced) = earlier.last() else { continue };
        if replaced.key.seal_from == entry.key.seal_from {
            return Err(RingError::SealFromTwice(replaced.key.id, entry.key.id));
        }
        let given = entry.key.seal_from.saturating_sub(entry.published_at);
        if given < u64::from(propagation) && !(entry.emergency && replaced.key.revoked) {
            return Err(RingError::TooEarly { id: entry.key.id, given, propagation });
        }
    }
    Ok(())
}

/// RFC 3339 in UTC, not before 1970, to Unix seconds.
fn utc(text: &str) -> Option<u64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    (time.offset().is_utc() && text.ends_with('Z')).then(|| u64::try_from(time.unix_timestamp()).ok())?
}

/// `serde_json` repeats what it read ("invalid type: string \"osk1.…\""): only its place and, where it names a field
/// of ours, its words are kept.
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
        serde_json::error::Category::Data if words.starts_with("duplicate field") => "a field stands twice".to_owned(),
        serde_json::error::Category::Data => "a value of another type was expected".to_owned(),
        _ => "this is not JSON".to_owned(),
    };
    RingError::Json { line: error.line(), column: error.column(), problem }
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
