//! A replay guard in the memory of one process.

mod bucket;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64 as Unmodeled, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

use bucket::{BUCKET_SECONDS, Bucket, Claim};

use super::{GuardError, Mark, MarkFuture, Marked, ReplayGuard};
use crate::clock::{from_unix_seconds, unix_seconds};
use crate::observe::{Event, Observer as _, Observers};
use crate::steady_clock::SteadyClock;
use crate::sync::{AtomicU64, AtomicUsize, Mutex};

/// Several locks, so that callbacks on different threads rarely wait for each other. The model checker needs two: its own and another.
const SHARDS: usize = if cfg!(oauth_state_under_loom) { 2 } else { 32 };

/// Remembers used states in this process only.
///
/// For tests and for a service with one process. Other processes do not see the marks, and a restart empties the set. Behind a load
/// balancer, only the process that accepted a link refuses it the second time; elsewhere the provider rejects the code. The guard never
/// forgets a live mark and has a hard limit: at the limit it returns an error instead of evicting.
///
/// A mark takes about 30 bytes, 12 of them for the id: if the first 96 bits of two ids were equal, the second login would be refused as
/// used. Clones share the marks.
///
/// # Examples
///
/// ```
/// use oauth_state::guard::Marked;
/// use oauth_state::testing::{self, block_on};
/// use oauth_state::{ReplayGuard, SingleProcessGuard};
///
/// let guard = SingleProcessGuard::with_capacity(1_000_000);
/// let first = testing::sample_mark();
/// let replay = testing::mark(*first.id(), [9; 8], first.now(), first.expires_at());
/// assert_eq!(block_on(guard.mark_used(&first))?, Marked::First);
/// assert!(matches!(block_on(guard.mark_used(&replay))?, Marked::AlreadyUsed { .. }));
/// assert_eq!(guard.len(), 1);
/// # Ok::<(), oauth_state::guard::GuardError>(())
/// ```
#[derive(Clone)]
pub struct SingleProcessGuard {
    shared: Arc<Shared>,
    /// States that were issued in this second or before are refused.
    refuse_begun_until: Option<u64>,
    observers: Observers,
}

struct Shared {
    shards: [Mutex<Shard>; SHARDS],
    clock: SteadyClock,
    live: AtomicUsize,
    capacity: usize,
    /// Spreads ids over a table's slots, differently in each process.
    spread: u64,
    /// When the observers were last told how full it is. Not under the model checker: it decides nothing.
    told_at: Unmodeled,
    /// When all shards were last purged, so that a flood against a full guard costs one purge per second.
    purged_at: AtomicU64,
}

#[derive(Default)]
struct Shard {
    /// By ascending index.
    buckets: Vec<Bucket>,
    /// Buckets with a lower index may have been dropped: their marks are forgotten, so no state in them may be called first.
    dropped_below: u64,
}

impl SingleProcessGuard {
    /// An empty guard for up to `marks` live marks; beyond that it returns [`GuardErrorKind::Full`](crate::guard::GuardErrorKind::Full).
    ///
    /// Use 1,000,000, which takes about 32 MB if it ever fills; memory is allocated as marks arrive. Anyone can leave marks: a login start
    /// and a callback with a made-up code are enough. A million holds 200 of those a second at the longest lifetime of a state, and 1,000
    /// a second at the default of ten minutes. Limit the rate of callbacks in front of the service as well (`docs/guards.md`).
    #[must_use]
    pub fn with_capacity(marks: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                shards: std::array::from_fn(|_| Mutex::default()),
                clock: SteadyClock::default(),
                live: AtomicUsize::new(0),
                capacity: marks,
                // `RandomState` draws its keys from the operating system.
                spread: RandomState::new().hash_one(marks),
                told_at: Unmodeled::new(0),
                purged_at: AtomicU64::new(0),
            }),
            refuse_begun_until: None,
            observers: Observers::default(),
        }
        .telling()
    }

    /// Refuses states that were issued at `start` or before, because an earlier run of this process may have seen them used (RFC 8446
    /// section 8.2 does the same for early data). The answer is [`Marked::AlreadyUsed`] without time and claimant.
    ///
    /// Off by default: with it, a restart breaks every login under way. Without it, those states still need their cookie and an unused
    /// code.
    #[must_use]
    pub fn refuse_states_begun_until(self, start: SystemTime) -> Self {
        Self { refuse_begun_until: Some(unix_seconds(start)), ..self }
    }

    /// The number of marks, including those that wait to be dropped.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.live.load(Ordering::Relaxed)
    }

    /// The number of live marks that it holds at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.capacity
    }

    /// Whether the guard holds no mark.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sets the observers of held and deleted marks; see [`observe`](crate::observe).
    #[must_use]
    pub fn observers(self, observers: Observers) -> Self {
        Self { observers, ..self }.telling()
    }

    /// Tells the observers how full it is.
    fn telling(self) -> Self {
        let (marks, capacity) = (self.len() as u64, self.shared.capacity as u64);
        self.observers.event(&Event::MarksHeld { guard: "memory", marks, capacity });
        self
    }

    fn answer(&self, mark: &Mark) -> Result<Marked, GuardError> {
        if self.refuse_begun_until.is_some_and(|start| mark.issued_at <= start) {
            return Ok(Marked::AlreadyUsed { first_used_at: None, first_claimant: None });
        }
        let mut purged = 0;
        let answer = self.shared.claim(mark, &mut purged);
        if purged > 0 {
            self.observers.event(&Event::MarksPurged { guard: "memory", marks: purged });
        }
        // Once a second, so that it costs the others nothing.
        let told_at = self.shared.told_at.load(Ordering::Relaxed);
        if told_at != mark.now {
            self.shared.told_at.store(mark.now, Ordering::Relaxed);
            if told_at != 0 {
                let (marks, capacity) = (self.len() as u64, self.shared.capacity as u64);
                self.observers.event(&Event::MarksHeld { guard: "memory", marks, capacity });
            }
        }
        answer
    }
}

impl Shared {
    /// Adds the number of deleted marks to `purged`.
    fn claim(&self, mark: &Mark, purged: &mut u64) -> Result<Marked, GuardError> {
        mark.refuse_if_over()?;
        let clock = self.clock.observe(mark.now);
        match self.claim_in_shard(mark, clock, purged)? {
            Some(marked) => Ok(marked),
            None if self.purge_all(clock, purged) => {
                self.claim_in_shard(mark, clock, purged)?.ok_or_else(GuardError::full)
            }
            None => Err(GuardError::full()),
        }
    }

    /// `None` if a place is needed and the guard is full.
    fn claim_in_shard(&self, mark: &Mark, clock: u64, purged: &mut u64) -> Result<Option<Marked>, GuardError> {
        let shard = usize::from(mark.id[15]) % SHARDS;
        let Some(shard) = self.shards.get(shard) else { return Ok(None) };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        self.drop_what_is_over(&mut shard, clock, purged);
        let index = mark.expires_at / BUCKET_SECONDS;
        if index < shard.dropped_below {
            return Err(GuardError::unavailable("the clock jumped past this state's expiry and back"));
        }
        let bucket = shard.bucket(index, self.spread);
        Ok(match bucket.claim(mark, || self.take_place()) {
            Claim::First => Some(Marked::First),
            Claim::AlreadyUsed { at, claimant } => {
                Some(Marked::AlreadyUsed { first_used_at: Some(from_unix_seconds(at)), first_claimant: Some(claimant) })
            }
            Claim::NoPlace => None,
        })
    }

    /// Reserves a place, or returns false if there is none.
    fn take_place(&self) -> bool {
        let taken = self.live.fetch_add(1, Ordering::Relaxed) < self.capacity;
        if !taken {
            self.live.fetch_sub(1, Ordering::Relaxed);
        }
        taken
    }

    fn drop_what_is_over(&self, shard: &mut Shard, clock: u64, purged: &mut u64) {
        let over = shard.buckets.iter().take_while(|bucket| bucket.keep_until() <= clock).count();
        for bucket in shard.buckets.drain(..over) {
            shard.dropped_below = bucket.index().saturating_add(1);
            self.live.fetch_sub(bucket.len(), Ordering::Relaxed);
            *purged = purged.saturating_add(bucket.len() as u64);
        }
    }

    /// Drops expired buckets in every shard; false if this second's purge is already done.
    fn purge_all(&self, clock: u64, purged: &mut u64) -> bool {
        if self.purged_at.fetch_max(clock, Ordering::Relaxed) >= clock {
            return false;
        }
        for shard in &self.shards {
            self.drop_what_is_over(&mut shard.lock().unwrap_or_else(PoisonError::into_inner), clock, purged);
        }
        true
    }
}

impl Shard {
    fn bucket(&mut self, index: u64, spread: u64) -> &mut Bucket {
        let position = self.buckets.partition_point(|bucket| bucket.index() < index);
        if self.buckets.get(position).is_none_or(|bucket| bucket.index() != index) {
            self.buckets.insert(position, Bucket::new(index, spread));
        }
        #[expect(clippy::indexing_slicing, reason = "the line above put a bucket at this position")]
        &mut self.buckets[position]
    }
}

impl ReplayGuard for SingleProcessGuard {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        MarkFuture::ready(self.answer(mark))
    }
}

impl fmt::Debug for SingleProcessGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleProcessGuard")
            .field("len", &self.len())
            .field("capacity", &self.shared.capacity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
