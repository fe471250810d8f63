use super::*;
use KeyRole::{Active, Pending, Retired, Retiring, Revoked};

const TIMING: Timing = Timing { propagation: 300, skew: 60, lifetime_cap: 600 };
/// propagation + lifetime_cap + 2·skew.
const GRACE: u64 = 1020;

fn ring(schedule: &[(u64, bool)]) -> KeyRing {
    let keys = schedule.iter().map(|&(seal_from, revoked)| {
        let root = RootKey::generate().unwrap();
        RingKey { id: root.id(), root, published_at: 0, seal_from, emergency: false, revoked }
    });
    KeyRing::from_parts(1, TIMING, keys.collect(), Vec::new())
}

fn roles(ring: &KeyRing, now: u64) -> Vec<KeyRole> {
    (0..ring.keys().len()).map(|index| ring.role(index, now)).collect()
}

#[test]
fn each_role_begins_and_ends_at_its_second() {
    let ring = ring(&[(1000, false), (5000, false)]);
    assert_eq!(roles(&ring, 999), [Pending, Pending]);
    assert_eq!(ring.active(999), None);
    assert_eq!(roles(&ring, 1000), [Active, Pending]);
    assert_eq!(roles(&ring, 4999), [Active, Pending]);
    assert_eq!(ring.active(4999), Some(0));
    assert_eq!(roles(&ring, 5000), [Retiring, Active]);
    assert_eq!(ring.active(5000), Some(1));
    assert_eq!(roles(&ring, 5000 + GRACE - 1), [Retiring, Active]);
    assert_eq!(roles(&ring, 5000 + GRACE), [Retired, Active]);
    assert_eq!(roles(&ring, u64::MAX), [Retired, Active]);
}

/// Operators read these words in lists and metrics.
#[test]
fn each_role_has_its_word() {
    let all = [Pending, Active, Retiring, Retired, Revoked];
    assert_eq!(all.map(|role| role.to_string()), ["pending", "active", "retiring", "retired", "revoked"]);
}

#[test]
fn the_order_of_the_list_does_not_matter() {
    assert_eq!(roles(&ring(&[(5000, false), (1000, false)]), 6000), [Retiring, Active]);
}

#[test]
fn a_superseded_key_never_seals_again_even_if_its_successor_is_revoked() {
    let ring = ring(&[(1000, false), (5000, true)]);
    assert_eq!(roles(&ring, 4999), [Active, Revoked]);
    assert_eq!(roles(&ring, 5000), [Retiring, Revoked]);
    assert_eq!(ring.active(5000), None);
}

#[test]
fn only_the_three_living_roles_open() {
    assert!(Pending.opens() && Active.opens() && Retiring.opens());
    assert!(!Retired.opens() && !Revoked.opens());
}

#[test]
fn a_document_of_another_time_or_key_has_another_fingerprint() {
    let one = ring(&[(1000, false)]);
    let later = KeyRing::from_parts(
        1,
        TIMING,
        one.keys().iter().cloned().map(|key| RingKey { seal_from: 1001, ..key }).collect(),
        Vec::new(),
    );
    let revoked = KeyRing::from_parts(1, TIMING, one.keys().to_vec(), vec![one.keys()[0].id]);
    assert_eq!(one.fingerprint(), one.clone().fingerprint());
    assert_ne!(one.fingerprint(), later.fingerprint());
    assert_ne!(one.fingerprint(), revoked.fingerprint());
    assert_ne!(one.fingerprint(), ring(&[(1000, false)]).fingerprint());
}
