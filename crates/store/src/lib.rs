//! One interface over every way to keep a login's state, for a service that moves from one to another.
//!
//! | store | its states | survives | writes on every begin |
//! |---|---|---|---|
//! | [`Flow`]: sealed, this crate's point | `ost1…` | a restart, the loss of any server | no |
//! | [`Flow`], signed: [readable by anyone](oauth_state::FlowBuilder::build_signed_not_encrypted) | `oss1…` | the same | no |
//! | [`StoredFlow`] over `RedisPayloadStore` | `osr1…` | a restart; what Redis survives | yes |
//! | [`StoredFlow`] over `PostgresPayloadStore` | `osp1…` | a restart; what Postgres survives | yes |
//! | [`StoredFlow`] over [`MemoryPayloadStore`] | `osm1…` | nothing, and one process alone finishes what it began | yes |
//! | [`UnboundLegacyStore`] over [`LegacyStore`]: the caller's own map or table | the caller's | as it did before | yes |
//!
//! [`Migration`] wraps two of them and moves logins from one to the other, a percentage at a time, forwards and backwards.
//! `docs/migrating.md` in the repository shows the change of one service, step by step.
//!
//! ```
//! use oauth_state_store::{Consumed, MemoryPayloadStore, Migration, StateStore, StoredFlow};
//! use oauth_state::{testing, App, Binding, Callback, Expect, Flow, Login, Provider, SingleProcessGuard};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let builder = || -> Result<_, Box<dyn std::error::Error>> {
//!     let guard = SingleProcessGuard::with_capacity(100);
//!     let builder = Flow::builder(App::new("shop", "test")?, testing::ring(), guard);
//!     Ok(builder.carrying::<String>().provider(Provider::github()))
//! };
//! let old = StoredFlow::new(builder()?, MemoryPayloadStore::with_capacity(10_000))?;
//! let logins = Migration::new(old, builder()?.build()?)?;
//!
//! let begin = || logins.issue(Binding::session(&[7; 16]).unwrap(), Login::with("github").data("hello".to_owned()));
//! let before = begin().await?;
//! assert!(before.state.starts_with("osm1")); // 0 %: everything begins on the old side
//!
//! logins.set_percent(100)?;
//! let after = begin().await?;
//! assert!(after.state.starts_with("ost1"));
//! for state in [before.state, after.state] {
//!     let callback = Callback::from_pairs([("code", "code"), ("state", &state)])?;
//!     let consumed = logins.consume(Binding::session(&[7; 16])?, Expect::provider("github"), callback).await?;
//!     let Consumed::Code(login) = consumed else { panic!("the provider refused") };
//!     assert_eq!(login.data, "hello"); // callbacks of either side are finished
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod consumed;
#[cfg(feature = "oauth2")]
mod conversions;
mod legacy;
mod migration;
mod stored;
#[cfg(feature = "testing")]
pub mod testing;

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use oauth_state::payload::{HandleKind, MemoryPayloadStore, Payload, PayloadStore, StoreError, StoreErrorKind};

pub use consumed::{Consumed, ConsumedLogin, Issued};
pub use legacy::{LegacyStore, UnboundLegacyStore, is_form_of_this_crate};
pub use migration::{Migration, MigrationCounts, MigrationError, MigrationPlan, SideCounts};
pub use stored::StoredFlow;

use oauth_state::{BeginError, Binding, BoxFuture, Callback, Expect, FinishError, Flow, Login, seam};

/// A way to keep the state of logins, each with data of the type `S`. It can be a `dyn`, so that operations choose the store and
/// providers do not know which.
///
/// # Examples
///
/// ```
/// use oauth_state_store::StateStore;
/// use oauth_state::{testing, Binding, Login};
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// struct Github {
///     logins: Arc<dyn StateStore<()>>,
/// }
/// let github = Github { logins: Arc::new(testing::flow()) };
/// let issued = github.logins.issue(Binding::session(&[7; 16])?, Login::with("github")).await?;
/// assert!(github.logins.owns(&issued.state));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub trait StateStore<S>: Send + Sync + 'static {
    /// Begins a login.
    ///
    /// # Errors
    ///
    /// [`BeginError`] says what to change; nobody has been redirected.
    fn issue<'a>(&'a self, binding: Binding<'a>, login: Login<S>) -> BoxFuture<'a, Result<Issued, BeginError>>;

    /// Finishes a login, once.
    ///
    /// # Errors
    ///
    /// [`FinishError`] with the reason.
    fn consume<'a>(
        &'a self,
        binding: Binding<'a>,
        expect: Expect<'a>,
        callback: Callback,
    ) -> BoxFuture<'a, Result<Consumed<S>, FinishError>>;

    /// Whether a state has the form of this store's. Decided by the text alone, before any look-up; true says nothing of
    /// whether it is authentic.
    fn owns(&self, state: &str) -> bool;
}

impl<S: 'static, L: StateStore<S> + ?Sized> StateStore<S> for Arc<L> {
    fn issue<'a>(&'a self, binding: Binding<'a>, login: Login<S>) -> BoxFuture<'a, Result<Issued, BeginError>> {
        (**self).issue(binding, login)
    }

    fn consume<'a>(
        &'a self,
        binding: Binding<'a>,
        expect: Expect<'a>,
        callback: Callback,
    ) -> BoxFuture<'a, Result<Consumed<S>, FinishError>> {
        (**self).consume(binding, expect, callback)
    }

    fn owns(&self, state: &str) -> bool {
        (**self).owns(state)
    }
}

/// The sealed store: nothing is kept anywhere.
impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> StateStore<T> for Flow<T> {
    fn issue<'a>(&'a self, binding: Binding<'a>, login: Login<T>) -> BoxFuture<'a, Result<Issued, BeginError>> {
        let begun = self.begin(binding, login);
        Box::pin(std::future::ready(begun.map(Issued::from)))
    }

    fn consume<'a>(
        &'a self,
        binding: Binding<'a>,
        expect: Expect<'a>,
        callback: Callback,
    ) -> BoxFuture<'a, Result<Consumed<T>, FinishError>> {
        Box::pin(async move { Ok(self.finish(binding, expect, callback).await?.into()) })
    }

    fn owns(&self, state: &str) -> bool {
        seam::is_state_of(self, state)
    }
}

/// Handles, and rows in a store.
impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> StateStore<T> for StoredFlow<T> {
    fn issue<'a>(&'a self, binding: Binding<'a>, login: Login<T>) -> BoxFuture<'a, Result<Issued, BeginError>> {
        Box::pin(async move { Ok(self.begin(binding, login).await?.into()) })
    }

    fn consume<'a>(
        &'a self,
        binding: Binding<'a>,
        expect: Expect<'a>,
        callback: Callback,
    ) -> BoxFuture<'a, Result<Consumed<T>, FinishError>> {
        Box::pin(async move { Ok(self.finish(binding, expect, callback).await?.into()) })
    }

    fn owns(&self, state: &str) -> bool {
        StoredFlow::owns(self, state)
    }
}
