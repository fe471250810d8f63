//! Single use: the flow's question to its replay guard.

use super::FlowInner;
use super::verify::StateKey;
use crate::guard::{GuardError, Mark, Marked};
use crate::observe::{Event, Scope};
use crate::open::is_over;
use crate::refusal::{FinishError, FinishErrorKind, Whose};
use crate::token::wire::replay_id;

impl FlowInner {
    /// Asks the guard whether this is the first use.
    ///
    /// # Errors
    ///
    /// The refusal, and who may start the login again.
    pub(super) async fn mark_used(&self, key: &StateKey) -> Result<(), (FinishError, Whose)> {
        // Read the clock again: a caller that waited, or a machine that slept, must not complete an expired login, or give the mark too
        // short a lifetime.
        let now = self.now();
        self.still_good(key, now).map_err(|kind| (kind.into(), Whose::ThisOne))?;
        // One claimant for this call and its retries; another callback draws its own.
        let mut claimant = [0; 8];
        let drawn = (self.random)(&mut claimant).map_err(GuardError::unavailable);
        let mark = Mark::new(replay_id(&key.nonce), claimant, now, key.sealed, key.skew);
        let marked = match drawn {
            Ok(()) => self.ask_guard(&mark).await,
            Err(error) => Err(error),
        };
        match marked {
            // The guard takes time: check again that the state has not expired and its key has not been revoked.
            Ok(Marked::First) => self.still_good(key, self.now()).map_err(|kind| (kind.into(), Whose::ThisOne)),
            Ok(Marked::AlreadyUsed { first_used_at, .. }) => {
                Err((FinishError::already_used(first_used_at), Whose::ThisOne))
            }
            // No automatic restart: the same callback may work later, and a failing store needs no additional login.
            Err(error) => Err((error.into(), Whose::AskFirst)),
        }
    }

    async fn ask_guard(&self, mark: &Mark) -> Result<Marked, GuardError> {
        let word = |answer: &Result<Marked, GuardError>| match answer {
            Ok(Marked::First) => "first",
            Ok(Marked::AlreadyUsed { .. }) => "already_used",
            Err(error) => error.kind().code(),
        };
        let end = |answer: &Result<Marked, GuardError>, took| {
            let answered = Event::GuardAnswered { answer: word(answer), took };
            (if answer.is_ok() { word(answer) } else { "error" }, answered)
        };
        let marked = self.observers.around(&*self.clock, Scope::guard(), || self.guard.mark_used(mark), end).await;
        self.observers.guard_answered(word(&marked), || self.now());
        marked
    }

    /// Checks time and key again: the key may have been revoked or retired since the check.
    fn still_good(&self, key: &StateKey, now: u64) -> Result<(), FinishErrorKind> {
        if is_over(key.sealed.expires_at, now, key.skew) {
            return Err(FinishErrorKind::Expired);
        }
        self.keys.load().still_opens(key.key_id, now)
    }
}
