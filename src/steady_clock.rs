//! A clock that never runs backwards, and does not believe a leap forwards at once.

use std::sync::atomic::Ordering;

use crate::claims::codec::LONGEST_LIFETIME;
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
mod tests;
