//! The memory guard against a model: a map that never forgets.
//!
//! It finds an id that is first twice, a mark that is forgotten while its state could come again (a clock that leaps, a
//! table that grows), a mark beyond the capacity, and a stored value that passes for the first use.
//!
//! The input: a byte for the capacity, then steps of four bytes each: the id, the claimant, and the clock's movement.

#![no_main]

use std::collections::HashMap;
use std::time::{Duration, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use oauth_state::guard::{GuardErrorKind, Marked};
use oauth_state::{ReplayGuard, SingleProcessGuard, testing};
use oauth_state_fuzz::{Bytes, NOW};

/// Expiry plus three times the skew of 60 s: how long a mark is kept.
const GRACE: u64 = 180;

struct First {
    claimant: [u8; 8],
    at: u64,
}

fn id(number: u8) -> [u8; 16] {
    // Many ids in one shard, and some in others.
    let mut id = [number; 16];
    id[15] = number & 1;
    id
}

/// The sealed expiry of an id, which never changes.
fn expires_at(number: u8) -> u64 {
    NOW + 600 + u64::from(number % 16) * 60
}

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    let capacity = usize::from(bytes.byte());
    let guard = SingleProcessGuard::with_capacity(capacity);
    let (mut model, mut now, mut latest) = (HashMap::new(), NOW, NOW);
    while !bytes.is_empty() {
        let (number, claimant, leap) = (bytes.byte(), [bytes.byte() % 4; 8], bytes.short());
        // Mostly a little, sometimes by hours, and backwards.
        now = match leap >> 14 {
            0 | 1 => now + u64::from(leap & 63),
            2 => now + u64::from(leap & 0x3fff),
            _ => now.saturating_sub(u64::from(leap & 0x3fff)),
        };
        latest = latest.max(now);
        let (id, expires_at) = (id(number), expires_at(number));
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let mark = testing::mark(id, claimant, at(now), at(expires_at));
        let answer = testing::block_on(guard.mark_used(&mark));
        let over = now >= expires_at + GRACE;
        match (answer, model.get(&id)) {
            (Ok(_), _) if over => panic!("an answer after the mark may be gone"),
            (Ok(Marked::First), None) => {
                model.insert(id, First { claimant, at: now });
            }
            (Ok(Marked::First), Some(First { claimant: winner, .. })) => assert_eq!(*winner, claimant, "first twice"),
            (Ok(Marked::AlreadyUsed { .. }), None) => panic!("an honest login is refused"),
            (Ok(Marked::AlreadyUsed { first_used_at, first_claimant }), Some(first)) => {
                assert!(first.claimant != claimant && first_claimant == Some(first.claimant));
                // A time is stored as two bytes before the expiry.
                if first.at + 8000 > expires_at {
                    assert_eq!(first_used_at, Some(at(first.at)));
                }
            }
            (Err(refused), known) => match refused.kind() {
                GuardErrorKind::Full => assert!(known.is_none() && model.len() >= capacity, "full with places left"),
                // Only if the clock has been past the end of the mark.
                GuardErrorKind::Unavailable => assert!(over || latest >= expires_at + GRACE, "unavailable in time"),
                other => panic!("{other:?}"),
            },
        }
        assert!(guard.len() <= capacity && guard.len() <= model.len());
        let foreign = [number, claimant[0], bytes.0.first().copied().unwrap_or(0)];
        assert!(!matches!(mark.seen(Some(&foreign)), Ok(Marked::First)), "a foreign value passes for this claimant's");
        assert!(matches!(mark.seen(Some(mark.value().as_bytes())), Ok(Marked::First)));
    }
});
