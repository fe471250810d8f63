//! A cache of used ids, in front of a guard on the network.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use moka::sync::Cache;

use super::{Mark, MarkFuture, Marked, ReplayGuard};
use crate::observe::{Event, Observer as _, Observers};

/// The longest time for which a state can be presented: the longest lifetime, and three times the largest skew.
const LONGEST_USE: Duration = Duration::from_secs(3_600 + 3 * 900);

/// Remembers ids that a guard *knows used*, so that repeated requests for one link cost no more round trips.
///
/// It is bounded and may forget, which costs one round trip. It can never answer [`Marked::First`]: only the guard inside does. Put it
/// outermost, also around a [`DangerouslyFailOpen`](crate::guard::DangerouslyFailOpen). It stores an id with the claimant of its first use,
/// whose own retry still reaches the guard.
///
/// # Examples
///
/// ```
/// use oauth_state::guard::{KnownUsedCache, Marked};
/// use oauth_state::testing::{self, block_on};
/// use oauth_state::{ReplayGuard, SingleProcessGuard};
///
/// let network_guard = SingleProcessGuard::with_capacity(100); // in your service: a RedisGuard or a PostgresGuard
/// let guard = KnownUsedCache::new(network_guard, 10_000);
///
/// let first = testing::sample_mark();
/// let replay = testing::mark(*first.id(), [9; 8], first.now(), first.expires_at());
/// assert_eq!(block_on(guard.mark_used(&first))?, Marked::First);
/// // The cache refuses the replay. It passes a retry of the first call on to the guard.
/// assert!(matches!(block_on(guard.mark_used(&replay))?, Marked::AlreadyUsed { .. }));
/// assert_eq!(block_on(guard.mark_used(&first))?, Marked::First);
/// # Ok::<(), oauth_state::guard::GuardError>(())
/// ```
pub struct KnownUsedCache<G> {
    guard: G,
    known: Arc<Cache<[u8; 16], FirstUse>>,
    observers: Observers,
}

#[derive(Clone, Copy)]
struct FirstUse {
    claimant: [u8; 8],
    at: Option<SystemTime>,
}

impl<G: ReplayGuard> KnownUsedCache<G> {
    /// Remembers up to `ids` ids, at about 250 bytes of memory each.
    #[must_use]
    pub fn new(guard: G, ids: u64) -> Self {
        let known = Cache::builder().max_capacity(ids).time_to_live(LONGEST_USE).build();
        Self { guard, known: Arc::new(known), observers: Observers::default() }.expecting()
    }

    /// Sets the observers of hits and misses; see [`observe`](crate::observe).
    #[must_use]
    pub fn observers(self, observers: Observers) -> Self {
        Self { observers, ..self }.expecting()
    }

    fn expecting(self) -> Self {
        [true, false].into_iter().for_each(|hit| self.observers.expect(&Event::KnownUsed { hit }));
        self
    }

    /// The guard inside.
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
            // Without a claimant, the first user's own retry could not be recognized.
            Marked::AlreadyUsed { first_claimant: None, .. } => return,
        };
        self.known.insert(*mark.id(), first);
    }
}

impl<G: ReplayGuard> ReplayGuard for KnownUsedCache<G> {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        match self.known.get(mark.id()) {
            // The retry of the first use must learn from the guard that it was the first.
            Some(first) if first.claimant != *mark.claimant() => {
                self.observers.event(&Event::KnownUsed { hit: true });
                let (first_used_at, first_claimant) = (first.at, Some(first.claimant));
                MarkFuture::ready(Ok(Marked::AlreadyUsed { first_used_at, first_claimant }))
            }
            _ => MarkFuture::new(async move {
                self.observers.event(&Event::KnownUsed { hit: false });
                let marked = self.guard.mark_used(mark).await?;
                self.remember(mark, marked);
                Ok(marked)
            }),
        }
    }
}

impl<G: Clone> Clone for KnownUsedCache<G> {
    /// A clone shares the cache.
    fn clone(&self) -> Self {
        Self { guard: self.guard.clone(), known: Arc::clone(&self.known), observers: self.observers.clone() }
    }
}

impl<G: fmt::Debug> fmt::Debug for KnownUsedCache<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownUsedCache").field("guard", &self.guard).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
