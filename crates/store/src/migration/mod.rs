//! From one store to another while logins are under way.

mod counts;
mod plan;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

pub use counts::{MigrationCounts, SideCounts};
pub use plan::MigrationPlan;

use counts::Counters;

use oauth_state::error::FinishErrorKind;
use oauth_state::{BeginError, Binding, BoxFuture, Callback, Expect, FinishError, Login, seam};

use super::{Consumed, Issued, StateStore};

/// An old and a new store as one: a percentage of the logins, drawn for each, begins on the new side, and every callback is
/// finished by the side whose form its state has.
///
/// The form alone decides, never the other side's refusal: a state that one side refuses is not tried on the other, so that the
/// weaker side never gets what the stronger one was asked. A clone is cheap and shares everything: give one to the
/// providers, and keep one to turn.
///
/// | step | percentage | then |
/// |---|---:|---|
/// | every server has the code | 0 | nothing changes; every server finishes states of both sides |
/// | a little | 10 | compare [`Migration::counts`] of both sides |
/// | half, then all | 50, 100 | back to 0 at any time, without a failed login |
/// | the old code goes | 100 | once the old side has issued nothing for the lifetime and twice the skew ([`SideCounts::last_issued_at`]) |
///
/// To go back for good: 0 %, wait for the lifetime and twice the skew, and only then remove the new side.
///
/// # Examples
///
/// ```
/// use oauth_state_store::Migration;
/// use oauth_state::testing;
///
/// let logins = Migration::new(oauth_state_store::testing::stored_flow(), testing::flow_carrying::<String>())?;
/// logins.set_percent(10)?;
/// assert_eq!(logins.percent(), 10);
/// assert!(logins.set_percent(101).is_err());
/// # Ok::<(), oauth_state_store::MigrationError>(())
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

/// What the states of other systems usually look like, for finding out whether two stores own the same texts.
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

/// Why a migration cannot work as it is configured.
///
/// # Examples
///
/// ```
/// use oauth_state_store::{Migration, MigrationError};
/// use oauth_state::testing;
/// let error = Migration::new(testing::flow(), testing::flow()).unwrap_err();
/// assert_eq!(error, MigrationError::SameForm("ost1"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// A percentage is above 100.
    #[error("a percentage is between 0 and 100, not {0}")]
    Percent(u8),
    /// Both sides take states of one form, so that a callback does not tell which of them it belongs to.
    #[error("both stores take states of the form {0}, so that a callback does not tell where it belongs")]
    SameForm(&'static str),
    /// The plan names one store for both sides.
    #[error("the plan names the store {0:?} for both sides: to stay on one, say percent=0 or percent=100")]
    SameStore(String),
    /// The plan does not read.
    #[error("a migration's plan looks like `old=hashmap new=sealed percent=10`: {0}")]
    Plan(String),
    /// The plan names a store that is not there.
    #[error("the plan names the store {0:?}, and the service has: {1}")]
    UnknownStore(String, String),
    /// A new plan changes more than the percentage, which takes a restart.
    #[error(
        "the plan's stores are not those of the running migration; only the percentage changes while a service runs"
    )]
    OtherStores,
}

impl<S: Send + Sync + 'static> Migration<S> {
    /// Begins at 0 %: everything on the old side.
    ///
    /// # Errors
    ///
    /// [`MigrationError::SameForm`] if both take states of one form.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::testing;
    /// use oauth_state_store::Migration;
    /// let logins = Migration::new(oauth_state_store::testing::stored_flow(), testing::flow_carrying::<String>())?;
    /// assert_eq!(logins.percent(), 0);
    /// # Ok::<(), oauth_state_store::MigrationError>(())
    /// ```
    pub fn new(old: impl StateStore<S>, new: impl StateStore<S>) -> Result<Self, MigrationError> {
        let ours = seam::FORMS.map(|form| (form, format!("{form}{}", "A".repeat(96))));
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
    /// Sets how many logins of a hundred begin on the new side, from the next one on. Downwards, too: those under way are
    /// finished where they began.
    ///
    /// # Errors
    ///
    /// [`MigrationError::Percent`] above 100; nothing changes then.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::testing;
    /// # use oauth_state_store::Migration;
    /// # let logins = Migration::new(oauth_state_store::testing::stored_flow(), testing::flow_carrying::<String>())?;
    /// logins.set_percent(100)?;
    /// logins.set_percent(0)?; // back
    /// assert_eq!(logins.percent(), 0);
    /// # Ok::<(), oauth_state_store::MigrationError>(())
    /// ```
    pub fn set_percent(&self, percent: u8) -> Result<(), MigrationError> {
        if percent > 100 {
            return Err(MigrationError::Percent(percent));
        }
        self.sides.percent.store(percent, Ordering::Relaxed);
        Ok(())
    }

    /// How many logins of a hundred begin on the new side now.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::testing;
    /// # use oauth_state_store::Migration;
    /// # let logins = Migration::new(oauth_state_store::testing::stored_flow(), testing::flow_carrying::<String>())?;
    /// assert_eq!(logins.percent(), 0);
    /// # Ok::<(), oauth_state_store::MigrationError>(())
    /// ```
    #[must_use]
    pub fn percent(&self) -> u8 {
        self.sides.percent.load(Ordering::Relaxed)
    }

    /// What each side has done since the process started.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::testing;
    /// # use oauth_state_store::Migration;
    /// # let logins = Migration::new(oauth_state_store::testing::stored_flow(), testing::flow_carrying::<String>())?;
    /// assert_eq!((logins.counts().old.issued, logins.counts().new.issued), (0, 0));
    /// # Ok::<(), oauth_state_store::MigrationError>(())
    /// ```
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
    /// The side on which the next login begins.
    fn draw(&self) -> Result<&Side<S>, BeginError> {
        let percent = self.percent.load(Ordering::Relaxed);
        let new = match percent {
            0 => false,
            100.. => true,
            percent => {
                let mut bytes = [0; 4];
                seam::random_bytes(&mut bytes)?;
                u32::from_be_bytes(bytes) % 100 < percent.into()
            }
        };
        Ok(if new { &self.new } else { &self.old })
    }
}

impl<S: Send + Sync + 'static> StateStore<S> for Migration<S> {
    fn issue<'a>(&'a self, binding: Binding<'a>, login: Login<S>) -> BoxFuture<'a, Result<Issued, BeginError>> {
        let side = match self.sides.draw() {
            Ok(side) => side,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
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
        let Some(side) = [new, old].into_iter().find(|side| side.store.owns(seam::state_of(&callback))) else {
            unowned.fetch_add(1, Ordering::Relaxed);
            seam::count_unread(FinishErrorKind::Malformed);
            let refused = seam::refused_because(
                FinishErrorKind::Malformed,
                "the state has the form of neither store of the migration",
            );
            return Box::pin(std::future::ready(Err(refused)));
        };
        let consuming = side.store.consume(binding, expect, callback);
        Box::pin(async move {
            let consumed = consuming.await;
            // A prefetch, and the first half of a callback that is posted once more, are no refusals.
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
