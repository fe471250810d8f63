use super::*;
use crate::payload::StoreErrorKind;

fn row(number: u8, now: u64, keep_until: u64) -> Payload {
    Payload { id: [number; 16], value: vec![number], now, keep_until }
}

/// A flood of login starts must not push out the logins that are under way.
#[test]
fn a_full_store_refuses_and_forgets_nothing_until_time_makes_room() {
    let mut held = Held::default();
    held.put(&row(1, 100, 200), 2).unwrap();
    held.put(&row(2, 100, 300), 2).unwrap();
    assert_eq!(held.put(&row(3, 199, 400), 2).unwrap_err().kind(), StoreErrorKind::Full);
    assert_eq!(held.values.len(), 2);
    held.put(&row(4, 200, 400), 2).unwrap();
    assert!(!held.values.contains_key(&[1; 16]) && held.values.contains_key(&[2; 16]));
    held.put(&row(5, 3_000, 3_100), 2).unwrap();
    assert_eq!((held.values.len(), held.over_at.len()), (1, 1), "nothing stays behind");
}
