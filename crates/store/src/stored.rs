//! A flow whose data lies in a store.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use oauth_state::payload::PayloadStore;
use oauth_state::seam::{self, stored::Stored};
use oauth_state::{
    AuthorizationRequest, BeginError, Binding, Callback, ConfigError, Expect, FinishError, FlowBuilder, Login,
    LoginOutcome, Restart,
};

/// A [`Flow`](oauth_state::Flow) whose data lies in a store, for what no URL can carry: up to 65,536 bytes of JSON a login.
///
/// Its `state` is a *handle*: a sealed state without the data. Everything that a sealed state is checked for is checked first,
/// single use included, and only then is the row read, so that a stranger cannot use up another's login, nor make the store work
/// without a state that this service sealed. Rows are encrypted under the ring, each with a key and a nonce of its own.
///
/// It writes on every begin, and fails where the store fails. Prefer [`Flow`](oauth_state::Flow), and a short `T`, wherever that fits.
///
/// # Examples
///
/// ```
/// use oauth_state_store::{MemoryPayloadStore, StoredFlow};
/// use oauth_state::{testing, App, Binding, Callback, Expect, LoginOutcome, Flow, Login, Provider, SingleProcessGuard};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let builder = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
/// let builder = builder.carrying::<Vec<u32>>().provider(Provider::github());
/// let flow = StoredFlow::new(builder, MemoryPayloadStore::with_capacity(10_000))?;
///
/// let basket: Vec<u32> = (0..5_000).collect();
/// let begun = flow.begin(Binding::session(&[7; 16])?, Login::with("github").data(basket.clone())).await?;
/// let callback = Callback::from_pairs([("code", "code"), ("state", &begun.state)])?;
/// let finished = flow.finish(Binding::session(&[7; 16])?, Expect::provider("github"), callback).await?;
/// let LoginOutcome::Authorized(login) = finished else { panic!("the provider refused") };
/// assert_eq!(login.data, basket);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct StoredFlow<T> {
    stored: Stored,
    data: PhantomData<fn() -> T>,
}

impl<T> Clone for StoredFlow<T> {
    fn clone(&self) -> Self {
        Self { stored: self.stored.clone(), data: PhantomData }
    }
}

impl<T> fmt::Debug for StoredFlow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredFlow").field("handles", self.stored.handles()).field("form", &self.stored.form()).finish()
    }
}

impl<T> StoredFlow<T> {
    /// Builds the flow, with its data in `rows`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] as [`FlowBuilder::build`].
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_store::{MemoryPayloadStore, StoredFlow};
    /// use oauth_state::{testing, App, Flow, SingleProcessGuard};
    /// let builder = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// assert!(StoredFlow::new(builder, MemoryPayloadStore::with_capacity(1)).is_err()); // no provider
    /// # Ok::<(), oauth_state::error::NameError>(())
    /// ```
    pub fn new(builder: FlowBuilder<T>, rows: impl PayloadStore) -> Result<Self, ConfigError> {
        Ok(Self { stored: Stored::new(builder, Arc::new(rows))?, data: PhantomData })
    }

    /// The ring's fingerprint, as [`Flow::fingerprint`](oauth_state::Flow::fingerprint).
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::testing;
    /// assert_eq!(oauth_state_store::testing::stored_flow().fingerprint(), testing::ring().fingerprint());
    /// ```
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.stored.handles().fingerprint()
    }

    /// What a refused state still offers this browser; see [`Flow::restart`](oauth_state::Flow::restart). The data that lay in the store is not offered.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, Binding, Expect};
    /// let binding = Binding::session(&[7; 16])?;
    /// assert!(oauth_state_store::testing::stored_flow().restart("not a state", &binding, Expect::provider("github")).is_none());
    /// # Ok::<(), oauth_state::error::BindingError>(())
    /// ```
    #[must_use]
    pub fn restart(&self, token: &str, binding: &Binding<'_>, expect: Expect<'_>) -> Option<Restart> {
        self.stored.handles().restart(token, binding, expect)
    }

    /// Whether `state` has the form of this flow's handles.
    pub(super) fn owns(&self, state: &str) -> bool {
        seam::is_handle(self.stored.form(), state)
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> StoredFlow<T> {
    /// Begins a login: seals its handle, and stores its data.
    ///
    /// # Errors
    ///
    /// [`BeginError`], as [`Flow::begin`](oauth_state::Flow::begin); [`BeginError::Store`] if the store could not keep the data, and
    /// [`BeginError::DataTooLong`].
    ///
    /// # Security
    ///
    /// Every login start writes to the store: limit the rate at which one client may call your login start and your callback.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, BeginError, Binding, Login};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let login = Login::with("github").data("x".repeat(70_000));
    /// let error = oauth_state_store::testing::stored_flow().begin(Binding::session(&[7; 16])?, login).await.unwrap_err();
    /// assert!(matches!(error, BeginError::DataTooLong { .. }));
    /// # Ok::<(), oauth_state::error::BindingError>(())
    /// # }).unwrap();
    /// ```
    pub async fn begin(&self, binding: Binding<'_>, login: Login<T>) -> Result<AuthorizationRequest, BeginError> {
        self.stored.begin(binding, login).await
    }

    /// Finishes a login: every check of [`Flow::finish`](oauth_state::Flow::finish), single use included, and then the row is read.
    ///
    /// # Errors
    ///
    /// [`FinishError`], as [`Flow::finish`](oauth_state::Flow::finish); then, with the state used up, `store_unavailable`, `not_stored`, `forged` for a row
    /// that was changed, and `data` for one of another type.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, Binding, Callback, Expect, Login};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let (flow, other) = (oauth_state_store::testing::stored_flow(), oauth_state_store::testing::stored_flow()); // each with a memory of its own
    /// let begun = flow.begin(Binding::session(&[7; 16])?, Login::with("github").data("kept".to_owned())).await?;
    /// let callback = Callback::from_pairs([("code", "code"), ("state", &begun.state)])?;
    /// let error = other.finish(Binding::session(&[7; 16])?, Expect::provider("github"), callback).await.unwrap_err();
    /// assert_eq!(error.code(), "not_stored");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn finish(
        &self,
        binding: Binding<'_>,
        expect: Expect<'_>,
        callback: Callback,
    ) -> Result<LoginOutcome<T>, FinishError> {
        self.stored.finish(binding, expect, callback).await
    }
}
