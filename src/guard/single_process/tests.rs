use super::*;
use crate::guard::{GuardErrorKind, Sealed};
use std::collections::HashMap;

const NOW: u64 = 1_800_000_000;

fn id(number: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    id[8..].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    id
}

fn mark(number: u64, claimant: u8, now: u64, expires_at: u64) -> Mark {
    Mark::new(id(number), [claimant; 8], now, Sealed { issued_at: now, expires_at }, 60)
}

/// The answer for claimant 1, the first in most tests.
fn used_at(seconds: u64) -> Marked {
    used_by(1, seconds)
}

fn used_by(claimant: u8, seconds: u64) -> Marked {
    Marked::AlreadyUsed { first_used_at: Some(from_unix_seconds(seconds)), first_claimant: Some([claimant; 8]) }
}

#[test]
fn the_time_of_first_use_comes_back_exactly() {
    let guard = SingleProcessGuard::with_capacity(10);
    for (number, now) in [(1, NOW), (2, NOW + 3600), (3, NOW + 659)] {
        let expires_at = NOW + 3600;
        assert_eq!(guard.answer(&mark(number, 1, now, expires_at)).unwrap(), Marked::First);
        assert_eq!(guard.answer(&mark(number, 2, now + 1, expires_at)).unwrap(), used_at(now));
    }
}

/// If a bucket were chosen by anything but the sealed expiry, a change of the skew would let a state in twice.
#[test]
fn a_change_of_the_skew_between_two_callbacks_lets_nothing_in_twice() {
    let guard = SingleProcessGuard::with_capacity(10);
    let sealed = Sealed { issued_at: NOW, expires_at: NOW + 600 };
    let first = Mark::new(id(1), [1; 8], NOW, sealed, 60);
    let second = Mark::new(id(1), [2; 8], NOW, sealed, 900);
    assert_eq!(guard.answer(&first).unwrap(), Marked::First);
    assert_eq!(guard.answer(&second).unwrap(), used_at(NOW));
}

#[test]
fn a_mark_is_never_forgotten_early_and_dropped_soon_after() {
    let guard = SingleProcessGuard::with_capacity(1000);
    let expires_at = NOW + 600;
    assert_eq!(guard.answer(&mark(1, 1, NOW, expires_at)).unwrap(), Marked::First);
    for now in NOW..expires_at + 180 {
        assert_eq!(guard.answer(&mark(1, 2, now, expires_at)).unwrap(), used_at(NOW));
    }
    let late = guard.answer(&mark(1, 2, expires_at + 180, expires_at)).unwrap_err();
    assert_eq!(late.kind(), GuardErrorKind::Unavailable);
    // Another login in each shard, past the bucket's end, drops it.
    (0..SHARDS as u64).for_each(|number| {
        let mut other = mark(number + 100, 1, expires_at + 400, expires_at + 1000);
        other.id[15] = number as u8;
        guard.answer(&other).unwrap();
    });
    assert_eq!(guard.len(), SHARDS);
}

/// A clock that ran ahead and came back: the dropped marks are forgotten, so no state among them may be called first.
#[test]
fn a_claim_for_a_dropped_bucket_is_an_error() {
    let guard = SingleProcessGuard::with_capacity(1000);
    // Two callbacks a minute apart, so that the clock is trusted.
    let mut earlier = mark(7, 1, NOW - 60, NOW + 600);
    earlier.id[15] = 9;
    guard.answer(&earlier).unwrap();
    let one = mark(1, 1, NOW, NOW + 600);
    assert_eq!(guard.answer(&one).unwrap(), Marked::First);
    // Same shard, an hour ahead: trusted, so the first bucket is dropped.
    let mut ahead = mark(2, 1, NOW + 3500, NOW + 4100);
    ahead.id[15] = one.id[15];
    guard.answer(&ahead).unwrap();
    assert_eq!(guard.len(), 2, "the one in the other shard, and the one ahead");
    let replayed = guard.answer(&mark(1, 9, NOW + 5, NOW + 600)).unwrap_err();
    assert_eq!(replayed.kind(), GuardErrorKind::Unavailable);
}

/// Dropping one bucket says nothing about the next: the states in it are alive.
#[test]
fn the_bucket_after_a_dropped_one_still_takes_marks() {
    let guard = SingleProcessGuard::with_capacity(100);
    let end = (NOW / BUCKET_SECONDS + 5) * BUCKET_SECONDS;
    let in_one_shard = |number: u64, claimant: u8, now: u64, expires_at: u64| {
        let mut mark = mark(number, claimant, now, expires_at);
        mark.id[15] = 9;
        guard.answer(&mark)
    };
    // Two a minute apart, so that the clock is trusted.
    in_one_shard(1, 1, end - 660, end - 1).unwrap();
    in_one_shard(2, 1, end - 600, end - 1).unwrap();
    let dropped_at = end + 180;
    assert_eq!(in_one_shard(3, 1, dropped_at, end + BUCKET_SECONDS - 1).unwrap(), Marked::First);
    assert_eq!(guard.len(), 1, "the first bucket is gone");
    assert_eq!(in_one_shard(3, 2, dropped_at, end + BUCKET_SECONDS - 1).unwrap(), used_at(dropped_at));
}

/// Buckets are sorted by end time, whichever came first; otherwise an expired one waits behind a live one.
#[test]
fn the_bucket_that_ends_first_is_dropped_first() {
    let guard = SingleProcessGuard::with_capacity(100);
    let asked = |number: u64, now: u64, expires_at: u64| {
        let mut mark = mark(number, 1, now, expires_at);
        mark.id[15] = 9;
        guard.answer(&mark).unwrap()
    };
    asked(1, NOW - 60, NOW + 600);
    asked(2, NOW, NOW + 3_000);
    asked(3, NOW, NOW + 600);
    assert_eq!(guard.len(), 3);
    asked(4, NOW + 1_200, NOW + 3_000);
    assert_eq!(guard.len(), 2, "two were over, and two are not");
}

/// A bucket that is searched in the wrong place would be created again, without its marks.
#[test]
fn marks_of_many_expiries_are_found_in_whatever_order_they_come() {
    let guard = SingleProcessGuard::with_capacity(100);
    let asked = |expiry: u64, claimant: u8| {
        let mut mark = mark(expiry, claimant, NOW, NOW + 600 + expiry * BUCKET_SECONDS);
        mark.id[15] = 9;
        guard.answer(&mark).unwrap()
    };
    for expiry in [9, 3, 14, 1, 5, 12, 2, 7] {
        assert_eq!(asked(expiry, 1), Marked::First);
        assert_eq!(asked(expiry, 2), used_at(NOW), "{expiry}");
    }
    for expiry in [5, 14, 9, 1, 7, 3, 2, 12] {
        assert_eq!(asked(expiry, 3), used_at(NOW), "{expiry}");
    }
}

#[test]
fn a_guard_is_empty_until_its_first_mark() {
    let guard = SingleProcessGuard::with_capacity(10);
    assert!(guard.is_empty());
    guard.answer(&mark(1, 1, NOW, NOW + 600)).unwrap();
    assert!(!guard.is_empty());
}

#[test]
fn a_full_guard_stays_closed_and_still_knows_what_it_holds() {
    let guard = SingleProcessGuard::with_capacity(100);
    for number in 0..100 {
        assert_eq!(guard.answer(&mark(number, 1, NOW, NOW + 600)).unwrap(), Marked::First);
    }
    for number in 100..300 {
        assert_eq!(guard.answer(&mark(number, 1, NOW, NOW + 600)).unwrap_err().kind(), GuardErrorKind::Full);
    }
    for number in 0..100 {
        assert_eq!(guard.answer(&mark(number, 2, NOW + 1, NOW + 600)).unwrap(), used_at(NOW));
        assert_eq!(guard.answer(&mark(number, 1, NOW + 1, NOW + 600)).unwrap(), Marked::First);
    }
    assert_eq!(guard.len(), 100);
    // Once the marks are over, there is room again.
    for number in 500..600 {
        assert_eq!(guard.answer(&mark(number, 1, NOW + 1000, NOW + 1600)).unwrap(), Marked::First);
    }
    assert_eq!(guard.len(), 100);
}

#[test]
fn it_agrees_with_a_plain_map_over_many_marks() {
    let guard = SingleProcessGuard::with_capacity(100_000);
    let mut model = HashMap::new();
    let mut random = 7_u64;
    for step in 0..50_000_u64 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (number, claimant) = ((random >> 33) % 20_000, (random >> 60) as u8);
        let expires_at = NOW + 600 + number % 1000;
        let now = NOW + step / 100;
        let first = model.entry(number).or_insert((claimant, now));
        let expected = if first.0 == claimant { Marked::First } else { used_by(first.0, first.1) };
        assert_eq!(guard.answer(&mark(number, claimant, now, expires_at)).unwrap(), expected, "step {step}");
    }
    assert_eq!(guard.len(), model.len());
}

/// The documented memory use: a slot takes 22 bytes, and tables are at least 61 % full once they have grown past their first few slots.
#[test]
fn tables_are_never_less_than_six_tenths_full() {
    let mut bucket = Bucket::new(NOW / BUCKET_SECONDS, 0x0123_4567_89ab_cdef);
    for number in 0..10_000 {
        bucket.claim(&mark(number, 1, NOW, NOW + 60), || true);
        assert!(
            bucket.len() < 100 || bucket.bytes() <= bucket.len() * 36,
            "{} marks, {} bytes",
            bucket.len(),
            bucket.bytes()
        );
    }
}

/// A flood against a full guard must not close buckets that are still empty.
#[test]
fn a_full_guard_answers_full_in_every_shard_and_opens_again() {
    let guard = SingleProcessGuard::with_capacity(1);
    let in_shard = |number: u64, shard: u8, now: u64| {
        let mut mark = mark(number, 1, now, now + 600);
        mark.id[15] = shard;
        mark
    };
    assert_eq!(guard.answer(&in_shard(1, 0, NOW)).unwrap(), Marked::First);
    for round in 0..3 {
        for shard in 0..SHARDS as u8 {
            let refused = guard.answer(&in_shard(100 + u64::from(shard), shard, NOW + round)).unwrap_err();
            assert_eq!(refused.kind(), GuardErrorKind::Full, "shard {shard}");
        }
    }
    // Once the one mark has expired, every shard accepts marks, in the same bucket and in later ones.
    let later = NOW + 600 + 180 + BUCKET_SECONDS;
    assert_eq!(guard.answer(&in_shard(2, 5, later)).unwrap(), Marked::First);
}

/// With little skew, the first mark of a bucket expires long before the last state that belongs to it.
#[test]
fn a_bucket_outlives_the_last_state_that_belongs_into_it() {
    let guard = SingleProcessGuard::with_capacity(100);
    let start = (NOW / BUCKET_SECONDS + 10) * BUCKET_SECONDS;
    let with = |number: u64, claimant: u8, now: u64, expires_at: u64| {
        let mut mark = Mark::new(id(number), [claimant; 8], now, Sealed { issued_at: now, expires_at }, 0);
        mark.id[15] = 0;
        mark
    };
    guard.answer(&with(9, 1, start - 200, start + 1000)).unwrap();
    assert_eq!(guard.answer(&with(1, 1, start - 100, start)).unwrap(), Marked::First);
    assert_eq!(guard.answer(&with(2, 1, start + 1, start + 100)).unwrap(), Marked::First);
    assert_eq!(guard.answer(&with(2, 2, start + 99, start + 100)).unwrap(), used_at(start + 1));
}

#[test]
fn a_state_begun_before_the_start_is_refused_where_that_was_asked() {
    let guard = SingleProcessGuard::with_capacity(100).refuse_states_begun_until(from_unix_seconds(NOW));
    let begun_at = |issued_at: u64, lifetime: u64| {
        let sealed = Sealed { issued_at, expires_at: issued_at + lifetime };
        guard.answer(&Mark::new(id(issued_at), [1; 8], NOW + 5, sealed, 60)).unwrap()
    };
    // Whatever lifetime the earlier run gave it.
    assert_eq!(begun_at(NOW, 3600), Marked::AlreadyUsed { first_used_at: None, first_claimant: None });
    assert_eq!(begun_at(NOW - 100, 600), Marked::AlreadyUsed { first_used_at: None, first_claimant: None });
    assert_eq!(begun_at(NOW + 1, 600), Marked::First);
}

/// An attacker who starts logins and sends made-up codes fills the guard, and then every user is refused. The recommended capacity holds 200
/// a second at the longest lifetime, for as long as it goes on.
#[test]
fn a_million_marks_hold_a_flood_of_two_hours_at_the_longest_lifetime() {
    let guard = SingleProcessGuard::with_capacity(1_000_000);
    let (mut number, mut most) = (0, 0);
    for second in 0..7_200 {
        let now = NOW + second;
        // The last one of each second is an honest user's.
        for _ in 0..=200 {
            number += 1;
            let answer = guard.answer(&mark(number, 1, now, now + 3_600));
            assert_eq!(answer.unwrap(), Marked::First, "after {second} s, at {} marks", guard.len());
        }
        most = most.max(guard.len());
    }
    assert!((700_000..=guard.capacity()).contains(&most), "{most} marks at most");
}

#[test]
fn the_observers_are_told_once_a_second_how_full_it_is() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let observer = {
        let told = Arc::clone(&told);
        move |event: &Event<'_>| {
            if let Event::MarksHeld { marks, capacity, .. } = event {
                told.lock().unwrap().push((*marks, *capacity));
            }
        }
    };
    let guard = SingleProcessGuard::with_capacity(10).observers(Observers::default().and(observer));
    for (number, second) in [(1, 0), (2, 0), (3, 0), (4, 1)] {
        guard.answer(&mark(number, 1, NOW + second, NOW + 600)).unwrap();
    }
    assert_eq!(*told.lock().unwrap(), [(0, 10), (4, 10)]);
}
