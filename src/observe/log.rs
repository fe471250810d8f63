//! Log lines of logins that fail, if the feature `tracing` is on: one for each, with the reference that the user's page shows.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tracing::{debug, info, warn};

use super::event::{Event, Severity};
use crate::clock::{Clock as _, SystemClock, unix_seconds};

/// The most lines of one code in a second: a flood of one refusal must neither fill the log nor hide the others.
const MOST_LINES: u64 = 20;

/// The lines of each code, of all flows of the process.
static WRITTEN: Mutex<BTreeMap<&'static str, Lines>> = Mutex::new(BTreeMap::new());

/// Writes the line of a login that failed.
pub(super) fn write(event: &Event<'_>) {
    let (severity, provider, code, reference) = match *event {
        // The provider is text from outside, unless the span names it.
        Event::Refused(refusal) | Event::StartRefused(refusal) => {
            (refusal.severity, None, refusal.code, refusal.reference)
        }
        Event::HookFailed { provider, hook, reference, .. } => (Severity::Warn, Some(provider), hook, Some(reference)),
        Event::Finished { provider, error: Some(error), reference, .. } => {
            (Severity::Info, Some(provider), error, Some(reference))
        }
        _ => return,
    };
    let is_wanted = match severity {
        Severity::Warn => tracing::enabled!(tracing::Level::WARN),
        Severity::Info => tracing::enabled!(tracing::Level::INFO),
        Severity::Debug => tracing::enabled!(tracing::Level::DEBUG),
    };
    if !is_wanted {
        return;
    }
    let now = unix_seconds(SystemClock.now());
    let mut written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(left_out) = written.entry(code).or_default().admit(now) else { return };
    drop(written);
    let (left_out, reference) = ((left_out > 0).then_some(left_out), reference.map(tracing::field::display));
    let line = event.line().unwrap_or_default();
    match severity {
        Severity::Warn => warn!(provider, code, reference, left_out, "{line}"),
        Severity::Info => info!(provider, code, reference, left_out, "{line}"),
        Severity::Debug => debug!(provider, code, reference, left_out, "{line}"),
    }
}

/// The lines of one code in the current second.
#[derive(Default)]
struct Lines {
    second: u64,
    lines: u64,
    left_out: u64,
}

impl Lines {
    /// Whether one more line may be written at `now`, in Unix seconds; with the number of those that were left out before it.
    fn admit(&mut self, now: u64) -> Option<u64> {
        if self.second != now {
            (self.second, self.lines) = (now, 0);
        }
        if self.lines == MOST_LINES {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        }
        self.lines = self.lines.saturating_add(1);
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A flood would fill the disk, or hide the line of the user that support looks for.
    #[test]
    fn a_flood_of_one_code_leaves_out_its_own_lines_and_says_how_many() {
        let mut lines = Lines::default();
        let admitted = |lines: &mut Lines, now| (0..50).filter(|_| lines.admit(now).is_some()).count();
        assert_eq!(admitted(&mut lines, 7), 20);
        assert_eq!(lines.admit(8), Some(30));
        assert_eq!(lines.admit(8), Some(0));
        // A clock that is set back opens a new second, too.
        assert_eq!(admitted(&mut lines, 5), 20);
    }
}
