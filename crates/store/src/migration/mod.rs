//! Moving from one store to another while logins are in progress.

mod counts;
mod plan;

use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

pub use counts::{MigrationCounts, SideCounts};
pub use plan::MigrationPlan;

use counts::Counters;

use oauth_state::error::FinishErrorKind;
use oauth_state::observe::{Observer as _, Observers};
use oauth_state::{BeginError, Binding, BoxFuture, Callback, Expect, FinishError, Login};

use super::{Consumed, Issued, StateStore};

/// An old and a new store as one. A percentage of the logins, drawn at random for each login, starts on the new side.
/// Every callback is finished by the side whose form its state has.
///
/// Only the form decides, never a refusal: a state that one side refuses is not tried on the other, so the weaker side
/// never receives a callback that the stronger one refused. A clone is cheap and shares everything: give one to the
/// code that handles logins, and keep one to change the percentage.
///
/// | step | percentage | then |
/// |---|---:|---|
/// | every server has the code | 0 | nothing changes; every server finishes states of both sides |
/// | a little | 10 | compare [`Migration::counts`] of both sides |
/// | half, then all | 50, 100 | back to 0 at any time, without a failed login |
/// | remove the old code | 100 | once the old side has started no login for the lifetime plus twice the skew |
///
/// [`SideCounts::last_issued_at`] says when a side started its last login. To go back for good, set 0 %, wait for the
/// lifetime plus twice the skew, and only then remove the new side.
///
/// # Examples
///
/// ```
/// use oauth_state::testing::{block_on, flow_carrying};
/// use oauth_state::{Binding, Login};
/// use oauth_state_store::testing::stored_flow;
/// use oauth_state_store::{Migration, StateStore};
///
/// let logins = Migration::new(stored_flow(), flow_carrying::<String>())?;
/// let session = Binding::session(&[7; 16])?;
/// let start = || block_on(logins.issue(session.clone(), Login::with("github").data("hello".to_owned())));
///
/// start()?; // at 0 %, on the old side
/// logins.set_percent(100)?;
/// start()?; // on the new side
/// let counts = logins.counts();
/// assert_eq!((counts.old.issued, counts.new.issued), (1, 1));
/// logins.set_percent(0)?; // back; both logins can still be finished
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Migration<S> {
    sides: Arc<Sides<S>>,
}

struct Sides<S> {
    old: Side<S>,
    new: Side<S>,
    percent: AtomicU8,
    /// Callbacks whose state has the form of neither side.
    unowned: AtomicU64,
}

/// The prefixes of the states of this crate's flows and stores.
const OWN_STATES: [&str; 6] = ["ost1", "oss1", "osm1", "osr1", "osp1", "osx1"];

/// Typical states of other systems, to detect two stores that own the same texts.
const FOREIGN_STATES: [(&str, &str); 5] = [
    ("UUID", "0b1c2d3e-4f50-4172-8394-a5b6c7d8e9f0"),
    ("32 hexadecimal digits", "0b1c2d3e4f5041728394a5b6c7d8e9f0"),
    ("16 bytes in base64url", "CxwtPk9QQXKDlKW2x9jp8A"),
    ("32 bytes in base64url", "CxwtPk9QQXKDlKW2x9jp8AscLT5PUEFyg5SltsfY6fA"),
    ("16 alphanumeric characters", "f8Gx2Kq7Lz0Vt4Rb"),
];

struct Side<S> {
    store: Arc<dyn StateStore<S>>,
    counters: Counters,
}

/// Why a migration cannot work as configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// A percentage is above 100.
    #[error("the percentage must be between 0 and 100, not {0}")]
    Percent(u8),
    /// Both stores accept states of one form, so a callback does not show which of them it belongs to.
    #[error("both stores accept states of the form {0}, so a callback cannot be assigned to one of them")]
    SameForm(&'static str),
    /// The plan names one store for both sides.
    #[error("the plan names the store {0:?} for both sides: to stay on one, set percent=0 or percent=100")]
    SameStore(String),
    /// The plan cannot be parsed.
    #[error("invalid migration plan, expected a form like `old=hashmap new=sealed percent=10`: {0}")]
    Plan(String),
    /// The plan names a store that the service does not have.
    #[error("the plan names the store {0:?}, but the service has: {1}")]
    UnknownStore(String, String),
    /// A new plan changes more than the percentage, which needs a restart.
    #[error(
        "the plan's stores differ from those of the running migration; only the percentage can change without a restart"
    )]
    OtherStores,
}

impl<S: Send + Sync + 'static> Migration<S> {
    /// Starts at 0 %: every login on the old side.
    ///
    /// # Errors
    ///
    /// [`MigrationError::SameForm`] if both stores accept states of one form.
    pub fn new(old: impl StateStore<S>, new: impl StateStore<S>) -> Result<Self, MigrationError> {
        let ours = OWN_STATES.map(|form| (form, format!("{form}{}", "A".repeat(96))));
        let foreign = FOREIGN_STATES.map(|(name, sample)| (name, sample.to_owned()));
        for (name, sample) in ours.into_iter().chain(foreign) {
            if old.owns(&sample) && new.owns(&sample) {
                return Err(MigrationError::SameForm(name));
            }
        }
        let side = |store| Side { store, counters: Counters::default() };
        let (old, new): (Arc<dyn StateStore<S>>, Arc<dyn StateStore<S>>) = (Arc::new(old), Arc::new(new));
        let sides = Sides { old: side(old), new: side(new), percent: AtomicU8::new(0), unowned: AtomicU64::new(0) };
        Ok(Self { sides: Arc::new(sides) })
    }
}

impl<S> Migration<S> {
    /// Sets the percentage of logins that start on the new side, from the next login on. It can also go down: logins in
    /// progress are finished on the side where they started.
    ///
    /// # Errors
    ///
    /// [`MigrationError::Percent`] above 100; the percentage then stays as it is.
    pub fn set_percent(&self, percent: u8) -> Result<(), MigrationError> {
        if percent > 100 {
            return Err(MigrationError::Percent(percent));
        }
        self.sides.percent.store(percent, Ordering::Relaxed);
        Ok(())
    }

    /// The percentage of logins that start on the new side now.
    #[must_use]
    pub fn percent(&self) -> u8 {
        self.sides.percent.load(Ordering::Relaxed)
    }

    /// The counters of each side since the process started.
    #[must_use]
    pub fn counts(&self) -> MigrationCounts {
        MigrationCounts {
            old: self.sides.old.counters.read(),
            new: self.sides.new.counters.read(),
            unowned: self.sides.unowned.load(Ordering::Relaxed),
        }
    }
}

impl<S> Sides<S> {
    /// The side on which the next login starts.
    fn draw(&self) -> &Side<S> {
        let percent = self.percent.load(Ordering::Relaxed);
        let new = match percent {
            0 => false,
            100.. => true,
            percent => {
                // Its keys come from the operating system, and its hashes are evenly distributed.
                RandomState::new().build_hasher().finish() % 100 < percent.into()
            }
        };
        if new { &self.new } else { &self.old }
    }
}

impl<S: Send + Sync + 'static> StateStore<S> for Migration<S> {
    fn issue<'a>(&'a self, binding: Binding<'a>, login: Login<S>) -> BoxFuture<'a, Result<Issued, BeginError>> {
        let side = self.sides.draw();
        let issuing = side.store.issue(binding, login);
        Box::pin(async move {
            let issued = issuing.await;
            side.counters.issued(issued.is_ok());
            issued
        })
    }

    fn consume<'a>(
        &'a self,
        binding: Binding<'a>,
        expect: Expect<'a>,
        callback: Callback,
    ) -> BoxFuture<'a, Result<Consumed<S>, FinishError>> {
        let Sides { old, new, unowned, .. } = &*self.sides;
        let Some(side) = [new, old].into_iter().find(|side| side.store.owns(callback.state())) else {
            unowned.fetch_add(1, Ordering::Relaxed);
            let refused = FinishError::from(FinishErrorKind::Malformed)
                .with_diagnosis("the state has the form of neither store of the migration")
                .with_reference(callback.reference());
            Observers::default().event(&refused.to_event(None));
            return Box::pin(std::future::ready(Err(refused)));
        };
        let consuming = side.store.consume(binding, expect, callback);
        Box::pin(async move {
            let consumed = consuming.await;
            // A prefetch and the first half of a re-posted callback are not refusals.
            let kind = consumed.as_ref().err().map(FinishError::kind);
            if !matches!(kind, Some(FinishErrorKind::NotConsumed | FinishErrorKind::RepostNeeded)) {
                side.counters.consumed(kind.is_none());
            }
            consumed
        })
    }

    fn owns(&self, state: &str) -> bool {
        self.sides.old.store.owns(state) || self.sides.new.store.owns(state)
    }
}

impl<S> Clone for Migration<S> {
    fn clone(&self) -> Self {
        Self { sides: Arc::clone(&self.sides) }
    }
}

impl<S> fmt::Debug for Migration<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migration").field("percent", &self.percent()).field("counts", &self.counts()).finish()
    }
}

#[cfg(test)]
mod tests;
