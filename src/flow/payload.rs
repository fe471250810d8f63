//! The data of a login that lies in a store: encrypted when the login begins, decrypted when it has finished.
//!
//! `K_row`, derived like `K_enc` under a label of its own, with the handle's nonce: one row for each handle, so that key and
//! nonce meet once. The associated data holds the store's form, the purpose, the application and the environment. Whoever
//! can write in the store can make a login fail, and can neither read a row nor give one login another's.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::begin::SealedWith;
use super::callback::replay_id;
use super::{
    AuthorizationRequest, BeginError, ConfigError, DataError, Expect, Flow, FlowBuilder, Login, LoginOutcome,
    VerifiedCallback, begin_outcome, outcome,
};
use crate::binding::Binding;
use crate::callback::Callback;
use crate::observe::{Span, Timer, record};
use crate::payload::{HandleKind, Payload, PayloadStore};
use crate::refusal::{FinishError, FinishErrorKind, Restart, Whose};
use crate::ring::key::id::KeyId;
use crate::token::aead::{NONCE_BYTES, TAG_BYTES};

/// The most bytes of JSON that one login's data may have.
const LONGEST_DATA: usize = 65_536;

/// A flow of handles, and the store that they lead to.
#[derive(Clone)]
pub struct Stored {
    handles: Flow<()>,
    rows: Arc<dyn PayloadStore>,
}

impl Stored {
    /// Builds the flow, with its data in `rows`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] as [`FlowBuilder::build`].
    pub fn new<T>(builder: FlowBuilder<T>, rows: Arc<dyn PayloadStore>) -> Result<Self, ConfigError> {
        Ok(Self { handles: builder.build_handles(rows.form().form())?, rows })
    }

    /// The flow of the handles.
    #[must_use]
    pub fn handles(&self) -> &Flow<()> {
        &self.handles
    }

    /// The form of the handles.
    #[must_use]
    pub fn form(&self) -> HandleKind {
        self.rows.form()
    }

    /// Begins a login: seals its handle, and stores its data.
    ///
    /// # Errors
    ///
    /// [`BeginError`], as [`Flow::begin`]; [`BeginError::Store`] and [`BeginError::DataTooLong`].
    pub async fn begin<T: Serialize>(
        &self,
        binding: Binding<'_>,
        login: Login<T>,
    ) -> Result<AuthorizationRequest, BeginError> {
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

    async fn put(&self, row: &Payload) -> Result<(), BeginError> {
        let asked = Timer::start();
        let put = Span::store("put").around(self.rows.put(row), worked).await;
        record::store("put", asked, put.is_ok());
        put.map_err(BeginError::Store)
    }

    pub(crate) fn seal<T: Serialize>(
        &self,
        binding: Binding<'_>,
        login: Login<T>,
    ) -> Result<(AuthorizationRequest, Payload), BeginError> {
        let (data, login) = login.split();
        let data = serde_json::to_vec(&data).map_err(|error| BeginError::Data(error.into()))?;
        let too_long = |actual| BeginError::DataTooLong { actual, limit: LONGEST_DATA };
        let length = data.len();
        if length > LONGEST_DATA {
            return Err(too_long(length));
        }
        let (begun, row) = self.handles.begin_and(binding, &login, |with| with.row(data))?;
        // The keys of a handle flow have one for rows, and the AEAD's limit lies beyond ours.
        Ok((begun, row.ok_or_else(|| too_long(length))?))
    }

    /// Finishes a login: every check of [`Flow::finish`], single use included, and then the row is read.
    ///
    /// # Errors
    ///
    /// [`FinishError`], as [`Flow::finish`]; then `store_unavailable`, `not_stored`, `forged` and `data`.
    pub async fn finish<T: DeserializeOwned>(
        &self,
        binding: Binding<'_>,
        expect: Expect<'_>,
        callback: Callback,
    ) -> Result<LoginOutcome<T>, FinishError> {
        let (span, bound) = self.handles.verify_in_span(&binding, &expect, || self.handles.open_uncounted(callback))?;
        let sealed = bound.sealed();
        let finished = span.around(self.mark_and_read(bound), outcome).await;
        self.handles.count(&finished, sealed);
        finished
    }

    async fn mark_and_read<T: DeserializeOwned>(
        &self,
        bound: VerifiedCallback<()>,
    ) -> Result<LoginOutcome<T>, FinishError> {
        let ((nonce, key_id), state) = (bound.sealed_under(), bound.state().to_owned());
        let finished = bound.mark_uncounted().await?;
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

    async fn read_row<T: DeserializeOwned>(&self, nonce: &[u8; NONCE_BYTES], key_id: KeyId) -> Result<T, FinishError> {
        let id = replay_id(nonce);
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

impl SealedWith<'_> {
    /// The row that holds `data`; `None` if these keys have none for rows.
    pub(crate) fn row(&self, mut data: Vec<u8>) -> Option<Payload> {
        let keys = self.keys.rows.as_ref()?;
        let tag = keys.encryption.encrypt(self.nonce, &keys.associated_data, &mut data).ok()?;
        data.extend_from_slice(&tag);
        // Two servers' clocks differ by the skew, and each allows for it.
        let keep_until = self.expires_at.saturating_add(u64::from(self.skew).saturating_mul(2));
        Some(Payload { id: replay_id(self.nonce), value: data, now: self.now, keep_until })
    }
}

impl Flow<()> {
    /// Opens the row of a handle that this nonce and key sealed.
    pub(crate) fn open_row(
        &self,
        nonce: &[u8; NONCE_BYTES],
        key_id: KeyId,
        mut value: Vec<u8>,
    ) -> Result<Vec<u8>, FinishErrorKind> {
        // A store takes its time: a key that was revoked meanwhile opens nothing any more.
        let table = self.inner.keys.load();
        let keys = table.opening(key_id, self.inner.now())?.rows.as_ref().ok_or(FinishErrorKind::UnknownKey)?;
        let length = value.len().checked_sub(TAG_BYTES).ok_or(FinishErrorKind::Forged)?;
        let (data, tag) = value.split_at_mut(length);
        let tag: [u8; TAG_BYTES] = (&*tag).try_into().map_err(|_| FinishErrorKind::Forged)?;
        keys.encryption.decrypt(nonce, &keys.associated_data, data, &tag).map_err(|_| FinishErrorKind::Forged)?;
        value.truncate(length);
        Ok(value)
    }
}
