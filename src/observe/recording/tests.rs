use super::ErrorsAlone;

const fn at(seconds: u64) -> u64 {
    1_800_000_000 + seconds
}

/// A planned failover refuses one callback of a small site, and the user's second try; the next callback comes hours later.
#[test]
fn errors_within_a_minute_are_no_outage() {
    let guard = ErrorsAlone::default();
    assert_eq!(guard.tell("unavailable", at(0)), None);
    assert_eq!(guard.tell("outcome_unknown", at(20)), None);
    assert_eq!(guard.tell("first", at(7_200)), Some(true));
    assert_eq!(guard.tell("unavailable", at(7_300)), None, "the errors before the answer do not count");
}

/// A dead guard at one login in ten minutes.
#[test]
fn errors_alone_for_a_minute_are_an_outage() {
    for kind in ["unavailable", "outcome_unknown", "full", "misconfigured"] {
        let guard = ErrorsAlone::default();
        assert_eq!([0, 600, 1_200].map(|seconds| guard.tell(kind, at(seconds))), [None, Some(false), Some(false)]);
    }
}

/// A cache in front of a dead store knows used links: one old link would hide the outage.
#[test]
fn an_old_link_does_not_hide_an_outage() {
    let guard = ErrorsAlone::default();
    assert_eq!(guard.tell("unavailable", at(0)), None);
    assert_eq!(guard.tell("already_used", at(60)), None);
    assert_eq!(guard.tell("unavailable", at(120)), Some(false));
    assert_eq!(guard.tell("already_used", at(121)), None);
}

/// A flood of callbacks must not page as an outage of the store.
#[test]
fn a_guard_that_is_too_busy_is_not_down() {
    let guard = ErrorsAlone::default();
    assert_eq!([0, 600].map(|seconds| guard.tell("overloaded", at(seconds))), [None, None]);
}
