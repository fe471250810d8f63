//! The clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A source of the current time.
///
/// Everything in this crate that depends on the time is a function of an argument; only the outermost calls read the clock: once at the
/// login start, and at the callback for the checks and for the mark. Replace it in tests with `oauth_state::testing::ManualClock`.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> SystemTime;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place")]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// Whole seconds since 1970-01-01T00:00:00Z; a clock set to an earlier time reads as 0, where every state looks expired.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The time `seconds` after 1970-01-01T00:00:00Z, or the epoch itself if the platform cannot represent it.
pub(crate) fn from_unix_seconds(seconds: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(UNIX_EPOCH)
}
