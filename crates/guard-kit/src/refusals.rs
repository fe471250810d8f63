//! The log of refusals: each cause once, and once a minute while it lasts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use oauth_state::guard::{GuardError, GuardErrorKind};

/// A cause that lasts is logged again after this time.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Of each kind of error, one is looked at in this time.
const WINDOW_MILLISECONDS: u64 = 5;
/// Causes to remember. A store whose texts differ each time must fill neither the log nor the memory.
const MOST_CAUSES: usize = 8;

/// The causes of refusals, as far as they were logged: each cause is logged once, and once a minute while it lasts.
/// [`ask`](crate::ask) and [`Link`](crate::Link) do so for every refused call and for failed attempts to connect.
#[derive(Debug)]
pub struct Refusals {
    store: &'static str,
    what: &'static str,
    causes: Mutex<BTreeMap<String, Cause>>,
    made: Instant,
    /// When the last error was looked at, in windows after `made`, times 8; plus a number for its kind.
    looked_at: AtomicU64,
    passed_over: AtomicU64,
}

#[derive(Debug)]
struct Cause {
    since: Instant,
    logged: Instant,
    last: Instant,
    /// Since it was logged.
    refused: u64,
}

impl Refusals {
    /// The name of the store, and the consequence, such as "callbacks are refused".
    #[must_use]
    pub fn new(store: &'static str, what: &'static str) -> Self {
        let (looked_at, passed_over) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { store, what, causes: Mutex::default(), made: Instant::now(), looked_at, passed_over }
    }

    /// Whether an error of this kind was looked at within the last milliseconds. In a flood, to look at each one would cost more than to
    /// refuse it.
    fn is_one_of_many(&self, error: &GuardError) -> bool {
        let kind = match error.kind() {
            GuardErrorKind::Unavailable => 1,
            GuardErrorKind::Overloaded => 2,
            GuardErrorKind::OutcomeUnknown => 3,
            GuardErrorKind::Full => 4,
            GuardErrorKind::Misconfigured => 5,
            _ => 6,
        };
        let window = u64::try_from(self.made.elapsed().as_millis()).unwrap_or_default() / WINDOW_MILLISECONDS;
        let this = window.saturating_mul(8).saturating_add(kind);
        if self.looked_at.load(Ordering::Relaxed) == this {
            self.passed_over.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        self.looked_at.store(this, Ordering::Relaxed);
        false
    }

    /// Logs an error, unless its cause was logged within the last minute.
    pub fn note(&self, error: &GuardError) {
        if self.is_one_of_many(error) {
            return;
        }
        let cause = chain(error);
        let now = Instant::now();
        let mut causes = self.causes.lock().unwrap_or_else(PoisonError::into_inner);
        // A cause that did not occur for a minute is over: the next time it is new.
        causes.retain(|_, cause| now.duration_since(cause.last) < AGAIN_AFTER);
        let Self { store, what, .. } = self;
        let has_room = causes.len() < MOST_CAUSES;
        match causes.get_mut(&cause) {
            Some(known) => {
                known.last = now;
                let passed_over = self.passed_over.swap(0, Ordering::Relaxed);
                known.refused = known.refused.saturating_add(passed_over).saturating_add(1);
                if now.duration_since(known.logged) >= AGAIN_AFTER {
                    known.logged = now;
                    let (refused, since) = (std::mem::take(&mut known.refused), now.duration_since(known.since));
                    let seconds = since.as_secs();
                    tracing::warn!(store, cause, refused, seconds, "{what} still");
                }
            }
            None if has_room => {
                tracing::warn!(store, cause, "{what}");
                causes.insert(cause, Cause { since: now, logged: now, last: now, refused: 0 });
            }
            None => tracing::debug!(store, cause, "{what}"),
        }
    }
}

/// An error and all its causes on one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    for cause in causes.map(ToString::to_string) {
        // An error often repeats the text of its cause.
        if !line.ends_with(&cause) {
            line.push_str(": ");
            line.push_str(&cause);
        }
    }
    line.replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests;
