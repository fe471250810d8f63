//! Any text as a key ring document: an accepted one keeps the rules, is the same after writing and reading, and gives
//! every key one role at every time. The scan without the parser finds exactly the revoked keys, and accepts any bytes.
//!
//! It finds a document that two servers would read differently, two keys that seal at once, a revoked key that opens,
//! and a document that cannot be read after it was written.

#![no_main]

use std::collections::HashSet;
use std::time::{Duration, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use oauth_state::KeyRing;
use oauth_state::fuzzing::revocations;
use oauth_state::ring::{KeyRingDocument, KeyRole};
use serde_json::Value;

/// The maximum number of ids that the scan finds.
const MOST_FOUND: usize = 1_024;
/// Seconds at which roles change in the seeds, and the limits of time.
const TIMES: [u64; 6] = [0, 1_000_000_000, 1_799_999_999, 1_800_000_000, 1_800_100_000, 253_402_300_799];

fn check_roles(document: &KeyRingDocument) {
    for seconds in TIMES {
        let roles: Vec<_> = document.ring().roles(UNIX_EPOCH + Duration::from_secs(seconds)).collect();
        let ids: HashSet<_> = roles.iter().map(|(id, _)| id).collect();
        assert!((1..=16).contains(&roles.len()) && ids.len() == roles.len(), "a key stands twice, or none");
        let active = roles.iter().filter(|(_, role)| *role == KeyRole::Active);
        assert!(active.count() <= 1, "two keys seal at {seconds}");
        for (id, role) in &roles {
            assert_eq!(*role == KeyRole::Revoked, document.revoked().contains(id), "{id} is {role} at {seconds}");
        }
        // Keys are in order of time: those before the active one no longer seal, and those after it not yet.
        let order = roles.iter().map(|(_, role)| match role {
            KeyRole::Retired => 0,
            KeyRole::Retiring => 1,
            KeyRole::Active => 2,
            _ => 3,
        });
        let order: Vec<_> =
            order.zip(&roles).filter(|(_, (_, role))| *role != KeyRole::Revoked).map(|(at, _)| at).collect();
        assert!(order.is_sorted(), "{roles:?}");
    }
}

/// No two keys start to seal in the same second, and no field of a key is lost.
fn check_times(text: &str, written: &str) {
    let Ok(given) = serde_json::from_str::<Value>(text) else { return };
    let written: Value = serde_json::from_str(written).expect("what is written is JSON");
    let keys = |document: &Value| document["keys"].as_array().cloned().unwrap_or_default();
    let times: Vec<_> = keys(&written).iter().map(|key| key["seal_from"].as_str().unwrap().to_owned()).collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "two keys begin to seal at once");
    let said = |document: &Value| {
        let of = |key: &Value| (key["key"].to_string(), key["emergency"] == true, key["note"].clone().to_string());
        let mut said: Vec<_> = keys(document).iter().map(of).collect();
        said.sort_unstable();
        said
    };
    assert_eq!(said(&given), said(&written));
}

fuzz_target!(|data: &[u8]| {
    let found = revocations(data);
    assert!(found.len() <= MOST_FOUND);
    let Ok(text) = std::str::from_utf8(data) else { return };
    let document = text.parse::<KeyRingDocument>();
    assert_eq!(document.is_ok(), text.parse::<KeyRing>().is_ok());
    let Ok(document) = document else { return };
    check_roles(&document);
    check_times(text, document.to_secret_text().expose());
    assert!(document.serial() < 1 << 53);
    let written = document.to_secret_text();
    let again = match written.expose().parse::<KeyRingDocument>() {
        Ok(again) => again,
        // With line ends and indentation, a long list may no longer fit.
        Err(refused) => return assert!(written.expose().len() > 65_536, "what was written does not read: {refused}"),
    };
    assert_eq!(again.to_secret_text().expose(), written.expose());
    assert_eq!(again.revoked(), document.revoked());
    // A bare key becomes a document with its own times.
    if !text.trim_ascii_start().starts_with('{') {
        return;
    }
    assert_eq!(again.ring().fingerprint(), document.ring().fingerprint());
    // If the parser finds a list, the scan finds the same one.
    let mut listed: Vec<_> = document.revoked().to_vec();
    let mut seen = std::collections::HashSet::new();
    listed.reverse();
    listed.retain(|id| seen.insert(*id));
    listed.truncate(MOST_FOUND);
    listed.reverse();
    assert_eq!(listed, found, "the scan finds another list");
});
