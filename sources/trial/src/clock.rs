//! Time that runs faster than on the wall, from the same moment in every process.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth_state::Clock;
use oauth_state::ring::RingTiming;

/// How much faster.
const SPEED: u32 = 20;

/// The propagation time, by this clock: two seconds on the wall.
pub const PROPAGATION: Duration = Duration::from_secs(40);
/// Between two rotations, by this clock: half a second on the wall.
pub const BETWEEN_ROTATIONS: Duration = Duration::from_secs(10);
/// How long a login may take, by this clock: half a second on the wall.
pub const LIFETIME: Duration = Duration::from_secs(10);

/// Twelve keys at once under these times: five that are pending, one that is active, six that retire.
pub fn timing() -> RingTiming {
    RingTiming { propagation: PROPAGATION, skew: Duration::from_secs(2), lifetime_cap: LIFETIME }
}

/// On the wall.
pub fn on_the_wall(duration: Duration) -> Duration {
    duration / SPEED
}

/// The clock of every process of one trial.
#[derive(Clone, Copy)]
pub struct FastClock {
    started: SystemTime,
}

impl FastClock {
    /// Starts at this moment, which the processes agree on, in milliseconds since 1970.
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
