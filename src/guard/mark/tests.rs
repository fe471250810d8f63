use super::*;
use crate::guard::GuardErrorKind;
use proptest::prelude::*;

fn mark(claimant: [u8; 8], now: u64) -> Mark {
    Mark::new([1; 16], claimant, now, Sealed { issued_at: 1_800_000_000, expires_at: 1_800_000_600 }, 60)
}

#[test]
fn a_value_has_the_claimant_and_the_time() {
    let (first, other) = (mark([1; 8], 1_800_000_005), mark([2; 8], 1_800_000_009));
    let stored = first.value();
    assert_eq!(first.seen(Some(stored.as_bytes())).unwrap(), Marked::First);
    let first_used_at = Some(from_unix_seconds(1_800_000_005));
    assert_eq!(
        other.seen(Some(stored.as_bytes())).unwrap(),
        Marked::AlreadyUsed { first_used_at, first_claimant: Some([1; 8]) }
    );
}

/// The winner's key may expire between an old server's `SET NX` and `GET`: then nil is no first use.
#[test]
fn nothing_there_after_an_insert_is_an_unknown_outcome() {
    let error = mark([1; 8], 1_800_000_000).seen_after_insert(None).unwrap_err();
    assert_eq!(error.kind(), GuardErrorKind::OutcomeUnknown);
}

#[test]
fn a_claim_is_refused_from_the_second_on_in_which_its_mark_may_be_gone() {
    assert!(mark([1; 8], 1_800_000_779).refuse_if_over().is_ok());
    assert_eq!(mark([1; 8], 1_800_000_780).refuse_if_over().unwrap_err().kind(), GuardErrorKind::Unavailable);
}

/// A past absolute time, or a time to live of zero, stores nothing and lets a state in twice.
#[test]
fn a_mark_is_kept_until_expiry_and_three_times_the_skew_and_for_a_second_at_least() {
    assert_eq!(mark([1; 8], 1_800_000_000).keep_for().as_secs(), 780);
    assert_eq!(mark([1; 8], 1_800_000_779).keep_for().as_secs(), 1);
    assert_eq!(mark([1; 8], u64::MAX).keep_for().as_secs(), 1);
}

proptest! {
    #[test]
    fn no_value_in_a_store_panics_or_passes_for_first(stored: Vec<u8>) {
        match mark([1; 8], 1_800_000_000).seen(Some(&stored)) {
            Ok(marked) => prop_assert!(marked != Marked::First),
            Err(error) => prop_assert_eq!(error.kind(), GuardErrorKind::Misconfigured),
        }
    }
}
