//! The status for operators.

use std::time::Duration;

/// The status of a process's keys, for health checks, metrics and alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingStatus {
    /// The serial of the document in use.
    pub serial: u64,
    /// Its fingerprint: equal on all servers, except while a new document reaches them.
    pub fingerprint: String,
    /// The time since the source last confirmed the document; `None` for a ring without a source. Alert when it exceeds the document's
    /// `propagation`: this server may miss a rotation.
    pub age: Option<Duration>,
    /// Documents that were accepted since the start.
    pub taken: u64,
    /// Documents that were refused since the start.
    pub refused: u64,
    /// How often the source returned no document since the start.
    pub failed: u64,
    /// Keys that other servers sealed with before this process knew them (`ring_late`): it refreshes too slowly for the document's
    /// `propagation`, or its source was unavailable.
    pub late: u64,
    /// Revoked keys of the ring in use, including those revoked by a refused document. Compare it between servers: the fingerprint is the
    /// document's, and does not show it.
    pub revoked: usize,
    /// Callbacks whose state names a key that this process does not know.
    pub unknown_keys: u64,
    /// The error of the last attempt; `None` once an attempt succeeds.
    pub last_error: Option<String>,
}
