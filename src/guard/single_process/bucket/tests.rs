use super::*;
use std::collections::HashSet;

const SLOTS: usize = 1_000;
const SPREADS: [u64; 6] = [0, 1, 2, u64::MAX, 0xffff_ffff_0000_ffff, 0x0123_4567_89ab_cdef];

/// Ids are random, and so are these.
fn place(number: u64, spread: u64) -> usize {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    Id((mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb), 0).place_among(SLOTS, spread)
}

/// Ids that crowd together make every look-up pass all of them.
#[test]
fn ids_are_spread_over_the_table_whatever_the_secret_number() {
    for spread in SPREADS {
        let places: HashSet<_> = (1..=1_000).map(|number| place(number, spread)).collect();
        assert!(places.iter().all(|place| *place < SLOTS));
        assert!(places.len() > 500, "{spread:x}: {} places for 1,000 ids", places.len());
    }
}

/// An attacker who has found colliding ids for one process has found nothing for the next.
#[test]
fn ids_that_crowd_under_one_secret_number_do_not_under_another() {
    let crowded: Vec<u64> = (0..100_000).filter(|number| place(*number, 7) < 10).collect();
    assert!(crowded.len() > 500);
    for spread in SPREADS {
        let still = crowded.iter().filter(|number| place(**number, spread) < 10).count();
        assert!(still < crowded.len() / 10, "{spread:x}: {still} of {}", crowded.len());
    }
}
