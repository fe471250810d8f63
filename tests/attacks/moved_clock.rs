//! A clock that jumps forwards or back (RFC 7519 sections 4.1.4 and 4.1.6 on times and leeway; RFC 8446 section 8.3 on
//! clocks and replays).
//!
//! Without the limits, a leaked state works for ever, and a used one works again once the guard has forgotten it.

use oauth_state::error::FinishErrorKind;
use oauth_state::guard::{Mark, MarkFuture, Marked};
use oauth_state::ring::{KeyRingDocument, RingTiming};
use oauth_state::testing::{ManualClock, block_on, mark, ring};
use oauth_state::{Clock, Expect, Flow, LiveKeyRing, Login, Provider, ReplayGuard, SingleProcessGuard};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::shop::{NOW, app, callback, outcome, session, shop};

#[test]
fn a_state_lives_from_issue_minus_skew_to_expiry_plus_skew() {
    let shop = shop();
    let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
    let at = |now: u64| {
        shop.clock.set(now);
        let checked = shop.flow.check(session(), Expect::provider("github"), callback(&begun.state));
        checked.err().map(|error| error.kind())
    };
    assert_eq!(at(NOW - 61), Some(FinishErrorKind::IssuedInFuture));
    assert_eq!(at(NOW - 60), None);
    assert_eq!(at(NOW + 659), None);
    assert_eq!(at(NOW + 660), Some(FinishErrorKind::Expired));
    assert_eq!(at(0), Some(FinishErrorKind::IssuedInFuture));
    assert_eq!(at(u64::from(u32::MAX) * 2), Some(FinishErrorKind::Expired));
    assert_eq!(shop.guard.calls(), 0);
}

#[test]
fn a_clock_beyond_the_format_begins_nothing() {
    let shop = shop();
    shop.clock.set(u64::from(u32::MAX) + 1);
    let refused = shop.flow.begin(session(), Login::with("github")).unwrap_err();
    assert!(matches!(refused, oauth_state::BeginError::Clock));
}

/// A checked callback that is held back, or a machine that sleeps, must not finish a login after its time.
#[test]
fn a_callback_that_was_checked_in_time_and_marked_too_late_is_expired() {
    let shop = shop();
    let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
    let check = || shop.flow.check(session(), Expect::provider("github"), callback(&begun.state)).unwrap();
    let (in_time, too_late) = (check(), check());
    shop.clock.advance(Duration::from_secs(659));
    assert!(block_on(in_time.mark_used()).is_ok());
    shop.clock.advance(Duration::from_secs(1));
    assert_eq!(block_on(too_late.mark_used()).unwrap_err().code(), "expired");
    assert_eq!(shop.guard.calls(), 1);
}

/// A guard that answers after the login has expired: a store that hung, or a machine that slept during the call.
#[derive(Clone)]
struct SleepyGuard(SingleProcessGuard, ManualClock, Duration);

impl ReplayGuard for SleepyGuard {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        self.1.advance(self.2);
        self.0.mark_used(mark)
    }
}

#[test]
fn a_guard_that_answers_too_late_lets_no_expired_login_in() {
    for (asleep, expected) in [(659, "passed"), (660, "expired"), (8 * 3600, "expired")] {
        let clock = ManualClock::at(NOW);
        let guard = SleepyGuard(SingleProcessGuard::with_capacity(10), clock.clone(), Duration::from_secs(asleep));
        let flow = Flow::builder(app(), ring(), guard).clock(clock).provider(Provider::github()).build().unwrap();
        let begun = flow.begin(session(), Login::with("github")).unwrap();
        let finished = block_on(flow.finish(session(), Expect::provider("github"), callback(&begun.state)));
        assert_eq!(outcome(finished), expected, "after {asleep} s");
    }
}

/// The clock runs on until the guard drops the mark, and is then set back: the state is alive again, and the guard no
/// longer knows it.
#[test]
fn a_clock_that_is_set_back_does_not_make_a_used_state_new() {
    let shop = shop();
    let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
    let finish =
        |state: &str| outcome(block_on(shop.flow.finish(session(), Expect::provider("github"), callback(state))));
    assert_eq!(finish(&begun.state), "passed");
    // Other logins continue, one each minute, for three hours.
    for _ in 0..180 {
        shop.clock.advance(Duration::from_secs(60));
        let other = shop.flow.begin(session(), Login::with("github")).unwrap();
        assert_eq!(finish(&other.state), "passed");
    }
    shop.clock.set(NOW + 10);
    let again = finish(&begun.state);
    assert!(["already_used", "guard_unavailable"].contains(&again), "{again}");
}

/// A clock that leaps into next week and back must not cost the marks of live states.
#[test]
fn a_clock_that_leaps_and_comes_back_does_not_empty_the_guard() {
    let guard = SingleProcessGuard::with_capacity(100);
    let at = |seconds: u64| UNIX_EPOCH + Duration::from_secs(seconds);
    let marked = |id: u8, claimant: u8, now: u64| {
        let mark = mark([id; 16], [claimant; 8], at(now), at(now + 600));
        block_on(guard.mark_used(&mark)).unwrap()
    };
    assert_eq!(marked(1, 1, NOW), Marked::First);
    assert_eq!(marked(2, 2, NOW + 7 * 86_400), Marked::First);
    assert!(matches!(marked(1, 3, NOW), Marked::AlreadyUsed { .. }));
}

/// Marks outlive their states by three times the maximum difference of the servers' clocks, so no server accepts a used
/// state.
#[test]
fn servers_whose_clocks_differ_agree_on_what_is_used() {
    for (first, second) in [(NOW, NOW + 120), (NOW + 120, NOW), (NOW - 60, NOW + 659), (NOW + 659, NOW - 60)] {
        let shop = shop();
        let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
        let finish = |now: u64| {
            shop.clock.set(now);
            outcome(block_on(shop.flow.finish(session(), Expect::provider("github"), callback(&begun.state))))
        };
        assert_eq!(finish(first), "passed", "{first}");
        assert_eq!(finish(second), "already_used", "{second}");
    }
}

/// Keeps each mark exactly as long as requested, as a shared store does.
#[derive(Clone)]
struct ExactGuard(Arc<Mutex<HashMap<[u8; 16], SystemTime>>>, ManualClock);

impl ReplayGuard for ExactGuard {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        let (mut marks, now) = (self.0.lock().unwrap(), self.1.now());
        marks.retain(|_, end| *end > now);
        let answer = if marks.contains_key(mark.id()) {
            Marked::AlreadyUsed { first_used_at: None, first_claimant: None }
        } else {
            marks.insert(*mark.id(), now + mark.keep_for());
            Marked::First
        };
        MarkFuture::ready(Ok(answer))
    }
}

fn finish(flow: &Flow, state: &str) -> &'static str {
    match flow.check(session(), Expect::provider("github"), callback(state)) {
        Ok(bound) => block_on(bound.mark_used()).map_or_else(|error| error.code(), |_| "finished"),
        Err(error) => error.code(),
    }
}

/// The skew changes like a clock: documents raise it while there are marks that end by the old one.
#[test]
fn a_used_state_is_not_new_again_under_a_larger_skew() {
    for skews in [
        &[60, 300][..],
        &[60, 900],
        &[60, 121],
        &[60, 120, 240, 300],
        &[0, 1],
        &[0, 60],
        &[1, 2, 4, 8, 16],
        &[450, 900],
    ] {
        let clock = ManualClock::at(NOW);
        let now = UNIX_EPOCH + Duration::from_secs(NOW);
        let timing = RingTiming { skew: Duration::from_secs(skews[0]), ..RingTiming::default() };
        let document = KeyRingDocument::first(timing, now).unwrap();
        let guard = ExactGuard(Arc::default(), clock.clone());
        let server = || {
            let keys = LiveKeyRing::from(document.ring().clone());
            let builder = Flow::builder(app(), keys.clone(), guard.clone()).provider(Provider::github());
            (builder.clock(clock.clone()).build().unwrap(), keys)
        };
        let ((flow, _), (other, keys)) = (server(), server());
        let state = flow.begin(session(), Login::with("github")).unwrap().state;
        assert_eq!(finish(&flow, &state), "finished");
        for (skew, serial) in skews[1..].iter().zip(2..) {
            let text = document.to_secret_text().expose().to_owned();
            let text = text.replace(&format!("\"skew\": {}", skews[0]), &format!("\"skew\": {skew}"));
            let _ = keys.offer(&text.replace("\"serial\": 1", &format!("\"serial\": {serial}")).into(), now);
        }
        for seconds in (NOW + 590)..(NOW + 600 + 3 * 900) {
            clock.set(seconds);
            assert!(matches!(finish(&other, &state), "already_used" | "expired"), "{skews:?}, {} s", seconds - NOW);
        }
    }
}
