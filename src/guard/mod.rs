//! Single use: the guard trait, its requests and its answers. A guard sees an id and an expiry, never claims.

mod error;
mod fail_open;
#[cfg(feature = "cache")]
mod known_used;
mod mark;
mod single_process;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

pub use error::{GuardError, GuardErrorKind};
pub use fail_open::DangerouslyFailOpen;
#[cfg(feature = "cache")]
pub use known_used::KnownUsedCache;
pub(crate) use mark::Sealed;
pub use mark::{Mark, Marked};
pub use single_process::SingleProcessGuard;

/// A guard's future answer. It allocates nothing for a guard that answers at once.
#[must_use = "nothing is refused until this future is awaited"]
pub struct MarkFuture<'a>(Answer<'a>);

enum Answer<'a> {
    Ready(Option<Result<Marked, GuardError>>),
    Pending(Pin<Box<dyn Future<Output = Result<Marked, GuardError>> + Send + 'a>>),
}

impl<'a> MarkFuture<'a> {
    /// An answer that is already known. It allocates nothing.
    pub fn ready(answer: Result<Marked, GuardError>) -> Self {
        Self(Answer::Ready(Some(answer)))
    }

    /// An answer that a store has to give first. Its future is allocated on the heap.
    pub fn new(answer: impl Future<Output = Result<Marked, GuardError>> + Send + 'a) -> Self {
        Self(Answer::Pending(Box::pin(answer)))
    }
}

impl Future for MarkFuture<'_> {
    type Output = Result<Marked, GuardError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().0 {
            // Polled again after completion, which no executor does: refuse instead of panicking.
            Answer::Ready(answer) => Poll::Ready(
                answer.take().unwrap_or_else(|| Err(GuardError::outcome_unknown("the answer was already taken"))),
            ),
            Answer::Pending(answer) => answer.as_mut().poll(context),
        }
    }
}

impl fmt::Debug for MarkFuture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MarkFuture")
    }
}

/// Remembers which states were used, as long as they could be presented again.
///
/// # Implementing a guard
///
/// The one method must be **atomic**: of any number of calls with one id and different claimants, in any order, on any server, exactly one
/// gets [`Marked::First`]. Reading first and then writing is not atomic. A store that may evict live marks must not implement this trait.
/// Keep the mark for [`Mark::keep_for`]; store [`Mark::value`] and let [`Mark::seen`] interpret the previous value; return an error when in
/// doubt. Test it with `oauth_state::testing::guard_suite` (feature `testing`).
///
/// # Examples
///
/// A guard of your own, over a store with an atomic "insert if absent" (a sketch: it never deletes a mark):
///
/// ```
/// use oauth_state::guard::{GuardError, Mark, MarkFuture, Marked};
/// use oauth_state::testing::{block_on, sample_mark};
/// use oauth_state::ReplayGuard;
/// use std::{collections::HashMap, sync::Mutex};
///
/// #[derive(Default)]
/// struct MyGuard(Mutex<HashMap<[u8; 16], String>>);
///
/// impl ReplayGuard for MyGuard {
///     fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
///         MarkFuture::new(async move {
///             let mut marks = self.0.lock().map_err(|_| GuardError::outcome_unknown("poisoned"))?;
///             let before = marks.get(mark.id()).cloned();
///             marks.entry(*mark.id()).or_insert_with(|| mark.value());
///             mark.seen(before.as_deref().map(str::as_bytes))
///         })
///     }
/// }
///
/// let (guard, mark) = (MyGuard::default(), sample_mark());
/// assert_eq!(block_on(guard.mark_used(&mark))?, Marked::First);
/// # Ok::<(), GuardError>(())
/// ```
pub trait ReplayGuard: Send + Sync + 'static {
    /// Marks the id as used, and returns whether this call was the first.
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a>;
}

impl<G: ReplayGuard + ?Sized> ReplayGuard for Arc<G> {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        (**self).mark_used(mark)
    }
}
