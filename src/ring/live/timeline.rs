//! The future events of a document, as long as it is not changed.

use std::time::SystemTime;

use crate::clock::{from_unix_seconds, unix_seconds};
use crate::ring::key::{KeyRing, KeyRole, RootKeyId};
use crate::ring::source::document::KeyRingDocument;

/// An event that happens by time alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingEvent {
    /// The time of the event.
    pub at: SystemTime,
    /// The key.
    pub id: RootKeyId,
    /// The kind of event.
    pub kind: RingEventKind,
}

/// The kind of a [`RingEvent`]. `Display` prints it in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RingEventKind {
    /// It starts to seal new states, and the previous key stops.
    BeginsToSeal,
    /// Its last state has expired; it can be removed from the document.
    Retires,
}

impl std::fmt::Display for RingEventKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::BeginsToSeal => "begins to seal",
            Self::Retires => "opens nothing any more",
        })
    }
}

/// A key of a document, without its secret: for lists and plans.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyInfo {
    /// Its public id.
    pub id: RootKeyId,
    /// Its role at the time of the list.
    pub role: KeyRole,
    /// When it was first published.
    pub published_at: SystemTime,
    /// When it starts, or started, to seal.
    pub seal_from: SystemTime,
    /// When its last state expires; `None` if no other key is to follow it.
    pub accept_until: Option<SystemTime>,
    /// Whether it was published to seal at once.
    pub emergency: bool,
    /// A note for operators.
    pub note: Option<String>,
}

impl KeyRingDocument {
    /// Its keys at `now`, oldest first, without their secrets.
    pub fn list(&self, now: SystemTime) -> impl Iterator<Item = KeyInfo> + '_ {
        let now = unix_seconds(now);
        self.ring().keys().iter().zip(&self.keys).enumerate().map(move |(index, (key, written))| KeyInfo {
            id: key.id,
            role: self.ring().role(index, now),
            published_at: from_unix_seconds(key.published_at),
            seal_from: from_unix_seconds(key.seal_from),
            accept_until: Some(self.ring().accept_until(index))
                .filter(|until| *until < u64::MAX)
                .map(from_unix_seconds),
            emergency: key.emergency,
            note: written.note.clone(),
        })
    }
}

impl KeyRing {
    /// The events after `now` that happen by time alone, in order. A ring with one key that already seals has none.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::{KeyRingDocument, RingEventKind, RingTiming};
    /// use std::time::SystemTime;
    ///
    /// let now = SystemTime::now();
    /// let document = KeyRingDocument::first(RingTiming::default(), now)?.rotate(now)?.document;
    /// let kinds: Vec<RingEventKind> = document.ring().events_after(now).map(|event| event.kind).collect();
    /// assert_eq!(kinds, [RingEventKind::BeginsToSeal, RingEventKind::Retires]);
    /// # Ok::<(), oauth_state::ring::StepError>(())
    /// ```
    pub fn events_after(&self, now: SystemTime) -> impl Iterator<Item = RingEvent> + use<> {
        let now = unix_seconds(now);
        let mut events: Vec<(u64, RingEventKind, RootKeyId)> = Vec::new();
        for (index, key) in self.keys().iter().enumerate() {
            if self.role(index, now) == KeyRole::Revoked {
                continue;
            }
            events.push((key.seal_from, RingEventKind::BeginsToSeal, key.id));
            events.push((self.accept_until(index), RingEventKind::Retires, key.id));
        }
        events.retain(|(at, ..)| *at > now && *at < u64::MAX);
        events.sort_unstable();
        events.into_iter().map(|(at, kind, id)| RingEvent { at: from_unix_seconds(at), id, kind })
    }
}
