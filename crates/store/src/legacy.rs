//! A store from before this crate: a map of the process, or a table of the service's own.

use std::fmt;
use std::marker::PhantomData;

use oauth_state::error::FinishErrorKind;
use oauth_state::seam::{self, Expectation, LONGEST_STATE};
use oauth_state::{BeginError, Binding, BoxFuture, Callback, Expect, FinishError, Login, Origin, Purpose};

use super::{Consumed, ConsumedLogin, Issued, StateStore, StoreError};

/// The three things that a service's own map or table of states already does.
///
/// # Examples
///
/// ```
/// use oauth_state::Origin;
/// use oauth_state::BoxFuture;
/// use oauth_state_store::{StoreError, Issued, LegacyStore, is_form_of_this_crate};
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
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// assert!(OldMap::default().take("never issued").await?.is_none());
/// # Ok::<(), oauth_state_store::StoreError>(())
/// # }).unwrap();
/// ```
pub trait LegacyStore<S>: Send + Sync + 'static {
    /// Keeps the data under a new state, as the service did before. `origin` says for which provider, tenant and return path;
    /// what the callback needs of it belongs into the data. Without PKCE, [`Issued::bare`] is the answer.
    fn insert<'a>(&'a self, origin: Origin, data: S) -> BoxFuture<'a, Result<Issued, StoreError>>;

    /// Takes the data out, once, if it is there and its time is not over.
    fn take<'a>(&'a self, state: &'a str) -> BoxFuture<'a, Result<Option<S>, StoreError>>;

    /// Whether a state has the form of this store's: usually `!is_form_of_this_crate(state)`.
    fn owns(&self, state: &str) -> bool;
}

/// Whether a state has the form of one of this crate's stores, as far as the text tells.
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, Binding, Login};
/// use oauth_state_store::is_form_of_this_crate;
/// let begun = testing::flow().begin(Binding::session(&[7; 16])?, Login::with("github"))?;
/// assert!(is_form_of_this_crate(&begun.state));
/// assert!(!is_form_of_this_crate("0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn is_form_of_this_crate(state: &str) -> bool {
    seam::is_form_of_this_crate(state)
}

/// [`LegacyStore`] as one side of a [`Migration`](super::Migration).
///
/// # Security
///
/// Its logins are as safe as they were: bound to no browser, with whatever PKCE the service had. While it accepts states, its
/// weaknesses remain. It therefore begins and finishes logins alone: a callback that names another purpose is refused, so name it
/// in `Expect` also where it is the flow's first; and so is one that expects a tenant or a redirect, of which the old states say
/// nothing (compare those in your data). It takes the provider from the callback's own address; if several providers share its
/// map, put the provider into the data and compare it
/// with [`Origin::provider`](oauth_state::Origin::provider).
///
/// # Examples
///
/// ```
/// use oauth_state_store::{StoreError, LegacyStore, StateStore, UnboundLegacyStore};
/// fn old_side(states: impl LegacyStore<String>) -> impl StateStore<String> {
///     UnboundLegacyStore::new(states)
/// }
/// # use oauth_state::Origin;
/// # use oauth_state::BoxFuture;
/// # use oauth_state_store::{Issued};
/// # struct Nothing;
/// # impl LegacyStore<String> for Nothing {
/// #     fn insert<'a>(&'a self, _: Origin, _: String) -> BoxFuture<'a, Result<Issued, StoreError>> { Box::pin(async { Ok(Issued::bare("abc".into())) }) }
/// #     fn take<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<String>, StoreError>> { Box::pin(async { Ok(None) }) }
/// #     fn owns(&self, state: &str) -> bool { state == "abc" }
/// # }
/// assert!(old_side(Nothing).owns("abc"));
/// ```
pub struct UnboundLegacyStore<S, O> {
    states: O,
    data: PhantomData<fn() -> S>,
}

impl<S, O: LegacyStore<S>> UnboundLegacyStore<S, O> {
    /// The store over these states.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state_store::{StoreError, LegacyStore, StateStore, UnboundLegacyStore};
    /// fn wrap<O: LegacyStore<u8>>(states: O) -> UnboundLegacyStore<u8, O> {
    ///     UnboundLegacyStore::new(states)
    /// }
    /// assert_eq!(std::mem::size_of_val(&wrap::<Never>), 0);
    /// # use oauth_state::Origin;
    /// # use oauth_state::BoxFuture;
    /// # use oauth_state_store::{Issued};
    /// # struct Never;
    /// # impl LegacyStore<u8> for Never {
    /// #     fn insert<'a>(&'a self, _: Origin, _: u8) -> BoxFuture<'a, Result<Issued, StoreError>> { unreachable!() }
    /// #     fn take<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<u8>, StoreError>> { unreachable!() }
    /// #     fn owns(&self, _: &str) -> bool { false }
    /// # }
    /// ```
    #[must_use]
    pub fn new(states: O) -> Self {
        Self { states, data: PhantomData }
    }
}

impl<S: Send + 'static, O: LegacyStore<S>> StateStore<S> for UnboundLegacyStore<S, O> {
    fn issue<'a>(&'a self, _: Binding<'a>, login: Login<S>) -> BoxFuture<'a, Result<Issued, BeginError>> {
        let (origin, data) = seam::origin_of(login);
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
        // As everywhere: the browser's guess uses nothing up.
        if seam::is_speculative(&binding) {
            return Box::pin(std::future::ready(Err(FinishErrorKind::NotConsumed.into())));
        }
        // Longer than any state that a provider takes: the caller's store is not asked with it.
        if seam::state_of(&callback).len() > LONGEST_STATE {
            return Box::pin(std::future::ready(Err(FinishErrorKind::TooLong.into())));
        }
        let origin = match what_an_old_state_tells(&expect) {
            Ok(provider) => seam::origin_of(Login::with(provider)).0,
            Err(refused) => return Box::pin(std::future::ready(Err(refused.into()))),
        };
        Box::pin(async move {
            let taken = self.states.take(seam::state_of(&callback)).await;
            let taken = taken.map_err(|error| seam::caused_by(FinishErrorKind::StoreUnavailable.into(), error))?;
            let data = taken.ok_or_else(|| {
                seam::refused_because(
                    FinishErrorKind::NotStored,
                    "the old store does not have this state: used, expired, or begun in another process",
                )
            })?;
            Ok(consumed(origin, data, callback))
        })
    }

    fn owns(&self, state: &str) -> bool {
        self.states.owns(state)
    }
}

/// The provider, if the callback expects nothing that an old state cannot tell. Anyone can begin a login at the old store, and
/// bring its state to the callback of a link.
fn what_an_old_state_tells<'a>(expect: &Expect<'a>) -> Result<&'a str, FinishErrorKind> {
    let Expectation { provider, names_tenant, names_redirect, purpose } = seam::expectation(expect);
    if purpose.is_some_and(|purpose| purpose != Purpose::Login) {
        return Err(FinishErrorKind::WrongPurpose);
    }
    if names_redirect {
        return Err(FinishErrorKind::WrongRedirect);
    }
    if names_tenant {
        return Err(FinishErrorKind::WrongTenant);
    }
    provider.ok_or(FinishErrorKind::WrongProvider)
}

impl<S, O> fmt::Debug for UnboundLegacyStore<S, O> {
    /// Without the states, each of which is good for a login.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnboundLegacyStore").finish_non_exhaustive()
    }
}

fn consumed<S>(origin: Origin, data: S, callback: Callback) -> Consumed<S> {
    match seam::answer_of(callback) {
        (Ok(code), parameters) => {
            Consumed::Code(ConsumedLogin { origin, data, code, code_verifier: None, nonce: None, parameters })
        }
        (Err(error), others) => Consumed::Refused(seam::provider_refusal(origin, data, error, others)),
    }
}
