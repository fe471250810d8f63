//! The suite for guards: the memory guard passes it, and intentionally broken guards fail.

use oauth_state::guard::{GuardError, Mark, MarkFuture, Marked};
use oauth_state::testing::{block_on, guard_suite};
use oauth_state::{ReplayGuard, SingleProcessGuard};
use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

#[test]
fn the_memory_guard_passes() {
    let guard = SingleProcessGuard::with_capacity(1_000_000);
    let report = guard_suite(|| guard.clone(), |answer| block_on(answer)).unwrap();
    println!("{report:?}");
    assert_eq!((report.ids, report.threads), (5_000, 16));
}

/// Reads under a read lock, then writes, as many such stores do.
#[derive(Clone, Default)]
struct ReadsThenWrites(Arc<RwLock<HashMap<[u8; 16], String>>>);

impl ReplayGuard for ReadsThenWrites {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        let before = self.0.read().unwrap().get(mark.id()).cloned();
        if before.is_none() {
            self.0.write().unwrap().insert(*mark.id(), mark.value());
        }
        MarkFuture::ready(mark.seen(before.as_deref().map(str::as_bytes)))
    }
}

#[test]
fn a_guard_that_reads_and_then_writes_fails_in_20_of_20_runs() {
    for run in 1..=20 {
        let guard = ReadsThenWrites::default();
        let fault = guard_suite(|| guard.clone(), |answer| block_on(answer)).expect_err(&format!("run {run}"));
        assert!(fault.to_string().contains("in a race of 16 threads"), "{fault}");
    }
}

/// A guard that keeps no claimant refuses its own retry.
#[test]
fn a_guard_that_does_not_know_its_own_retry_fails() {
    #[derive(Clone, Default)]
    struct Forgetful(Arc<RwLock<HashMap<[u8; 16], ()>>>);
    impl ReplayGuard for Forgetful {
        fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
            let first = self.0.write().unwrap().insert(*mark.id(), ()).is_none();
            MarkFuture::ready(Ok(if first {
                Marked::First
            } else {
                Marked::AlreadyUsed { first_used_at: None, first_claimant: None }
            }))
        }
    }
    let guard = Forgetful::default();
    let fault = guard_suite(|| guard.clone(), |answer| block_on(answer)).unwrap_err();
    assert!(fault.to_string().contains("a retry by the same claimant"), "{fault}");
}

/// Two servers with separate memories are not one guard.
#[test]
fn a_guard_for_each_server_fails() {
    let fault = guard_suite(|| SingleProcessGuard::with_capacity(1_000_000), |answer| block_on(answer)).unwrap_err();
    assert!(fault.to_string().contains("an id was first twice"), "{fault}");
}

/// A mark that is dropped soon after expiry lets a server with a slow clock accept the state again.
#[test]
fn a_guard_that_forgets_before_three_times_the_skew_fails() {
    #[derive(Clone)]
    struct Forgets(Arc<RwLock<HashMap<[u8; 16], String>>>, Duration);
    impl ReplayGuard for Forgets {
        fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
            let mut marks = self.0.write().unwrap();
            if mark.now() >= mark.expires_at() + self.1 {
                marks.remove(mark.id());
            }
            let before = marks.get(mark.id()).cloned();
            marks.entry(*mark.id()).or_insert_with(|| mark.value());
            MarkFuture::ready(mark.seen(before.as_deref().map(str::as_bytes)))
        }
    }
    for after_expiry in [0, 60, 120, 179] {
        let guard = Forgets(Arc::default(), Duration::from_secs(after_expiry));
        let fault = guard_suite(|| guard.clone(), |answer| block_on(answer)).unwrap_err();
        assert!(fault.to_string().contains("after its first use"), "{after_expiry}: {fault}");
    }
    let guard = Forgets(Arc::default(), Duration::from_secs(180));
    assert!(guard_suite(|| guard.clone(), |answer| block_on(answer)).is_ok());
}

/// The log entries of refused callbacks: each says what is wrong.
#[test]
fn a_guard_s_error_says_what_is_wrong() {
    let errors = [
        GuardError::unavailable("x"),
        GuardError::outcome_unknown("x"),
        GuardError::full(),
        GuardError::misconfigured("x"),
    ];
    let said = errors.map(|error| error.to_string());
    for (said, word) in said.iter().zip(["cannot be reached", "did not say", "is full", "misconfigured"]) {
        assert!(said.contains(word), "{said}");
    }
}
