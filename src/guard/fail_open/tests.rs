use super::*;
use crate::guard::{GuardError, Sealed};

struct Answers(fn() -> Result<Marked, GuardError>);

impl ReplayGuard for Answers {
    fn mark_used<'a>(&'a self, _: &'a Mark) -> MarkFuture<'a> {
        MarkFuture::ready((self.0)())
    }
}

fn ask(answer: fn() -> Result<Marked, GuardError>, now: u64) -> (Result<Marked, GuardErrorKind>, u64) {
    let guard = DangerouslyFailOpen::new(Answers(answer));
    let mark = Mark::new([1; 16], [1; 8], now, Sealed { issued_at: 0, expires_at: 600 }, 60);
    let answer = crate::testing::block_on(guard.mark_used(&mark));
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

/// An attacker can fill a guard by starting and completing their own logins.
#[test]
fn it_stays_closed_when_the_guard_is_full_or_wrong() {
    assert_eq!(ask(|| Err(GuardError::full()), 0), (Err(GuardErrorKind::Full), 0));
    assert_eq!(ask(|| Err(GuardError::misconfigured("wrong")), 0), (Err(GuardErrorKind::Misconfigured), 0));
}

/// An attacker can exhaust the connections of a guard by load alone.
#[test]
fn it_stays_closed_when_the_guard_has_no_free_connection() {
    assert_eq!(ask(|| Err(GuardError::overloaded("pool timed out")), 0), (Err(GuardErrorKind::Overloaded), 0));
}

/// During an outage a process still knows what it let through itself, if the cache is around and not inside.
#[cfg(feature = "cache")]
/// A client that sends again by itself was refused the last time: what the earlier try did is unknown, and the store is up.
#[test]
fn it_stays_closed_when_an_unknown_outcome_was_caused_by_a_full_or_busy_store() {
    fn full() -> Result<Marked, GuardError> {
        Err(GuardError::outcome_unknown(GuardError::full()))
    }
    fn busy() -> Result<Marked, GuardError> {
        Err(GuardError::outcome_unknown(GuardError::outcome_unknown(GuardError::overloaded("BUSY"))))
    }
    fn down() -> Result<Marked, GuardError> {
        Err(GuardError::outcome_unknown(GuardError::unavailable("connection refused")))
    }
    assert_eq!(ask(full, 0), (Err(GuardErrorKind::OutcomeUnknown), 0));
    assert_eq!(ask(busy, 0), (Err(GuardErrorKind::OutcomeUnknown), 0));
    assert_eq!(ask(down, 0), (Ok(Marked::First), 1));
}

#[test]
fn a_cache_around_it_lets_a_link_through_once() {
    let down = || Answers(|| Err(GuardError::unavailable("down")));
    let guard = crate::guard::KnownUsedCache::new(DangerouslyFailOpen::new(down()), 10);
    let ask = |claimant: u8| {
        let mark = Mark::new([1; 16], [claimant; 8], 0, Sealed { issued_at: 0, expires_at: 600 }, 60);
        crate::testing::block_on(guard.mark_used(&mark)).unwrap()
    };
    assert_eq!(ask(1), Marked::First);
    assert_ne!(ask(2), Marked::First);
    assert_ne!(ask(3), Marked::First);
}

#[test]
fn it_passes_answers_on_and_refuses_expired_marks() {
    let used = Marked::AlreadyUsed { first_used_at: None, first_claimant: None };
    assert_eq!(ask(|| Ok(Marked::AlreadyUsed { first_used_at: None, first_claimant: None }), 0), (Ok(used), 0));
    assert_eq!(ask(|| Err(GuardError::unavailable("over")), 780), (Err(GuardErrorKind::Unavailable), 0));
}
