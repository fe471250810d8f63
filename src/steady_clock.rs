//! A clock that never runs backwards, and does not believe a leap forwards at once.

use std::sync::atomic::Ordering;

use crate::key::ring::LONGEST_LIFETIME;
use crate::sync::AtomicU64;

/// How long a leap must last, by the clock that leapt, before it is believed.
const CONFIRM_SECONDS: u64 = 60;
/// How long after a leap a request can still confirm it: what comes later has leapt again.
const CONFIRM_WITHIN_SECONDS: u64 = 86_400;

/// The latest time that requests brought, in Unix seconds.
///
/// Marks and rows in memory are dropped by it. If it followed a clock that leaps into next week and comes back, every live bucket would be
/// dropped, and every login refused until next week. So a leap of more than the longest lifetime counts only once
/// requests have come for a minute beyond it, and none from before. The first time of all is such a leap, too: a process
/// may start before its clock is set. A service that nobody asks for a day at a time believes none, and drops nothing.
#[derive(Debug, Default)]
pub(crate) struct SteadyClock {
    believed: AtomicU64,
    /// Where an unconfirmed leap landed; 0 without one.
    leap: AtomicU64,
}

impl SteadyClock {
    /// Takes in a request's time and gives the time to drop by.
    pub(crate) fn observe(&self, now: u64) -> u64 {
        let believed = self.believed.load(Ordering::Relaxed);
        let leap = self.leap.load(Ordering::Relaxed);
        if now.saturating_sub(believed) > u64::from(LONGEST_LIFETIME) {
            if leap == 0 || now < leap || now > leap.saturating_add(CONFIRM_WITHIN_SECONDS) {
                self.leap.store(now, Ordering::Relaxed);
                return believed;
            }
            if now < leap.saturating_add(CONFIRM_SECONDS) {
                return believed;
            }
        }
        if leap != 0 {
            self.leap.store(0, Ordering::Relaxed);
        }
        self.believed.fetch_max(now, Ordering::Relaxed).max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_800_000_000;
    const DAY: u64 = 86_400;

    /// A clock that has been believed at `START`.
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

    /// Two leaps are not a leap and its confirmation: a process starts, and its clock runs off within the first minute.
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
}
