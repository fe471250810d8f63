//! A flow whose data lies in a store.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::binding::Binding;
use crate::callback::Callback;
use crate::finish_error::{FinishError, FinishErrorKind, Restart, Whose};
use crate::flow::{
    BeginError, Begun, Bound, ConfigError, DataError, Expect, Finished, Flow, FlowBuilder, Login, begin_outcome,
    outcome,
};
use crate::key::id::KeyId;
use crate::rows::{Row, Rows};
use crate::telemetry::{Span, Timer, record};
use crate::token::aead::NONCE_BYTES;

/// The most bytes of JSON that one login's data may have.
const LONGEST_DATA: usize = 65_536;

/// A [`Flow`] whose data lies in a store, for what no URL can carry: up to 65,536 bytes of JSON a login.
///
/// Its `state` is a *handle*: a sealed state without the data. Everything that a sealed state is checked for is checked first,
/// single use included, and only then is the row read, so that nobody can use up another's login, nor make the store work
/// without a state that this service sealed. Rows are encrypted under the ring, each with a key and a nonce of its own.
///
/// It writes on every begin, and fails where the store fails. Prefer [`Flow`], and a short `T`, wherever that fits.
///
/// # Examples
///
/// ```
/// use oauth_state::store::{MemoryRows, StoredFlow};
/// use oauth_state::{testing, App, Binding, Callback, Expect, Finished, Flow, Login, Provider, SingleProcessGuard};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let builder = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
/// let builder = builder.carrying::<Vec<u32>>().provider(Provider::github());
/// let flow = StoredFlow::new(builder, MemoryRows::with_capacity(10_000))?;
///
/// let basket: Vec<u32> = (0..5_000).collect();
/// let begun = flow.begin(Binding::session(&[7; 16])?, Login::at("github").data(basket.clone())).await?;
/// let callback = Callback::from_code(begun.state, "code")?;
/// let finished = flow.finish(Binding::session(&[7; 16])?, Expect::provider("github"), callback).await?;
/// let Finished::Code(login) = finished else { panic!("the provider refused") };
/// assert_eq!(login.data, basket);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct StoredFlow<T> {
    handles: Flow<()>,
    rows: Arc<dyn Rows>,
    data: PhantomData<fn() -> T>,
}

impl<T> Clone for StoredFlow<T> {
    fn clone(&self) -> Self {
        Self { handles: self.handles.clone(), rows: Arc::clone(&self.rows), data: PhantomData }
    }
}

impl<T> fmt::Debug for StoredFlow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredFlow").field("handles", &self.handles).field("form", &self.rows.form()).finish()
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
    /// use oauth_state::store::{MemoryRows, StoredFlow};
    /// use oauth_state::{testing, App, Flow, SingleProcessGuard};
    /// let builder = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// assert!(StoredFlow::new(builder, MemoryRows::with_capacity(1)).is_err()); // no provider
    /// # Ok::<(), oauth_state::NameError>(())
    /// ```
    pub fn new(builder: FlowBuilder<T>, rows: impl Rows) -> Result<Self, ConfigError> {
        let handles = builder.build_handles(rows.form().form())?;
        Ok(Self { handles, rows: Arc::new(rows), data: PhantomData })
    }

    /// The ring's fingerprint, as [`Flow::fingerprint`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::testing;
    /// assert_eq!(testing::stored_flow().fingerprint(), testing::ring().fingerprint());
    /// ```
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.handles.fingerprint()
    }

    /// What a refused state still offers this browser; see [`Flow::restart`]. The data that lay in the store is not offered.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, Binding, Expect};
    /// let binding = Binding::session(&[7; 16])?;
    /// assert!(testing::stored_flow().restart("not a state", &binding, Expect::provider("github")).is_none());
    /// # Ok::<(), oauth_state::BindingError>(())
    /// ```
    #[must_use]
    pub fn restart(&self, token: &str, binding: &Binding<'_>, expect: Expect<'_>) -> Option<Restart> {
        self.handles.restart(token, binding, expect)
    }

    /// Whether `state` has the form of this flow's handles.
    pub(super) fn owns(&self, state: &str) -> bool {
        self.rows.form().form().is_form_of(state)
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> StoredFlow<T> {
    /// Begins a login: seals its handle, and stores its data.
    ///
    /// # Errors
    ///
    /// [`BeginError`], as [`Flow::begin`]; [`BeginError::Store`] if the store could not keep the data, and
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
    /// let login = Login::at("github").data("x".repeat(70_000));
    /// let error = testing::stored_flow().begin(Binding::session(&[7; 16])?, login).await.unwrap_err();
    /// assert!(matches!(error, BeginError::DataTooLong { .. }));
    /// # Ok::<(), oauth_state::BindingError>(())
    /// # }).unwrap();
    /// ```
    pub async fn begin(&self, binding: Binding<'_>, login: Login<T>) -> Result<Begun, BeginError> {
        let provider = login.provider_id().to_owned();
        let span = self.handles.begin_span(&provider);
        // The borrowed arguments end here, so that they are not held while the store is waited for.
        let sealed = span.in_scope(|| self.seal(binding, login));
        let put = async {
            let (begun, row) = sealed?;
            self.put(&row).await.map(|()| begun)
        };
        let begun = span.around(put, begin_outcome).await;
        self.handles.count_begin(&provider, &begun);
        begun
    }

    async fn put(&self, row: &Row) -> Result<(), BeginError> {
        let asked = Timer::start();
        let put = Span::store("put").around(self.rows.put(row), worked).await;
        record::store("put", asked, put.is_ok());
        put.map_err(BeginError::Store)
    }

    pub(crate) fn seal(&self, binding: Binding<'_>, login: Login<T>) -> Result<(Begun, Row), BeginError> {
        let (data, login) = login.split();
        let data = serde_json::to_vec(&data).map_err(|error| BeginError::Data(error.into()))?;
        let too_long = |actual| BeginError::DataTooLong { actual, limit: LONGEST_DATA };
        if data.len() > LONGEST_DATA {
            return Err(too_long(data.len()));
        }
        let (begun, row) = self.handles.begin_and(binding, &login, |with| with.row(data))?;
        // The keys of a handle flow have one for rows, and the AEAD's limit lies beyond ours.
        Ok((begun, row.ok_or_else(|| too_long(usize::MAX))?))
    }

    /// Finishes a login: every check of [`Flow::finish`], single use included, and then the row is read.
    ///
    /// # Errors
    ///
    /// [`FinishError`], as [`Flow::finish`]; then, with the state used up, `store_unavailable`, `not_stored`, `forged` for a row
    /// that somebody changed, and `data` for one of another type.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, Binding, Callback, Expect, Login};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let (flow, other) = (testing::stored_flow(), testing::stored_flow()); // each with a memory of its own
    /// let begun = flow.begin(Binding::session(&[7; 16])?, Login::at("github").data("kept".to_owned())).await?;
    /// let callback = Callback::from_code(begun.state, "code")?;
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
    ) -> Result<Finished<T>, FinishError> {
        let (span, bound) = self.handles.check_in_span(binding, expect, callback)?;
        let sealed = bound.sealed();
        let finished = span.around(self.mark_and_read(bound), outcome).await;
        self.handles.count(&finished, sealed);
        finished
    }

    async fn mark_and_read(&self, bound: Bound<()>) -> Result<Finished<T>, FinishError> {
        let ((nonce, key_id), state) = (bound.sealed_under(), bound.state().to_owned());
        let finished = bound.mark().await?;
        match self.read_row(&nonce, key_id).await {
            Ok(data) => Ok(finished.with_data(data)),
            Err(error) => {
                // A store in trouble needs no second login on top; a row that is not there will not come back.
                let in_trouble = error.kind() == FinishErrorKind::StoreUnavailable;
                let whose = if in_trouble { Whose::AskFirst } else { Whose::ThisOne };
                Err(error.with_restart(Restart::new(finished.origin().clone(), whose, state)))
            }
        }
    }

    async fn read_row(&self, nonce: &[u8; NONCE_BYTES], key_id: KeyId) -> Result<T, FinishError> {
        let id = crate::flow::replay_id(nonce);
        let asked = Timer::start();
        let value = Span::store("get").around(self.rows.get(&id), worked).await;
        record::store("get", asked, value.is_ok());
        let value = value.map_err(|error| FinishError::from(FinishErrorKind::StoreUnavailable).caused_by(error))?;
        let value = value.ok_or(FinishErrorKind::NotStored)?;
        let data = self.handles.open_row(nonce, key_id, value).map_err(|kind| match kind {
            FinishErrorKind::Forged => FinishError::because(
                FinishErrorKind::Forged,
                "the login's row in the state store was changed there, or is another login's",
            ),
            kind => kind.into(),
        })?;
        serde_json::from_slice(&data)
            .map_err(|error| FinishError::from(FinishErrorKind::Data).caused_by(DataError::from(error)))
    }
}

fn worked<R, E>(answer: &Result<R, E>) -> &'static str {
    if answer.is_ok() { "ok" } else { "error" }
}
