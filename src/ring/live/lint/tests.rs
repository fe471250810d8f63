use super::*;
use crate::ring::key::RootKey;
use crate::ring::source::document::RingTiming;

const DAY: Duration = Duration::from_secs(86_400);
const QUARTER: Duration = Duration::from_secs(90 * 86_400);

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn first() -> KeyRingDocument {
    KeyRingDocument::first(RingTiming::default(), now()).unwrap()
}

fn codes(document: &KeyRingDocument, now: SystemTime) -> Vec<&'static str> {
    document.lint(now, QUARTER).iter().map(Lint::code).collect()
}

/// The text with one piece replaced, as an operator would edit it by hand.
fn edited(document: &KeyRingDocument, from: &str, to: &str) -> KeyRingDocument {
    let text = document.to_secret_text();
    assert!(text.expose().contains(from), "{from}");
    text.expose().replacen(from, to, 1).parse::<KeyRingDocument>().unwrap()
}

#[test]
fn a_ring_during_a_rotation_has_no_problems() {
    let second = first().rotate(now() + DAY).unwrap().document;
    assert_eq!(codes(&second, now() + DAY), [""; 0]);
    assert_eq!(codes(&second, now() + DAY + Duration::from_secs(400)), [""; 0]);
}

#[test]
fn problems_caused_by_time_are_found() {
    let second = first().rotate(now()).unwrap().document;
    // A pipeline that denies warnings must not fail between two rotations.
    assert_eq!(codes(&second, now() + DAY), [""; 0]);
    assert_eq!(codes(&second, now() + QUARTER + DAY), ["retired_key", "active_key_old"]);
    assert_eq!(codes(&first(), now() - DAY), ["nothing_seals_yet", "published_in_future"]);
}

#[test]
fn a_revoked_key_whose_turn_has_come_is_an_error() {
    let first = first();
    let id = first.list(now()).next().unwrap().id;
    let revoked = edited(&first, r#""revoked": []"#, &format!(r#""revoked": ["{id}"]"#));
    assert_eq!(codes(&revoked, now()), ["no_active_key"]);
    // The step replaces it.
    assert_eq!(codes(&first.revoke(id, now()).unwrap().document, now()), [""; 0]);

    let second = first.rotate(now()).unwrap().document;
    let id = second.list(now()).last().unwrap().id;
    let revoked = edited(&second, r#""revoked": []"#, &format!(r#""revoked": ["{id}"]"#));
    assert_eq!(codes(&revoked, now()), ["no_active_key_soon"]);
    // The step replaces it with another one, a second later.
    assert_eq!(codes(&second.revoke(id, now()).unwrap().document, now()), [""; 0]);
    assert!(revoked.lint(now(), QUARTER).iter().all(|finding| finding.severity() == LintLevel::Error));
}

#[test]
fn times_that_were_mistyped_are_found() {
    let timing = RingTiming { propagation: Duration::ZERO, skew: Duration::ZERO, ..RingTiming::default() };
    assert_eq!(codes(&KeyRingDocument::first(timing, now()).unwrap(), now()), ["short_propagation", "no_skew"]);
    let second = first().rotate(now()).unwrap().document;
    let seal_from = second.keys.last().map(|key| Utc(key.seal_from).to_string()).unwrap();
    let typo = edited(&second, &seal_from, &seal_from.replacen("2027", "2028", 1));
    assert_eq!(codes(&typo, now()), ["pending_far_away"]);
}

#[test]
fn a_bare_key_and_a_full_ring_are_found() {
    let bare = RootKey::generate().unwrap().to_secret_text().expose().parse::<KeyRingDocument>().unwrap();
    assert_eq!(codes(&bare, now()), ["bare_key"]);
    let full = (2..MOST_KEYS).fold(first(), |document, _| document.rotate(now()).unwrap().document);
    assert_eq!(codes(&full, now()), ["several_pending", "full"]);
    assert!(full.rotate(now()).is_err());
}

#[test]
fn every_finding_says_what_to_do_in_one_line_without_a_key() {
    let second = first().rotate(now()).unwrap().document;
    for finding in second.lint(now() + QUARTER + DAY, QUARTER) {
        let shown = format!("{finding}: {}", finding.remedy());
        assert!(!shown.contains(['\n']) && !shown.contains("osk1"), "{shown}");
    }
}

/// A rotation on a computer that is ten minutes behind: every check said that all is well, and the new key sealed before servers had it.
#[test]
fn a_key_that_a_clock_behind_scheduled_is_found() {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let second = first().rotate(now() - minutes(10)).unwrap().document;
    assert_eq!(codes(&second, now() + minutes(1)), ["seals_too_soon"]);
    // A revocation during a rotation puts a key in between that was published later.
    let rotated = first().rotate(now()).unwrap().document;
    let replaced = rotated.revoke(rotated.keys[0].root.id(), now() + minutes(5)).unwrap().document;
    assert_eq!(codes(&replaced, now() + minutes(5)), [""; 0]);
    // A clock that is behind by no more than the skew is what the schedule allows for.
    let second = first().rotate(now() - minutes(1)).unwrap().document;
    assert_eq!(codes(&second, now() + minutes(1)), [""; 0]);
}

/// A rotation on a computer whose clock is ahead, and the ones after it.
#[test]
fn a_schedule_that_a_clock_ahead_made_is_found() {
    for ahead in [2 * DAY, 400 * DAY] {
        let second = first().rotate(now() + ahead).unwrap().document;
        assert_eq!(codes(&second, now()), ["published_in_future", "pending_far_away"]);
        let third = second.rotate(now()).unwrap().document;
        assert!(codes(&third, now()).contains(&"several_pending"));
        assert_eq!(codes(&third, now()).iter().filter(|code| **code == "pending_far_away").count(), 2);
    }
}

/// Sixteen retries of a rotation made fourteen keys, and nothing said so.
#[test]
fn a_rotation_that_was_repeated_is_found() {
    let third = first().rotate(now()).unwrap().document.rotate(now()).unwrap().document;
    assert_eq!(codes(&third, now()), ["several_pending"]);
    assert_eq!(codes(&third, now() + DAY), [""; 0]);
}
