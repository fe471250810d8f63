//! A guard that lets callbacks through while its store cannot be asked.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{GuardErrorKind, Mark, MarkFuture, Marked, ReplayGuard};
use crate::telemetry::record;

/// Lets a callback through when the guard behind it cannot answer, and counts how often it did.
///
/// For a service to which a failed login is worse than a link that works twice while its store is down. Everything else
/// still holds then: the browser's cookie, the expiry, and the provider, which takes a code once.
///
/// It opens for an outage (`Unavailable`, `OutcomeUnknown`) only. A guard that is `Full` stays closed, because anybody could
/// fill it to open it; and one that is `Misconfigured` does, because it would stay open for ever.
///
/// A `KnownUsedCache` belongs **around** it, `KnownUsedCache::new(DangerouslyFailOpen::new(guard), …)`: then each process still
/// refuses what it let through itself. The other way round, an outage lets a link through as often as it is opened.
///
/// Keep a clone before the guard moves into a flow: it shares the counter.
///
/// # Security
///
/// While the store is down, single use is not enforced. Watch [`DangerouslyFailOpen::let_through`].
///
/// # Examples
///
/// ```
/// use oauth_state::{DangerouslyFailOpen, GuardError, Mark, MarkFuture, Marked, ReplayGuard, testing};
///
/// struct Down;
/// impl ReplayGuard for Down {
///     fn mark_used<'a>(&'a self, _: &'a Mark) -> MarkFuture<'a> {
///         MarkFuture::ready(Err(GuardError::unavailable("connection refused")))
///     }
/// }
/// let guard = DangerouslyFailOpen::new(Down);
/// assert_eq!(testing::without_runtime(guard.mark_used(&testing::sample_mark()))?, Marked::First);
/// assert_eq!(guard.let_through(), 1);
/// # Ok::<(), GuardError>(())
/// ```
pub struct DangerouslyFailOpen<G> {
    guard: G,
    let_through: Arc<AtomicU64>,
}

impl<G: ReplayGuard> DangerouslyFailOpen<G> {
    /// Opens while `guard` is out of reach.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{DangerouslyFailOpen, SingleProcessGuard};
    /// assert_eq!(DangerouslyFailOpen::new(SingleProcessGuard::with_capacity(10)).let_through(), 0);
    /// ```
    #[must_use]
    pub fn new(guard: G) -> Self {
        record::failed_open(0);
        Self { guard, let_through: Arc::default() }
    }

    /// How many callbacks were let through without an answer of the guard.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{DangerouslyFailOpen, SingleProcessGuard};
    /// assert_eq!(DangerouslyFailOpen::new(SingleProcessGuard::with_capacity(10)).let_through(), 0);
    /// ```
    #[must_use]
    pub fn let_through(&self) -> u64 {
        self.let_through.load(Ordering::Relaxed)
    }
}

impl<G: ReplayGuard> ReplayGuard for DangerouslyFailOpen<G> {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        MarkFuture::new(async move {
            match self.guard.mark_used(mark).await {
                Err(error) if matches!(error.kind(), GuardErrorKind::Unavailable | GuardErrorKind::OutcomeUnknown) => {
                    // Whose mark is over is refused by every guard: that is no outage.
                    mark.refuse_if_over()?;
                    self.let_through.fetch_add(1, Ordering::Relaxed);
                    record::failed_open(1);
                    Ok(Marked::First)
                }
                answer => answer,
            }
        })
    }
}

impl<G: Clone> Clone for DangerouslyFailOpen<G> {
    /// A clone shares the counter.
    fn clone(&self) -> Self {
        Self { guard: self.guard.clone(), let_through: Arc::clone(&self.let_through) }
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
mod tests {
    use super::*;
    use crate::replay::{GuardError, Sealed};

    struct Answers(fn() -> Result<Marked, GuardError>);

    impl ReplayGuard for Answers {
        fn mark_used<'a>(&'a self, _: &'a Mark) -> MarkFuture<'a> {
            MarkFuture::ready((self.0)())
        }
    }

    fn ask(answer: fn() -> Result<Marked, GuardError>, now: u64) -> (Result<Marked, GuardErrorKind>, u64) {
        let guard = DangerouslyFailOpen::new(Answers(answer));
        let mark = Mark::new([1; 16], [1; 8], now, Sealed { issued_at: 0, expires_at: 600 }, 60);
        let answer = crate::testing::without_runtime(guard.mark_used(&mark));
        (answer.map_err(|error| error.kind()), guard.let_through())
    }

    #[test]
    fn its_debug_shows_the_counter() {
        let guard = DangerouslyFailOpen::new(crate::SingleProcessGuard::with_capacity(10));
        let shown = format!("{guard:?}");
        assert!(shown.contains("SingleProcessGuard") && shown.contains("let_through: 0"), "{shown}");
    }

    #[test]
    fn it_opens_for_an_outage_and_counts() {
        assert_eq!(ask(|| Err(GuardError::unavailable("down")), 0), (Ok(Marked::First), 1));
        assert_eq!(ask(|| Err(GuardError::outcome_unknown("reset")), 0), (Ok(Marked::First), 1));
    }

    /// Anybody can fill a guard by beginning and finishing logins of his own.
    #[test]
    fn it_stays_closed_when_the_guard_is_full_or_wrong() {
        assert_eq!(ask(|| Err(GuardError::full()), 0), (Err(GuardErrorKind::Full), 0));
        assert_eq!(ask(|| Err(GuardError::misconfigured("wrong")), 0), (Err(GuardErrorKind::Misconfigured), 0));
    }

    /// During an outage a process still knows what it let through itself, if the cache is around and not inside.
    #[cfg(feature = "cache")]
    #[test]
    fn a_cache_around_it_lets_a_link_through_once() {
        let down = || Answers(|| Err(GuardError::unavailable("down")));
        let guard = crate::replay::KnownUsedCache::new(DangerouslyFailOpen::new(down()), 10);
        let ask = |claimant: u8| {
            let mark = Mark::new([1; 16], [claimant; 8], 0, Sealed { issued_at: 0, expires_at: 600 }, 60);
            crate::testing::without_runtime(guard.mark_used(&mark)).unwrap()
        };
        assert_eq!(ask(1), Marked::First);
        assert_ne!(ask(2), Marked::First);
        assert_ne!(ask(3), Marked::First);
    }

    #[test]
    fn it_passes_answers_on_and_lets_nothing_in_that_is_over() {
        let used = Marked::AlreadyUsed { first_used_at: None, first_claimant: None };
        assert_eq!(ask(|| Ok(Marked::AlreadyUsed { first_used_at: None, first_claimant: None }), 0), (Ok(used), 0));
        assert_eq!(ask(|| Err(GuardError::unavailable("over")), 780), (Err(GuardErrorKind::Unavailable), 0));
    }
}
