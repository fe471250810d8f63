use super::*;
use crate::ring::key::RootKey;
use crate::ring::key::ring::Timing;

const TIMING: Timing = Timing { propagation: 300, skew: 60, lifetime_cap: 600 };
/// propagation + lifetime_cap + 2·skew.
const GRACE: u64 = 1020;

fn key(seal_from: u64) -> RingKey {
    let root = RootKey::generate().unwrap();
    let published_at = seal_from.saturating_sub(300);
    RingKey { id: root.id(), root, published_at, seal_from, emergency: false, revoked: false }
}

fn ring(serial: u64, keys: &[RingKey]) -> KeyRing {
    let revoked = keys.iter().filter(|key| key.revoked).map(|key| key.id).collect();
    KeyRing::from_parts(serial, TIMING, keys.to_vec(), revoked)
}

fn judged(current: &KeyRing, offered: &KeyRing, now: u64) -> Result<Verdict, RingError> {
    judge(current, offered, &current.revoked().iter().copied().collect(), current.timing().skew, now)
}

#[test]
fn a_new_pending_key_is_taken_and_the_same_document_is_not_taken_twice() {
    let (a, b) = (key(1000), key(5000));
    let (one, two) = (ring(1, std::slice::from_ref(&a)), ring(2, &[a, b]));
    assert_eq!(judged(&one, &two, 4600).unwrap(), Verdict::New { late: 0 });
    assert_eq!(judged(&two, &two, 4600).unwrap(), Verdict::Same);
}

/// A process that sees it late accepts it: refusing would make every login of the others fail.
#[test]
fn a_key_that_seals_already_is_taken_and_counted_as_late() {
    let (a, b) = (key(1000), key(5000));
    let (one, two) = (ring(1, std::slice::from_ref(&a)), ring(2, &[a.clone(), b]));
    assert_eq!(judged(&one, &two, 4999).unwrap(), Verdict::New { late: 0 });
    assert_eq!(judged(&one, &two, 5000).unwrap(), Verdict::New { late: 1 });
    let a = RingKey { revoked: true, ..a };
    let emergency = RingKey { emergency: true, ..key(5000) };
    assert_eq!(judged(&one, &ring(2, &[a, emergency]), 5000).unwrap(), Verdict::New { late: 0 });
}

/// An old document that is published again would bring back keys that have leaked since.
#[test]
fn an_older_document_and_another_of_the_same_serial_are_refused() {
    let (a, b) = (key(1000), key(5000));
    let (one, two) = (ring(1, std::slice::from_ref(&a)), ring(2, &[a.clone(), b]));
    assert!(matches!(judged(&two, &one, 4600), Err(RingError::SerialTooLow { given: 1, least: 2 })));
    assert!(matches!(judged(&two, &ring(2, &[a]), 4600), Err(RingError::SerialReused(2))));
}

#[test]
fn a_revoked_key_never_returns_and_may_stay_or_go() {
    let (a, b) = (key(1000), key(5000));
    let revoked = RingKey { revoked: true, ..a.clone() };
    let now = ring(2, &[revoked.clone(), b.clone()]);
    assert!(
        matches!(judged(&now, &ring(3, &[a.clone(), b.clone()]), 5100), Err(RingError::RevokedKeyReturns(id)) if id == a.id)
    );
    assert_eq!(judged(&now, &ring(3, &[revoked, b.clone()]), 5100).unwrap(), Verdict::New { late: 0 });
    assert_eq!(judged(&now, &ring(3, &[b]), 5100).unwrap(), Verdict::New { late: 0 });
}

/// The classic mistake: the old key is removed while its logins are under way.
#[test]
fn a_key_is_not_dropped_before_it_is_retired_by_every_clock() {
    let (a, b) = (key(1000), key(5000));
    let (both, without) = (ring(2, &[a.clone(), b.clone()]), ring(3, std::slice::from_ref(&b)));
    // Without the propagation time: a document published by the rule was known everywhere before its key sealed.
    let until = 5000 + GRACE - 300;
    for now in [4700, 5000, until - 61] {
        let refused = judged(&both, &without, now).unwrap_err();
        assert!(
            matches!(refused, RingError::DroppedTooEarly { id, until: u } if id == a.id && u == until),
            "{refused}"
        );
    }
    // The operator who removed it may have a clock that is ahead by the skew.
    assert!(judged(&both, &without, until - 60).is_ok());
    // Servers that will seal with a pending key soon may know it; the way to withdraw it is to revoke it.
    assert!(matches!(
        judged(&both, &ring(3, std::slice::from_ref(&a)), 4600),
        Err(RingError::DroppedTooEarly { until: u64::MAX, .. })
    ));
    let withdrawn = KeyRing::from_parts(3, TIMING, vec![a], vec![b.id]);
    assert!(judged(&both, &withdrawn, 4600).is_ok());
}

/// A process that was cut off for days has an active key that all others have removed. It must recover.
#[test]
fn a_process_that_missed_many_documents_takes_the_newest() {
    let (a, b, c) = (key(1000), key(90_000), key(180_000));
    let ancient = ring(1, std::slice::from_ref(&a));
    assert_eq!(judged(&ancient, &ring(9, &[b.clone(), c.clone()]), 200_000).unwrap(), Verdict::New { late: 2 });
    assert_eq!(judged(&ancient, &ring(9, std::slice::from_ref(&c)), 200_000).unwrap(), Verdict::New { late: 1 });
    // But not a document from which its key was removed too early.
    assert!(matches!(
        judged(&ancient, &ring(9, &[b, c]), 90_000 + GRACE - 361),
        Err(RingError::DroppedTooEarly { .. })
    ));
}

#[test]
fn a_known_key_keeps_its_time() {
    let (a, b) = (key(1000), key(5000));
    let both = ring(2, &[a.clone(), b.clone()]);
    for moved in [4900, 5100] {
        let moved = RingKey { seal_from: moved, ..b.clone() };
        assert!(
            matches!(judged(&both, &ring(3, &[a.clone(), moved]), 4600), Err(RingError::ScheduleChanged(id)) if id == b.id)
        );
    }
    // Except for the oldest: a bare key is treated as always having been active, and its document names a start.
    let bare = ring(0, &[RingKey { seal_from: 0, ..a.clone() }]);
    assert!(judged(&bare, &ring(1, &[a, b]), 4600).is_ok());
}

/// Unless its successor is withdrawn: a server that reads this late must not be left without a key.
#[test]
fn a_superseded_key_seals_again_only_if_whatever_superseded_it_is_withdrawn() {
    let (a, b, c) = (key(1000), key(5000), key(5100));
    let both = ring(2, &[a.clone(), b.clone()]);
    let without_b = KeyRing::from_parts(3, TIMING, vec![a.clone()], vec![b.id]);
    assert!(judged(&both, &without_b, 5000).is_ok());
    assert!(judged(&both, &without_b, 90_000).is_ok(), "however late");
    // Another key that was not withdrawn has superseded it as well.
    let three = ring(2, &[a.clone(), b.clone(), c.clone()]);
    let moved = RingKey { seal_from: 90_000, ..c };
    let without_b = KeyRing::from_parts(3, TIMING, vec![a.clone(), moved.clone()], vec![b.id]);
    assert!(matches!(judged(&three, &without_b, 5200), Err(RingError::SealsAgain(id)) if id == a.id));
    // Without any revocation, the document has lost a key.
    assert!(judged(&both, &ring(3, &[a, moved]), 5100).is_err());
}

/// Changed times would move the end of keys whose states are under way, at a different moment on each server.
#[test]
fn times_do_not_move_the_end_of_a_key() {
    let (a, b, c) = (key(1000), key(5000), key(9000));
    let shorter = Timing { lifetime_cap: 60, ..TIMING };
    let longer = Timing { lifetime_cap: 3600, ..TIMING };
    let timed = |timing, keys: &[RingKey]| KeyRing::from_parts(3, timing, keys.to_vec(), Vec::new());
    let both = ring(2, &[a.clone(), b.clone()]);
    // Neither of a retiring key, nor of one that waits for its successor.
    for now in [4900, 5100] {
        assert!(matches!(judged(&both, &timed(shorter, &[a.clone(), b.clone()]), now), Err(RingError::TimesChanged)));
    }
    assert!(judged(&both, &timed(longer, &[a.clone(), b.clone()]), 5100).is_ok());
    let retired = 5000 + GRACE;
    assert!(matches!(judged(&both, &timed(longer, &[a, b.clone()]), retired), Err(RingError::TimesChanged)));
    // Nor may the other key be removed for it: its states live as long as the old times say.
    let too_soon = judged(&both, &timed(shorter, std::slice::from_ref(&b)), 5000 + 600 + 120 - 61);
    assert!(matches!(too_soon, Err(RingError::DroppedTooEarly { .. })));
    // With one key the times may change; a process that missed that document accepts the next one.
    let alone = ring(2, std::slice::from_ref(&b));
    assert!(judged(&alone, &timed(shorter, std::slice::from_ref(&b)), 8000).is_ok());
    assert!(judged(&alone, &timed(shorter, &[b, c]), 8000).is_ok());
}

/// A key that this process revoked because of another document stays revoked, even if no list names it any more.
#[test]
fn a_key_that_is_flagged_as_revoked_here_does_not_return_either() {
    let a = key(1000);
    let flagged = ring(1, std::slice::from_ref(&a)).with_revoked(|id| id == a.id);
    let refused = judge(&flagged, &ring(2, std::slice::from_ref(&a)), &HashSet::new(), 60, 4600);
    assert!(matches!(refused, Err(RingError::RevokedKeyReturns(id)) if id == a.id));
}

#[test]
fn a_document_without_a_sealing_key_is_refused_unless_it_revokes() {
    let (a, b) = (key(1000), key(5000));
    let one = ring(1, std::slice::from_ref(&a));
    let retired = ring(2, &[a.clone(), key(2000)]);
    let future = RingKey { seal_from: 90_000, ..key(90_000) };
    assert!(matches!(
        judged(&retired, &ring(3, std::slice::from_ref(&future)), 5000),
        Err(RingError::DroppedTooEarly { .. })
    ));
    // The active key is revoked, its successor not yet due: no key seals, and the successor must be known in time.
    let revoked = RingKey { revoked: true, ..a.clone() };
    assert_eq!(judged(&one, &ring(2, &[revoked, b]), 4600).unwrap(), Verdict::New { late: 0 });
    // A server with the document before last has not seen the revoked key; the replacement is due in a second.
    let (c, d) = (RingKey { revoked: true, ..key(5000) }, RingKey { emergency: true, ..key(5001) });
    assert_eq!(judged(&one, &ring(3, &[a.clone(), c, d]), 5000).unwrap(), Verdict::New { late: 0 });
    // The only key is revoked and removed, without a replacement yet: the revocation applies, the rest is refused.
    let replaced = KeyRing::from_parts(2, TIMING, vec![future], vec![a.id]);
    assert!(matches!(judged(&one, &replaced, 4600), Err(RingError::NoActiveKey)));
}

fn with_skew(serial: u64, skew: u32, keys: &[RingKey]) -> KeyRing {
    let revoked = keys.iter().filter(|key| key.revoked).map(|key| key.id).collect();
    KeyRing::from_parts(serial, Timing { skew, ..TIMING }, keys.to_vec(), revoked)
}

/// Its marks would end before its states do, and a used state would be accepted again.
#[test]
fn a_document_that_more_than_doubles_the_skew_is_refused() {
    let a = key(1000);
    let keys = std::slice::from_ref(&a);
    for (old, new, taken) in [
        (60, 120, true),
        (60, 121, false),
        (60, 300, false),
        (450, 900, true),
        (449, 899, false),
        (1, 2, true),
        (1, 3, false),
        (0, 0, true),
        (0, 1, false),
        (0, 60, false),
        (900, 0, true),
    ] {
        let judged = judged(&with_skew(1, old, keys), &with_skew(2, new, keys), 8000);
        match judged {
            Ok(_) => assert!(taken, "{old} to {new}"),
            Err(RingError::SkewRaisedTooFar { given, most }) => assert_eq!((given, most, taken), (new, 2 * old, false)),
            Err(other) => panic!("{old} to {new}: {other}"),
        }
    }
    // However many documents are in between, and with other keys next to the known one.
    let both = [a.clone(), key(9000)];
    assert!(matches!(
        judged(&with_skew(1, 60, keys), &with_skew(9, 300, &both), 8000),
        Err(RingError::SkewRaisedTooFar { .. })
    ));
    // A smaller skew that was in use a moment ago counts.
    let recent = judge(&with_skew(1, 120, keys), &with_skew(2, 240, keys), &HashSet::new(), 60, 8000);
    assert!(matches!(recent, Err(RingError::SkewRaisedTooFar { given: 240, most: 120 })));
    let unchanged = judge(&with_skew(1, 300, keys), &with_skew(2, 300, keys), &HashSet::new(), 60, 8000);
    assert_eq!(unchanged.unwrap(), Verdict::New { late: 0 });
}

/// The way out of a skew of 0: if no key is shared, no state with a mark is accepted.
#[test]
fn the_skew_may_be_raised_to_anything_with_every_key_replaced() {
    let a = key(1000);
    let revoked = RingKey { revoked: true, ..a.clone() };
    let emergency = RingKey { emergency: true, ..key(5000) };
    let current = with_skew(1, 0, std::slice::from_ref(&a));
    assert!(judged(&current, &with_skew(2, 60, &[revoked, emergency.clone()]), 5000).is_ok());
    let gone = KeyRing::from_parts(2, Timing { skew: 60, ..TIMING }, vec![emergency.clone()], vec![a.id]);
    assert!(judged(&current, &gone, 5000).is_ok());
    // A pending key may have sealed by another server's clock.
    let with_pending = with_skew(1, 0, &[a.clone(), key(5001)]);
    let kept = KeyRing::from_parts(
        2,
        Timing { skew: 60, ..TIMING },
        vec![with_pending.keys()[1].clone(), key(6000)],
        vec![a.id],
    );
    assert!(matches!(judged(&with_pending, &kept, 5000), Err(RingError::SkewRaisedTooFar { .. })));
}
