//! The request to a guard, and its answer.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::GuardError;
use crate::base64url;
use crate::clock::from_unix_seconds;

/// The size of the value in a remote store, in bytes: claimant 8 ‖ first use 4.
const VALUE_BYTES: usize = 12;

/// A request to a guard: has the state with this id been used?
///
/// The id comes from an opened token, never from the token's text: the text is a live credential and takes three times the memory.
#[derive(Clone, PartialEq, Eq)]
pub struct Mark {
    pub(super) id: [u8; 16],
    pub(super) claimant: [u8; 8],
    pub(super) now: u64,
    pub(super) issued_at: u64,
    pub(super) expires_at: u64,
    pub(super) keep_until: u64,
}

/// The times in a sealed state, in Unix seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed {
    pub(crate) issued_at: u64,
    pub(crate) expires_at: u64,
}

impl Mark {
    /// `skew` is the ring's, in seconds; up to three servers' clocks are involved between the seal and the last callback.
    pub(crate) fn new(
        id: [u8; 16],
        claimant: [u8; 8],
        now: u64,
        Sealed { issued_at, expires_at }: Sealed,
        skew: u32,
    ) -> Self {
        let keep_until = expires_at.saturating_add(u64::from(skew).saturating_mul(3));
        Self { id, claimant, now, issued_at, expires_at, keep_until }
    }

    /// The replay id: 16 bytes of the authenticated nonce.
    #[must_use]
    pub fn id(&self) -> &[u8; 16] {
        &self.id
    }

    /// 8 random bytes, drawn once for each callback and the same in its retries: a retry that finds its own value in the store knows that
    /// it was the first.
    #[must_use]
    pub fn claimant(&self) -> &[u8; 8] {
        &self.claimant
    }

    /// When the callback arrived, in whole seconds.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        from_unix_seconds(self.now)
    }

    /// The expiry that is sealed into the state. A store that partitions by time must use this value, because it is the same in every
    /// callback of one state.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        from_unix_seconds(self.expires_at)
    }

    /// The time until which the mark must live, in whole seconds: the expiry plus three times the skew. For a store that saves a time with
    /// each mark and deletes by it; use [`Mark::keep_for`] for a store with relative times.
    #[must_use]
    pub fn keep_until(&self) -> SystemTime {
        from_unix_seconds(self.keep_until)
    }

    /// How long the mark must live from now on: until the expiry plus three times the skew, and at least one second. Pass it to the store
    /// as a relative time: an absolute time that has passed stores nothing and lets a state in twice.
    ///
    /// With the default skew of 60 seconds, the mark of a state that has 600 seconds left must live for 780 seconds.
    #[must_use]
    pub fn keep_for(&self) -> Duration {
        Duration::from_secs(self.keep_until.saturating_sub(self.now).max(1))
    }

    /// The value for a store: the claimant and the time in 16 printable characters, the same in the retries of one callback.
    #[must_use]
    pub fn value(&self) -> String {
        let mut bytes = [0; VALUE_BYTES];
        bytes[..8].copy_from_slice(&self.claimant);
        bytes[8..].copy_from_slice(&u32::try_from(self.now).unwrap_or(u32::MAX).to_be_bytes());
        base64url::encode(bytes)
    }

    /// Interprets the value that the store held *before* it stored this mark's value atomically: no value, or its own, is the first use.
    ///
    /// # Errors
    ///
    /// [`GuardErrorKind::Misconfigured`](super::GuardErrorKind::Misconfigured) for a value that no mark wrote: something else writes to the
    /// same keys.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::guard::Marked;
    /// use oauth_state::testing;
    ///
    /// let mark = testing::sample_mark();
    /// let replay = testing::mark(*mark.id(), [9; 8], mark.now(), mark.expires_at());
    /// assert_eq!(mark.seen(None)?, Marked::First);
    /// assert_eq!(mark.seen(Some(mark.value().as_bytes()))?, Marked::First); // a retry of the same call
    /// assert!(matches!(replay.seen(Some(mark.value().as_bytes()))?, Marked::AlreadyUsed { .. }));
    /// assert!(mark.seen(Some(b"something else")).is_err());
    /// # Ok::<(), oauth_state::guard::GuardError>(())
    /// ```
    pub fn seen(&self, stored: Option<&[u8]>) -> Result<Marked, GuardError> {
        let Some(stored) = stored else { return Ok(Marked::First) };
        let stored: [u8; VALUE_BYTES] = base64url::decode_exact(stored)
            .map_err(|_| GuardError::misconfigured("the store holds a value that no guard of this crate wrote"))?;
        let [first_claimant @ .., a, b, c, d] = stored;
        if first_claimant == self.claimant {
            return Ok(Marked::First);
        }
        let first_used_at = from_unix_seconds(u32::from_be_bytes([a, b, c, d]).into());
        Ok(Marked::AlreadyUsed { first_used_at: Some(first_used_at), first_claimant: Some(first_claimant) })
    }

    /// Interprets the value that the store holds *after* an "insert if absent": only its own value is the first use.
    ///
    /// For a store that cannot insert and return the previous value in one step. No value is not the first use: the winner's mark may have
    /// expired between the two steps.
    ///
    /// # Errors
    ///
    /// [`GuardErrorKind::OutcomeUnknown`](super::GuardErrorKind::OutcomeUnknown) if there is no value, and
    /// [`GuardErrorKind::Misconfigured`](super::GuardErrorKind::Misconfigured) for a value that no mark wrote.
    pub fn seen_after_insert(&self, stored: Option<&[u8]>) -> Result<Marked, GuardError> {
        match stored {
            Some(stored) => self.seen(Some(stored)),
            None => Err(GuardError::outcome_unknown("the mark was gone when it was read")),
        }
    }

    /// Refuses a callback that arrives when its mark may have been deleted, because no answer could tell whether it is the first. A guard
    /// over a store calls it before it asks the store.
    ///
    /// # Errors
    ///
    /// [`GuardErrorKind::Unavailable`](super::GuardErrorKind::Unavailable) if the mark has expired.
    pub fn refuse_if_over(&self) -> Result<(), GuardError> {
        if self.now >= self.keep_until {
            return Err(GuardError::unavailable("the state expired before it was marked"));
        }
        Ok(())
    }
}

/// Shows only the times: an id would identify the login to a reader of the store.
impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mark").field("now", &self.now).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// A guard's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked {
    /// This call was the first for the id, or a retry of the first one.
    First,
    /// Another call was first.
    AlreadyUsed {
        /// When that was, if the guard knows.
        first_used_at: Option<SystemTime>,
        /// The [`Mark::claimant`] of that call, if the guard knows it: a cache must not answer that call's own retry.
        first_claimant: Option<[u8; 8]>,
    },
}

#[cfg(test)]
mod tests;
