//! A migration's settings, from the environment or a file, so that operations choose without a build.

use std::path::Path;
use std::sync::Arc;

use super::{Migration, MigrationError};
use crate::StateStore;

/// Which stores a service uses, and how many logins of a hundred begin on the new one.
///
/// Words `name=value`, separated by blanks and line ends; what follows a `#` is a remark:
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
/// use oauth_state_store::{MigrationPlan, StateStore};
/// use oauth_state::testing;
/// use std::sync::Arc;
///
/// let plan = MigrationPlan::parse("old=memory new=sealed percent=10")?;
/// let stores: [(&str, Arc<dyn StateStore<String>>); 2] =
///     [("memory", Arc::new(oauth_state_store::testing::stored_flow())), ("sealed", Arc::new(testing::flow_carrying::<String>()))];
/// let logins = plan.build(stores)?;
/// assert_eq!(logins.percent(), 10);
///
/// // Later, while the service runs:
/// let next = MigrationPlan::parse("old=memory new=sealed percent=50")?;
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
    /// Reads a plan.
    ///
    /// # Errors
    ///
    /// [`MigrationError::Plan`] says which word it does not take, or which is missing.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_store::MigrationPlan;
    /// assert!(MigrationPlan::parse("old=hashmap new=sealed percent=10").is_ok());
    /// assert!(MigrationPlan::parse("old=hashmap new=sealed percent=ten").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, MigrationError> {
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
                return Err(refuse(format!("{name} is empty or stands twice")));
            }
        }
        let (Some(old), Some(new), Some(percent)) = (old, new, percent) else {
            return Err(refuse("old, new and percent are all needed".to_owned()));
        };
        let percent = percent.parse().map_err(|_| refuse(format!("{percent:?} is no percentage")))?;
        if percent > 100 {
            return Err(MigrationError::Percent(percent));
        }
        Ok(Self { old: old.to_owned(), new: new.to_owned(), percent })
    }

    /// Reads the plan in an environment variable.
    ///
    /// # Errors
    ///
    /// [`MigrationError::Plan`] if it is not set, or as [`MigrationPlan::parse`].
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_store::MigrationPlan;
    /// assert!(MigrationPlan::from_env("A_VARIABLE_THAT_IS_NOT_SET").is_err());
    /// ```
    pub fn from_env(variable: &str) -> Result<Self, MigrationError> {
        let text = std::env::var(variable);
        Self::parse(&text.map_err(|_| MigrationError::Plan(format!("{variable} is not set, or is not text")))?)
    }

    /// Reads the plan in a file.
    ///
    /// # Errors
    ///
    /// [`MigrationError::Plan`] if the file cannot be read, or as [`MigrationPlan::parse`].
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_store::MigrationPlan;
    /// assert!(MigrationPlan::from_file("there is no such file").is_err());
    /// ```
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, MigrationError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path);
        Self::parse(&text.map_err(|error| MigrationError::Plan(format!("{}: {error}", path.display())))?)
    }

    /// Builds the migration between two of the service's stores, by the names that the plan uses.
    ///
    /// # Errors
    ///
    /// [`MigrationError::UnknownStore`], [`MigrationError::SameStore`], or as [`Migration::new`].
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_store::{MigrationError, MigrationPlan, StateStore};
    /// use oauth_state::testing;
    /// use std::sync::Arc;
    /// let stores: [(&str, Arc<dyn StateStore<()>>); 1] = [("sealed", Arc::new(testing::flow()))];
    /// let error = MigrationPlan::parse("old=hashmap new=sealed percent=0")?.build(stores).unwrap_err();
    /// assert!(matches!(error, MigrationError::UnknownStore(..)));
    /// # Ok::<(), MigrationError>(())
    /// ```
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
    /// [`MigrationError::OtherStores`] if `next` names other stores: that takes a restart.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_store::{Migration, MigrationPlan};
    /// use oauth_state::testing;
    /// let logins = Migration::new(oauth_state_store::testing::stored_flow(), testing::flow_carrying::<String>())?;
    /// let plan = MigrationPlan::parse("old=memory new=sealed percent=0")?;
    /// assert!(plan.apply(&MigrationPlan::parse("old=sealed new=memory percent=100")?, &logins).is_err());
    /// assert_eq!(logins.percent(), 0);
    /// # Ok::<(), oauth_state_store::MigrationError>(())
    /// ```
    pub fn apply<S>(&self, next: &Self, migration: &Migration<S>) -> Result<(), MigrationError> {
        if (&self.old, &self.new) != (&next.old, &next.new) {
            return Err(MigrationError::OtherStores);
        }
        migration.set_percent(next.percent)
    }
}
