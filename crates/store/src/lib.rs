//! One interface for every way to store the state of logins, for a service that moves from one to another.
//!
//! | store | its states | survives | writes at every login start |
//! |---|---|---|---|
//! | [`Flow`]: sealed, the purpose of this crate | `ost1…` | a restart, the loss of any server | no |
//! | [`Flow`], signed: [anyone can read it][signed] | `oss1…` | the same | no |
//! | [`StoredFlow`] over `RedisPayloadStore` | `osr1…` | a restart; what Redis survives | yes |
//! | [`StoredFlow`] over `PostgresPayloadStore` | `osp1…` | a restart; what Postgres survives | yes |
//! | [`StoredFlow`] over [`MemoryPayloadStore`] | `osm1…` | nothing; one process only | yes |
//! | [`UnboundLegacyStore`] over [`LegacyStore`]: your own map or table | yours | as before | yes |
//!
//! [signed]: oauth_state::FlowBuilder::build_signed_not_encrypted
//!
//! [`Migration`] wraps two of them and moves logins from one to the other, a percentage at a time, in either direction.
//! `docs/migrating.md` in the repository shows the migration of one service step by step.
//!
//! ```
//! use oauth_state::testing::{block_on, flow_carrying};
//! use oauth_state::{Binding, Callback, Expect, Login};
//! use oauth_state_store::testing::stored_flow;
//! use oauth_state_store::{Consumed, Migration, StateStore};
//!
//! let logins = Migration::new(stored_flow(), flow_carrying::<String>())?;
//! let session = Binding::session(&[7; 16])?;
//! let start = || block_on(logins.issue(session.clone(), Login::with("github").data("hello".to_owned())));
//!
//! let before = start()?;
//! assert!(before.state.starts_with("osm1")); // at 0 %, every login starts on the old side
//! logins.set_percent(100)?;
//! let after = start()?;
//! assert!(after.state.starts_with("ost1"));
//!
//! for state in [before.state, after.state] {
//!     let callback = Callback::from_pairs([("code", "code"), ("state", &state)])?;
//!     let consumed = block_on(logins.consume(session.clone(), Expect::provider("github"), callback))?;
//!     let Consumed::Code(login) = consumed else { panic!("the provider refused") };
//!     assert_eq!(login.data, "hello"); // the callbacks of both sides are finished
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
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

pub use consumed::{Consumed, ConsumedLogin, ConsumedRefusal, Issued};
pub use legacy::{LegacyStore, UnboundLegacyStore, is_form_of_this_crate};
pub use migration::{Migration, MigrationCounts, MigrationError, MigrationPlan, SideCounts};
pub use stored::StoredFlow;

use oauth_state::{BeginError, Binding, BoxFuture, Callback, Expect, FinishError, Flow, Login};

/// A way to store the state of logins, each with data of the type `S`. It can be a `dyn`, so that configuration chooses
/// the store and the provider's code does not depend on it.
///
/// # Examples
///
/// ```
/// use oauth_state::http::redirect;
/// use oauth_state::testing::{self, block_on};
/// use oauth_state::{Binding, Login};
/// use oauth_state_store::StateStore;
/// use std::sync::Arc;
///
/// let logins: Arc<dyn StateStore<()>> = Arc::new(testing::flow()); // or a StoredFlow, or a Migration
/// let headers = http::HeaderMap::new(); // of the request
/// let issued = block_on(logins.issue(Binding::cookies(&headers), Login::with("github")))?;
/// # fn authorization_url(_: &oauth_state_store::Issued) -> String { "https://github.com/login".to_owned() }
/// let response = redirect(&issued, &authorization_url(&issued))?; // with its state and code_challenge
/// assert!(response.headers().contains_key("set-cookie"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait StateStore<S>: Send + Sync + 'static {
    /// Starts a login.
    ///
    /// # Errors
    ///
    /// [`BeginError`] says what to change. The user has not been redirected.
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

    /// Whether a state has the form of this store's states. The text alone decides, without a lookup; `true` does not
    /// mean that the state is authentic.
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

/// The sealed store: nothing is stored.
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
        Flow::owns(self, state)
    }
}

/// Handles as states, and rows in a store.
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
