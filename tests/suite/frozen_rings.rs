//! The frozen key rings: what each key does at which time, and why a ring is refused.
//!
//! The answers in `tests/vectors/rings.json` come from another implementation, which was written from `docs/key-ring.md`. Servers of two
//! versions that judged one document otherwise would each be sure of their own keys.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, UNIX_EPOCH};

use oauth_state::{KeyRing, KeyRole, RingError, RootKeyError};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
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
        let ring = match KeyRing::parse(&(self.text.clone() + &" ".repeat(padding))) {
            Ok(ring) => ring,
            Err(error) => return json!({ "refused": code(&error) }),
        };
        let at = |now: &u64| {
            let roles: Vec<_> = ring.roles(UNIX_EPOCH + Duration::from_secs(*now)).collect();
            let seals = roles.iter().find(|(_, role)| *role == KeyRole::Active).map(|(id, _)| id.to_string());
            let roles: Vec<Value> =
                roles.iter().map(|(id, role)| json!({ "id": id.to_string(), "role": role.to_string() })).collect();
            json!({ "now": now, "seals": seals, "roles": roles })
        };
        json!({ "accepted": {
            "serial": ring.serial(), "skew": ring.skew().as_secs(), "lifetime_cap": ring.lifetime_cap().as_secs(),
            "fingerprint": ring.fingerprint(), "at": self.times.iter().map(at).collect::<Vec<_>>(),
        }})
    }
}

fn code(error: &RingError) -> &'static str {
    match error {
        RingError::NeitherKeyNorDocument => "neither_key_nor_document",
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
        other => panic!("a refusal without a code: {other:?}"),
    }
}

/// Every refusal that a ring alone can have.
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

#[test]
fn every_ring_is_judged_as_it_was() {
    let Vectors { vectors } = serde_json::from_str(include_str!("../vectors/rings.json")).unwrap();
    let (mut names, mut counts) = (BTreeSet::new(), BTreeMap::<&str, usize>::new());
    let wrong: Vec<_> = vectors.iter().filter(|vector| vector.answer() != vector.outcome).collect();
    for vector in &wrong {
        println!("{}: {} instead of {}", vector.name, vector.answer(), vector.outcome);
    }
    assert_eq!(wrong.len(), 0, "see above");
    for vector in &vectors {
        assert!(names.insert(&vector.name), "twice: {}", vector.name);
        *counts.entry(vector.outcome["refused"].as_str().unwrap_or("accepted")).or_default() += 1;
    }
    let missing: Vec<_> = REFUSALS.iter().filter(|code| counts.get(*code).is_none_or(|count| *count < 2)).collect();
    assert!(missing.is_empty() && counts["accepted"] >= 25, "{missing:?}");
}
