//! The ring document (docs/key-ring.md): one JSON form for every source, checked before it is used.

mod characters;
mod check;
mod error;
mod format;
mod revocations;
mod time;
mod walk;
mod written;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

pub use error::RingError;
pub(crate) use revocations::{MOST_SCANNED, scan};
pub(crate) use time::Utc;

use crate::ring::key::material::PREFIX;
use crate::ring::key::ring::{DEFAULT_SKEW, LONGEST_LIFETIME, Timing};
use crate::ring::key::{KeyRing, RootKey, RootKeyId};
use crate::secret::SecretString;

/// The largest document, in bytes.
pub(super) const LARGEST: usize = 65_536;
/// The most keys a ring may hold at once.
pub(crate) const MOST_KEYS: usize = 16;
/// The largest skew, in seconds: more than this is a broken clock, not a difference between clocks.
const LARGEST_SKEW: u32 = 900;
/// The longest propagation, in seconds: a week.
const LONGEST_PROPAGATION: u32 = 604_800;
/// The largest serial: the largest integer that every JSON reader reads exactly.
const LARGEST_SERIAL: u64 = (1 << 53) - 1;
/// The default time for a document to reach every server, in seconds.
const DEFAULT_PROPAGATION: u32 = 300;

/// The three times that apply to all keys of a ring document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingTiming {
    /// How long a document takes to reach every server, in whole seconds from 0 to 604,800: at least the interval at which
    /// servers read their source. Five minutes by default.
    pub propagation: Duration,
    /// The largest difference between the clocks of any two servers, in whole seconds from 0 to 900. One minute by default.
    pub skew: Duration,
    /// The longest lifetime of states in a flow, in whole seconds from 1 to 3,600. One hour by default.
    pub lifetime_cap: Duration,
}

impl Default for RingTiming {
    fn default() -> Self {
        Self {
            propagation: Duration::from_secs(DEFAULT_PROPAGATION.into()),
            skew: Duration::from_secs(DEFAULT_SKEW.into()),
            lifetime_cap: Duration::from_secs(LONGEST_LIFETIME.into()),
        }
    }
}

/// The result of reading a document, valid or not.
pub(crate) struct Read {
    pub(crate) revoked: Vec<RootKeyId>,
    pub(crate) ring: Result<KeyRing, RingError>,
}

/// Reads a document of any bytes. A valid one revokes the ids in its `revoked`; any other is searched, so that its revocations apply
/// although the rest is refused.
pub(crate) fn read(document: &[u8]) -> Read {
    let ring = text_of(document).and_then(str::parse::<KeyRing>);
    let revoked = match &ring {
        Ok(ring) => ring.revoked().to_vec(),
        Err(_) => scan(document),
    };
    Read { revoked, ring }
}

/// The text of a document in bytes.
pub(super) fn text_of(document: &[u8]) -> Result<&str, RingError> {
    // A longer document was cut off, perhaps inside a character.
    if document.len() > LARGEST {
        return Err(RingError::TooLarge);
    }
    std::str::from_utf8(document).map_err(|_| format::foreign(document).unwrap_or(RingError::NotUtf8))
}

/// One key of a document, as written.
#[derive(Clone)]
pub(crate) struct DocumentKey {
    pub(crate) root: RootKey,
    /// In Unix seconds, like `seal_from`.
    pub(crate) published_at: u64,
    pub(crate) seal_from: u64,
    pub(crate) note: Option<String>,
    pub(crate) emergency: bool,
}

/// A key ring document, for programs that change it: the operator's command line, and rotation jobs.
///
/// Each step of a rotation is a function from one document to the next: [`KeyRingDocument::rotate`], [`KeyRingDocument::revoke`],
/// [`KeyRingDocument::without_retired`]. Servers need none of them; they read a [`KeyRing`].
///
/// # Examples
///
/// ```
/// use oauth_state::ring::{KeyRole, KeyRingDocument, RingTiming};
/// use std::time::{Duration, SystemTime};
///
/// let now = SystemTime::now();
/// let first = KeyRingDocument::first(RingTiming::default(), now)?;
/// let second = first.rotate(now + Duration::from_secs(86_400))?.document;
/// assert_eq!((first.serial(), second.serial()), (1, 2));
/// let roles: Vec<KeyRole> = second.ring().roles(now + Duration::from_secs(86_400)).map(|(_, role)| role).collect();
/// assert_eq!(roles, [KeyRole::Active, KeyRole::Pending]);
/// # Ok::<(), oauth_state::ring::StepError>(())
/// ```
#[derive(Clone)]
pub struct KeyRingDocument {
    pub(crate) serial: u64,
    pub(crate) timing: Timing,
    /// By ascending `seal_from`.
    pub(crate) keys: Vec<DocumentKey>,
    pub(crate) revoked: Vec<RootKeyId>,
    ring: KeyRing,
}

impl KeyRingDocument {
    /// The JSON Schema of the document (`docs/key-ring.schema.json`), for editors and pipelines.
    pub const JSON_SCHEMA: &'static str = include_str!("../../../../docs/key-ring.schema.json");

    /// The document as JSON, for publishing.
    ///
    /// # Security
    ///
    /// It contains every root key: store it in the secret manager that all servers read, or in a file of mode 0600.
    #[must_use]
    pub fn to_secret_text(&self) -> SecretString {
        written::write(self)
    }

    /// The ring of this document, as servers use it.
    #[must_use]
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// The serial number, which grows with every change: 0 for a bare key, 1 for a first document.
    #[must_use]
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// The times that apply to all keys.
    #[must_use]
    pub fn timing(&self) -> RingTiming {
        self.timing.into()
    }

    /// The ids of all keys that were ever revoked.
    #[must_use]
    pub fn revoked(&self) -> &[RootKeyId] {
        &self.revoked
    }
}

impl FromStr for KeyRingDocument {
    type Err = RingError;

    /// Parses a bare root key or a key ring document, with the checks of a [`KeyRing`]. A bare key becomes a document of that key, with
    /// serial 0 and the default times. The error says what is wrong and where.
    fn from_str(text: &str) -> Result<Self, RingError> {
        if text.len() > LARGEST {
            return Err(RingError::TooLarge);
        }
        let text = text.trim_ascii();
        if text.starts_with(PREFIX) {
            let root = text.parse::<RootKey>().map_err(|source| RingError::Key { number: 1, source })?;
            let key = DocumentKey { root, published_at: 0, seal_from: 0, note: None, emergency: false };
            // The document after its first step; until then servers make a ring of the key alone.
            let timing = Timing { propagation: DEFAULT_PROPAGATION, ..Timing::of_a_bare_key() };
            let ring = KeyRing::from(key.root.clone());
            return Ok(Self { serial: 0, timing, keys: vec![key], revoked: Vec::new(), ring });
        }
        if !text.starts_with('{') {
            return Err(format::foreign(text.as_bytes()).unwrap_or(RingError::NeitherKeyNorDocument));
        }
        if text.as_bytes().get(1) == Some(&0) {
            return Err(RingError::Json {
                line: 1,
                column: 2,
                problem: "this is UTF-16 text; save it as UTF-8".to_owned(),
            });
        }
        // JSON has none; a program in C wrote one more byte, or a disk lost a block.
        if let Some(before) = text.split_once('\0').map(|(before, _)| before) {
            let last = before.rsplit('\n').next().unwrap_or_default();
            return Err(RingError::Json {
                line: before.matches('\n').count().saturating_add(1),
                column: last.chars().count().saturating_add(1),
                problem: "a NUL byte; remove it, or restore the file if its end is missing".to_owned(),
            });
        }
        written::read(text)
    }
}

impl fmt::Debug for KeyRingDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRingDocument").field("ring", &self.ring).finish_non_exhaustive()
    }
}

impl FromStr for KeyRing {
    type Err = RingError;

    /// Parses a bare root key or a key ring document, and checks it. The error says what is wrong and where.
    ///
    /// A bare key becomes a ring in which that key is treated as always having been active. White space around the text
    /// is ignored, because files and secret managers often add a line end.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::KeyRing;
    /// use oauth_state::ring::RootKey;
    ///
    /// let key = RootKey::generate()?.to_secret_text();
    /// let document = format!(
    ///     r#"{{
    ///         "version": 1, "serial": 7, "propagation": 300, "skew": 60, "lifetime_cap": 3600,
    ///         "keys": [{{ "key": "{}", "published_at": "2026-11-23T12:00:00Z", "seal_from": "2026-11-23T12:05:00Z" }}],
    ///         "revoked": []
    ///     }}"#,
    ///     key.expose()
    /// );
    /// assert_eq!(document.parse::<KeyRing>()?.serial(), 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn from_str(text: &str) -> Result<Self, RingError> {
        text.parse::<KeyRingDocument>().map(|document| document.ring)
    }
}

#[cfg(test)]
mod tests;
