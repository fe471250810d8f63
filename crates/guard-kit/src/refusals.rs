//! The log of refusals: each cause once, and once a minute while it lasts.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use oauth_state::guard::GuardError;

/// A cause that lasts is logged again after this time.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Causes to remember. A store whose texts differ each time must fill neither the log nor the memory.
const MOST_CAUSES: usize = 8;

/// The causes of refusals, as far as they were logged: each cause is logged once, and once a minute while it lasts.
/// [`ask`](crate::ask) and [`Link`](crate::Link) do so for every refused call and for failed attempts to connect.
#[derive(Debug)]
pub struct Refusals {
    store: &'static str,
    what: &'static str,
    causes: Mutex<BTreeMap<String, Cause>>,
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
    pub const fn new(store: &'static str, what: &'static str) -> Self {
        Self { store, what, causes: Mutex::new(BTreeMap::new()) }
    }

    /// Logs an error, unless its cause was logged within the last minute.
    pub fn note(&self, error: &GuardError) {
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
                known.refused = known.refused.saturating_add(1);
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
