use super::*;
use std::time::Duration;

#[test]
fn latency_is_not_a_clock_difference() {
    let at = |milliseconds| SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds);
    assert_eq!(ahead(at(10_000), at(10_400), 10_200), 0);
    assert_eq!(ahead(at(10_000), at(10_000), 70_000), 60_000);
    assert_eq!(ahead(at(70_000), at(70_000), 10_000), -60_000);
}
