use std::time::Duration;

use super::*;
use crate::clock::from_unix_seconds as at;
use crate::ring::key::KeyRole::{self, Active, Pending, Retiring, Revoked};

const NOW: u64 = 1_800_000_000;
const DAY: u64 = 86_400;

fn first() -> KeyRingDocument {
    let seconds = Duration::from_secs;
    let timing = RingTiming { propagation: seconds(300), skew: seconds(60), lifetime_cap: seconds(600) };
    KeyRingDocument::first(timing, at(NOW)).unwrap()
}

fn roles(document: &KeyRingDocument, now: u64) -> Vec<KeyRole> {
    document.ring().roles(at(now)).map(|(_, role)| role).collect()
}

fn id(document: &KeyRingDocument, index: usize) -> RootKeyId {
    document.keys[index].root.id()
}

#[test]
fn a_server_whose_clock_is_behind_can_seal_with_the_first_key_at_once() {
    assert_eq!(roles(&first(), NOW - 60), [Active]);
}

#[test]
fn a_new_key_waits_until_every_server_has_it_by_every_clock() {
    let step = first().rotate(at(NOW)).unwrap();
    let seal_from = NOW + 300 + 60;
    assert_eq!(step.changes, [Change::Added { id: id(&step.document, 1), seal_from, emergency: false }]);
    assert_eq!(roles(&step.document, seal_from - 1), [Active, Pending]);
    assert_eq!(roles(&step.document, seal_from), [Retiring, Active]);
    assert_eq!(step.document.serial(), 2);
}

#[test]
fn keys_follow_each_other_however_fast_they_are_made_and_a_place_is_kept_for_a_revocation() {
    let mut document = first();
    for _ in 1..15 {
        document = document.rotate(at(NOW)).unwrap().document;
    }
    let times: Vec<u64> = document.keys.iter().map(|key| key.seal_from).collect();
    assert!(times.is_sorted() && times[14] == NOW + 360 + 13);
    assert!(matches!(document.rotate(at(NOW)), Err(StepError::Refused(RingError::KeyCount))));
    let step = document.revoke(id(&document, 0), at(NOW + 1)).unwrap();
    assert_eq!(roles(&step.document, NOW + 1)[..3], [Revoked, Active, Pending]);
}

#[test]
fn retired_keys_are_removed_by_the_next_rotation_and_not_before() {
    let second = first().rotate(at(NOW)).unwrap().document;
    let until = NOW + 360 + 300 + 600 + 120;
    assert_eq!(second.rotate(at(until - 1)).unwrap().document.keys.len(), 3);
    let third = second.rotate(at(until)).unwrap();
    assert_eq!(third.changes[0], Change::Dropped { id: id(&second, 0) });
    assert_eq!(third.document.keys.len(), 2);
}

/// Running servers must accept every step at the earliest time at which it can reach them.
#[test]
fn servers_take_every_step_whatever_their_clock_says() {
    for clock in [NOW - 60, NOW, NOW + 60] {
        let mut document = first();
        let keys = crate::LiveKeyRing::from(document.ring().clone());
        for day in 1..40 {
            let now = NOW + day * DAY;
            document = match day % 7 {
                3 => document.revoke(id(&document, document.keys.len() - 1), at(now)).unwrap().document,
                5 => match document.without_retired(at(now)) {
                    Ok(step) => step.document,
                    Err(_) => continue,
                },
                _ => document.rotate(at(now)).unwrap().document,
            };
            let theirs = clock + day * DAY;
            let text = document.to_secret_text();
            assert!(keys.offer(&text, at(theirs)).is_ok(), "day {day}: {:?}", keys.status());
            assert!(keys.ring().active(theirs).is_some(), "day {day}: no key seals");
        }
    }
}

#[test]
fn the_active_key_is_replaced_at_once_by_every_clock() {
    let first = first();
    let now = NOW + DAY;
    let step = first.revoke(id(&first, 0), at(now)).unwrap();
    assert_eq!(roles(&step.document, now - 60), [Revoked, Active]);
    assert!(matches!(step.changes[..], [Change::Revoked { .. }, Change::Added { emergency: true, .. }]));
    assert!(matches!(step.document.revoke(id(&first, 0), at(now)), Err(StepError::AlreadyRevoked(_))));
}

#[test]
fn with_a_pending_key_behind_it_the_active_key_is_replaced_as_well() {
    let second = first().rotate(at(NOW)).unwrap().document;
    let step = second.revoke(id(&second, 0), at(NOW)).unwrap();
    assert_eq!(roles(&step.document, NOW), [Revoked, Active, Pending]);
    assert_eq!(roles(&step.document, NOW + 360), [Revoked, Retiring, Active]);
}

#[test]
fn a_pending_key_is_withdrawn_so_that_the_active_one_goes_on() {
    let first = first();
    let later = DocumentKey {
        seal_from: NOW + DAY,
        published_at: NOW,
        ..first.rotate(at(NOW)).unwrap().document.keys[1].clone()
    };
    let second = KeyRingDocument::checked(2, first.timing, vec![first.keys[0].clone(), later], Vec::new()).unwrap();
    let step = second.revoke(id(&second, 1), at(NOW)).unwrap();
    assert_eq!(roles(&step.document, NOW + DAY), [Active]);
    assert_eq!(step.document.revoked(), [id(&second, 1)]);
    assert!(step.changes.contains(&Change::Withdrawn { id: id(&second, 1) }));
}

/// Shortly before and after its time: by some clocks it seals already, and by others it does not.
#[test]
fn around_its_time_a_revoked_key_is_withdrawn_and_every_server_goes_on_with_the_one_before() {
    let second = first().rotate(at(NOW)).unwrap().document;
    let seal_from = NOW + 360;
    for now in [seal_from - 60, seal_from, seal_from + 60] {
        let step = second.revoke(id(&second, 1), at(now)).unwrap();
        for clock in [now - 60, now, now + 60] {
            let keys = crate::LiveKeyRing::from(second.ring().clone());
            keys.offer(&step.document.to_secret_text(), at(clock)).unwrap();
            assert_eq!(keys.ring().active(clock), Some(0), "by {clock}, revoked at {now}");
        }
    }
    // Once it seals by every clock, it is the active one, and another takes its place.
    let step = second.revoke(id(&second, 1), at(seal_from + 61)).unwrap();
    assert_eq!(roles(&step.document, seal_from + 1), [Retiring, Revoked, Active]);
}

/// By the clock of the operator who revokes, it is superseded; by a server's slow clock, its successor does not seal yet.
#[test]
fn a_key_that_was_superseded_a_moment_ago_is_replaced_for_the_clocks_that_are_behind() {
    let second = first().rotate(at(NOW)).unwrap().document;
    let now = NOW + 360 + 5;
    let step = second.revoke(id(&second, 0), at(now)).unwrap();
    for clock in [now - 60, now, now + 60] {
        assert!(step.document.ring().active(clock).is_some(), "no key seals by {clock}");
    }
}

/// An operator who revokes by hand only adds it to `revoked`; the next rotation removes it before its time comes.
#[test]
fn a_pending_key_that_was_revoked_by_hand_is_withdrawn_by_the_next_rotation() {
    let second = first().rotate(at(NOW)).unwrap().document;
    let by_hand = KeyRingDocument::checked(3, second.timing, second.keys.clone(), vec![id(&second, 1)]).unwrap();
    let step = by_hand.rotate(at(NOW + 10)).unwrap();
    assert_eq!(step.changes[0], Change::Withdrawn { id: id(&second, 1) });
    assert_eq!(roles(&step.document, NOW + 365), [Active, Pending]);
}

#[test]
fn a_first_key_that_is_revoked_at_once_is_replaced_although_nothing_comes_before_it() {
    let first = first();
    let step = first.revoke(id(&first, 0), at(NOW)).unwrap();
    assert_eq!(roles(&step.document, NOW - 59), [Revoked, Active]);
}

#[test]
fn times_change_in_a_document_of_one_key() {
    let first = first();
    let timing = RingTiming { propagation: Duration::from_secs(900), ..first.timing() };
    let timed = first.with_times(timing, at(NOW)).unwrap();
    assert_eq!(timed.changes, [Change::Times(timing)]);
    let keys = crate::LiveKeyRing::from(first.ring().clone());
    assert!(keys.offer(&timed.document.to_secret_text(), at(NOW)).is_ok());
    let second = first.rotate(at(NOW)).unwrap().document;
    assert!(matches!(second.with_times(timing, at(NOW)), Err(StepError::Refused(RingError::TimesChanged))));
    assert!(second.with_times(timing, at(NOW + DAY)).is_ok(), "once the other is retired");
}

/// No step writes a document that a running server refuses, nor one whose marks end too soon for servers with the old one.
#[test]
fn the_skew_is_at_most_doubled_and_at_most_halved() {
    let with = |document: &KeyRingDocument, skew| {
        let timing = RingTiming { skew: Duration::from_secs(skew), ..document.timing() };
        document.with_times(timing, at(NOW)).map(|step| step.document)
    };
    let first = first();
    for skew in [30, 60, 120] {
        assert_eq!(with(&first, skew).unwrap().timing().skew.as_secs(), skew);
    }
    let refused = |skew| match with(&first, skew).unwrap_err() {
        StepError::Refused(refused) => refused,
        other => panic!("{other}"),
    };
    assert!(matches!(refused(121), RingError::SkewRaisedTooFar { given: 121, most: 120 }));
    assert!(matches!(refused(900), RingError::SkewRaisedTooFar { .. }));
    assert!(matches!(refused(29), RingError::SkewLoweredTooFar { given: 29, least: 30 }));
    let none = RingTiming { skew: Duration::ZERO, ..first.timing() };
    let none = KeyRingDocument::first(none, at(NOW)).unwrap();
    assert!(with(&none, 1).unwrap_err().to_string().contains("would be refused"));
    assert!(with(&none, 0).is_ok());
}

/// A document that is cut off after any character of its keys keeps its revocations.
#[test]
fn revocations_are_written_before_the_keys() {
    let first = first();
    let document = first.revoke(id(&first, 0), at(NOW)).unwrap().document.to_secret_text();
    let text = document.expose();
    assert!(text.find("\"revoked\"") < text.find("\"keys\""));
    for end in text.find("osk1").unwrap()..text.trim_end().len() {
        let keys = crate::LiveKeyRing::from(first.ring().clone());
        assert!(keys.offer_bytes(&text.as_bytes()[..end], at(NOW)).is_err());
        assert_eq!(keys.status().revoked, 1);
    }
}

/// Revoked by hand, without a replacement: waiting for every server would only prolong the time without logins.
#[test]
fn a_rotation_without_an_active_key_does_not_wait() {
    let first = first();
    let by_hand = KeyRingDocument::checked(2, first.timing, first.keys.clone(), vec![id(&first, 0)]).unwrap();
    let step = by_hand.rotate(at(NOW + DAY)).unwrap();
    assert!(matches!(step.changes[..], [Change::Added { emergency: true, .. }]));
    assert_eq!(roles(&step.document, NOW + DAY - 60), [Revoked, Active]);
}

#[test]
fn a_retiring_key_needs_no_replacement() {
    let second = first().rotate(at(NOW)).unwrap().document;
    let step = second.revoke(id(&second, 0), at(NOW + 500)).unwrap();
    assert_eq!(step.changes, [Change::Revoked { id: id(&second, 0) }]);
    assert_eq!(roles(&step.document, NOW + 500), [Revoked, Active]);
}

#[test]
fn an_unknown_id_is_revoked_for_ever_all_the_same() {
    let unknown = "00112233aabbccdd".parse::<RootKeyId>().unwrap();
    let step = first().revoke(unknown, at(NOW)).unwrap();
    assert_eq!(step.document.revoked(), [unknown]);
    assert_eq!(step.document.keys.len(), 1);
}

/// The list is never shortened, but a document that no server would read must not be published.
#[test]
fn a_document_that_has_grown_too_large_is_refused_before_it_is_published() {
    let ids = (0..4_000_u64).map(|n| format!("{n:016x}").parse::<RootKeyId>().unwrap());
    let first = first();
    let large = KeyRingDocument::checked(1, first.timing, first.keys.clone(), ids.collect()).unwrap();
    assert!(matches!(large.rotate(at(NOW)), Err(StepError::Refused(RingError::TooLarge))));
}

/// No server would accept a document whose serial cannot grow.
#[test]
fn the_last_serial_has_no_successor() {
    let first = first();
    let last = KeyRingDocument::checked((1 << 53) - 1, first.timing, first.keys.clone(), Vec::new()).unwrap();
    assert!(matches!(last.rotate(at(NOW)), Err(StepError::Refused(RingError::OutOfRange { field: "serial", .. }))));
}

#[test]
fn notes_and_times_survive_being_written() {
    let document = first().rotate(at(NOW)).unwrap().document;
    let noted = document.clone().with_note(id(&document, 1), "a \"note\" with ünïcode\n").unwrap();
    let again = noted.to_secret_text().expose().parse::<KeyRingDocument>().unwrap();
    assert_eq!(again.to_secret_text().expose(), noted.to_secret_text().expose());
    assert_eq!(again.keys[1].note.as_deref(), Some("a \"note\" with ünïcode\n"));
    assert_eq!(again.ring().fingerprint(), document.ring().fingerprint());
}
