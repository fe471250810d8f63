//! A guard that lets callbacks through while its store is unreachable.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{GuardError, GuardErrorKind, Mark, MarkFuture, Marked, ReplayGuard};
use crate::observe::{Event, Observer as _, Observers};

/// Lets a callback through if the guard inside cannot answer, and counts these callbacks.
///
/// For a service that prefers a link that works twice during an outage of the store over a failed login. Everything else is still enforced:
/// the browser's cookie, the expiry, and the provider, which accepts a code once.
///
/// It opens only for an outage: the store could not be reached (`Unavailable`), or did not answer a call (`OutcomeUnknown`). It stays
/// closed for the other kinds:
///
/// * `Full`: an attacker could fill the guard to open it.
/// * `Overloaded`: an attacker could exhaust the guard's connections. A call that was never sent is refused until an attempt to connect has
///   failed, which takes up to two seconds if a store hangs.
/// * `Misconfigured`: it would stay open forever.
///
/// It also stays closed for an `OutcomeUnknown` whose cause is an error of one of these kinds: then a full or busy store refused the last
/// attempt of a client that retries automatically.
///
/// A guard of your own over a pool must return [`GuardError::overloaded`](crate::guard::GuardError::overloaded) if no connection was free
/// in time; otherwise load alone opens this wrapper.
///
/// Put a `KnownUsedCache` **around** it, `KnownUsedCache::new(DangerouslyFailOpen::new(guard), …)`: each process then still refuses the
/// states that it let through itself. The other way round, a link works any number of times during an outage.
///
/// Keep a clone before the guard moves into a flow: clones share the counter.
///
/// # Security
///
/// While the store is down, single use is not enforced. Watch [`DangerouslyFailOpen::let_through`].
///
/// A store that is too slow to answer within the time limit counts as down. Limit the rate of login starts and callbacks, so that an
/// attacker cannot slow it down that much.
///
/// # Examples
///
/// ```
/// use oauth_state::guard::{DangerouslyFailOpen, GuardError, KnownUsedCache, Mark, MarkFuture, Marked};
/// use oauth_state::testing::{self, block_on};
/// use oauth_state::ReplayGuard;
///
/// #[derive(Clone)]
/// struct Down;
/// impl ReplayGuard for Down {
///     fn mark_used<'a>(&'a self, _: &'a Mark) -> MarkFuture<'a> {
///         MarkFuture::ready(Err(GuardError::unavailable("connection refused")))
///     }
/// }
/// let fail_open = DangerouslyFailOpen::new(Down);
/// let guard = KnownUsedCache::new(fail_open.clone(), 10_000);
///
/// let first = testing::sample_mark();
/// let replay = testing::mark(*first.id(), [9; 8], first.now(), first.expires_at());
/// assert_eq!(block_on(guard.mark_used(&first))?, Marked::First);
/// // The cache in this process still refuses the replay.
/// assert!(matches!(block_on(guard.mark_used(&replay))?, Marked::AlreadyUsed { .. }));
/// assert_eq!(fail_open.let_through(), 1);
/// # Ok::<(), GuardError>(())
/// ```
pub struct DangerouslyFailOpen<G> {
    guard: G,
    let_through: Arc<AtomicU64>,
    observers: Observers,
}

impl<G: ReplayGuard> DangerouslyFailOpen<G> {
    /// Opens while `guard` is unreachable.
    #[must_use]
    pub fn new(guard: G) -> Self {
        Self { guard, let_through: Arc::default(), observers: Observers::default() }.expecting()
    }

    /// Sets the observers of each callback that was let through; see [`observe`](crate::observe).
    #[must_use]
    pub fn observers(self, observers: Observers) -> Self {
        Self { observers, ..self }.expecting()
    }

    fn expecting(self) -> Self {
        self.observers.expect(&Event::FailedOpen);
        self
    }

    /// How many callbacks were let through without an answer of the guard. Clones share the count.
    #[must_use]
    pub fn let_through(&self) -> u64 {
        self.let_through.load(Ordering::Relaxed)
    }
}

impl<G: ReplayGuard> ReplayGuard for DangerouslyFailOpen<G> {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        MarkFuture::new(async move {
            match self.guard.mark_used(mark).await {
                Err(error) if is_outage(&error) => {
                    // Every guard refuses an expired mark: that is no outage.
                    mark.refuse_if_over()?;
                    self.let_through.fetch_add(1, Ordering::Relaxed);
                    self.observers.event(&Event::FailedOpen);
                    Ok(Marked::First)
                }
                answer => answer,
            }
        })
    }
}

/// Whether an error means that the store is unreachable, and not that it is full or under load. If an earlier attempt may have stored its
/// mark, the kind is `OutcomeUnknown` whatever refused the last attempt: then the cause decides.
fn is_outage(error: &GuardError) -> bool {
    let opens =
        |error: &GuardError| matches!(error.kind(), GuardErrorKind::Unavailable | GuardErrorKind::OutcomeUnknown);
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    opens(error) && causes.filter_map(|cause| cause.downcast_ref::<GuardError>()).all(opens)
}

impl<G: Clone> Clone for DangerouslyFailOpen<G> {
    /// A clone shares the counter.
    fn clone(&self) -> Self {
        Self {
            guard: self.guard.clone(),
            let_through: Arc::clone(&self.let_through),
            observers: self.observers.clone(),
        }
    }
}

impl<G: fmt::Debug> fmt::Debug for DangerouslyFailOpen<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DangerouslyFailOpen")
            .field("guard", &self.guard)
            .field("let_through", &self.let_through)
            .finish()
    }
}

#[cfg(test)]
mod tests;
