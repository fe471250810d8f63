//! A login's payload in a store: encrypted when the login starts, decrypted after it has passed the guard.
//!
//! `K_row` belongs to one login: it is derived from key ring, browser secret and replay id, like the code_verifier. The associated data
//! holds the state's form, the purpose, the application and the environment. An attacker who can write to the store can make a login
//! fail, but can neither read a payload nor swap the payloads of two logins.

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::begin::SealedWith;
use super::verify::StateKey;
use super::{
    AuthorizationRequest, BeginError, ConfigError, DataError, Flow, FlowBuilder, FlowInner, Login, LoginData,
    LoginOutcome, VerifiedCallback,
};
use crate::binding::Binding;
use crate::observe::{Event, Scope};
use crate::payload::{HandleKind, Payload, StoreError};
use crate::refusal::{FinishError, FinishErrorKind, Whose};
use crate::secret::SecretBytes;
use crate::token::aead::{TAG_BYTES, Xaes256Gcm};
use crate::token::wire::{Form, replay_id};

/// Only callbacks of handles keep the payload's key until the guard has answered.
const NOT_HANDLES: &str = "a payload needs a flow whose states are handles: build it with FlowBuilder::build_handles";
/// The most bytes of JSON in one payload.
const LONGEST_PAYLOAD: usize = 65_536;

impl<T> FlowBuilder<T> {
    /// Builds a flow whose states are handles of `kind`, for [`Flow::begin_and_store`]: their first four characters tell where the
    /// payload is stored. `StoredFlow` of the package `oauth-state-store` does this for you.
    ///
    /// # Errors
    ///
    /// As [`FlowBuilder::build`].
    pub fn build_handles(self, kind: HandleKind) -> Result<Flow<T>, ConfigError> {
        self.build_form(Form::Handle(kind))
    }
}

impl<T: LoginData> Flow<T> {
    /// [`Flow::begin`] with a payload that is too long for a URL: up to 64 KiB of JSON, encrypted under a key of this login only. `put`
    /// stores it until [`Payload::keep_until`]. Only [`VerifiedCallback::mark_used_and_fetch`] decrypts it. Build the flow with
    /// [`FlowBuilder::build_handles`].
    ///
    /// # Errors
    ///
    /// As [`Flow::begin`]; [`BeginError::Data`] and [`BeginError::DataTooLong`] for the payload, and [`BeginError::Store`] if it could
    /// not be stored, or if the flow was not built with handles.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::payload::{HandleKind, MemoryPayloadStore, PayloadStore};
    /// use oauth_state::testing::{self, TestBrowser, block_on};
    /// use oauth_state::{App, Binding, Expect, Flow, Login, LoginOutcome, Provider, SingleProcessGuard};
    /// # block_on(async {
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    ///     .provider(Provider::github())
    ///     .build_handles(HandleKind::MEMORY)?;
    /// let store = &MemoryPayloadStore::with_capacity(100);
    ///
    /// let cart = vec!["a book".to_owned(), "a lamp".to_owned()];
    /// let (binding, login) = (Binding::cookie_headers([]), Login::with("github"));
    /// let request = flow.begin_and_store(binding, login, cart, |row| async move { store.put(&row).await }).await?;
    ///
    /// let browser = TestBrowser::follow(&request);
    /// let verified = flow.open(browser.callback())?.verify(browser.binding(), Expect::provider("github"))?;
    /// let outcome = verified.mark_used_and_fetch::<Vec<String>, _>(|id| async move { store.get(&id).await }).await?;
    /// let LoginOutcome::Authorized(login) = outcome else { panic!("the provider refused") };
    /// assert_eq!(login.data.1, ["a book", "a lamp"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn begin_and_store<P: Serialize, S>(
        &self,
        binding: Binding<'_>,
        login: Login<T>,
        payload: P,
        put: impl FnOnce(Payload) -> S,
    ) -> Result<AuthorizationRequest, BeginError>
    where
        S: Future<Output = Result<(), StoreError>>,
    {
        let inner = &*self.inner;
        let (scope, kind) = (inner.start_scope(&login), binding.holder.kind());
        // The borrowed arguments end here, so that they are not held during the wait for the store.
        let sealed = scope.in_scope(|| self.seal_beside(binding, &login, &payload));
        drop(payload);
        let started = scope.around(async {
            let (request, row) = sealed?;
            inner.ask_store("put", || put(row)).await.map(|()| request).map_err(BeginError::Store)
        });
        let started = started.await;
        inner.started(&scope, login.label(), kind, started)
    }

    pub(crate) fn seal_beside<P: Serialize>(
        &self,
        binding: Binding<'_>,
        login: &Login<T>,
        payload: &P,
    ) -> Result<(AuthorizationRequest, Payload), BeginError> {
        if !self.inner.keys.load().form().is_handle() {
            return Err(BeginError::Store(StoreError::misconfigured(NOT_HANDLES)));
        }
        let json = serde_json::to_vec(payload).map_err(|error| BeginError::Data(error.into()))?;
        let too_long = |actual| BeginError::DataTooLong { actual, limit: LONGEST_PAYLOAD };
        let length = json.len();
        if length > LONGEST_PAYLOAD {
            return Err(too_long(length));
        }
        let (request, row) = self.seal(binding, login, |with| with.payload(json))?;
        // The AEAD's limit is far above ours.
        Ok((request, row.ok_or_else(|| too_long(length))?))
    }
}

impl<T: Serialize> VerifiedCallback<T> {
    /// [`VerifiedCallback::mark_used`], and then the payload of [`Flow::begin_and_store`], which `get` loads by its id after the guard has
    /// answered. The outcome's data is the login's own data and the payload.
    ///
    /// # Errors
    ///
    /// As [`VerifiedCallback::mark_used`]; then `store_unavailable`, `not_stored` (also for a login without a payload), `forged` and
    /// `data`. By then the login is used up. A flow without handles is refused as `not_stored` before that.
    pub async fn mark_used_and_fetch<P: DeserializeOwned, S>(
        self,
        get: impl FnOnce([u8; 16]) -> S,
    ) -> Result<LoginOutcome<(T, P)>, FinishError>
    where
        S: Future<Output = Result<Option<Vec<u8>>, StoreError>>,
    {
        let (flow, key, row_key) = (&*self.flow, self.key(), self.row_key());
        let used = self.scope.around(async {
            // Before the guard, so that a flow with handles can still finish another callback of this login.
            let no_key = || (FinishError::because(FinishErrorKind::NotStored, NOT_HANDLES), Whose::AskFirst);
            let row_key = row_key.ok_or_else(no_key)?;
            flow.mark_used(key).await?;
            flow.fetch_payload(key, row_key, || get(replay_id(&key.nonce))).await.map_err(|error| {
                // A failing store needs no additional login; a missing payload will not come back.
                let in_trouble = error.kind() == FinishErrorKind::StoreUnavailable;
                (error, if in_trouble { Whose::AskFirst } else { Whose::ThisOne })
            })
        });
        let used = used.await;
        let (outcome, payload) = self.conclude(used)?;
        Ok(outcome.map_data(|data| (data, payload)))
    }
}

impl SealedWith<'_> {
    /// The encrypted payload; `None` if it is longer than the AEAD accepts.
    pub(super) fn payload(&self, mut json: Vec<u8>) -> Option<Payload> {
        let encryption = Xaes256Gcm::new(self.secrets.row_key(&self.keys.flow).expose());
        let tag = encryption.encrypt(self.nonce, &self.keys.row_associated_data, &mut json).ok()?;
        json.extend_from_slice(&tag);
        // The clocks of two servers differ by up to the skew, and each server allows for it.
        let keep_until = self.expires_at.saturating_add(u64::from(self.skew).saturating_mul(2));
        Some(Payload { id: replay_id(self.nonce), value: json, now: self.now, keep_until })
    }
}

impl FlowInner {
    async fn ask_store<R, W: Future<Output = Result<R, StoreError>>>(
        &self,
        operation: &'static str,
        work: impl FnOnce() -> W,
    ) -> Result<R, StoreError> {
        let end = |answer: &Result<R, StoreError>, took| {
            let worked = answer.is_ok();
            (if worked { "ok" } else { "error" }, Event::StoreAnswered { operation, worked, took })
        };
        self.observers.around(&*self.clock, Scope::store(operation), work, end).await
    }

    async fn fetch_payload<P: DeserializeOwned, S: Future<Output = Result<Option<Vec<u8>>, StoreError>>>(
        &self,
        key: &StateKey,
        row_key: &SecretBytes<32>,
        get: impl FnOnce() -> S,
    ) -> Result<P, FinishError> {
        let value = self.ask_store("get", get).await;
        let value = value.map_err(|error| FinishError::from(FinishErrorKind::StoreUnavailable).with_source(error))?;
        let json = self.open_payload(key, row_key, value.ok_or(FinishErrorKind::NotStored)?)?;
        serde_json::from_slice(&json)
            .map_err(|error| FinishError::from(FinishErrorKind::Data).with_source(DataError::from(error)))
    }

    /// Decrypts the payload of a state.
    fn open_payload(
        &self,
        key: &StateKey,
        row_key: &SecretBytes<32>,
        mut value: Vec<u8>,
    ) -> Result<Vec<u8>, FinishError> {
        let forged = || {
            FinishError::because(
                FinishErrorKind::Forged,
                "the payload in the store was changed, or belongs to another login",
            )
        };
        // The store takes time: a key that was revoked in the meantime must open nothing.
        let table = self.keys.load();
        let associated_data = &table.opening(key.key_id, self.now())?.row_associated_data;
        let length =
            value.len().checked_sub(TAG_BYTES).filter(|length| *length <= LONGEST_PAYLOAD).ok_or_else(forged)?;
        let (json, tag) = value.split_at_mut(length);
        let tag: [u8; TAG_BYTES] = (&*tag).try_into().map_err(|_| forged())?;
        let encryption = Xaes256Gcm::new(row_key.expose());
        encryption.decrypt(&key.nonce, associated_data, json, &tag).map_err(|_| forged())?;
        value.truncate(length);
        Ok(value)
    }
}
