//! A cache of ids that are known to be used, in front of a guard on the network.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use moka::sync::Cache;

use super::{Mark, MarkFuture, Marked, ReplayGuard};
use crate::observe::CacheMetrics;

/// No state can be presented for longer: the longest lifetime, and three times the largest skew.
const LONGEST_USE: Duration = Duration::from_secs(3_600 + 3 * 900);

/// Remembers ids that a guard *knows used*, so that a link that is hammered stops costing round trips.
///
/// It is bounded and may forget, which costs one round trip. It can never answer [`Marked::First`]: that answer comes from
/// the guard behind it alone. Put it outermost, around a [`DangerouslyFailOpen`](crate::guard::DangerouslyFailOpen) as well. An id is kept with the claimant of its first use, whose own retry still reaches the guard.
///
/// # Examples
///
/// ```
/// use oauth_state::guard::{KnownUsedCache, Marked};
/// use oauth_state::{ReplayGuard, SingleProcessGuard, testing};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let network_guard = SingleProcessGuard::with_capacity(10);
/// let guard = KnownUsedCache::new(network_guard, 10_000); // such as a RedisGuard
/// let mark = testing::sample_mark();
/// let other = testing::mark(*mark.id(), [9; 8], mark.now(), mark.expires_at());
/// assert_eq!(guard.mark_used(&mark).await?, Marked::First);
/// assert_ne!(guard.mark_used(&other).await?, Marked::First); // from memory
/// assert_eq!(guard.mark_used(&mark).await?, Marked::First); // its own retry, from the guard
/// # Ok::<(), oauth_state::guard::GuardError>(())
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
    /// use oauth_state::guard::KnownUsedCache;
    /// use oauth_state::SingleProcessGuard;
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
    /// use oauth_state::guard::KnownUsedCache;
    /// use oauth_state::SingleProcessGuard;
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
mod tests;
