//! A guard over moka, as a user of a concurrent cache would write it: with its one atomic form, and an expiry for each
//! mark.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use moka::Expiry;
use moka::ops::compute::{CompResult, Op};
use moka::sync::Cache;
use oauth_state::guard::{Mark, MarkFuture, Marked};
use oauth_state::{ReplayGuard, SingleProcessGuard, testing};
use serde_json::{Value, json};

use crate::Effort;
use crate::memory::Marks;
use crate::rounds::median;

#[derive(Clone)]
struct MokaGuard(Cache<[u8; 16], Held>);

#[derive(Clone)]
struct Held {
    at: SystemTime,
    claimant: [u8; 8],
    keep_for: Duration,
}

struct ByMark;

impl Expiry<[u8; 16], Held> for ByMark {
    fn expire_after_create(&self, _: &[u8; 16], held: &Held, _: Instant) -> Option<Duration> {
        Some(held.keep_for)
    }
}

impl MokaGuard {
    fn new() -> Self {
        // Unbounded, because a full cache forgets live marks.
        Self(Cache::builder().expire_after(ByMark).build())
    }
}

impl ReplayGuard for MokaGuard {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        let held = Held { at: mark.now(), claimant: *mark.claimant(), keep_for: mark.keep_for() };
        // `or_insert(…).is_fresh()` has two winners under a race; this has one.
        let entry = self.0.entry(*mark.id());
        let marked = match entry.and_compute_with(|entry| if entry.is_some() { Op::Nop } else { Op::Put(held) }) {
            CompResult::Inserted(_) => Marked::First,
            CompResult::Unchanged(entry) if entry.value().claimant == *mark.claimant() => Marked::First,
            CompResult::Unchanged(entry) => {
                let held = entry.into_value();
                Marked::AlreadyUsed { first_used_at: Some(held.at), first_claimant: Some(held.claimant) }
            }
            _ => unreachable!("nothing is removed or replaced"),
        };
        MarkFuture::ready(Ok(marked))
    }
}

const CLAIMS: usize = 100_000;

/// New-id claims per second by so many threads; both guards are called through the trait, with the same marks.
fn claims_per_second(guard: &Arc<dyn ReplayGuard>, batches: &[Vec<Mark>]) -> f64 {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for batch in batches {
            scope.spawn(move || {
                for mark in batch {
                    assert_eq!(testing::block_on(guard.mark_used(mark)).unwrap(), Marked::First);
                }
            });
        }
    });
    batches.iter().map(Vec::len).sum::<usize>() as f64 / start.elapsed().as_secs_f64()
}

/// This crate's guard compared with moka's, from empty to a million marks, with one thread and with two.
pub fn measure(effort: Effort) -> Value {
    let shared = MokaGuard::new();
    testing::guard_suite(|| shared.clone(), |answer| testing::block_on(answer))
        .expect("moka's atomic form passes the suite");
    let (turns, claims) = (effort.rounds.clamp(1, 9), CLAIMS.min(effort.marks / 4));
    let mut marks = Marks::new(SystemTime::now(), 23);
    let ratios = [1, 2].map(|threads| {
        let ours: Arc<dyn ReplayGuard> = Arc::new(SingleProcessGuard::with_capacity(20_000_000));
        let theirs: Arc<dyn ReplayGuard> = Arc::new(MokaGuard::new());
        let turns = (0..turns).map(|turn| {
            let batches: Vec<Vec<Mark>> =
                (0..threads).map(|_| (0..claims / threads).map(|_| marks.next()).collect()).collect();
            // The first in one turn is the second in the next.
            if turn % 2 == 0 {
                let first = claims_per_second(&ours, &batches);
                first / claims_per_second(&theirs, &batches)
            } else {
                let first = claims_per_second(&theirs, &batches);
                claims_per_second(&ours, &batches) / first
            }
        });
        median(turns.collect::<Vec<_>>().into_iter())
    });
    println!(
        "\nSingleProcessGuard compared with moka, claims a second: {:.1} with one thread, {:.1} with two",
        ratios[0], ratios[1]
    );
    json!({ "one": ratios[0], "two": ratios[1] })
}
