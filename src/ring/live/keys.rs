//! The handle through which flows read their keys.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Instant, SystemTime};

use super::RingStatus;
use super::reader::RingReader;
use super::state::{State, Update};
use crate::clock::unix_seconds;
use crate::observe::{Event, Observer as _, Observers};
use crate::ring::key::{KeyRing, RootKeyId};
use crate::ring::source::RingError;
use crate::ring::source::document::{self, Read};
use crate::secret::SecretString;
use crate::sync::{AtomicBool, AtomicU64, Mutex, MutexGuard};

/// The keys of flows: a fixed ring, or one that changes while the service runs. A clone is the same handle.
///
/// `LiveKeyRing::load` (feature `refresh`) reads a ring from a [`KeySource`](crate::ring::source::KeySource) and keeps it fresh;
/// [`LiveKeyRing::offer`] accepts documents on your own schedule. Flows never wait for either, and take no lock. `LiveKeyRing::from(ring)`
/// makes a handle whose ring stays fixed until a document is offered.
#[derive(Clone)]
pub struct LiveKeyRing(Arc<Live>);

/// The state that all clones of a handle, and all flows over it, share.
pub(super) struct Live {
    state: Mutex<State>,
    pub(super) wishes: Arc<Wishes>,
    unknown_keys: AtomicU64,
    observers: Observers,
}

/// Requested refreshes. A request never waits.
#[derive(Default)]
pub(super) struct Wishes {
    /// An early refresh is requested; one request is enough, however many callbacks ask.
    early: AtomicBool,
    /// The operator's request, which is not delayed.
    now: AtomicBool,
    #[cfg(feature = "refresh")]
    pub(super) changed: tokio::sync::Notify,
}

impl Wishes {
    fn wish(&self, flag: &AtomicBool) {
        if !flag.swap(true, Ordering::AcqRel) {
            #[cfg(feature = "refresh")]
            self.changed.notify_one();
        }
    }

    #[cfg(feature = "refresh")]
    pub(super) fn take_now(&self) -> bool {
        self.now.swap(false, Ordering::AcqRel)
    }

    #[cfg(feature = "refresh")]
    pub(super) fn early_stands(&self) -> bool {
        self.early.load(Ordering::Acquire)
    }

    #[cfg(feature = "refresh")]
    pub(super) fn clear_early(&self) {
        self.early.store(false, Ordering::Release);
    }
}

impl LiveKeyRing {
    /// The ring in use.
    #[must_use]
    pub fn ring(&self) -> KeyRing {
        self.0.state().ring.clone()
    }

    /// The ring's fingerprint, for health checks: 16 hexadecimal digits; servers with the same document have the same fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.ring().fingerprint()
    }

    /// The status of the ring: serial, age, and the numbers of accepted and refused documents.
    #[must_use]
    pub fn status(&self) -> RingStatus {
        let state = self.0.state();
        RingStatus {
            serial: state.ring.serial(),
            fingerprint: state.ring.fingerprint(),
            age: state.confirmed_at.map(|at| monotonic_now().saturating_duration_since(at)),
            taken: state.taken,
            refused: state.refused,
            failed: state.failed,
            late: state.late,
            revoked: state.ring.keys().iter().filter(|key| key.revoked).count(),
            unknown_keys: self.0.unknown_keys.load(Ordering::Relaxed),
            last_error: state.last_error.clone(),
        }
    }

    /// Asks the refresh task to fetch at once, for example after an operator's signal. It returns immediately, and does nothing for
    /// keys without a refresh task.
    pub fn reload_now(&self) {
        self.0.wishes.wish(&self.0.wishes.now);
    }

    /// Puts a document into use if it may follow the current one, for your own schedule. `LiveKeyRing::load` with a source does all of this
    /// automatically.
    ///
    /// The ids in its `revoked` are revoked first, even if the rest of it is refused. The swap is atomic for each flow, and happens only if
    /// every flow over these keys can use the ring.
    ///
    /// # Errors
    ///
    /// [`RingError`] says why the document is refused; the last good ring stays in use.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::{Update, KeyRingDocument, RingError, RingTiming};
    /// use oauth_state::LiveKeyRing;
    /// use std::time::SystemTime;
    ///
    /// let now = SystemTime::now();
    /// let first = KeyRingDocument::first(RingTiming::default(), now)?;
    /// let second = first.rotate(now)?.document;
    /// let keys = LiveKeyRing::from(first.ring().clone());
    /// assert_eq!(keys.offer(&second.to_secret_text(), now)?, Update::Taken { late: 0 });
    ///
    /// let older = keys.offer(&first.to_secret_text(), now).unwrap_err();
    /// assert!(matches!(older, RingError::SerialTooLow { given: 1, least: 2 }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn offer(&self, document: &SecretString, now: SystemTime) -> Result<Update, RingError> {
        self.offer_bytes(document.expose().as_bytes(), now)
    }

    /// [`LiveKeyRing::offer`] for a document in bytes.
    ///
    /// Prefer it if the document may not be text: after a failed conversion to text, neither the document nor its revocations would reach
    /// this process. Bytes that are not UTF-8 are refused here, after their revocations have been applied.
    ///
    /// # Errors
    ///
    /// [`RingError`] says why the document is refused; the last good ring stays in use.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::{KeyRingDocument, RingError, RingTiming};
    /// use oauth_state::LiveKeyRing;
    /// use std::time::SystemTime;
    ///
    /// let now = SystemTime::now();
    /// let document = KeyRingDocument::first(RingTiming::default(), now)?;
    /// let keys = LiveKeyRing::from(document.ring().clone());
    /// let (leaked, _) = document.ring().roles(now).next().unwrap();
    ///
    /// // Saved as Latin-1, so that the letter `ü` is no UTF-8.
    /// let saved = [format!(r#"{{"revoked": ["{leaked}"], "note": "gel"#).as_bytes(), b"\xfcftet\"}"].concat();
    /// assert!(matches!(keys.offer_bytes(&saved, now), Err(RingError::NotUtf8)));
    /// assert_eq!(keys.status().revoked, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn offer_bytes(&self, document: &[u8], now: SystemTime) -> Result<Update, RingError> {
        let Read { revoked, ring } = document::read(document);
        self.offer_read(revoked, || ring, unix_seconds(now))
    }

    pub(super) fn observed(ring: KeyRing, observers: Observers) -> Self {
        Self(Arc::new(Live {
            state: Mutex::new(State::new(ring)),
            wishes: Arc::default(),
            unknown_keys: AtomicU64::new(0),
            observers,
        }))
    }

    /// Reports the ring in use after the lock is released: an observer may ask for the ring's status.
    fn tell_ring(&self, now: u64) {
        self.0.observers.event(&self.ring().event(now));
    }

    /// Handles a document that the source itself refused, with its revocations.
    #[cfg(feature = "refresh")]
    pub(super) fn refuse(&self, revoked: &[RootKeyId], why: &str, now: u64) {
        let mut state = self.0.state();
        state.revoke(revoked.to_vec());
        state.refused = state.refused.saturating_add(1);
        state.last_error = Some(why.to_owned());
        drop(state);
        self.tell_ring(now);
    }

    /// [`LiveKeyRing::offer`] for a document that has been read.
    pub(super) fn offer_read(
        &self,
        revocations: Vec<RootKeyId>,
        ring: impl FnOnce() -> Result<KeyRing, RingError>,
        now: u64,
    ) -> Result<Update, RingError> {
        let mut state = self.0.state();
        let offered = state.offer(revocations, ring, now);
        match &offered {
            Ok(_) => {
                state.confirmed_at = Some(monotonic_now());
                state.last_error = None;
            }
            Err(error) => {
                state.refused = state.refused.saturating_add(1);
                state.last_error = Some(error.to_string());
            }
        }
        drop(state);
        // Also for a refused document, because its revocations count.
        self.tell_ring(now);
        match offered {
            Ok(Update::Taken { late: keys }) if keys > 0 => self.0.observers.event(&Event::LateKeys { keys }),
            _ => {}
        }
        offered
    }

    /// Lets a flow follow the ring. Returns the current ring; no swap can happen in between.
    pub(crate) fn follow<R: RingReader + 'static, E>(
        &self,
        make: impl FnOnce(KeyRing) -> Result<Arc<R>, E>,
    ) -> Result<Arc<R>, E> {
        let mut state = self.0.state();
        let reader = make(state.ring.clone())?;
        // Tests create and drop many flows; dropped ones are removed.
        state.readers.retain(|reader| reader.strong_count() > 0);
        let following: Weak<R> = Arc::downgrade(&reader);
        state.readers.push(following);
        Ok(reader)
    }

    /// A callback named an unknown key: another server may have a newer document.
    pub(crate) fn met_unknown_key(&self) {
        self.0.unknown_keys.fetch_add(1, Ordering::Relaxed);
        self.0.wishes.wish(&self.0.wishes.early);
    }

    #[cfg(feature = "refresh")]
    pub(super) fn live(&self) -> &Arc<Live> {
        &self.0
    }

    #[cfg(feature = "refresh")]
    pub(super) fn of(live: Arc<Live>) -> Self {
        Self(live)
    }

    /// The source confirmed that the document is still the one in use.
    #[cfg(feature = "refresh")]
    pub(super) fn confirm(&self, now: u64) {
        let mut state = self.0.state();
        state.confirmed_at = Some(monotonic_now());
        state.last_error = None;
        drop(state);
        self.tell_ring(now);
    }

    /// The error of the last attempt, in the source's words.
    #[cfg(feature = "refresh")]
    pub(super) fn note_error(&self, error: &str, failed: bool) {
        let mut state = self.0.state();
        state.failed = state.failed.saturating_add(u64::from(failed));
        state.last_error = Some(error.to_owned());
    }
}

impl Live {
    /// A panic elsewhere leaves no half-done change: each change below is made after the last step that can fail.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The refresh task ends with the last handle.
impl Drop for Live {
    fn drop(&mut self) {
        self.wishes.wish(&self.wishes.now);
    }
}

impl From<KeyRing> for LiveKeyRing {
    fn from(ring: KeyRing) -> Self {
        Self::observed(ring, Observers::default())
    }
}

impl fmt::Debug for LiveKeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LiveKeyRing").field(&self.ring()).finish()
    }
}

/// The runtime's clock if there is one, which tests can stop.
#[allow(clippy::disallowed_methods, reason = "for the age of a ring, which no wall clock tells")]
fn monotonic_now() -> Instant {
    #[cfg(feature = "refresh")]
    {
        tokio::time::Instant::now().into_std()
    }
    #[cfg(not(feature = "refresh"))]
    {
        Instant::now()
    }
}

#[cfg(test)]
mod tests;
