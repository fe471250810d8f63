//! A cache of ids that are known to be used, in front of a guard on the network.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use moka::sync::Cache;

use super::{Mark, MarkFuture, Marked, ReplayGuard};
use crate::telemetry::CacheMetrics;

/// No state can be presented for longer: the longest lifetime, and three times the largest skew.
const LONGEST_USE: Duration = Duration::from_secs(3_600 + 3 * 900);

/// Remembers ids that a guard *knows used*, so that a link that is hammered stops costing round trips.
///
/// It is bounded and may forget, which costs one round trip. It can never answer [`Marked::First`]: that answer comes from
/// the guard behind it alone. Put it outermost, around a [`DangerouslyFailOpen`](crate::DangerouslyFailOpen) as well. An id is kept with the claimant of its first use, whose own retry still reaches the guard.
///
/// # Examples
///
/// ```
/// use oauth_state::{KnownUsedCache, Marked, ReplayGuard, SingleProcessGuard, testing};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let network_guard = SingleProcessGuard::with_capacity(10);
/// let guard = KnownUsedCache::new(network_guard, 10_000); // such as a RedisGuard
/// let mark = testing::sample_mark();
/// let other = testing::mark(*mark.id(), [9; 8], mark.now(), mark.expires_at());
/// assert_eq!(guard.mark_used(&mark).await?, Marked::First);
/// assert_ne!(guard.mark_used(&other).await?, Marked::First); // from memory
/// assert_eq!(guard.mark_used(&mark).await?, Marked::First); // its own retry, from the guard
/// # Ok::<(), oauth_state::GuardError>(())
/// # }).unwrap();
/// ```
pub struct KnownUsedCache<G> {
    guard: G,
    known: Arc<Cache<[u8; 16], FirstUse>>,
    metrics: Arc<CacheMetrics>,
}

#[derive(Clone, Copy)]
struct FirstUse {
    claimant: [u8; 8],
    at: Option<SystemTime>,
}

impl<G: ReplayGuard> KnownUsedCache<G> {
    /// At most so many ids, at some 250 bytes of memory each.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{KnownUsedCache, SingleProcessGuard};
    /// let cache = KnownUsedCache::new(SingleProcessGuard::with_capacity(10), 10_000);
    /// assert!(cache.guard().is_empty());
    /// ```
    #[must_use]
    pub fn new(guard: G, ids: u64) -> Self {
        let known = Cache::builder().max_capacity(ids).time_to_live(LONGEST_USE).build();
        Self { guard, known: Arc::new(known), metrics: Arc::new(CacheMetrics::new()) }
    }

    /// The guard behind it.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{KnownUsedCache, SingleProcessGuard};
    /// let cache = KnownUsedCache::new(SingleProcessGuard::with_capacity(10), 10_000);
    /// assert_eq!(cache.guard().len(), 0);
    /// ```
    #[must_use]
    pub fn guard(&self) -> &G {
        &self.guard
    }

    fn remember(&self, mark: &Mark, marked: Marked) {
        let first = match marked {
            // Used from now on, by this claimant.
            Marked::First => FirstUse { claimant: *mark.claimant(), at: Some(mark.now()) },
            Marked::AlreadyUsed { first_used_at, first_claimant: Some(claimant) } => {
                FirstUse { claimant, at: first_used_at }
            }
            // Whose it is is not known: its own retry could not be told from others.
            Marked::AlreadyUsed { first_claimant: None, .. } => return,
        };
        self.known.insert(*mark.id(), first);
    }
}

impl<G: ReplayGuard> ReplayGuard for KnownUsedCache<G> {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        match self.known.get(mark.id()) {
            // The first user's own retry must hear from the guard that it was the first.
            Some(first) if first.claimant != *mark.claimant() => {
                self.metrics.hit();
                let (first_used_at, first_claimant) = (first.at, Some(first.claimant));
                MarkFuture::ready(Ok(Marked::AlreadyUsed { first_used_at, first_claimant }))
            }
            _ => MarkFuture::new(async move {
                self.metrics.miss();
                let marked = self.guard.mark_used(mark).await?;
                self.remember(mark, marked);
                Ok(marked)
            }),
        }
    }
}

impl<G: Clone> Clone for KnownUsedCache<G> {
    /// A clone shares what is known.
    fn clone(&self) -> Self {
        Self { guard: self.guard.clone(), known: Arc::clone(&self.known), metrics: Arc::clone(&self.metrics) }
    }
}

impl<G: fmt::Debug> fmt::Debug for KnownUsedCache<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownUsedCache").field("guard", &self.guard).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::replay::{GuardError, Sealed, SingleProcessGuard};

    const NOW: u64 = 1_800_000_000;

    /// Counts the round trips that a guard on the network would have cost.
    struct Counting {
        guard: SingleProcessGuard,
        asked: AtomicUsize,
        knows_claimants: bool,
    }

    impl ReplayGuard for Counting {
        fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            MarkFuture::new(async move {
                Ok(match self.guard.mark_used(mark).await? {
                    Marked::AlreadyUsed { first_used_at, .. } if !self.knows_claimants => {
                        Marked::AlreadyUsed { first_used_at, first_claimant: None }
                    }
                    marked => marked,
                })
            })
        }
    }

    fn cache(ids: u64, knows_claimants: bool) -> KnownUsedCache<Counting> {
        let guard = SingleProcessGuard::with_capacity(1_000);
        KnownUsedCache::new(Counting { guard, asked: AtomicUsize::new(0), knows_claimants }, ids)
    }

    fn ask(cache: &KnownUsedCache<Counting>, id: u8, claimant: u8) -> Result<Marked, GuardError> {
        let mark = Mark::new([id; 16], [claimant; 8], NOW, Sealed { issued_at: NOW, expires_at: NOW + 600 }, 60);
        crate::testing::without_runtime(cache.mark_used(&mark))
    }

    fn asked(cache: &KnownUsedCache<Counting>) -> usize {
        cache.guard().asked.load(Ordering::SeqCst)
    }

    #[test]
    fn a_hammered_duplicate_costs_no_round_trip() {
        let cache = cache(100, true);
        let shown = format!("{:?}", KnownUsedCache::new(SingleProcessGuard::with_capacity(10), 1));
        assert!(shown.starts_with("KnownUsedCache { guard: SingleProcessGuard"), "{shown}");
        assert_eq!(ask(&cache, 1, 1).unwrap(), Marked::First);
        for claimant in 2..200 {
            assert!(
                matches!(ask(&cache, 1, claimant).unwrap(), Marked::AlreadyUsed { first_claimant: Some(first), .. } if first == [1; 8])
            );
        }
        assert_eq!(asked(&cache), 1);
    }

    /// The first user lost its answer, and somebody else's attempt filled the cache meanwhile.
    #[test]
    fn the_first_user_s_own_retry_still_reaches_the_guard() {
        let cache = cache(100, true);
        let mark = Mark::new([1; 16], [1; 8], NOW, Sealed { issued_at: NOW, expires_at: NOW + 600 }, 60);
        // On another server.
        crate::testing::without_runtime(cache.guard().guard.mark_used(&mark)).unwrap();
        assert_ne!(ask(&cache, 1, 2).unwrap(), Marked::First);
        assert_eq!(ask(&cache, 1, 1).unwrap(), Marked::First);
        assert_eq!(asked(&cache), 2);
    }

    #[test]
    fn what_has_no_known_claimant_is_not_remembered() {
        let cache = cache(100, false);
        let mark = Mark::new([1; 16], [1; 8], NOW, Sealed { issued_at: NOW, expires_at: NOW + 600 }, 60);
        crate::testing::without_runtime(cache.guard().guard.mark_used(&mark)).unwrap();
        for claimant in 2..5 {
            assert_ne!(ask(&cache, 1, claimant).unwrap(), Marked::First);
        }
        assert_eq!(ask(&cache, 1, 1).unwrap(), Marked::First);
        assert_eq!(asked(&cache), 4);
    }

    /// Forgetting costs a round trip and nothing else, however an attacker warms it.
    #[test]
    fn what_it_forgets_the_guard_still_knows() {
        let cache = cache(2, true);
        for id in 1..=50 {
            assert_eq!(ask(&cache, id, 1).unwrap(), Marked::First);
        }
        cache.known.run_pending_tasks();
        assert!(cache.known.entry_count() <= 2);
        for id in 1..=50 {
            assert_ne!(ask(&cache, id, 2).unwrap(), Marked::First);
        }
    }
}
