use super::*;

const START: u64 = 1_800_000_000;
const DAY: u64 = 86_400;

/// A clock that is trusted at `START`.
fn started() -> SteadyClock {
    let clock = SteadyClock::default();
    clock.observe(START - CONFIRM_SECONDS);
    assert_eq!(clock.observe(START), START);
    clock
}

#[test]
fn it_never_runs_backwards() {
    let clock = started();
    assert_eq!(clock.observe(START - 10), START);
    assert_eq!(clock.observe(START + 3600), START + 3600);
}

#[test]
fn a_leap_that_comes_back_is_never_believed() {
    let clock = started();
    assert_eq!(clock.observe(START + DAY), START);
    assert_eq!(clock.observe(START + DAY + 59), START);
    assert_eq!(clock.observe(START + 5), START + 5);
    assert_eq!(clock.observe(START + DAY + 61), START + 5);
}

#[test]
fn a_leap_that_stays_is_believed_after_a_minute() {
    let clock = started();
    assert_eq!(clock.observe(START + DAY), START);
    assert_eq!(clock.observe(START + DAY + 60), START + DAY + 60);
    assert_eq!(clock.observe(START + DAY + 61), START + DAY + 61);
}

/// Two leaps are not a leap and its confirmation: a process starts, and its clock jumps within the first minute.
#[test]
fn a_second_leap_does_not_confirm_the_first() {
    let clock = SteadyClock::default();
    assert_eq!(clock.observe(START), 0);
    assert_eq!(clock.observe(START + 7 * DAY), 0);
    assert_eq!(clock.observe(START + 5), 0);
    assert_eq!(clock.observe(START + 65), START + 65);
}

#[test]
fn a_leap_is_confirmed_within_a_day() {
    let clock = SteadyClock::default();
    assert_eq!(clock.observe(START), 0);
    assert_eq!(clock.observe(START + DAY), START + DAY);
}

/// A machine whose clock is set only after the service has started.
#[test]
fn a_first_time_that_was_wrong_drops_nothing() {
    let clock = SteadyClock::default();
    assert_eq!(clock.observe(START + 1000 * DAY), 0);
    assert_eq!(clock.observe(START), 0);
    assert_eq!(clock.observe(START + 60), START + 60);
}
