use std::time::Duration;

use super::*;
use crate::ring::key::KeyRole;
use crate::ring::source::document::{KeyRingDocument, RingTiming};

const NOW: u64 = 1_800_000_000;

fn at(seconds: u64) -> SystemTime {
    crate::clock::from_unix_seconds(seconds)
}

fn timing() -> RingTiming {
    let seconds = Duration::from_secs;
    RingTiming { propagation: seconds(300), skew: seconds(60), lifetime_cap: seconds(600) }
}

fn first() -> KeyRingDocument {
    KeyRingDocument::first(timing(), at(NOW)).unwrap()
}

fn roles(keys: &LiveKeyRing, now: u64) -> Vec<KeyRole> {
    keys.ring().roles(at(now)).map(|(_, role)| role).collect()
}

/// Records the rings that it was offered, and refuses on demand.
#[derive(Default)]
struct Reader {
    refuse: AtomicBool,
    in_use: Mutex<Vec<String>>,
}

impl RingReader for Reader {
    fn prepare<'a>(&'a self, ring: &KeyRing) -> Result<super::super::reader::Commit<'a>, RingError> {
        if self.refuse.load(Ordering::SeqCst) {
            return Err(RingError::KeyIdCollision);
        }
        let fingerprint = ring.fingerprint();
        Ok(Box::new(move || self.in_use.lock().unwrap().push(fingerprint)))
    }
}

fn follow(keys: &LiveKeyRing) -> Arc<Reader> {
    keys.follow::<Reader, ()>(|_| Ok(Arc::new(Reader::default()))).unwrap()
}

#[test]
fn a_ring_is_used_by_all_flows_or_by_none() {
    let one = first();
    let keys = LiveKeyRing::from(one.ring().clone());
    let (willing, unwilling) = (follow(&keys), follow(&keys));
    unwilling.refuse.store(true, Ordering::SeqCst);
    let next = one.rotate(at(NOW)).unwrap().document;
    assert!(matches!(keys.offer(&next.to_secret_text(), at(NOW)), Err(RingError::KeyIdCollision)));
    assert_eq!((keys.ring().serial(), willing.in_use.lock().unwrap().len()), (1, 0));
    assert_eq!((keys.status().refused, keys.status().taken), (1, 0));

    unwilling.refuse.store(false, Ordering::SeqCst);
    assert_eq!(keys.offer(&next.to_secret_text(), at(NOW)).unwrap(), Update::Taken { late: 0 });
    for reader in [&willing, &unwilling] {
        assert_eq!(*reader.in_use.lock().unwrap(), [next.ring().fingerprint()]);
    }
}

/// A leaked key must not stay in use because of a comma.
#[test]
fn revocations_hold_even_if_the_rest_is_refused() {
    let document = first();
    let id = document.ring().roles(at(NOW)).next().unwrap().0;
    let revoked = document.revoke(id, at(NOW)).unwrap().document.to_secret_text();
    for broken in [
        revoked.expose().replace("\"serial\": 2", "\"serial\": 0"),
        revoked.expose().replace("\"version\": 1", "\"version\": 2"),
        revoked.expose().replace("osk1.", "osk1-"),
        revoked.expose().replace("\"skew\"", "\"screw\""),
        revoked.expose().replace("\"skew\"", ", \"skew\""),
        revoked.expose().trim_end().trim_end_matches('}').to_owned(),
    ] {
        let keys = LiveKeyRing::from(document.ring().clone());
        let reader = follow(&keys);
        assert!(keys.offer(&SecretString::from(broken), at(NOW)).is_err());
        assert_eq!(roles(&keys, NOW), [KeyRole::Revoked]);
        assert_eq!(reader.in_use.lock().unwrap().len(), 1, "the flows hear of it");
        // And it stays revoked, whatever follows.
        let unrevoked = document.rotate(at(NOW)).unwrap().document;
        assert!(matches!(keys.offer(&unrevoked.to_secret_text(), at(NOW)), Err(RingError::RevokedKeyReturns(_))));
    }
}

#[test]
fn a_key_that_was_revoked_before_it_was_ever_seen_does_not_come_in() {
    let document = first();
    let keys = LiveKeyRing::from(document.ring().clone());
    let next = document.rotate(at(NOW)).unwrap().document;
    let (pending, _) = next.ring().roles(at(NOW)).last().unwrap();
    let hurried = SecretString::from(format!(r#"{{"revoked":["{pending}"]}}"#));
    assert!(keys.offer(&hurried, at(NOW)).is_err());
    assert!(matches!(keys.offer(&next.to_secret_text(), at(NOW)), Err(RingError::RevokedKeyReturns(_))));
}

/// A process that starts with a document that revokes knows it as well as one that is offered the document later.
#[test]
fn keys_revoked_by_the_first_document_are_refused_later() {
    let document = first();
    let next = document.rotate(at(NOW)).unwrap().document;
    let (pending, _) = next.ring().roles(at(NOW)).last().unwrap();
    let text = document.to_secret_text();
    let revoking = text.expose().replacen("\"revoked\": []", &format!("\"revoked\": [\"{pending}\"]"), 1);
    let keys = LiveKeyRing::from(revoking.parse::<KeyRing>().unwrap());
    assert!(matches!(keys.offer(&next.to_secret_text(), at(NOW)), Err(RingError::RevokedKeyReturns(_))));
}

#[test]
fn a_refused_document_leaves_the_last_good_ring_and_says_why() {
    let document = first();
    let keys = LiveKeyRing::from(document.ring().clone());
    let before = keys.fingerprint();
    for garbage in ["", "garbage", "{", "{}", "osk1.x.y", "x"] {
        assert!(keys.offer(&SecretString::from(garbage.to_owned()), at(NOW)).is_err());
        assert_eq!(keys.fingerprint(), before);
    }
    let status = keys.status();
    assert_eq!((status.refused, status.taken, status.age), (6, 0, None));
    assert!(status.last_error.unwrap().contains("neither"));
    keys.offer(&document.to_secret_text(), at(NOW)).unwrap();
    assert_eq!(keys.status().last_error, None);
}

#[test]
fn many_callbacks_request_one_early_refresh() {
    let keys = LiveKeyRing::from(first().ring().clone());
    for _ in 0..1_000 {
        keys.met_unknown_key();
    }
    assert_eq!(keys.status().unknown_keys, 1_000);
    assert!(keys.0.wishes.early.load(Ordering::SeqCst));
}

/// Dropped flows must not be kept, nor prevent a swap.
#[test]
fn a_flow_that_is_gone_is_forgotten() {
    let document = first();
    let keys = LiveKeyRing::from(document.ring().clone());
    let unwilling = follow(&keys);
    unwilling.refuse.store(true, Ordering::SeqCst);
    drop(unwilling);
    let next = document.rotate(at(NOW)).unwrap().document;
    assert!(keys.offer(&next.to_secret_text(), at(NOW)).is_ok());
    assert_eq!(keys.0.state().readers.len(), 0);
}

fn with_skew(document: &KeyRingDocument, serial: u64, skew: u64) -> SecretString {
    let timing = RingTiming { skew: Duration::from_secs(skew), ..document.timing() };
    let timing = crate::ring::key::ring::Timing::try_from(timing).unwrap();
    KeyRingDocument::checked(serial, timing, document.keys.clone(), Vec::new()).unwrap().to_secret_text()
}

/// Each step is allowed, but together they are refused: 60 to 240 within a minute, while marks of the first are under way.
#[test]
fn a_skew_that_was_raised_is_raised_again_only_after_the_marks_have_settled() {
    let first = first();
    let keys = LiveKeyRing::from(first.ring().clone());
    assert!(keys.offer(&with_skew(&first, 2, 120), at(NOW)).is_ok());
    // propagation + lifetime_cap + 3 × the new skew.
    let settled = NOW + 300 + 600 + 3 * 120;
    for now in [NOW, NOW + 60, settled - 1] {
        let refused = keys.offer(&with_skew(&first, 3, 240), at(now));
        assert!(matches!(refused, Err(RingError::SkewRaisedTooFar { given: 240, most: 120 })), "{now}: {refused:?}");
    }
    // Everything else continues in the meantime, and lowering it in between hides nothing.
    assert!(keys.offer(&with_skew(&first, 3, 120), at(NOW + 60)).is_ok());
    assert!(keys.offer(&with_skew(&first, 4, 100), at(NOW + 61)).is_ok());
    assert!(matches!(keys.offer(&with_skew(&first, 5, 121), at(NOW + 62)), Err(RingError::SkewRaisedTooFar { .. })));
    assert!(keys.offer(&with_skew(&first, 5, 120), at(NOW + 63)).is_ok());
    assert!(matches!(keys.offer(&with_skew(&first, 6, 240), at(settled)), Err(RingError::SkewRaisedTooFar { .. })));
    // The same document is accepted after that time.
    assert!(keys.offer(&with_skew(&first, 6, 240), at(settled + 63)).is_ok());
}

/// A raise with shorter times starts a shorter period, in which marks of the first are still under way.
#[test]
fn a_second_raise_does_not_cut_the_first_ones_period_short() {
    let taken = [(0, 3_600, 60, 3_600), (0, 3_600, 100, 3_600), (1, 0, 100, 600), (2, 0, 101, 600)];
    let first = first();
    let with = |serial, (_, propagation, skew, cap): (u64, u64, u64, u64)| {
        let times = first.timing();
        let text = first.to_secret_text().expose().to_owned();
        let set = |text: String, name: &str, old: Duration, new: u64| {
            text.replace(&format!("\"{name}\": {}", old.as_secs()), &format!("\"{name}\": {new}"))
        };
        let text = set(text, "propagation", times.propagation, propagation);
        let text = set(set(text, "skew", times.skew, skew), "lifetime_cap", times.lifetime_cap, cap);
        text.replace("\"serial\": 1", &format!("\"serial\": {serial}"))
    };
    let mut documents = (1..).zip(taken);
    let keys = documents
        .next()
        .map(|(serial, times)| LiveKeyRing::from(with(serial, times).parse::<KeyRing>().unwrap()))
        .unwrap();
    for (serial, times) in documents {
        assert!(keys.offer(&with(serial, times).into(), at(NOW + times.0)).is_ok(), "{times:?}");
    }
    // propagation + lifetime_cap + 3 × the first higher skew.
    let settled = 3_600 + 3_600 + 300;
    for (after, is_taken) in [(910, false), (settled - 1, false), (settled, true)] {
        let offered = keys.offer(&with(9, (0, 0, 202, 600)).into(), at(NOW + after));
        assert_eq!(offered.is_ok(), is_taken, "{after}: {offered:?}");
    }
}

/// For every reason why bytes are not text.
#[test]
fn bytes_that_are_no_text_revoke_although_they_are_refused() {
    let document = first();
    let id = document.ring().roles(at(NOW)).next().unwrap().0;
    let revoked =
        document.revoke(id, at(NOW)).unwrap().document.with_note(id, "it was NAMED").unwrap().to_secret_text();
    let revoked = revoked.expose();
    let utf_16: Vec<u8> = revoked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (before, after) = revoked.split_at(revoked.find("NAMED").unwrap());
    let latin_1 = [before.as_bytes(), b"gel\xf6scht", after.as_bytes()].concat();
    let long = format!("{revoked}{}", " ".repeat(70_000));
    for (bytes, expected) in
        [(&utf_16[..], "this is UTF-16 text"), (&latin_1, "not UTF-8"), (long.as_bytes(), "longer than 65536 bytes")]
    {
        let keys = LiveKeyRing::from(document.ring().clone());
        let refused = keys.offer_bytes(bytes, at(NOW)).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
        assert_eq!((roles(&keys, NOW), keys.status().refused), (vec![KeyRole::Revoked], 1));
    }
}

/// In a document that parses, only the list counts, and neither a note nor anything else.
#[test]
fn a_document_that_parses_revokes_what_it_lists_and_nothing_else() {
    let document = first();
    let id = document.ring().roles(at(NOW)).next().unwrap().0;
    for note in [format!("revoked: {id}"), format!("\"revoked\": [\"{id}\"]"), format!("}}, revoked: [{id}]")] {
        for serial in [0, 1, 2] {
            let noted = KeyRingDocument::checked(serial, document.timing, document.keys.clone(), Vec::new()).unwrap();
            let noted = noted.with_note(id, &note).unwrap().to_secret_text();
            let keys = LiveKeyRing::from(document.ring().clone());
            let _ = keys.offer(&noted, at(NOW));
            let broken = noted.expose().replace("\"serial\"", ",\"serial\"");
            assert!(keys.offer_bytes(broken.as_bytes(), at(NOW)).is_err());
            assert_eq!(roles(&keys, NOW), [KeyRole::Active], "{note}");
        }
    }
}
