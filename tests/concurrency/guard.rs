//! The memory guard, in every order in which threads may claim, purge and advance its clock.

use std::time::{Duration, SystemTime};

use crate::explore::Preemptions::{Any, AtMost};
use crate::explore::explore;
use loom::thread;
use oauth_state::guard::{GuardError, GuardErrorKind, Mark, Marked};
use oauth_state::testing::{block_on, mark};
use oauth_state::{ReplayGuard, SingleProcessGuard};

const NOW: u64 = 1_800_000_000;
/// Past the end of every bucket that may hold a mark of `NOW + 600`.
const AFTER: u64 = NOW + 600 + 128 + 180;
const WEEK: u64 = 7 * 86_400;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A callback at `now` with state number `state`, which expires ten minutes after `begun`. The number's parity chooses the shard.
fn callback(state: u8, claimant: u8, begun: u64, now: u64) -> Mark {
    mark([state; 16], [claimant; 8], at(now), at(begun + 600))
}

fn claim(guard: &SingleProcessGuard, mark: &Mark) -> Result<Marked, GuardError> {
    block_on(guard.mark_used(mark))
}

fn is_first(answer: &Result<Marked, GuardError>) -> bool {
    matches!(answer, Ok(Marked::First))
}

fn kind(answer: &Result<Marked, GuardError>) -> Option<GuardErrorKind> {
    answer.as_ref().err().map(GuardError::kind)
}

/// Each mark in its own thread, the last one in this thread.
fn race<const N: usize>(guard: &SingleProcessGuard, marks: [Mark; N]) -> Vec<Result<Marked, GuardError>> {
    let (last, others) = marks.split_last().expect("a thread at least");
    let threads: Vec<_> = others
        .iter()
        .map(|mark| {
            let (guard, mark) = (guard.clone(), mark.clone());
            thread::spawn(move || claim(&guard, &mark))
        })
        .collect();
    let mine = claim(guard, last);
    let mut answers: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("an answer")).collect();
    answers.push(mine);
    answers
}

/// A guard with room for so many marks besides one existing mark, in the shard of even numbers. Its clock is trusted at
/// `NOW`, which needs two requests a minute apart.
fn settled(room: usize) -> SingleProcessGuard {
    let guard = SingleProcessGuard::with_capacity(room + 1);
    for now in [NOW - 60, NOW] {
        assert!(is_first(&claim(&guard, &callback(254, 1, NOW, now))), "the same claimant again");
    }
    assert_eq!(guard.len(), 1);
    guard
}

/// A link that is opened in three windows at once.
#[test]
fn of_three_claims_for_one_state_one_is_the_first() {
    explore("three claims for one state", Any, || {
        let guard = settled(10);
        let answers = race(&guard, [0, 1, 2].map(|claimant| callback(1, claimant, NOW, NOW)));
        let winner = answers.iter().position(is_first).expect("a first");
        let first_claimant = [u8::try_from(winner).expect("one of three"); 8];
        let used = Marked::AlreadyUsed { first_used_at: Some(at(NOW)), first_claimant: Some(first_claimant) };
        for (position, answer) in answers.iter().enumerate() {
            assert!(position == winner || answer.as_ref().is_ok_and(|answer| *answer == used), "{answers:?}");
        }
        assert_eq!(guard.len(), 2);
    });
}

/// A retry must find that it was the first, even while another thread claims.
#[test]
fn a_retry_of_the_winner_stays_the_first() {
    explore("a retry and another claim", Any, || {
        let guard = settled(10);
        let answers = race(&guard, [1, 1, 2].map(|claimant| callback(1, claimant, NOW, NOW)));
        let firsts: Vec<bool> = answers.iter().map(is_first).collect();
        assert!(firsts == [true, true, false] || firsts == [false, false, true], "{answers:?}");
        assert_eq!(guard.len(), 2);
    });
}

/// More marks than the memory limit allows, or places that can never be used again.
#[test]
fn the_last_places_are_given_once_each_and_come_back() {
    explore("three claims for the last place", AtMost(4), || {
        let guard = settled(1);
        let answers = race(&guard, [1, 2, 3].map(|state| callback(state, 1, NOW, NOW)));
        assert_eq!(answers.iter().filter(|answer| is_first(answer)).count(), 1, "{answers:?}");
        assert!(
            answers.iter().all(|answer| is_first(answer) || kind(answer) == Some(GuardErrorKind::Full)),
            "{answers:?}"
        );
        assert_eq!(guard.len(), 2);
        // After they expire there is room for as many, and no more.
        let later: Vec<_> = (1..=3).map(|state| claim(&guard, &callback(state, 1, AFTER, AFTER))).collect();
        assert_eq!(later.iter().map(is_first).collect::<Vec<_>>(), [true, true, false]);
        assert_eq!((guard.len(), kind(&later[2])), (2, Some(GuardErrorKind::Full)));
    });
}

/// Two callbacks at a full guard whose marks have all expired, in another shard.
#[test]
fn two_threads_that_make_room_at_once_lose_no_place() {
    explore("two purges of everything", Any, || {
        let guard = settled(1);
        assert!(is_first(&claim(&guard, &callback(2, 1, NOW, NOW))), "the guard is full, and the other shard is empty");
        let answers = race(&guard, [1, 3].map(|state| callback(state, 1, AFTER, AFTER)));
        assert!(answers.iter().any(is_first), "{answers:?}");
        // While one thread makes room, the other may find none; a second later there is room.
        assert!(
            answers.iter().all(|answer| is_first(answer) || kind(answer) == Some(GuardErrorKind::Full)),
            "{answers:?}"
        );
        for state in [1, 3] {
            assert!(is_first(&claim(&guard, &callback(state, 1, AFTER, AFTER + 1))));
        }
        assert_eq!(guard.len(), 2);
    });
}

/// A bucket is dropped while a used state is replayed, by servers whose clocks differ.
#[test]
fn a_used_state_is_never_the_first_again_while_its_bucket_is_dropped() {
    explore("a purge and two replays", Any, || {
        let guard = settled(10);
        assert!(is_first(&claim(&guard, &callback(1, 1, NOW, NOW))));
        let marks = [callback(3, 1, AFTER, AFTER), callback(1, 2, NOW, NOW + 5), callback(1, 3, NOW, NOW + 6)];
        let answers = race(&guard, marks);
        assert!(is_first(&answers[0]));
        for replay in &answers[1..] {
            let dropped = kind(replay) == Some(GuardErrorKind::Unavailable);
            assert!(dropped || matches!(replay, Ok(Marked::AlreadyUsed { .. })), "{answers:?}");
        }
        // The mark of `settled` is in the shard that no claim used.
        assert_eq!(guard.len(), 2);
    });
}

/// The same for a state that is used while its bucket is dropped.
#[test]
fn a_state_is_the_first_once_while_buckets_are_dropped() {
    explore("a purge and two claims", Any, || {
        let guard = settled(10);
        let marks = [callback(3, 1, AFTER, AFTER), callback(1, 2, NOW, NOW + 5), callback(1, 3, NOW, NOW + 6)];
        let answers = race(&guard, marks);
        let firsts = answers[1..].iter().filter(|answer| is_first(answer)).count();
        assert!(firsts <= 1, "{answers:?}");
        let again = claim(&guard, &callback(1, 4, NOW, NOW + 7));
        assert!(firsts + usize::from(is_first(&again)) <= 1, "{answers:?}, then {again:?}");
    });
}

/// A full guard drops expired marks in every shard, even in one where a used state is replayed.
#[test]
fn a_full_guard_that_makes_room_forgets_nothing_that_it_may_be_asked_for() {
    explore("a purge of everything and two replays", AtMost(5), || {
        let guard = settled(1);
        assert!(is_first(&claim(&guard, &callback(1, 1, NOW, NOW))));
        // In the even shard, the mark of `settled` already makes room; so two of them.
        let marks = [callback(2, 1, AFTER, AFTER), callback(4, 1, AFTER, AFTER), callback(1, 2, NOW, NOW + 5)];
        let answers = race(&guard, marks);
        assert!(!is_first(&answers[2]), "{answers:?}");
        let again = claim(&guard, &callback(1, 3, NOW, NOW + 6));
        assert!(!is_first(&again), "{answers:?}, then {again:?}");
        assert!(guard.len() <= 2);
    });
}

/// A clock that leaps for a moment must not empty the guard: every login in progress would be refused.
#[test]
fn a_leap_that_does_not_last_drops_nothing() {
    explore("two requests of next week", AtMost(5), || {
        let guard = settled(10);
        assert!(is_first(&claim(&guard, &callback(1, 1, NOW, NOW))));
        let week = NOW + WEEK;
        let marks = [callback(3, 1, week, week), callback(5, 1, week, week + 59), callback(1, 2, NOW, NOW + 1)];
        let answers = race(&guard, marks);
        assert!(matches!(answers[2], Ok(Marked::AlreadyUsed { .. })), "{answers:?}");
        let again = claim(&guard, &callback(1, 3, NOW, NOW + 2));
        assert!(matches!(again, Ok(Marked::AlreadyUsed { .. })), "{again:?}");
        assert_eq!(guard.len(), 4);
    });
}
