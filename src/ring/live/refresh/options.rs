//! The options of a refresh: the interval, and the requirements at startup.

use std::sync::Arc;
use std::time::Duration;

use super::{LEAST_GAP, LONGEST_GAP};
use crate::clock::{Clock, SystemClock};
use crate::observe::Observers;

/// The interval at which a source is read, and the requirements at startup.
#[derive(Clone)]
pub struct Refresh {
    pub(super) interval: Duration,
    pub(super) time_limit: Duration,
    pub(super) early_gap: Duration,
    pub(super) minimum_serial: u64,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observers: Observers,
}

impl Refresh {
    /// Reads the source once per interval, minus a random part of up to a fifth, so that the servers of a fleet do not all read at once.
    /// The interval must not exceed the document's `propagation`.
    #[must_use]
    pub fn every(interval: Duration) -> Self {
        Self {
            interval: interval.clamp(LEAST_GAP, LONGEST_GAP),
            time_limit: Duration::from_secs(10),
            early_gap: Duration::from_secs(10),
            minimum_serial: 0,
            clock: Arc::new(SystemClock),
            observers: Observers::default(),
        }
    }

    /// Sets the time limit of an answer; ten seconds by default.
    #[must_use]
    pub fn time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit.clamp(LEAST_GAP, LONGEST_GAP);
        self
    }

    /// Limits how often callbacks with an unknown key id may bring the next refresh forward: at most once in this time; ten seconds by
    /// default. An attacker can send unknown key ids, so this limits how often they can cause a read of the source.
    #[must_use]
    pub fn early_at_most_every(mut self, gap: Duration) -> Self {
        self.early_gap = gap.clamp(LEAST_GAP, LONGEST_GAP);
        self
    }

    /// Refuses to start with a document of a lower serial. A running process never goes back; this keeps a starting process from using an
    /// old document, for example one from a backup, with a key that has been revoked since.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::source::{SourceErrorKind, source_fn};
    /// use oauth_state::ring::{Refresh, RootKey};
    /// use oauth_state::LiveKeyRing;
    /// use std::time::Duration;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let text = RootKey::generate()?.to_secret_text(); // a bare key has serial 0
    /// let source = source_fn("our vault", move || { let text = text.clone(); async move { Ok(text.expose().to_owned()) } });
    /// let error = LiveKeyRing::load(source, Refresh::every(Duration::from_secs(60)).minimum_serial(1)).await.unwrap_err();
    /// assert_eq!(error.kind(), SourceErrorKind::Document);
    /// # Ok::<(), oauth_state::error::RandomnessError>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn minimum_serial(mut self, serial: u64) -> Self {
        self.minimum_serial = serial;
        self
    }

    /// Replaces the clock of the operating system, which is used to check documents. Tests pass a `testing::ManualClock`.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the observers of the ring and its source; see [`observe`](crate::observe).
    #[must_use]
    pub fn observers(mut self, observers: Observers) -> Self {
        self.observers = observers;
        self
    }
}

impl Default for Refresh {
    fn default() -> Self {
        Self::every(Duration::from_secs(60))
    }
}

impl std::fmt::Debug for Refresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { interval, time_limit, early_gap, minimum_serial, clock: _, observers: _ } = self;
        f.debug_struct("Refresh")
            .field("interval", interval)
            .field("time_limit", time_limit)
            .field("early_gap", early_gap)
            .field("minimum_serial", minimum_serial)
            .finish_non_exhaustive()
    }
}
