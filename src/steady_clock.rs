//! A clock that never runs backwards, and does not trust a leap forward at once.

use std::sync::atomic::Ordering;

use crate::claims::codec::LONGEST_LIFETIME;
use crate::sync::AtomicU64;

/// How long a leap must last, by the clock that leapt, before it is trusted.
const CONFIRM_SECONDS: u64 = 60;
/// How long after a leap a request can confirm it: a later one counts as another leap.
const CONFIRM_WITHIN_SECONDS: u64 = 86_400;

/// The latest time of a request, in Unix seconds.
///
/// Marks and rows in memory expire by it. If it followed a clock that leaps into next week and comes back, every live bucket would be
/// dropped, and every login refused until next week. So a leap of more than the longest lifetime counts only after requests have arrived
/// beyond it for a minute, and none from before. The very first time is such a leap, too: a process may start before its clock is set. A
/// service without any request for a day trusts no leap, and drops nothing.
#[derive(Debug, Default)]
pub(crate) struct SteadyClock {
    believed: AtomicU64,
    /// The time of an unconfirmed leap; 0 without one.
    leap: AtomicU64,
}

impl SteadyClock {
    /// Records a request's time, and returns the time to expire by.
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
mod tests;
