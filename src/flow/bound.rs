//! A callback that was checked, and its single use.

use std::fmt;
use std::sync::Arc;

use super::FlowInner;
use super::outcome::{Authorized, Denied, LoginOutcome};
use crate::claims::codec::BindingKind;
use crate::claims::data;
use crate::guard::{GuardError, Mark, Marked, Sealed};
use crate::observe::{Span, Timer};
use crate::open::is_over;
use crate::refusal::{FinishError, FinishErrorKind, Restart, Whose};
use crate::ring::key::id::KeyId;
use crate::token::aead::NONCE_BYTES;

/// A callback that passed every check but single use. It gives nothing away before [`VerifiedCallback::mark_used`].
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, Binding, Callback, Expect, Login};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let flow = testing::flow();
/// let begun = flow.begin(Binding::session(&[7; 16])?, Login::with("github"))?;
/// let callback = Callback::from_code(begun.state, "code")?;
/// let bound = flow.check(Binding::session(&[7; 16])?, Expect::provider("github"), callback)?;
/// assert!(bound.mark_used().await.is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// There is no way around the guard, nor to ask it with one callback twice:
///
/// ```compile_fail
/// # use oauth_state::*;
/// fn skip(bound: VerifiedCallback<()>) -> LoginOutcome<()> {
///     bound.finished
/// }
/// ```
///
/// ```compile_fail
/// # use oauth_state::*;
/// async fn twice(bound: VerifiedCallback<()>) {
///     let _ = bound.mark_used().await;
///     let _ = bound.mark_used().await;
/// }
/// ```
#[must_use = "until mark_used has answered, nothing is known to be used for the first time"]
pub struct VerifiedCallback<T> {
    pub(super) flow: Arc<FlowInner>,
    pub(super) nonce: [u8; NONCE_BYTES],
    pub(super) key_id: KeyId,
    pub(super) sealed: Sealed,
    pub(super) skew: u32,
    /// The state's text, for the offer to start again.
    pub(super) state: String,
    pub(super) kind: BindingKind,
    /// Until when the login may start again, in Unix seconds.
    pub(super) restart_until: u64,
    pub(super) finished: LoginOutcome<T>,
}

impl<T> fmt::Debug for VerifiedCallback<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifiedCallback([redacted])")
    }
}

impl<T> VerifiedCallback<T> {
    /// What the login ends in, for the samples of `testing` alone: no guard is asked.
    #[cfg(feature = "testing")]
    pub(crate) fn into_finished_without_the_guard(self) -> LoginOutcome<T> {
        self.finished
    }

    /// The times of the state.
    pub(crate) fn sealed(&self) -> Sealed {
        self.sealed
    }

    /// What the row beside this state is found and opened with.
    pub(crate) fn sealed_under(&self) -> ([u8; NONCE_BYTES], KeyId) {
        (self.nonce, self.key_id)
    }

    /// The text of the state, for a caller that refuses after the mark.
    pub(crate) fn state(&self) -> &str {
        &self.state
    }
}

impl<T: serde::Serialize> VerifiedCallback<T> {
    /// Asks the guard, and gives the login if this was the first time.
    ///
    /// # Errors
    ///
    /// `already_used`; `guard_unavailable`, `guard_outcome_unknown` and `guard_full` where the guard could not answer: an
    /// error of the guard never lets a callback through; `expired`, `unknown_key` or `key_revoked` where the state's time was
    /// over, or its key gone, before the guard had answered.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::error::FinishErrorKind;
    /// use oauth_state::{testing, Binding, Callback, Expect, Login};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let flow = testing::flow();
    /// let begun = flow.begin(Binding::session(&[7; 16])?, Login::with("github"))?;
    /// let callback = Callback::from_code(begun.state, "code")?;
    /// let check = || flow.check(Binding::session(&[7; 16]).unwrap(), Expect::provider("github"), callback.clone());
    /// let (first, second) = (check()?, check()?);
    /// assert!(first.mark_used().await.is_ok());
    /// assert_eq!(second.mark_used().await.unwrap_err().kind(), FinishErrorKind::AlreadyUsed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn mark_used(self) -> Result<LoginOutcome<T>, FinishError> {
        let (flow, sealed) = (Arc::clone(&self.flow), self.sealed);
        let finished = self.mark().await;
        flow.count(&finished, sealed);
        finished
    }

    /// [`VerifiedCallback::mark_used`], for a caller that counts what the login ended in.
    pub(crate) async fn mark(self) -> Result<LoginOutcome<T>, FinishError> {
        let Self { flow, nonce, key_id, sealed, skew, state, kind, restart_until, finished } = self;
        let refused = |error: FinishError, finished, whose: Whose| {
            if flow.now() >= restart_until { error } else { flow.refused(error, finished, whose.by(kind), state) }
        };
        // The clock once more: whoever held this back, or a machine that slept, must not finish an expired login, nor
        // give the mark less time than it needs.
        let now = flow.now();
        if let Err(kind) = flow.still_good(sealed, skew, key_id, now) {
            return Err(refused(kind.into(), finished, Whose::ThisOne));
        }
        // One claimant for this call and its retries; another callback draws another.
        let mut claimant = [0; 8];
        let drawn = (flow.random)(&mut claimant).map_err(GuardError::unavailable);
        let mark = Mark::new(replay_id(&nonce), claimant, now, sealed, skew);
        let marked = match drawn {
            Ok(()) => flow.ask_guard(&mark).await,
            Err(error) => Err(error),
        };
        match marked {
            // A guard takes its time: nothing comes in that expired, or whose key was revoked, before it answered.
            Ok(Marked::First) => match flow.still_good(sealed, skew, key_id, flow.now()) {
                Ok(()) => Ok(finished),
                Err(kind) => Err(refused(kind.into(), finished, Whose::ThisOne)),
            },
            Ok(Marked::AlreadyUsed { first_used_at, .. }) => {
                Err(refused(FinishError::already_used(first_used_at), finished, Whose::ThisOne))
            }
            // Not by itself: the same callback may work later, and a store in trouble needs no second login on top.
            Err(error) => Err(refused(error.into(), finished, Whose::AskFirst)),
        }
    }
}

/// The id by which a state is known to guards and stores: it says nothing of the state's text, which is a live credential.
pub(crate) fn replay_id(nonce: &[u8; NONCE_BYTES]) -> [u8; 16] {
    let mut id = [0; 16];
    id.copy_from_slice(&nonce[..16]);
    id
}

impl FlowInner {
    async fn ask_guard(&self, mark: &Mark) -> Result<Marked, GuardError> {
        let asked = Timer::start();
        let answer = Span::guard().around(self.guard.mark_used(mark), |answer| match answer {
            Ok(Marked::First) => "first",
            Ok(Marked::AlreadyUsed { .. }) => "already_used",
            Err(_) => "error",
        });
        let answer = answer.await;
        self.metrics.guard(asked, &answer);
        answer
    }

    /// The time, and the keys: one may have been revoked, or have retired, since the check.
    fn still_good(&self, sealed: Sealed, skew: u32, key_id: KeyId, now: u64) -> Result<(), FinishErrorKind> {
        if is_over(sealed.expires_at, now, skew) {
            return Err(FinishErrorKind::Expired);
        }
        self.keys.load().still_opens(key_id, now)
    }

    fn refused<T: serde::Serialize>(
        &self,
        error: FinishError,
        finished: LoginOutcome<T>,
        whose: Whose,
        state: String,
    ) -> FinishError {
        let (LoginOutcome::Authorized(Authorized { origin, data, .. })
        | LoginOutcome::Denied(Denied { origin, data, .. })) = finished;
        let restart = Restart::new(origin, whose, state);
        if !matches!(whose, Whose::ThisOne | Whose::AskFirst) {
            return error.with_restart(restart);
        }
        let mut json = Vec::new();
        let restart = match data::write(&data, &mut json) {
            Ok(()) => self.carrying(restart, &json),
            Err(_) => restart,
        };
        error.with_restart(restart)
    }

    /// With the data of a state that carries its own; a handle's lies in a store.
    pub(super) fn carrying(&self, restart: Restart, json: &[u8]) -> Restart {
        if self.keys.load().form().leads_to_row() { restart } else { restart.carrying(json) }
    }
}
