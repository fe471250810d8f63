//! Why a key ring is refused.

use super::time::Utc;
use super::{LARGEST, MOST_KEYS};
use crate::ring::key::{RootKeyError, RootKeyId};

/// Why a key ring was refused. The error never repeats the document.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RingError {
    /// The text is neither `osk1.…` nor a JSON object.
    #[error("expected a root key (osk1.…) or a key ring document ({{…}}); the text is neither")]
    NeitherKeyNorDocument,
    /// There is no text, or nothing but white space.
    #[error("the key ring is empty; a writer may have failed, or the wrong file or variable is read")]
    Empty,
    /// The text is of another format, such as UTF-16 or gzip.
    #[error("expected a root key or a key ring document as plain UTF-8 text; this is {0}")]
    OtherFormat(&'static str),
    /// The bytes are not UTF-8, such as a document in another encoding.
    #[error("the key ring document is not UTF-8; save it in that encoding")]
    NotUtf8,
    /// The document is longer than 65,536 bytes.
    #[error("the key ring document is longer than {LARGEST} bytes")]
    TooLarge,
    /// It is not JSON of the documented form.
    #[error("the key ring document is not of its form at line {line}, column {column}: {problem}")]
    Json {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// The problem, without quoting the text.
        problem: String,
    },
    /// The `version` is not 1.
    #[error("the key ring document has version {0}; this release reads version 1")]
    Version(u64),
    /// A number is outside its range.
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
        /// The reason.
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
    /// There is no key, or more than 16.
    #[error("the key ring document must have 1 to {MOST_KEYS} keys")]
    KeyCount,
    /// A key occurs twice.
    #[error("key {0} occurs twice in the key ring document; remove one of the two")]
    KeyTwice(RootKeyId),
    /// Two keys start to seal in the same second.
    #[error(
        "keys {0} and {1} have the same `seal_from`, so which one seals would depend on their order; change one of them"
    )]
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
    /// The document is older than the one that this process has, or than the minimum at startup.
    #[error(
        "the document's serial is {given}, and {least} is the lowest that is accepted here; an older document was published \
         again: restore the current one, and rotate or revoke that one"
    )]
    SerialTooLow {
        /// The serial of the document.
        given: u64,
        /// The serial of the running ring, or the minimum at startup.
        least: u64,
    },
    /// Another document has the serial of the one that this process has.
    #[error(
        "the document differs from the one in use, but both have serial {0}; raise `serial` with every change \
         (a bare root key has serial 0: publish a document instead)"
    )]
    SerialReused(u64),
    /// A revoked key is in `keys` again, and not in `revoked`.
    #[error("key {0} was revoked and cannot return; add its id to `revoked` again")]
    RevokedKeyReturns(RootKeyId),
    /// A key was removed while states that it sealed may be under way.
    #[error(
        "key {id} was removed while its states are accepted, {}; keep it until then, or revoke it",
        until_when(*until)
    )]
    DroppedTooEarly {
        /// The key.
        id: RootKeyId,
        /// When it can be removed, in Unix seconds; `u64::MAX` for a key without a successor.
        until: u64,
    },
    /// A known key has another `seal_from`.
    #[error(
        "`seal_from` of key {0} was changed, but servers that have not seen the change would seal and open by the old one; restore it"
    )]
    ScheduleChanged(RootKeyId),
    /// Changed times would move the end of a key.
    #[error(
        "a changed `propagation`, `skew` or `lifetime_cap` would move the time until which a key opens while its states are under \
         way; change them while the document has one key"
    )]
    TimesChanged,
    /// The skew is raised so far that marks in a replay guard would end before their states do.
    #[error(
        "`skew` is raised to {given} s, but {most} s is the maximum for now: marks in the replay guard would end before their states, \
         and a used state would be accepted again; {}",
        how_to_raise(*most)
    )]
    SkewRaisedTooFar {
        /// The skew of the document, in seconds.
        given: u32,
        /// Twice the smallest skew of marks under way, in seconds.
        most: u32,
    },
    /// The skew is lowered so far that servers with the old document would accept a state after its mark has ended.
    #[error(
        "`skew` is lowered to {given} s, but {least} s is the minimum for now: servers that still use the old document would accept a \
         used state again; lower it in steps, and let `propagation` pass before the next step"
    )]
    SkewLoweredTooFar {
        /// The skew of the document, in seconds.
        given: u32,
        /// Half the old skew, in seconds.
        least: u32,
    },
    /// A key that was superseded would seal again.
    #[error("key {0} was superseded and cannot seal again; add a new key")]
    SealsAgain(RootKeyId),
    /// No key would seal any more.
    #[error(
        "with this document no key would seal now, because the `seal_from` of every key is in the future; keep the key that seals today"
    )]
    NoActiveKey,
    /// Two root keys of the ring derive the same key id for an application.
    #[error("two keys of the ring derive the same key id for an application of this process; replace the newer one")]
    KeyIdCollision,
    /// A flow of this process has longer lifetimes than the document allows.
    #[error(
        "`lifetime_cap` is {cap} s, but the states of a flow of this process live for {lifetime} s; raise it, or shorten the flow's lifetime"
    )]
    LifetimeCap {
        /// The cap of the document, in seconds.
        cap: u16,
        /// The lifetime of the flow, in seconds.
        lifetime: u16,
    },
    /// The environment variable is not set.
    #[error("the environment variable {0} is not set; set it to a root key or a key ring document")]
    NoVariable(String),
    /// The file could not be read.
    #[error("failed to read the key ring file {path}")]
    File {
        /// The path of the file.
        path: std::path::PathBuf,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
}

fn how_to_raise(most: u32) -> &'static str {
    match most {
        0 => {
            "from 0 it can only be raised with new keys: publish a document that revokes every key, adds a new one and has the new \
             `skew`, or make a new ring and restart every server with it"
        }
        _ => {
            "raise it in steps of at most double, and wait for twice `propagation`, `lifetime_cap` and three times the new \
             `skew` before the next; a server that missed a step has to be restarted"
        }
    }
}

fn until_when(until: u64) -> String {
    match until {
        u64::MAX => "which does not end before another key has taken over".to_owned(),
        until => format!("until {}", Utc(until)),
    }
}
