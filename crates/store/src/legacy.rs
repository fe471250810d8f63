//! Legacy stores: a map in the process, or a table of your service.

use std::fmt;
use std::marker::PhantomData;

use oauth_state::error::FinishErrorKind;
use oauth_state::inspect::{LONGEST_STATE, is_state};
use oauth_state::observe::{Observer as _, Observers};
use oauth_state::{
    BeginError, Binding, BoxFuture, Callback, Clock as _, Expect, FinishError, Login, Origin, Purpose, SystemClock,
};

use super::{Consumed, ConsumedLogin, ConsumedRefusal, Issued, StateStore, StoreError};

/// The three operations of a service's own map or table of states.
///
/// # Examples
///
/// A service that keeps its states in a map, on the old side of a [`Migration`](super::Migration) to sealed states:
///
/// ```
/// use oauth_state::testing::{self, block_on};
/// use oauth_state::{Binding, BoxFuture, Login, Origin};
/// use oauth_state_store::{Issued, LegacyStore, Migration, StateStore, StoreError, UnboundLegacyStore};
/// use oauth_state_store::is_form_of_this_crate;
/// use std::{collections::HashMap, sync::Mutex};
///
/// #[derive(Default)]
/// struct OldMap(Mutex<HashMap<String, String>>);
///
/// impl LegacyStore<String> for OldMap {
///     fn insert<'a>(&'a self, _origin: Origin, data: String) -> BoxFuture<'a, Result<Issued, StoreError>> {
///         let state = "as random as it was before".to_owned();
///         self.0.lock().unwrap().insert(state.clone(), data);
///         Box::pin(async { Ok(Issued::bare(state)) })
///     }
///     fn take<'a>(&'a self, state: &'a str) -> BoxFuture<'a, Result<Option<String>, StoreError>> {
///         let taken = self.0.lock().unwrap().remove(state);
///         Box::pin(async { Ok(taken) })
///     }
///     fn owns(&self, state: &str) -> bool {
///         !is_form_of_this_crate(state)
///     }
/// }
///
/// let logins = Migration::new(UnboundLegacyStore::new(OldMap::default()), testing::flow_carrying::<String>())?;
/// let login = Login::with("github").data("hello".to_owned());
/// let issued = block_on(logins.issue(Binding::session(&[7; 16])?, login))?;
/// assert_eq!(issued.state, "as random as it was before"); // at 0 %, nothing changes
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait LegacyStore<S>: Send + Sync + 'static {
    /// Stores the data under a new state, as the service did before. `origin` has the provider, the tenant and the
    /// return path; copy the parts that the callback needs into the data. Without PKCE, return [`Issued::bare`].
    fn insert<'a>(&'a self, origin: Origin, data: S) -> BoxFuture<'a, Result<Issued, StoreError>>;

    /// Removes the data and returns it, once, if it exists and has not expired.
    fn take<'a>(&'a self, state: &'a str) -> BoxFuture<'a, Result<Option<S>, StoreError>>;

    /// Whether a state has the form of this store's states: usually `!is_form_of_this_crate(state)`.
    fn owns(&self, state: &str) -> bool;
}

/// Whether a text has the form of a state of this crate's stores, such as `ost1…`. It does not tell whether the state
/// is authentic.
#[must_use]
pub fn is_form_of_this_crate(state: &str) -> bool {
    is_state(state)
}

/// A [`LegacyStore`] as one side of a [`Migration`](super::Migration). See [`LegacyStore`] for an example.
///
/// # Security
///
/// Its logins are as safe as before: bound to no browser, and with PKCE only if the service had it. As long as it
/// accepts states, its weaknesses remain. Therefore it starts and finishes only [`Purpose::Login`]. A callback that
/// expects another purpose is refused, so name the purpose in `Expect` even if it is the flow's first. So is a callback
/// that expects a tenant or a redirect id, which the old states do not have: put them into the data and compare them
/// there.
///
/// The provider is the one of the callback's own address. If several providers share the map, put the provider into the
/// data and compare it with [`Origin::provider`].
pub struct UnboundLegacyStore<S, O> {
    states: O,
    data: PhantomData<fn() -> S>,
}

impl<S, O: LegacyStore<S>> UnboundLegacyStore<S, O> {
    /// A store over these states.
    #[must_use]
    pub fn new(states: O) -> Self {
        Self { states, data: PhantomData }
    }

    async fn take(&self, origin: Origin, callback: Callback) -> Result<Consumed<S>, FinishError> {
        let taken = self.states.take(callback.state()).await;
        let taken = taken.map_err(|error| FinishError::from(FinishErrorKind::StoreUnavailable).with_source(error))?;
        let data = taken.ok_or_else(|| {
            FinishError::from(FinishErrorKind::NotStored)
                .with_diagnosis("the old store does not have this state: used, expired, or started in another process")
        })?;
        consumed(origin, data, callback)
    }
}

impl<S: Send + 'static, O: LegacyStore<S>> StateStore<S> for UnboundLegacyStore<S, O> {
    fn issue<'a>(&'a self, _: Binding<'a>, login: Login<S>) -> BoxFuture<'a, Result<Issued, BeginError>> {
        let (origin, data) = login.into_origin(SystemClock.now());
        if origin.purpose != Purpose::Login {
            let refused = BeginError::UnboundNotAllowed(origin.purpose);
            return Box::pin(std::future::ready(Err(refused)));
        }
        Box::pin(async move { self.states.insert(origin, data).await.map_err(BeginError::Store) })
    }

    fn consume<'a>(
        &'a self,
        binding: Binding<'a>,
        expect: Expect<'a>,
        callback: Callback,
    ) -> BoxFuture<'a, Result<Consumed<S>, FinishError>> {
        let reference = callback.reference();
        let checked = checked_origin(&binding, &expect, &callback);
        Box::pin(async move {
            let consumed = match checked {
                Ok(origin) => self.take(origin, callback).await,
                Err(refused) => Err(refused),
            };
            consumed.map_err(|refused| {
                let refused = refused.with_reference(reference);
                // No flow sees it.
                Observers::default().event(&refused.to_event(None));
                refused
            })
        })
    }

    fn owns(&self, state: &str) -> bool {
        self.states.owns(state)
    }
}

/// The origin of a legacy state: the provider of the callback's address. It has no tenant, no redirect id and no other
/// purpose, so a callback that expects one is refused.
fn checked_origin(binding: &Binding<'_>, expect: &Expect<'_>, callback: &Callback) -> Result<Origin, FinishError> {
    // As everywhere, a speculative request of the browser consumes nothing.
    if binding.is_speculative() {
        return Err(FinishErrorKind::NotConsumed.into());
    }
    // Longer than any state that a provider accepts: do not pass it to the caller's store.
    if callback.state().len() > LONGEST_STATE {
        return Err(FinishErrorKind::TooLong.into());
    }
    if !callback.has_answer() {
        return Err(FinishErrorKind::CodeMissing.into());
    }
    let provider = expect.provider_id().ok_or(FinishErrorKind::WrongProvider)?;
    let (mut origin, ()) = Login::with(provider).into_origin(SystemClock.now());
    expect.check_origin(&origin, Purpose::Login)?;
    origin.reference = callback.reference();
    Ok(origin)
}

impl<S, O> fmt::Debug for UnboundLegacyStore<S, O> {
    /// Omits the states, because each one is enough for a login.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnboundLegacyStore").finish_non_exhaustive()
    }
}

fn consumed<S>(origin: Origin, data: S, callback: Callback) -> Result<Consumed<S>, FinishError> {
    match callback.into_unverified() {
        (Ok(Some(code)), parameters) => {
            let (code_verifier, nonce) = (None, None);
            Ok(Consumed::Code(ConsumedLogin { origin, data, code, code_verifier, nonce, parameters }))
        }
        (Ok(None), _) => Err(FinishErrorKind::CodeMissing.into()),
        (Err(error), parameters) => Ok(Consumed::Refused(ConsumedRefusal { origin, data, error, parameters })),
    }
}
