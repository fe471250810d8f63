//! A flow whose data is in a store.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use oauth_state::payload::PayloadStore;
use oauth_state::{
    AuthorizationRequest, BeginError, Binding, Callback, ConfigError, Expect, FinishError, Flow, FlowBuilder, Login,
    LoginOutcome, Restart,
};

/// A [`Flow`] that keeps its data in a store, for data that is too long for a URL: up to 65,536 bytes of JSON for each
/// login.
///
/// Its `state` is a *handle*: a sealed state without the data. Every check of a sealed state comes first, including
/// single use, and only then is the row read. So an attacker can neither use up another user's login nor make the store
/// work without a state that this service sealed. Rows are encrypted under the ring, each with its own key and nonce.
///
/// It writes at every login start, and it fails if the store fails. Prefer [`Flow`] with a short `T` if you can.
///
/// # Examples
///
/// ```
/// use oauth_state::testing::{self, TestBrowser, block_on};
/// use oauth_state::{App, Expect, Flow, Login, LoginOutcome, Provider, SingleProcessGuard};
/// use oauth_state_store::{MemoryPayloadStore, StoredFlow};
///
/// let builder = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
///     .carrying::<Vec<u32>>()
///     .provider(Provider::github());
/// let flow = StoredFlow::new(builder, MemoryPayloadStore::with_capacity(10_000))?;
///
/// let basket: Vec<u32> = (0..5_000).collect();
/// let login = Login::with("github").data(basket.clone());
/// let browser = TestBrowser::follow(&block_on(flow.begin(TestBrowser::default().binding(), login))?);
/// let outcome = block_on(flow.finish(browser.binding(), Expect::provider("github"), browser.callback()))?;
/// let LoginOutcome::Authorized(login) = outcome else { panic!("the provider refused") };
/// assert_eq!(login.data, basket);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StoredFlow<T> {
    handles: Flow<()>,
    rows: Arc<dyn PayloadStore>,
    data: PhantomData<fn() -> T>,
}

impl<T> Clone for StoredFlow<T> {
    fn clone(&self) -> Self {
        Self { handles: self.handles.clone(), rows: Arc::clone(&self.rows), data: PhantomData }
    }
}

impl<T> fmt::Debug for StoredFlow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredFlow").field("handles", &self.handles).field("kind", &self.rows.kind()).finish()
    }
}

impl<T> StoredFlow<T> {
    /// Builds the flow, with its data in `rows`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], as [`FlowBuilder::build`].
    pub fn new(builder: FlowBuilder<T>, rows: impl PayloadStore) -> Result<Self, ConfigError> {
        let handles = builder.carrying().build_handles(rows.kind())?;
        Ok(Self { handles, rows: Arc::new(rows), data: PhantomData })
    }

    /// The ring's fingerprint, as [`Flow::fingerprint`](oauth_state::Flow::fingerprint).
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.handles.fingerprint()
    }

    /// The restart that a refused state still offers to this browser; see
    /// [`Flow::restart`](oauth_state::Flow::restart). It does not include the data from the store.
    #[must_use]
    pub fn restart(&self, token: &str, binding: &Binding<'_>, expect: Expect<'_>) -> Option<Restart> {
        self.handles.restart(token, binding, expect)
    }

    /// Whether `state` has the form of this flow's handles.
    pub(super) fn owns(&self, state: &str) -> bool {
        self.handles.owns(state)
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> StoredFlow<T> {
    /// Starts a login: seals its handle, and stores its data.
    ///
    /// # Errors
    ///
    /// [`BeginError`], as [`Flow::begin`](oauth_state::Flow::begin); also [`BeginError::Store`] if the store did not
    /// keep the data, and [`BeginError::DataTooLong`].
    ///
    /// # Security
    ///
    /// Every login start writes to the store: limit the rate at which one client may call your login start and your
    /// callback.
    pub async fn begin(&self, binding: Binding<'_>, login: Login<T>) -> Result<AuthorizationRequest, BeginError> {
        let (login, data) = login.split_data();
        self.handles.begin_and_store(binding, login, data, |row| async move { self.rows.put(&row).await }).await
    }

    /// Finishes a login: every check of [`Flow::finish`](oauth_state::Flow::finish), including single use, and then
    /// reads the row.
    ///
    /// # Errors
    ///
    /// [`FinishError`], as [`Flow::finish`](oauth_state::Flow::finish). After the state is used up, also
    /// `store_unavailable`, `not_stored` (for example if another process has the row in its memory), `forged` for a
    /// changed row, and `data` for a row of another type.
    pub async fn finish(
        &self,
        binding: Binding<'_>,
        expect: Expect<'_>,
        callback: Callback,
    ) -> Result<LoginOutcome<T>, FinishError> {
        let verified = self.handles.check(binding, expect, callback)?;
        let outcome = verified.mark_used_and_fetch(|id| async move { self.rows.get(&id).await }).await?;
        Ok(outcome.map_data(|((), data)| data))
    }
}
