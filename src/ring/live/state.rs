//! The ring that a process uses, and its memory of earlier documents.

use std::collections::HashSet;
use std::sync::Weak;
use std::time::Instant;

use super::reader::RingReader;
use super::transition::{self, Verdict};
use crate::ring::key::{KeyRing, RootKeyId};
use crate::ring::source::RingError;

/// The result of an offered document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Update {
    /// It is the document in use already.
    Unchanged,
    /// It is in use from now on.
    Taken {
        /// Keys that other servers sealed with before this process knew them.
        late: usize,
    },
}

/// The most revoked ids that a process remembers from refused documents: some hundred times as many as a document has.
const MOST_REMEMBERED: usize = 262_144;

/// The state that only swaps and health checks touch.
pub(super) struct State {
    pub(super) ring: KeyRing,
    /// Every id that was ever seen revoked, even in a refused document.
    pub(super) revoked: HashSet<RootKeyId>,
    /// The smallest skew of marks that may still be in use, and until when, in Unix seconds.
    pub(super) recent_skew: Option<(u32, u64)>,
    pub(super) readers: Vec<Weak<dyn RingReader>>,
    pub(super) confirmed_at: Option<Instant>,
    pub(super) taken: u64,
    pub(super) refused: u64,
    pub(super) failed: u64,
    pub(super) late: u64,
    pub(super) last_error: Option<String>,
}

impl State {
    pub(super) fn new(ring: KeyRing) -> Self {
        Self {
            revoked: ring.every_revoked().collect(),
            recent_skew: None,
            ring,
            readers: Vec::new(),
            confirmed_at: None,
            taken: 0,
            refused: 0,
            failed: 0,
            late: 0,
            last_error: None,
        }
    }

    pub(super) fn offer(
        &mut self,
        revocations: Vec<RootKeyId>,
        ring: impl FnOnce() -> Result<KeyRing, RingError>,
        now: u64,
    ) -> Result<Update, RingError> {
        self.revoke(revocations);
        let offered = ring()?;
        let recent_skew = self.recent_skew(now);
        match transition::judge(&self.ring, &offered, &self.revoked, recent_skew, now)? {
            Verdict::Same => Ok(Update::Unchanged),
            Verdict::New { late } => {
                let (before, after) = (self.ring.timing(), offered.timing());
                // Revoked keys that return were refused by the check, so nothing else has to be revoked here.
                self.swap(offered)?;
                if after.skew > before.skew {
                    let until = now.saturating_add(after.marks_settle_after(before));
                    // A running period is never shortened: the new one may be shorter, for example if the times are lowered with it.
                    let until = self.recent_skew.map_or(until, |(_, running)| running.max(until));
                    self.recent_skew = Some((recent_skew, until));
                }
                self.taken = self.taken.saturating_add(1);
                self.late = self.late.saturating_add(late as u64);
                // Both parsed revocations and those found in the text count.
                let revoked: Vec<RootKeyId> = self.ring.every_revoked().collect();
                self.revoke(revoked);
                Ok(Update::Taken { late })
            }
        }
    }

    /// The smallest skew of marks that may still be in use: two raises in quick succession count as one that is too large.
    fn recent_skew(&self, now: u64) -> u32 {
        let present = self.ring.timing().skew;
        match self.recent_skew {
            Some((skew, until)) if now < until => skew.min(present),
            _ => present,
        }
    }

    /// Runs first, whatever else is in the document.
    pub(super) fn revoke(&mut self, ids: Vec<RootKeyId>) {
        let ring = self.ring.with_revoked(|id| ids.contains(&id));
        for id in ids {
            if self.revoked.len() < MOST_REMEMBERED {
                self.revoked.insert(id);
            }
        }
        // The same keys as before, fewer of which open, so no reader has a reason to refuse.
        let _ = self.swap(ring);
    }

    fn swap(&mut self, ring: KeyRing) -> Result<(), RingError> {
        if ring.is_same(&self.ring) {
            return Ok(());
        }
        self.readers.retain(|reader| reader.strong_count() > 0);
        let readers: Vec<_> = self.readers.iter().filter_map(Weak::upgrade).collect();
        let commits = readers.iter().map(|reader| reader.prepare(&ring)).collect::<Result<Vec<_>, _>>()?;
        commits.into_iter().for_each(|commit| commit());
        self.ring = ring;
        Ok(())
    }
}
