//! Time that runs faster than the wall clock, from the same moment in every process.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth_state::Clock;
use oauth_state::ring::RingTiming;

/// The speed factor.
const SPEED: u32 = 20;

/// The propagation time by this clock: two seconds of wall time.
pub const PROPAGATION: Duration = Duration::from_secs(40);
/// The time between two rotations by this clock: half a second of wall time.
pub const BETWEEN_ROTATIONS: Duration = Duration::from_secs(10);
/// The lifetime of a login by this clock: half a second of wall time.
pub const LIFETIME: Duration = Duration::from_secs(10);

/// Twelve keys at once under these times: five pending, one active, six retiring.
pub fn timing() -> RingTiming {
    RingTiming { propagation: PROPAGATION, skew: Duration::from_secs(2), lifetime_cap: LIFETIME }
}

/// In wall time.
pub fn on_the_wall(duration: Duration) -> Duration {
    duration / SPEED
}

/// The clock of every process of one trial.
#[derive(Clone, Copy)]
pub struct FastClock {
    started: SystemTime,
}

impl FastClock {
    /// Starts at this moment, on which the processes agree, in milliseconds since 1970.
    pub fn from_milliseconds(started: u64) -> Self {
        Self { started: UNIX_EPOCH + Duration::from_millis(started) }
    }
}

impl Clock for FastClock {
    fn now(&self) -> SystemTime {
        let passed = SystemTime::now().duration_since(self.started).unwrap_or_default();
        self.started + passed * SPEED
    }
}
