//! The frozen key rings: the role of each key at each time, why a ring is refused, and which ring may follow which.
//!
//! The answers in `tests/vectors/rings.json` and `successions.json` come from another implementation, written from
//! `docs/key-ring.md`. Two server versions that judge one document differently would disagree about their keys.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth_state::ring::{KeyRole, RingError, RootKeyError, SecretString, Update};
use oauth_state::{KeyRing, LiveKeyRing};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Vectors<V> {
    vectors: Vec<V>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    text: String,
    #[serde(default)]
    padded_to: usize,
    times: Vec<u64>,
    outcome: Value,
}

impl Vector {
    fn answer(&self) -> Value {
        let padding = self.padded_to.saturating_sub(self.text.len());
        let ring = match (self.text.clone() + &" ".repeat(padding)).parse::<KeyRing>() {
            Ok(ring) => ring,
            Err(error) => return json!({ "refused": code(&error) }),
        };
        let at = |now: &u64| {
            let mut roles = ring.roles(at(*now));
            let seals = roles.find(|(_, role)| *role == KeyRole::Active).map(|(id, _)| id.to_string());
            json!({ "now": now, "seals": seals, "roles": roles_at(&ring, *now) })
        };
        json!({ "accepted": {
            "serial": ring.serial(), "skew": ring.skew().as_secs(), "lifetime_cap": ring.lifetime_cap().as_secs(),
            "fingerprint": ring.fingerprint(), "at": self.times.iter().map(at).collect::<Vec<_>>(),
        }})
    }
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn roles_at(ring: &KeyRing, now: u64) -> Vec<Value> {
    let roles = ring.roles(at(now)).map(|(id, role)| json!({ "id": id.to_string(), "role": role.to_string() }));
    roles.collect()
}

fn code(error: &RingError) -> &'static str {
    match error {
        RingError::Empty | RingError::OtherFormat(_) | RingError::NeitherKeyNorDocument => "neither_key_nor_document",
        RingError::TooLarge => "too_large",
        RingError::Json { .. } => "form",
        RingError::Version(_) => "version",
        RingError::OutOfRange { .. } => "out_of_range",
        RingError::RevokedId(_) => "revoked_id",
        RingError::KeyCount => "key_count",
        RingError::Key { source, .. } => match source {
            RootKeyError::Form => "key_form",
            RootKeyError::Length => "key_length",
            RootKeyError::Alphabet => "key_alphabet",
            RootKeyError::Checksum => "key_checksum",
            RootKeyError::Sample => "key_sample",
            RootKeyError::Printable => "key_printable",
            RootKeyError::Step => "key_step",
            RootKeyError::Period => "key_period",
            RootKeyError::FewDistinctBytes => "key_few_distinct_bytes",
            other => panic!("a refusal without a code: {other:?}"),
        },
        RingError::Time { .. } => "time",
        RingError::KeyTwice(_) => "key_twice",
        RingError::SealFromTwice(..) => "seal_from_twice",
        RingError::TooEarly { .. } => "too_early",
        RingError::SerialTooLow { .. } => "serial_too_low",
        RingError::SerialReused(_) => "serial_reused",
        RingError::RevokedKeyReturns(_) => "revoked_key_returns",
        RingError::DroppedTooEarly { .. } => "dropped_too_early",
        RingError::ScheduleChanged(_) => "schedule_changed",
        RingError::SealsAgain(_) => "seals_again",
        RingError::TimesChanged => "times_changed",
        RingError::SkewRaisedTooFar { .. } => "skew_raised_too_far",
        RingError::NoActiveKey => "no_active_key",
        other => panic!("a refusal without a code: {other:?}"),
    }
}

/// Every refusal of a ring by itself.
const REFUSALS: [&str; 20] = [
    "neither_key_nor_document",
    "too_large",
    "form",
    "version",
    "out_of_range",
    "revoked_id",
    "key_count",
    "key_form",
    "key_length",
    "key_alphabet",
    "key_checksum",
    "key_sample",
    "key_printable",
    "key_step",
    "key_period",
    "key_few_distinct_bytes",
    "time",
    "key_twice",
    "seal_from_twice",
    "too_early",
];

/// Every refusal of a ring because of its predecessor; the refusal because a flow of the process cannot use it is
/// between the two.
const REFUSALS_OF_SUCCESSORS: [&str; 9] = [
    "serial_too_low",
    "serial_reused",
    "revoked_key_returns",
    "dropped_too_early",
    "schedule_changed",
    "seals_again",
    "times_changed",
    "skew_raised_too_far",
    "no_active_key",
];

/// Compares all answers, and counts the outcomes by code.
fn compare<'v>(vectors: impl Iterator<Item = (&'v str, &'v Value, Value)>) -> BTreeMap<&'v str, usize> {
    let (mut names, mut counts, mut wrong) = (BTreeSet::new(), BTreeMap::new(), 0);
    for (name, outcome, answer) in vectors {
        assert!(names.insert(name), "twice: {name}");
        *counts.entry(outcome["refused"].as_str().unwrap_or("accepted")).or_default() += 1;
        if answer != *outcome {
            println!("{name}: {answer} instead of {outcome}");
            wrong += 1;
        }
    }
    assert_eq!(wrong, 0, "see above");
    counts
}

fn each_occurs_twice(refusals: &[&str], counts: &BTreeMap<&str, usize>) {
    let missing: Vec<_> = refusals.iter().filter(|code| counts.get(*code).is_none_or(|count| *count < 2)).collect();
    assert!(missing.is_empty() && counts["accepted"] >= 25, "{missing:?}, {counts:?}");
}

#[test]
fn every_ring_is_judged_as_it_was() {
    let Vectors::<Vector> { vectors } = serde_json::from_str(include_str!("../vectors/rings.json")).unwrap();
    let answers = vectors.iter().map(|vector| (vector.name.as_str(), &vector.outcome, vector.answer()));
    each_occurs_twice(&REFUSALS, &compare(answers));
}

#[derive(Deserialize)]
struct Succession {
    name: String,
    current: String,
    offered: String,
    now: u64,
    outcome: Value,
}

impl Succession {
    fn answer(&self) -> Value {
        let keys = LiveKeyRing::from(self.current.parse::<KeyRing>().unwrap());
        let mut answer = match keys.offer(&SecretString::from(self.offered.clone()), at(self.now)) {
            Ok(Update::Taken { late }) => json!({ "accepted": { "late": late } }),
            Ok(Update::Unchanged) => json!({ "accepted": { "late": null } }),
            Ok(other) => panic!("another answer: {other:?}"),
            Err(error) => json!({ "refused": code(&error) }),
        };
        answer["serial"] = keys.ring().serial().into();
        answer["roles"] = roles_at(&keys.ring(), self.now).into();
        answer
    }
}

/// A server that accepts a document that another refuses has other keys from then on.
#[test]
fn every_successor_of_a_ring_is_judged_as_it_was() {
    let Vectors::<Succession> { vectors } = serde_json::from_str(include_str!("../vectors/successions.json")).unwrap();
    let answers = vectors.iter().map(|vector| (vector.name.as_str(), &vector.outcome, vector.answer()));
    each_occurs_twice(&REFUSALS_OF_SUCCESSORS, &compare(answers));
}
