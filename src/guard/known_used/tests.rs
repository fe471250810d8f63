use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::guard::{GuardError, Sealed, SingleProcessGuard};

const NOW: u64 = 1_800_000_000;

/// Counts the round trips to a guard on the network.
struct Counting {
    guard: SingleProcessGuard,
    asked: AtomicUsize,
    knows_claimants: bool,
}

impl ReplayGuard for Counting {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        MarkFuture::new(async move {
            Ok(match self.guard.mark_used(mark).await? {
                Marked::AlreadyUsed { first_used_at, .. } if !self.knows_claimants => {
                    Marked::AlreadyUsed { first_used_at, first_claimant: None }
                }
                marked => marked,
            })
        })
    }
}

fn cache(ids: u64, knows_claimants: bool) -> KnownUsedCache<Counting> {
    let guard = SingleProcessGuard::with_capacity(1_000);
    KnownUsedCache::new(Counting { guard, asked: AtomicUsize::new(0), knows_claimants }, ids)
}

fn ask(cache: &KnownUsedCache<Counting>, id: u8, claimant: u8) -> Result<Marked, GuardError> {
    let mark = Mark::new([id; 16], [claimant; 8], NOW, Sealed { issued_at: NOW, expires_at: NOW + 600 }, 60);
    crate::testing::block_on(cache.mark_used(&mark))
}

fn asked(cache: &KnownUsedCache<Counting>) -> usize {
    cache.guard().asked.load(Ordering::SeqCst)
}

#[test]
fn a_hammered_duplicate_costs_no_round_trip() {
    let cache = cache(100, true);
    let shown = format!("{:?}", KnownUsedCache::new(SingleProcessGuard::with_capacity(10), 1));
    assert!(shown.starts_with("KnownUsedCache { guard: SingleProcessGuard"), "{shown}");
    assert_eq!(ask(&cache, 1, 1).unwrap(), Marked::First);
    for claimant in 2..200 {
        assert!(
            matches!(ask(&cache, 1, claimant).unwrap(), Marked::AlreadyUsed { first_claimant: Some(first), .. } if first == [1; 8])
        );
    }
    assert_eq!(asked(&cache), 1);
}

/// The first user lost its answer, and another call filled the cache in the meantime.
#[test]
fn the_first_user_s_own_retry_still_reaches_the_guard() {
    let cache = cache(100, true);
    let mark = Mark::new([1; 16], [1; 8], NOW, Sealed { issued_at: NOW, expires_at: NOW + 600 }, 60);
    // On another server.
    crate::testing::block_on(cache.guard().guard.mark_used(&mark)).unwrap();
    assert_ne!(ask(&cache, 1, 2).unwrap(), Marked::First);
    assert_eq!(ask(&cache, 1, 1).unwrap(), Marked::First);
    assert_eq!(asked(&cache), 2);
}

#[test]
fn ids_without_a_known_claimant_are_not_cached() {
    let cache = cache(100, false);
    let mark = Mark::new([1; 16], [1; 8], NOW, Sealed { issued_at: NOW, expires_at: NOW + 600 }, 60);
    crate::testing::block_on(cache.guard().guard.mark_used(&mark)).unwrap();
    for claimant in 2..5 {
        assert_ne!(ask(&cache, 1, claimant).unwrap(), Marked::First);
    }
    assert_eq!(ask(&cache, 1, 1).unwrap(), Marked::First);
    assert_eq!(asked(&cache), 4);
}

/// Forgetting costs a round trip and nothing else, however an attacker warms it.
#[test]
fn the_guard_still_knows_forgotten_ids() {
    let cache = cache(2, true);
    for id in 1..=50 {
        assert_eq!(ask(&cache, id, 1).unwrap(), Marked::First);
    }
    cache.known.run_pending_tasks();
    assert!(cache.known.entry_count() <= 2);
    for id in 1..=50 {
        assert_ne!(ask(&cache, id, 2).unwrap(), Marked::First);
    }
}
