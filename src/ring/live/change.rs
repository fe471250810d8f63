//! The result of a step: the next document and its changes, or the reason why there is none.

use crate::random::RandomnessError;
use crate::ring::key::RootKeyId;
use crate::ring::source::RingError;
use crate::ring::source::document::{KeyRingDocument, RingTiming, Utc};

/// A document to publish, and its changes.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use = "a step changes nothing until its document is published"]
pub struct Step {
    /// The document to publish.
    pub document: KeyRingDocument,
    /// Its changes.
    pub changes: Vec<Change>,
}

/// A difference between two documents. Its `Display` is one line for the operator, without key material.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A new key, which seals from this time on.
    Added {
        /// The key.
        id: RootKeyId,
        /// In Unix seconds.
        seal_from: u64,
        /// Whether it replaces a revoked key, so that it seals before every server has it.
        emergency: bool,
    },
    /// A key that no longer opens anything is removed.
    Dropped {
        /// The key.
        id: RootKeyId,
    },
    /// A revoked key that does not seal by every clock yet is removed, so that the previous one continues. States that a server may have
    /// sealed with it are refused as `unknown_key`.
    Withdrawn {
        /// The key.
        id: RootKeyId,
    },
    /// The times of the document have changed.
    Times(RingTiming),
    /// A key is revoked.
    Revoked {
        /// The key.
        id: RootKeyId,
    },
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Added { id, seal_from, emergency: false } => {
                write!(f, "add key {id}, which seals from {}", Utc(*seal_from))
            }
            Self::Added { id, seal_from, emergency: true } => {
                write!(
                    f,
                    "add key {id}, which seals in its place from {}, without waiting for every server",
                    Utc(*seal_from)
                )
            }
            Self::Dropped { id } => write!(f, "take out key {id}, which is retired"),
            Self::Withdrawn { id } => {
                write!(f, "take out key {id}, which does not seal by every clock yet: the key before it goes on")
            }
            Self::Times(RingTiming { propagation, skew, lifetime_cap }) => {
                let [propagation, skew, cap] = [propagation, skew, lifetime_cap].map(std::time::Duration::as_secs);
                write!(f, "propagation {propagation} s, skew {skew} s, lifetime_cap {cap} s")
            }
            Self::Revoked { id } => write!(f, "revoke key {id}: nothing that it sealed is accepted any more"),
        }
    }
}

/// Why there is no next document.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// No new key could be generated.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// Every server would refuse the document.
    #[error("the document would be refused")]
    Refused(#[from] RingError),
    /// The key is already revoked.
    #[error("key {0} is already revoked")]
    AlreadyRevoked(RootKeyId),
    /// There is no change.
    #[error("no key of the document is retired, so there is nothing to remove")]
    NothingRetired,
}
