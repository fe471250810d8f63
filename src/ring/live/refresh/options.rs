//! How often a source is read, and what a start expects of it.

use std::sync::Arc;
use std::time::Duration;

use super::{LEAST_GAP, LONGEST_GAP};
use crate::clock::{Clock, SystemClock};

/// How often a source is read, and what a start expects of it.
///
/// # Examples
///
/// ```
/// use oauth_state::ring::Refresh;
/// use std::time::Duration;
/// let refresh = Refresh::every(Duration::from_secs(60)).time_limit(Duration::from_secs(5)).minimum_serial(7);
/// assert!(format!("{refresh:?}").contains("60s"));
/// ```
#[derive(Clone)]
pub struct Refresh {
    pub(super) interval: Duration,
    pub(super) time_limit: Duration,
    pub(super) early_gap: Duration,
    pub(super) minimum_serial: u64,
    pub(super) clock: Arc<dyn Clock>,
}

impl Refresh {
    /// Reads the source once per interval, and a random part of up to a fifth earlier, so that a fleet does not ask all
    /// at once. The interval must not exceed the document's `propagation`.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::Refresh;
    /// let refresh = Refresh::every(std::time::Duration::from_secs(60));
    /// assert!(format!("{refresh:?}").contains("interval: 60s"));
    /// ```
    #[must_use]
    pub fn every(interval: Duration) -> Self {
        Self {
            interval: interval.clamp(LEAST_GAP, LONGEST_GAP),
            time_limit: Duration::from_secs(10),
            early_gap: Duration::from_secs(10),
            minimum_serial: 0,
            clock: Arc::new(SystemClock),
        }
    }

    /// Gives up on an answer after this time; ten seconds unless said otherwise.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::Refresh;
    /// use std::time::Duration;
    /// let refresh = Refresh::every(Duration::from_secs(60)).time_limit(Duration::from_secs(3));
    /// assert!(format!("{refresh:?}").contains("time_limit: 3s"));
    /// ```
    #[must_use]
    pub fn time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit.clamp(LEAST_GAP, LONGEST_GAP);
        self
    }

    /// A callback with an unknown key id may bring the next refresh forward, at most once in this time; ten seconds unless
    /// said otherwise. Anybody can send an unknown key id, so this bounds what he can make the source do.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::Refresh;
    /// use std::time::Duration;
    /// let refresh = Refresh::every(Duration::from_secs(60)).early_at_most_every(Duration::from_secs(30));
    /// assert!(format!("{refresh:?}").contains("early_gap: 30s"));
    /// ```
    #[must_use]
    pub fn early_at_most_every(mut self, gap: Duration) -> Self {
        self.early_gap = gap.clamp(LEAST_GAP, LONGEST_GAP);
        self
    }

    /// Refuses to start with a document of a lower serial. A running process never goes back; this keeps a process that starts
    /// from taking an old document, say one that was restored from a backup, with a key that was revoked since.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::source::source_fn;
    /// use oauth_state::ring::{Refresh, RootKey};
    /// use oauth_state::LiveKeyRing;
    /// use std::time::Duration;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let text = RootKey::generate()?.to_secret_text(); // a bare key has serial 0
    /// let source = source_fn("our vault", move || { let text = text.clone(); async move { Ok(text.expose().to_owned()) } });
    /// let error = LiveKeyRing::load(source, Refresh::every(Duration::from_secs(60)).minimum_serial(1)).await.unwrap_err();
    /// assert!(error.to_string().contains("the document's serial is 0"));
    /// # Ok::<(), oauth_state::error::RandomnessError>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn minimum_serial(mut self, serial: u64) -> Self {
        self.minimum_serial = serial;
        self
    }

    /// Replaces the clock of the operating system, by which documents are judged.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::Refresh;
    /// use oauth_state::testing::ManualClock;
    /// let refresh = Refresh::every(std::time::Duration::from_secs(60)).clock(ManualClock::at(1_800_000_000));
    /// assert!(format!("{refresh:?}").starts_with("Refresh"));
    /// ```
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

/// Once a minute.
impl Default for Refresh {
    fn default() -> Self {
        Self::every(Duration::from_secs(60))
    }
}

impl std::fmt::Debug for Refresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { interval, time_limit, early_gap, minimum_serial, clock: _ } = self;
        f.debug_struct("Refresh")
            .field("interval", interval)
            .field("time_limit", time_limit)
            .field("early_gap", early_gap)
            .field("minimum_serial", minimum_serial)
            .finish_non_exhaustive()
    }
}
