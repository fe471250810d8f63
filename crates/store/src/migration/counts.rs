//! The counters of a migration.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The counters of both sides of a [`Migration`](super::Migration) since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationCounts {
    /// The old side.
    pub old: SideCounts,
    /// The new side.
    pub new: SideCounts,
    /// Callbacks whose state has the form of neither side.
    pub unowned: u64,
}

/// The counters of one side since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SideCounts {
    /// Logins started.
    pub issued: u64,
    /// Logins that did not start.
    pub not_issued: u64,
    /// Callbacks finished, including the provider's refusals.
    pub consumed: u64,
    /// Callbacks refused.
    pub refused: u64,
    /// When a login last started here, in whole seconds. You can remove the side once this is longer ago than the
    /// lifetime plus twice the skew, on every server.
    pub last_issued_at: Option<SystemTime>,
}

#[derive(Default)]
pub(super) struct Counters {
    issued: AtomicU64,
    not_issued: AtomicU64,
    consumed: AtomicU64,
    refused: AtomicU64,
    /// Unix seconds; 0 is never.
    last_issued_at: AtomicU64,
}

impl Counters {
    pub(super) fn issued(&self, did: bool) {
        if did {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.last_issued_at.fetch_max(now.as_secs(), Ordering::Relaxed);
        }
        let counter = if did { &self.issued } else { &self.not_issued };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn consumed(&self, did: bool) {
        let counter = if did { &self.consumed } else { &self.refused };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> SideCounts {
        let last = self.last_issued_at.load(Ordering::Relaxed);
        SideCounts {
            issued: self.issued.load(Ordering::Relaxed),
            not_issued: self.not_issued.load(Ordering::Relaxed),
            consumed: self.consumed.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            last_issued_at: (last != 0).then(|| UNIX_EPOCH.checked_add(Duration::from_secs(last))).flatten(),
        }
    }
}
