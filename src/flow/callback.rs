//! The types of a callback in order: opened, verified, marked as used. Each step consumes the one before it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::outcome::LoginOutcome;
use super::verify::{Checked, StateKey};
use super::{Expect, Flow, FlowInner, LoginData};
use crate::binding::Binding;
use crate::callback::Callback;
use crate::claims::Tenant;
use crate::name::Purpose;
use crate::observe::{CONNECTION, Event, Observer as _, Scope};
use crate::open::Opened;
use crate::provider::Provider;
use crate::reference::Reference;
use crate::refusal::{FinishError, FinishErrorKind, Whose};
use crate::secret::SecretBytes;
use crate::token::wire::LONGEST_BYTES;

impl<T: LoginData> Flow<T> {
    /// Completes a login: [`Flow::check`], then [`VerifiedCallback::mark_used`].
    ///
    /// Run it, and the exchange of the code, on a task that outlives the client's connection. Otherwise a browser that disconnects in
    /// between leaves a used state and an unused code.
    ///
    /// # Errors
    ///
    /// [`FinishError`] with the reason. The state is used up only if the code is `already_used` or `guard_outcome_unknown`.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::testing::{self, TestBrowser, block_on};
    /// use oauth_state::{Expect, Login, LoginOutcome};
    /// let flow = testing::flow();
    /// let browser = TestBrowser::follow(&flow.begin(TestBrowser::default().binding(), Login::with("github"))?);
    ///
    /// let finish = || block_on(flow.finish(browser.binding(), Expect::provider("github"), browser.callback()));
    /// let LoginOutcome::Authorized(login) = finish()? else { panic!("the provider refused") };
    /// assert_eq!(login.code.secret(), "code");
    /// assert_eq!(finish().unwrap_err().code(), "already_used");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn finish(
        &self,
        binding: Binding<'_>,
        expect: Expect<'_>,
        callback: Callback,
    ) -> Result<LoginOutcome<T>, FinishError> {
        self.check(binding, expect, callback)?.mark_used().await
    }

    /// Runs every check except single use: [`Flow::open`] and [`OpenedCallback::verify`], after a look at the request. It does no I/O and
    /// marks nothing.
    ///
    /// The order is: form, length, encoding, key, authenticity, time, purpose, provider, redirect_uri, tenant, code or error, response
    /// mode, binding, user, `iss`, data. Malformed callbacks and callbacks of another browser never reach the guard, so an attacker cannot
    /// use up another user's login.
    ///
    /// # Errors
    ///
    /// [`FinishError`] with the reason. The state has not been used up.
    pub fn check(
        &self,
        binding: Binding<'_>,
        expect: Expect<'_>,
        callback: Callback,
    ) -> Result<VerifiedCallback<T>, FinishError> {
        let flow = &self.inner;
        let scope = flow.callback_scope(expect.provider, &callback);
        let (mut sealed_for, mut named) = (None, None);
        let checked = scope.in_scope(|| {
            flow.check_request(&binding, &expect).map_err(|error| error.with_reference(callback.reference()))?;
            let (now, keys) = (flow.now(), flow.keys.load());
            let mut buffer = [0; LONGEST_BYTES];
            let authentic = flow.authenticate(&callback, &keys, now, &mut buffer)?;
            named = Some(Reference::of_nonce(&authentic.nonce));
            let checked = flow.verify_in_order(&keys, now, &authentic, callback, &binding, &expect);
            checked.inspect_err(|_| sealed_for = flow.label_of(&authentic.claims))
        });
        match checked {
            Ok(checked) => Ok(VerifiedCallback { flow: Arc::clone(flow), scope, checked }),
            Err(error) => Err(flow.refused(&scope, named, expect.label().or(sealed_for), error)),
        }
    }

    /// Opens a callback and checks that its state is authentic and has not expired. Nothing else has been checked: use it only to load what
    /// [`OpenedCallback::verify`] needs.
    ///
    /// # Errors
    ///
    /// [`FinishError`] with the reason. [`FinishError::seen_by`] adds the restart that an expired state still offers to its own browser.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::testing::{self, TestBrowser, block_on};
    /// use oauth_state::{Expect, Login};
    /// let flow = testing::flow();
    /// let browser = TestBrowser::follow(&flow.begin(TestBrowser::default().binding(), Login::with("github"))?);
    ///
    /// let opened = flow.open(browser.callback())?;
    /// assert_eq!(opened.provider(), "github"); // load the login's settings
    /// let verified = opened.verify(browser.binding(), Expect::provider("github"))?;
    /// assert!(block_on(verified.mark_used()).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(&self, callback: Callback) -> Result<OpenedCallback<T>, FinishError> {
        self.open_expecting(None, callback)
    }

    /// [`Flow::open`] at the callback address of one provider; refusals are counted for this provider.
    ///
    /// # Errors
    ///
    /// As [`Flow::open`].
    pub fn open_at(&self, provider: &str, callback: Callback) -> Result<OpenedCallback<T>, FinishError> {
        self.open_expecting(Some(provider), callback)
    }

    fn open_expecting(&self, expected: Option<&str>, callback: Callback) -> Result<OpenedCallback<T>, FinishError> {
        let flow = &self.inner;
        let scope = flow.callback_scope(expected, &callback);
        let (mut sealed_for, mut named) = (None, None);
        let opened = scope.in_scope(|| {
            let (now, keys) = (flow.now(), flow.keys.load());
            let mut buffer = [0; LONGEST_BYTES];
            let authentic = flow.authenticate(&callback, &keys, now, &mut buffer)?;
            named = Some(Reference::of_nonce(&authentic.nonce));
            let callback = flow
                .in_time(&authentic, callback, now, keys.ring().timing())
                .inspect_err(|_| sealed_for = flow.label_of(&authentic.claims))?;
            Ok((Opened::of(&authentic), authentic.keys.purpose, callback))
        });
        match opened {
            Ok((opened, purpose, callback)) => {
                Ok(OpenedCallback { flow: Arc::clone(flow), scope, callback, opened, purpose, data: PhantomData })
            }
            Err(error) => Err(flow.refused(&scope, named, expected.or(sealed_for), error)),
        }
    }
}

/// A callback whose state this service sealed and which has not expired. It has not been checked yet whether it belongs to this browser.
#[must_use = "verify it, and then mark it as used"]
pub struct OpenedCallback<T> {
    flow: Arc<FlowInner>,
    scope: Scope,
    callback: Callback,
    opened: Opened,
    purpose: Purpose,
    data: PhantomData<fn() -> T>,
}

impl<T: LoginData> OpenedCallback<T> {
    /// The provider's id that the state names.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.opened.claims().map_or("", |claims| claims.provider)
    }

    /// The tenant that the state names, if it names one.
    #[must_use]
    pub fn tenant(&self) -> Option<Tenant> {
        self.opened.claims().ok().and_then(|claims| Tenant::from_bytes(claims.tenant).ok())
    }

    /// The redirect id that the state names, if it names one.
    #[must_use]
    pub fn redirect(&self) -> Option<&str> {
        self.opened.claims().ok().map(|claims| claims.redirect).filter(|id| !id.is_empty())
    }

    /// The purpose of the login.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    #[cfg(feature = "http")]
    pub(crate) fn is_bound_by_login_secret(&self) -> bool {
        self.opened.claims().is_ok_and(|claims| claims.kind == crate::claims::codec::BindingKind::LoginSecret)
    }

    #[cfg(feature = "http")]
    pub(crate) fn callback(&self) -> &Callback {
        &self.callback
    }

    /// Whether the provider is one that the application loads at run time, to be verified with [`Expect::connection`].
    #[must_use]
    pub fn is_connection(&self) -> bool {
        self.opened.claims().is_ok_and(|claims| claims.connection_tag.is_some())
    }

    /// The refusal of a callback whose provider, loaded at run time, no longer exists. The state has not been used up.
    #[must_use]
    pub fn connection_gone(self) -> FinishError {
        let reference = self.opened.reference();
        self.flow.refused(&self.scope, Some(reference), Some(CONNECTION), FinishErrorKind::ConnectionGone.into())
    }

    /// Checks that the login has not expired, belongs to this browser and belongs to this callback: time, purpose, provider, redirect_uri,
    /// tenant, response mode, code or error, binding, user, `iss` and data, in this order.
    ///
    /// # Errors
    ///
    /// [`FinishError`] with the reason. The state has not been used up.
    pub fn verify(self, binding: Binding<'_>, expect: Expect<'_>) -> Result<VerifiedCallback<T>, FinishError> {
        let Self { flow, scope, callback, opened, .. } = self;
        let reference = Some(opened.reference());
        let verified = scope.in_scope(|| {
            flow.check_request(&binding, &expect)?;
            // A key that was revoked after the state was opened must open nothing.
            let (now, keys) = (flow.now(), flow.keys.load());
            let authentic = opened.under(&keys, now)?;
            flow.verify_in_order(&keys, now, &authentic, callback, &binding, &expect)
        });
        match verified {
            Ok(checked) => Ok(VerifiedCallback { flow, scope, checked }),
            Err(error) => {
                let sealed_for = opened.claims().ok().and_then(|claims| flow.label_of(&claims));
                Err(flow.refused(&scope, reference, expect.label().or(sealed_for), error))
            }
        }
    }
}

impl<T> fmt::Debug for OpenedCallback<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenedCallback([redacted])")
    }
}

/// A callback that passed every check except single use. It releases nothing before [`VerifiedCallback::mark_used`].
///
/// # Examples
///
/// The guard cannot be skipped, and one callback cannot ask it twice:
///
/// ```compile_fail
/// # use oauth_state::*;
/// fn skip(verified: VerifiedCallback<()>) -> LoginOutcome<()> {
///     verified.outcome
/// }
/// ```
///
/// ```compile_fail
/// # use oauth_state::*;
/// async fn twice(verified: VerifiedCallback<()>) {
///     let _ = verified.mark_used().await;
///     let _ = verified.mark_used().await;
/// }
/// ```
#[must_use = "until mark_used has answered, nothing is known to be used for the first time"]
pub struct VerifiedCallback<T> {
    pub(super) flow: Arc<FlowInner>,
    pub(super) scope: Scope,
    checked: Checked<T>,
}

impl<T> fmt::Debug for VerifiedCallback<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifiedCallback([redacted])")
    }
}

impl<T> VerifiedCallback<T> {
    /// The outcome without asking the guard, for the samples of `testing` only.
    #[cfg(feature = "testing")]
    pub(crate) fn into_outcome_without_the_guard(self) -> LoginOutcome<T> {
        self.checked.outcome
    }
}

impl<T> VerifiedCallback<T> {
    pub(super) fn key(&self) -> &StateKey {
        &self.checked.key
    }

    pub(super) fn row_key(&self) -> Option<&SecretBytes<32>> {
        self.checked.row_key.as_deref()
    }
}

impl<T: serde::Serialize> VerifiedCallback<T> {
    /// Asks the guard, and returns the login if this is its first use. Run it on a task that outlives the client's connection: if the
    /// future is dropped after the guard answered, the login is used up.
    ///
    /// # Errors
    ///
    /// * `already_used`;
    /// * `guard_unavailable`, `guard_outcome_unknown` or `guard_full` if the guard could not answer: its errors never let a callback
    ///   through;
    /// * `expired`, `unknown_key` or `key_revoked` if, before the guard answered, the state expired or its key was
    ///   removed or revoked.
    pub async fn mark_used(self) -> Result<LoginOutcome<T>, FinishError> {
        // By reference up to here: a value that is moved into a future makes it larger.
        let used = self.scope.around(self.flow.mark_used(&self.checked.key)).await;
        self.conclude(used).map(|(outcome, ())| outcome)
    }

    /// The refusal after a state is used up, or the login; reports how the callback ended.
    pub(super) fn conclude<R>(
        self,
        used: Result<R, (FinishError, Whose)>,
    ) -> Result<(LoginOutcome<T>, R), FinishError> {
        let Self { flow, scope, checked: Checked { key, state, kind, restart_until, outcome, .. } } = self;
        let reference = outcome.origin().reference;
        match used {
            Ok(result) => {
                let (provider, word) = (flow.label(&outcome.origin().provider), outcome.word());
                let age = Duration::from_secs(flow.now().saturating_sub(key.sealed.issued_at));
                scope.end(word);
                let (binding, error) = (kind.word(), outcome.error_word());
                let event = Event::Finished { provider, outcome: word, binding, age, error, reference };
                scope.in_scope(|| flow.observers.event(&event));
                Ok((outcome, result))
            }
            Err((error, whose)) => {
                let provider = flow.label(&outcome.origin().provider);
                let may_restart = flow.now() < restart_until;
                let error = if may_restart { flow.offering(error, outcome, whose.by(kind), state) } else { error };
                Err(flow.refused(&scope, Some(reference), Some(provider), error))
            }
        }
    }
}

impl FlowInner {
    /// Checks of the request alone, whatever its state says.
    fn check_request(&self, binding: &Binding<'_>, expect: &Expect<'_>) -> Result<(), FinishError> {
        if binding.is_speculative() {
            return Err(FinishErrorKind::NotConsumed.into());
        }
        if expect.provider.is_none() && !self.shared_callback {
            return Err(FinishError::because(
                FinishErrorKind::WrongProvider,
                "Expect::any_provider needs a flow that was built with FlowBuilder::shared_callback",
            ));
        }
        Ok(())
    }

    /// The span of a callback. The provider's name comes from the address, so it is reported only if the flow knows it.
    fn callback_scope(&self, provider: Option<&str>, callback: &Callback) -> Scope {
        Scope::callback(provider.and_then(|id| self.provider(id)).map(Provider::id), &callback.state)
    }

    /// Reports a refusal for the expected provider, or for the one that an authentic state names. `named` is the reference of an authentic
    /// state; a refusal before that has its own already.
    fn refused(
        &self,
        scope: &Scope,
        named: Option<Reference>,
        provider: Option<&str>,
        error: FinishError,
    ) -> FinishError {
        let error = match named {
            Some(reference) => error.with_reference(reference),
            None => error,
        };
        scope.end(error.code());
        scope.in_scope(|| self.observers.event(&error.to_event(provider)));
        error
    }
}
