//! A migration's settings from the environment or a file, so that operators can change them without a build.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use super::{Migration, MigrationError};
use crate::StateStore;

/// The stores of a migration, and the percentage of logins that start on the new one.
///
/// The text consists of `name=value` words, separated by spaces and line ends; a `#` starts a comment:
///
/// ```text
/// old=hashmap
/// new=sealed
/// percent=10   # since Monday
/// ```
///
/// # Examples
///
/// ```
/// use oauth_state::testing::flow_carrying;
/// use oauth_state_store::testing::stored_flow;
/// use oauth_state_store::{MigrationPlan, StateStore};
/// use std::sync::Arc;
///
/// let plan: MigrationPlan = "old=memory new=sealed percent=10".parse()?; // or from_env, or from_file
/// let memory: Arc<dyn StateStore<String>> = Arc::new(stored_flow());
/// let sealed: Arc<dyn StateStore<String>> = Arc::new(flow_carrying::<String>());
/// let logins = plan.build([("memory", memory), ("sealed", sealed)])?;
/// assert_eq!(logins.percent(), 10);
///
/// // Later, while the service runs:
/// let next: MigrationPlan = "old=memory new=sealed percent=50".parse()?;
/// plan.apply(&next, &logins)?;
/// assert_eq!(logins.percent(), 50);
/// # Ok::<(), oauth_state_store::MigrationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationPlan {
    old: String,
    new: String,
    percent: u8,
}

impl MigrationPlan {
    /// Parses the plan in an environment variable.
    ///
    /// # Errors
    ///
    /// [`MigrationError::Plan`] if the variable is not set, or as [`MigrationPlan::from_str`].
    pub fn from_env(variable: &str) -> Result<Self, MigrationError> {
        let text = std::env::var(variable);
        text.map_err(|_| MigrationError::Plan(format!("{variable} is not set, or is not text")))?.parse()
    }

    /// Parses the plan in a file.
    ///
    /// # Errors
    ///
    /// [`MigrationError::Plan`] if the file cannot be read, or as [`MigrationPlan::from_str`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, MigrationError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path);
        text.map_err(|error| MigrationError::Plan(format!("{}: {error}", path.display())))?.parse()
    }

    /// Builds the migration between two of the service's stores, by their names in the plan.
    ///
    /// # Errors
    ///
    /// [`MigrationError::UnknownStore`], [`MigrationError::SameStore`], or as [`Migration::new`].
    pub fn build<'n, S: Send + Sync + 'static>(
        &self,
        stores: impl IntoIterator<Item = (&'n str, Arc<dyn StateStore<S>>)>,
    ) -> Result<Migration<S>, MigrationError> {
        let stores: Vec<_> = stores.into_iter().collect();
        let find = |name: &str| {
            let found = stores.iter().find(|(known, _)| *known == name).map(|(_, store)| Arc::clone(store));
            let known = || stores.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ");
            found.ok_or_else(|| MigrationError::UnknownStore(name.to_owned(), known()))
        };
        if self.old == self.new {
            return Err(MigrationError::SameStore(self.old.clone()));
        }
        let migration = Migration::new(find(&self.old)?, find(&self.new)?)?;
        migration.set_percent(self.percent)?;
        Ok(migration)
    }

    /// Sets the percentage of `next` in a migration that this plan built.
    ///
    /// # Errors
    ///
    /// [`MigrationError::OtherStores`] if `next` names other stores: that needs a restart.
    pub fn apply<S>(&self, next: &Self, migration: &Migration<S>) -> Result<(), MigrationError> {
        if (&self.old, &self.new) != (&next.old, &next.new) {
            return Err(MigrationError::OtherStores);
        }
        migration.set_percent(next.percent)
    }
}

impl FromStr for MigrationPlan {
    type Err = MigrationError;

    /// Parses a plan. [`MigrationError::Plan`] says which word is wrong or missing.
    fn from_str(text: &str) -> Result<Self, MigrationError> {
        let refuse = |why: String| MigrationError::Plan(why);
        let (mut old, mut new, mut percent) = (None, None, None);
        let lines = text.lines().map(|line| line.split_once('#').map_or(line, |(before, _)| before));
        for word in lines.flat_map(str::split_whitespace) {
            let (name, value) = word.split_once('=').ok_or_else(|| refuse(format!("{word:?} has no `=`")))?;
            let slot = match name {
                "old" => &mut old,
                "new" => &mut new,
                "percent" => &mut percent,
                _ => return Err(refuse(format!("{name:?} is not old, new or percent"))),
            };
            if value.is_empty() || slot.replace(value).is_some() {
                return Err(refuse(format!("{name} is empty or repeated")));
            }
        }
        let (Some(old), Some(new), Some(percent)) = (old, new, percent) else {
            return Err(refuse("old, new and percent are all required".to_owned()));
        };
        let percent = percent.parse().map_err(|_| refuse(format!("{percent:?} is not a percentage")))?;
        if percent > 100 {
            return Err(MigrationError::Percent(percent));
        }
        Ok(Self { old: old.to_owned(), new: new.to_owned(), percent })
    }
}
