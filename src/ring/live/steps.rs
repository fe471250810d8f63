//! The steps of a rotation: functions from one document to the next, for the command line and for scheduled jobs.

use std::time::SystemTime;

use super::{Change, Step, StepError, transition};
use crate::clock::unix_seconds;
use crate::ring::key::ring::Timing;
use crate::ring::key::{RootKey, RootKeyId};
use crate::ring::source::RingError;
use crate::ring::source::document::{DocumentKey, KeyRingDocument, MOST_KEYS, RingTiming};

impl KeyRingDocument {
    /// A first document, with serial 1: one new key, which seals at once because no server can be sealing with an older one.
    ///
    /// # Errors
    ///
    /// [`StepError`] if a time is out of range, or if the operating system returns no randomness.
    pub fn first(timing: RingTiming, now: SystemTime) -> Result<Self, StepError> {
        let timing = Timing::try_from(timing)?;
        let now = unix_seconds(now);
        // A server whose clock is behind must be able to seal as soon as it starts.
        let seal_from = now.saturating_sub(timing.skew.into());
        let key =
            DocumentKey { root: RootKey::generate()?, published_at: now, seal_from, note: None, emergency: false };
        Ok(Self::checked(1, timing, vec![key], Vec::new())?)
    }

    /// Adds a new key, and removes the retired ones.
    ///
    /// The new key seals after `propagation + skew`: by then every server has it, and even a server whose clock is ahead does not seal
    /// earlier. Publish the document at once; the time counts from `now`. If no key seals because the current one was revoked, the new one
    /// replaces it at once.
    ///
    /// # Errors
    ///
    /// [`StepError::Refused`] with [`RingError::KeyCount`] if 15 keys still open (one place is reserved for a revocation),
    /// [`StepError::Randomness`] if no key could be generated.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::{Change, KeyRingDocument, RingTiming};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let now = SystemTime::now();
    /// let day = Duration::from_secs(86_400);
    /// let first = KeyRingDocument::first(RingTiming::default(), now)?;
    /// let second = first.rotate(now + day)?.document;
    /// let third = second.rotate(now + 2 * day)?;
    /// let dropped = third.changes.iter().filter(|change| matches!(change, Change::Dropped { .. })).count();
    /// assert_eq!((dropped, third.document.ring().roles(now).count()), (1, 2));
    /// # Ok::<(), oauth_state::ring::StepError>(())
    /// ```
    pub fn rotate(&self, now: SystemTime) -> Result<Step, StepError> {
        let now = unix_seconds(now);
        let (mut keys, mut changes) = self.split_off_retired(now);
        if mend(&mut keys, &self.revoked, self.timing, now, &mut changes)? {
            return self.next(keys, self.revoked.clone(), changes);
        }
        // One place is reserved for the key that a revocation adds.
        if keys.len() >= MOST_KEYS.saturating_sub(1) {
            return Err(RingError::KeyCount.into());
        }
        let wait = u64::from(self.timing.propagation).saturating_add(self.timing.skew.into());
        let after_the_last = keys.last().map_or(0, |last| last.seal_from.saturating_add(1));
        let seal_from = now.saturating_add(wait).max(after_the_last);
        let root = RootKey::generate()?;
        changes.push(Change::Added { id: root.id(), seal_from, emergency: false });
        keys.push(DocumentKey { root, published_at: now, seal_from, note: None, emergency: false });
        self.next(keys, self.revoked.clone(), changes)
    }

    /// Revokes a key, and replaces it if no key would seal otherwise.
    ///
    /// A new key replaces the active one at once (`emergency`). Until a server has read the document, it refuses the new key's states as
    /// `unknown_key`, and the users can start again. A pending key is removed, and the previous one continues. An id that is not in the
    /// document is revoked as well, so that it never returns.
    ///
    /// # Errors
    ///
    /// [`StepError::AlreadyRevoked`], or the errors of [`KeyRingDocument::rotate`].
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::{KeyRole, KeyRingDocument, RingTiming};
    /// use std::time::SystemTime;
    ///
    /// let now = SystemTime::now();
    /// let first = KeyRingDocument::first(RingTiming::default(), now)?;
    /// let (leaked, _) = first.ring().roles(now).next().unwrap();
    /// let second = first.revoke(leaked, now)?.document;
    /// let roles: Vec<KeyRole> = second.ring().roles(now).map(|(_, role)| role).collect();
    /// assert_eq!(roles, [KeyRole::Revoked, KeyRole::Active]);
    /// # Ok::<(), oauth_state::ring::StepError>(())
    /// ```
    pub fn revoke(&self, id: RootKeyId, now: SystemTime) -> Result<Step, StepError> {
        if self.revoked.contains(&id) {
            return Err(StepError::AlreadyRevoked(id));
        }
        let now = unix_seconds(now);
        let mut revoked = self.revoked.clone();
        revoked.push(id);
        let mut changes = vec![Change::Revoked { id }];
        let (mut keys, dropped) = self.split_off_retired(now);
        changes.extend(dropped);
        mend(&mut keys, &revoked, self.timing, now, &mut changes)?;
        self.next(keys, revoked, changes)
    }

    /// Changes the times in a document with one key. With several keys, the time until which a key opens would change while its states are
    /// under way. A bare root key becomes a document.
    ///
    /// # Errors
    ///
    /// [`StepError::Refused`] with [`RingError::TimesChanged`] while there are several keys, with
    /// [`RingError::SkewRaisedTooFar`] for more than twice the present skew, with [`RingError::SkewLoweredTooFar`] for less than
    /// half of it, or with [`RingError::OutOfRange`].
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::{KeyRingDocument, RingTiming, RootKey};
    /// use std::time::{Duration, SystemTime};
    /// let bare = RootKey::generate()?.to_secret_text().expose().parse::<KeyRingDocument>()?;
    /// let timing = RingTiming { propagation: Duration::from_secs(3_600), ..RingTiming::default() };
    /// let document = bare.with_times(timing, SystemTime::now())?.document;
    /// assert_eq!((document.serial(), document.timing()), (1, timing));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_times(&self, timing: RingTiming, now: SystemTime) -> Result<Step, StepError> {
        let (keys, mut changes) = self.split_off_retired(unix_seconds(now));
        if keys.len() > 1 {
            return Err(RingError::TimesChanged.into());
        }
        changes.push(Change::Times(timing));
        let timing = Timing::try_from(timing)?;
        let (given, present) = (timing.skew, self.timing.skew);
        let (least, most) = (transition::least_skew(present), transition::most_skew(present));
        if given > most {
            return Err(RingError::SkewRaisedTooFar { given, most }.into());
        }
        if given < least {
            return Err(RingError::SkewLoweredTooFar { given, least }.into());
        }
        let document = Self::checked(self.serial.saturating_add(1), timing, keys, self.revoked.clone())?;
        Ok(Step { document: document.fitting()?, changes })
    }

    /// Removes the retired keys.
    ///
    /// # Errors
    ///
    /// [`StepError::NothingRetired`].
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::{KeyRingDocument, RingTiming, StepError};
    /// use std::time::{Duration, SystemTime};
    /// let now = SystemTime::now();
    /// let second = KeyRingDocument::first(RingTiming::default(), now)?.rotate(now)?.document;
    /// assert!(matches!(second.without_retired(now), Err(StepError::NothingRetired)));
    /// let later = second.without_retired(now + Duration::from_secs(86_400))?;
    /// assert_eq!(later.document.ring().roles(now).count(), 1);
    /// # Ok::<(), oauth_state::ring::StepError>(())
    /// ```
    pub fn without_retired(&self, now: SystemTime) -> Result<Step, StepError> {
        let (keys, changes) = self.split_off_retired(unix_seconds(now));
        if changes.is_empty() {
            return Err(StepError::NothingRetired);
        }
        self.next(keys, self.revoked.clone(), changes)
    }

    /// The same document with a higher serial: for a ring that replaces a lost one, if servers have a minimum serial at startup.
    ///
    /// # Errors
    ///
    /// [`StepError::Refused`] for a lower serial, or one above 2^53 − 1.
    pub fn with_serial(self, serial: u64) -> Result<Self, StepError> {
        if serial < self.serial {
            return Err(RingError::SerialTooLow { given: serial, least: self.serial }.into());
        }
        Ok(Self::checked(serial, self.timing, self.keys, self.revoked)?)
    }

    /// Adds a note for operators to a key; without a call, there is none.
    ///
    /// # Errors
    ///
    /// [`StepError::Refused`] if the document would be too large.
    pub fn with_note(mut self, id: RootKeyId, note: &str) -> Result<Self, StepError> {
        if let Some(key) = self.keys.iter_mut().find(|key| key.root.id() == id) {
            key.note = Some(note.to_owned());
        }
        self.fitting()
    }

    /// Keys whose time is over even without revocation. A revoked key has to stay until then, because its place shows that the previous key
    /// was superseded.
    fn split_off_retired(&self, now: u64) -> (Vec<DocumentKey>, Vec<Change>) {
        let mut changes = Vec::new();
        let keys = self.keys.iter().enumerate().filter(|(index, key)| {
            let over = now >= self.ring().accept_until(*index);
            if over {
                changes.push(Change::Dropped { id: key.root.id() });
            }
            !over
        });
        let keys = keys.map(|(_, key)| key.clone()).collect();
        (keys, changes)
    }

    fn next(&self, keys: Vec<DocumentKey>, revoked: Vec<RootKeyId>, changes: Vec<Change>) -> Result<Step, StepError> {
        let document = Self::checked(self.serial.saturating_add(1), self.timing, keys, revoked)?;
        Ok(Step { document: document.fitting()?, changes })
    }

    /// The list of revoked keys is never shortened, so one day it may not fit.
    fn fitting(self) -> Result<Self, StepError> {
        // The output must be readable.
        Ok(self.to_secret_text().expose().parse()?)
    }
}

/// Makes sure that a key seals although some are revoked; returns whether it added one that seals at once.
fn mend(
    keys: &mut Vec<DocumentKey>,
    revoked: &[RootKeyId],
    timing: Timing,
    now: u64,
    changes: &mut Vec<Change>,
) -> Result<bool, StepError> {
    let is_revoked = |key: &DocumentKey| revoked.contains(&key.root.id());
    // A time that is past by every clock.
    let behind = now.saturating_sub(timing.skew.into());
    // A revoked key whose `seal_from` has not passed by every clock is removed: otherwise it would supersede the previous key, and then
    // none would seal. The previous key continues as if this one had never existed.
    while let Some(index) = keys.iter().rposition(|key| is_revoked(key) && key.seal_from >= behind).filter(|at| *at > 0)
    {
        changes.push(Change::Withdrawn { id: keys.remove(index).root.id() });
    }
    // By the slowest clock, by which a successor may not seal yet.
    let turn = keys.iter().rposition(|key| key.seal_from <= behind).unwrap_or_default();
    let Some(replaced) = keys.get(turn).filter(|key| is_revoked(key)) else { return Ok(false) };
    // At once by every clock, and after the key that it replaces.
    let seal_from = behind.max(replaced.seal_from.saturating_add(1));
    // Another key seals by then; there is no room for a third.
    if keys.get(turn.saturating_add(1)).is_some_and(|next| next.seal_from <= seal_from) {
        return Ok(false);
    }
    let root = RootKey::generate()?;
    changes.push(Change::Added { id: root.id(), seal_from, emergency: true });
    keys.push(DocumentKey { root, published_at: now, seal_from, note: None, emergency: true });
    Ok(true)
}

#[cfg(test)]
mod tests;
