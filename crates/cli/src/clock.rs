//! Whether this computer's clock can be right: a new key seals by it, on every server.

use std::time::{Duration, SystemTime};

use oauth_state::ring::{Change, KeyRingDocument, Lint, Step};

use crate::failure::{Exit, Failure};
use crate::sources::{Loaded, Source};
use crate::text::{relative, span_of, utc};

/// The `Date` of a response is in whole seconds.
const ROUNDING: Duration = Duration::from_secs(1);

const TO_DO: &str =
    "set this computer's clock; if it is right and the other one is not, repeat with --trust-this-clock";

/// How this computer's clock differs from the source's, by more than the ring's skew; `None` if it does not, or if the source has none.
pub fn disagreement(source: &Source, loaded: &Loaded) -> Option<String> {
    let allowed = loaded.document.timing().skew.saturating_add(ROUNDING);
    let ahead_of = |early: SystemTime, late: SystemTime| late.duration_since(early).ok().filter(|by| *by > allowed);
    let theirs = loaded.server_time?;
    let (by, direction) = match ahead_of(theirs, loaded.asked_at) {
        Some(by) => (by, "ahead of"),
        None => (ahead_of(loaded.answered_at, theirs)?, "behind"),
    };
    Some(format!("this computer's clock is {} {direction} that of {}", span_of(by), source.name()))
}

/// Refuses a change by a clock that cannot be right, or into a schedule that cannot be meant.
pub fn must_be_plausible(source: &Source, loaded: &Loaded, step: &Step, now: SystemTime) -> Result<(), Failure> {
    if let Some(found) = disagreement(source, loaded) {
        return Err(Failure::new(Exit::Clock, "clock", format!("{found}; nothing was written"), TO_DO));
    }
    let added = |id| step.changes.iter().any(|change| matches!(change, Change::Added { id: new, .. } if *new == id));
    let Some(finding) = impossible(&step.document, now, added) else { return Ok(()) };
    let (message, to_do) = match finding {
        Lint::PublishedInFuture { id, at } => (
            format!(
                "key {id} says that it was published {}, at {}, by this computer's clock, which says {}",
                relative(at, now),
                utc(at),
                utc(now)
            ),
            format!(
                "set this computer's clock; if it is right, the one that wrote that key was not: withdraw the key with oauth-state keys \
                 revoke {id}, then rotate; to go on anyway, repeat with --trust-this-clock"
            ),
        ),
        Lint::PendingFarAway { id, at } => (
            // The new key has no id yet.
            format!(
                "{} would seal only from {} ({}), long after every server has it",
                if added(id) { "the new key".to_owned() } else { format!("key {id}") },
                utc(at),
                relative(at, now)
            ),
            "withdraw the pending keys with a wrong time (oauth-state keys list, oauth-state keys revoke), then rotate; if the time is \
             meant, repeat with --trust-this-clock"
                .to_owned(),
        ),
        other => (
            "the new key would seal before its document can have reached every server".to_owned(),
            format!("{}; to go on anyway, repeat with --trust-this-clock", other.remedy()),
        ),
    };
    Err(Failure::new(Exit::Clock, "schedule", format!("{message}; nothing was written"), to_do))
}

fn impossible(
    document: &KeyRingDocument,
    now: SystemTime,
    added: impl Fn(oauth_state::ring::RootKeyId) -> bool,
) -> Option<Lint> {
    document.lint(now, Duration::MAX).into_iter().find(|finding| match finding {
        Lint::PublishedInFuture { .. } | Lint::PendingFarAway { .. } => true,
        // Of a key that is there already, nothing can be changed by now.
        Lint::SealsTooSoon { id, .. } => added(*id),
        _ => false,
    })
}
