//! The task that keeps a ring fresh.

mod options;

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

pub use options::Refresh;

use super::keys::{Live, LiveKeyRing, Wishes};
use super::state::Update;
use crate::clock::unix_seconds;
use crate::observe::{Event, Observer as _, Scope};
use crate::random;
use crate::ring::key::KeyRing;
use crate::ring::source::{Fetched, KeySource, RingError, SourceError, SourceErrorKind};

/// The wait after the first failure; it doubles with each further one, up to the interval.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The shortest time between two refreshes that a source requested: a busy folder must not keep this task busy.
const LEAST_GAP: Duration = Duration::from_millis(50);
/// The longest wait of a refresh; a year can be added to any clock.
const LONGEST_GAP: Duration = Duration::from_secs(365 * 86_400);

/// Keeps the ring of a [`LiveKeyRing`] fresh. Spawn [`Refresher::run`] as a task, or call [`Refresher::refresh`] on your own schedule.
/// [`LiveKeyRing::load`] makes one, and has an example.
#[must_use = "spawn run(), or the keys never change"]
pub struct Refresher {
    /// Weak, so that the task ends with the last flow.
    live: Weak<Live>,
    wishes: Arc<Wishes>,
    source: Box<dyn KeySource>,
    refresh: Refresh,
    version: Option<String>,
}

impl std::fmt::Debug for Refresher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refresher")
            .field("source", &self.source.name())
            .field("refresh", &self.refresh)
            .finish_non_exhaustive()
    }
}

impl LiveKeyRing {
    /// Reads a ring from a source, and returns it with the refresher that keeps it fresh.
    ///
    /// # Errors
    ///
    /// [`SourceError`] names the source, its answer and the remedy: it returned no document, the document is refused, its serial is below
    /// [`Refresh::minimum_serial`], or the interval exceeds its `propagation`, so that a rotation would reach this process too late.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with timers enabled (`enable_time`), like every tokio function that waits.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::source::FileSource;
    /// use oauth_state::ring::{Refresh, KeyRingDocument, RingTiming};
    /// use oauth_state::LiveKeyRing;
    /// use std::time::{Duration, SystemTime};
    ///
    /// # let path = std::env::temp_dir().join(format!("keys-load-{}", std::process::id()));
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// let first = KeyRingDocument::first(RingTiming::default(), SystemTime::now())?;
    /// std::fs::write(&path, first.to_secret_text().expose())?;
    ///
    /// let (keys, refresher) = LiveKeyRing::load(FileSource::new(&path), Refresh::every(Duration::from_secs(60))).await?;
    /// tokio::spawn(refresher.run());
    /// assert_eq!(keys.ring().serial(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn load(source: impl KeySource, refresh: Refresh) -> Result<(Self, Refresher), SourceError> {
        let name = source.name().to_owned();
        let refused = |refused| SourceError::document(&name, refused);
        let (ring, version) = match fetch(&source, &refresh, None).await? {
            Fetched::Document { text, version, .. } => (text.expose().parse::<KeyRing>().map_err(refused)?, version),
            Fetched::Unchanged => {
                let answer = "it says that the document is unchanged, but none is known yet";
                return Err(SourceError::new(name, SourceErrorKind::Misconfigured, answer));
            }
        };
        let (given, least) = (ring.serial(), refresh.minimum_serial);
        if given < least {
            return Err(refused(RingError::SerialTooLow { given, least }));
        }
        let propagation = Duration::from_secs(ring.timing().propagation.into());
        // A bare key has no successor until it becomes a document.
        if ring.serial() > 0 && refresh.interval > propagation {
            let answer = format!("a refresh every {:?} exceeds the document's propagation", refresh.interval);
            return Err(SourceError::new(&name, SourceErrorKind::Misconfigured, answer).with_remedy(format!(
                "refresh at least every {propagation:?}, or raise `propagation`: otherwise other servers could seal with a key before this one knows it"
            )));
        }
        let keys = Self::observed(ring, refresh.observers.clone());
        keys.confirm(unix_seconds(refresh.clock.now()));
        tracing::info!(
            source = name,
            serial = keys.ring().serial(),
            fingerprint = keys.fingerprint(),
            "key ring loaded"
        );
        let (live, wishes) = (Arc::downgrade(keys.live()), Arc::clone(&keys.live().wishes));
        Ok((keys, Refresher { live, wishes, source: Box::new(source), refresh, version }))
    }
}

async fn fetch(source: &dyn KeySource, refresh: &Refresh, known: Option<&str>) -> Result<Fetched, SourceError> {
    let fetched = || timeout(refresh.time_limit, source.fetch(known));
    let end = |answer: &Result<Result<Fetched, _>, _>, took| {
        let worked = matches!(answer, Ok(Ok(_)));
        (if worked { "ok" } else { "error" }, Event::SourceAnswered { worked, took })
    };
    let fetched = refresh.observers.around(&*refresh.clock, Scope::source(source.name()), fetched, end).await;
    fetched.unwrap_or_else(|late| {
        let answer = format!("no answer within {:?}", refresh.time_limit);
        let remedy = "it is tried again; if this persists, check the network route to a store, or the mount of a file";
        Err(SourceError::new(source.name(), SourceErrorKind::Unavailable, answer).with_remedy(remedy).because(late))
    })
}

impl Refresher {
    /// Reads the source once, and puts its document into use.
    ///
    /// # Errors
    ///
    /// [`SourceError`]; the last good ring stays in use, and its age grows.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with timers enabled.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::source::{SourceErrorKind, source_fn};
    /// use oauth_state::ring::{Refresh, RootKey};
    /// use oauth_state::LiveKeyRing;
    /// use std::sync::Mutex;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let answers = Mutex::new(vec!["garbage".to_owned(), RootKey::generate()?.to_secret_text().expose().to_owned()]);
    /// let source = source_fn("our vault", move || {
    ///     let answer = answers.lock().unwrap().pop();
    ///     async move { answer.ok_or("out of order".into()) }
    /// });
    /// let (keys, mut refresher) = LiveKeyRing::load(source, Refresh::default()).await?;
    /// let before = keys.fingerprint();
    /// assert_eq!(refresher.refresh().await.unwrap_err().kind(), SourceErrorKind::Document);
    /// assert_eq!(refresher.refresh().await.unwrap_err().kind(), SourceErrorKind::Unavailable);
    /// // The last good ring is still in use:
    /// assert_eq!((keys.fingerprint(), keys.status().refused, keys.status().failed), (before, 1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn refresh(&mut self) -> Result<Update, SourceError> {
        let Some(keys) = self.live.upgrade().map(LiveKeyRing::of) else { return Ok(Update::Unchanged) };
        let fetched = fetch(&*self.source, &self.refresh, self.version.as_deref()).await;
        let result = self.take(&keys, fetched);
        self.report(&keys, &result);
        result
    }

    fn take(&mut self, keys: &LiveKeyRing, fetched: Result<Fetched, SourceError>) -> Result<Update, SourceError> {
        let now = self.refresh.clock.now();
        let revoked = keys.status().revoked;
        let (outcome, result) = match fetched {
            Ok(Fetched::Document { text, version, .. }) => match keys.offer(&text, now) {
                Ok(update) => {
                    // Only an accepted version is known: a refused document is fetched and checked again, because it may become acceptable
                    // with time, and its age must not look fresh.
                    self.version = version;
                    (if update == Update::Unchanged { "unchanged" } else { "taken" }, Ok(update))
                }
                Err(refused) => {
                    self.report_revoked(keys, revoked);
                    let error = SourceError::document(self.source.name(), refused);
                    keys.note_error(&error.to_string(), false);
                    ("refused", Err(error))
                }
            },
            Ok(Fetched::Unchanged) => {
                keys.confirm(unix_seconds(now));
                ("unchanged", Ok(Update::Unchanged))
            }
            // The source has read a document and refused it itself.
            Err(error) if error.kind() == SourceErrorKind::Document || !error.revoked().is_empty() => {
                keys.refuse(error.revoked(), &error.to_string(), unix_seconds(now));
                self.report_revoked(keys, revoked);
                ("refused", Err(error))
            }
            Err(error) => {
                keys.note_error(&error.to_string(), true);
                ("failed", Err(error))
            }
        };
        self.refresh.observers.event(&Event::RingRefreshed { outcome });
        if result.is_ok() {
            // Only this task reports it: for a ring that is read once, an age that is never renewed would raise an alarm.
            self.refresh.observers.event(&Event::RingConfirmed { at: now });
        }
        result
    }

    /// Logs whether the refused document has revoked keys of this process; `before` is the number of revoked keys before it.
    fn report_revoked(&self, keys: &LiveKeyRing, before: usize) {
        let (source, revoked) = (self.source.name(), keys.status().revoked);
        if revoked > before {
            tracing::warn!(source, revoked, "a document was refused, but its revocations of keys were applied");
        }
    }

    fn report(&self, keys: &LiveKeyRing, result: &Result<Update, SourceError>) {
        let source = self.source.name();
        let ring = keys.ring();
        match result {
            Ok(Update::Unchanged) => tracing::debug!(source, serial = ring.serial(), "key ring unchanged"),
            Ok(Update::Taken { late }) => {
                tracing::info!(source, serial = ring.serial(), fingerprint = ring.fingerprint(), "key ring swapped");
                if *late > 0 {
                    tracing::warn!(
                        source,
                        ring_late = late,
                        "another server sealed with a key before it was known here"
                    );
                }
                let propagation = Duration::from_secs(ring.timing().propagation.into());
                if self.refresh.interval > propagation {
                    tracing::warn!(source, interval = ?self.refresh.interval, ?propagation, "this process refreshes too slowly for the document");
                }
            }
            Err(error) => tracing::warn!(kind = error.kind().code(), %error, "the last good key ring stays in use"),
        }
    }

    /// Refreshes until the last [`LiveKeyRing`] and the last flow over it are dropped: at every interval, when the source has changed, when
    /// [`LiveKeyRing::reload_now`] asks, and early when a callback names an unknown key. Failures are retried after one second, two, four
    /// and so on, up to the interval.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with timers enabled.
    pub async fn run(mut self) {
        let mut failures = 0;
        let mut early_from = Instant::now();
        // The refresh runs from now on: if the source disappears before the first read, the ring's age grows.
        self.refresh.observers.event(&Event::RingConfirmed { at: self.refresh.clock.now() });
        loop {
            let next = Instant::now().checked_add(self.wait(failures)).unwrap_or_else(Instant::now);
            tokio::select! {
                () = sleep_until(next) => {}
                () = self.source.changed() => sleep(LEAST_GAP).await,
                () = asked(&self.wishes, early_from) => {}
            }
            if self.live.strong_count() == 0 {
                return;
            }
            // Cleared before the source is read: a later callback may know a newer key than this read returns.
            if self.wishes.early_stands() {
                self.wishes.clear_early();
                early_from = Instant::now().checked_add(self.refresh.early_gap).unwrap_or(early_from);
            }
            failures = match self.refresh().await {
                Ok(_) => 0,
                Err(_) => failures.saturating_add(1),
            };
        }
    }

    /// The time until the next attempt, after this many failures in a row.
    fn wait(&self, failures: u32) -> Duration {
        let interval = self.refresh.interval;
        match failures.checked_sub(1) {
            None => earlier(interval, 5),
            Some(doublings) => {
                let doubled = FIRST_RETRY.saturating_mul(1_u32.checked_shl(doublings.min(16)).unwrap_or(u32::MAX));
                earlier(doubled.min(interval), 2)
            }
        }
    }
}

/// Resolves when the operator asks, or when a callback has asked and the pause is over.
async fn asked(wishes: &Wishes, early_from: Instant) {
    loop {
        if wishes.take_now() {
            return;
        }
        if wishes.early_stands() {
            tokio::select! {
                () = sleep_until(early_from) => return,
                () = wishes.changed.notified() => {}
            }
        } else {
            wishes.changed.notified().await;
        }
    }
}

/// The duration minus a random part of up to one `share`th, so that servers that started together drift apart.
fn earlier(duration: Duration, share: u32) -> Duration {
    let mut random = [0; 1];
    // Without randomness they read at the same time, which does no harm.
    let _ = random::operating_system(&mut random);
    let most = duration.checked_div(share).unwrap_or_default();
    let part = most.saturating_mul(u32::from(random[0])).checked_div(255).unwrap_or_default();
    duration.saturating_sub(part)
}

#[cfg(test)]
mod tests;
