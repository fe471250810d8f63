//! What operators look at.

use std::time::Duration;

/// How a process's keys stand: for health checks, metrics and alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingStatus {
    /// The serial of the document in use.
    pub serial: u64,
    /// Its fingerprint: equal on all servers, but for the time that a document takes to reach them.
    pub fingerprint: String,
    /// How long ago the source last confirmed the document; `None` for a ring that no source stands behind. Alert when it
    /// exceeds the document's `propagation`: this server may miss a rotation.
    pub age: Option<Duration>,
    /// Documents that were taken since the start.
    pub taken: u64,
    /// Documents that were refused since the start.
    pub refused: u64,
    /// Times that the source gave no document since the start.
    pub failed: u64,
    /// Keys that sealed elsewhere before this process knew them (`ring_late`): it refreshes too slowly for the document's
    /// `propagation`, or its source was away.
    pub late: u64,
    /// Keys of the ring in use that are revoked, be it by a document that was refused otherwise. Compare it between servers: the
    /// fingerprint is the document's, and does not tell.
    pub revoked: usize,
    /// Callbacks whose state names a key that this process does not know.
    pub unknown_keys: u64,
    /// What went wrong at the last attempt; `None` once an attempt succeeds.
    pub last_error: Option<String>,
}
