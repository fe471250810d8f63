//! The way of a callback, from top to bottom: opened, verified, marked as used. Each step consumes the one before it, and proves
//! what its name says.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::checks::{check_issuer, check_response_mode};
use super::outcome::{Authorized, Code, CodeVerifier, DataError, Denied, LoginOutcome, Nonce};
use super::restart::Unasked;
use super::telling::outcome;
use super::{Expect, Flow, FlowInner, LoginData};
use crate::binding::{Binding, RequestHeaders};
use crate::callback::{Answer, Callback};
use crate::claims::codec::BindingKind;
use crate::claims::{Tenant, data};
use crate::guard::{GuardError, Mark, Marked, Sealed};
use crate::name::Purpose;
use crate::observe::{Span, Timer};
use crate::open::{Authentic, Opened, is_over};
use crate::provider::Provider;
use crate::refusal::{FinishError, FinishErrorKind, Restart, Whose};
use crate::ring::key::id::KeyId;
use crate::token::aead::NONCE_BYTES;

impl<T: LoginData> Flow<T> {
    /// Finishes a login: [`Flow::check`], then [`VerifiedCallback::mark_used`].
    ///
    /// Run it, and the exchange of the code, on a task that outlives the client's connection: a browser that goes away
    /// between the two must not leave a used state and an unused code.
    ///
    /// # Errors
    ///
    /// [`FinishError`] with the reason; nothing is lost unless its code is `already_used` or `guard_outcome_unknown`.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::error::FinishErrorKind;
    /// use oauth_state::{testing, Binding, Callback, Expect, Login};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let flow = testing::flow();
    /// let begun = flow.begin(Binding::session(&[7; 16])?, Login::with("github"))?;
    /// let callback = Callback::from_pairs([("code", "code"), ("state", &begun.state)])?;
    ///
    /// let first = flow.finish(Binding::session(&[7; 16])?, Expect::provider("github"), callback.clone()).await;
    /// assert!(first.is_ok());
    /// let again = flow.finish(Binding::session(&[7; 16])?, Expect::provider("github"), callback).await;
    /// assert_eq!(again.err().unwrap().kind(), FinishErrorKind::AlreadyUsed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn finish(
        &self,
        binding: Binding<'_>,
        expect: Expect<'_>,
        callback: Callback,
    ) -> Result<LoginOutcome<T>, FinishError> {
        // The borrowed arguments end here, so that they are not held while the guard is waited for.
        let (span, verified) = self.verify_in_span(&binding, &expect, || self.open_uncounted(callback))?;
        span.around(verified.mark_used(), outcome).await
    }

    /// Everything but single use, in one call: [`Flow::open`], then [`OpenedCallback::verify`]. It waits for nothing and marks nothing.
    ///
    /// In this order: form, length, encoding, key, authenticity, time, purpose, provider, redirect_uri, tenant, response mode,
    /// binding, user, `iss`, data. Nothing malformed and nothing of another browser gets as far as the guard, so that
    /// a stranger cannot use up another's login.
    ///
    /// # Errors
    ///
    /// [`FinishError`] with the reason. Nothing has been consumed.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::error::FinishErrorKind;
    /// use oauth_state::{testing, Binding, Callback, Expect, Login};
    /// let flow = testing::flow();
    /// let begun = flow.begin(Binding::session(&[7; 16])?, Login::with("github"))?;
    /// let callback = Callback::from_pairs([("code", "code"), ("state", &begun.state)])?;
    /// let error = flow.check(Binding::session(&[8; 16])?, Expect::provider("github"), callback).unwrap_err();
    /// assert_eq!(error.kind(), FinishErrorKind::OtherSession);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check(
        &self,
        binding: Binding<'_>,
        expect: Expect<'_>,
        callback: Callback,
    ) -> Result<VerifiedCallback<T>, FinishError> {
        self.verify(&binding, &expect, || self.open_uncounted(callback))
    }

    /// [`Flow::check`] of a callback that `open` opens, counted once.
    fn verify(
        &self,
        binding: &Binding<'_>,
        expect: &Expect<'_>,
        open: impl FnOnce() -> Result<OpenedCallback<T>, FinishError>,
    ) -> Result<VerifiedCallback<T>, FinishError> {
        let verified = self.inner.check_request(binding, expect).and_then(|()| {
            let opened = open().map_err(|refused| refused.seen_by(binding, *expect))?;
            opened.verify_uncounted(binding, expect)
        });
        verified.inspect_err(|refused| self.inner.count_refused(expect.provider, refused))
    }

    /// [`Flow::check`], in the span of the whole callback.
    pub(crate) fn verify_in_span(
        &self,
        binding: &Binding<'_>,
        expect: &Expect<'_>,
        open: impl FnOnce() -> Result<OpenedCallback<T>, FinishError>,
    ) -> Result<(Span, VerifiedCallback<T>), FinishError> {
        // What a router took from an address is told only if it is one of ours.
        let provider = expect.provider.and_then(|id| self.inner.provider(id));
        let span = Span::finish(provider.map(Provider::id));
        match span.in_scope(|| self.verify(binding, expect, open)) {
            Ok(verified) => Ok((span, verified)),
            Err(refused) => {
                span.record(refused.code());
                Err(refused)
            }
        }
    }

    /// Goes on where [`Flow::open_uncounted`] came to, for the routes, which load what belongs to a login in between.
    #[cfg(feature = "http")]
    pub(crate) async fn finish_opened(
        &self,
        binding: Binding<'_>,
        expect: Expect<'_>,
        opened: Result<OpenedCallback<T>, FinishError>,
    ) -> Result<LoginOutcome<T>, FinishError> {
        let (span, verified) = self.verify_in_span(&binding, &expect, || opened)?;
        span.around(verified.mark_used(), outcome).await
    }

    /// Opens a callback: its state is authentic, and in time. Nothing else is known of it yet; use what it says to load what
    /// [`OpenedCallback::verify`] needs, and for nothing else.
    ///
    /// # Errors
    ///
    /// [`FinishError`] with the reason. It does not know who asks: [`FinishError::seen_by`] adds what a state that expired still
    /// offers to its own browser.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, Binding, Callback, Expect, Login};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let flow = testing::flow();
    /// let begun = flow.begin(Binding::session(&[7; 16])?, Login::with("github"))?;
    ///
    /// let opened = flow.open(Callback::from_pairs([("code", "code"), ("state", &begun.state)])?)?;
    /// assert_eq!(opened.provider(), "github"); // load what belongs to it
    /// let verified = opened.verify(Binding::session(&[7; 16])?, Expect::provider("github"))?;
    /// assert!(verified.mark_used().await.is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn open(&self, callback: Callback) -> Result<OpenedCallback<T>, FinishError> {
        self.open_uncounted(callback).inspect_err(|refused| self.inner.count_refused(None, refused))
    }

    pub(crate) fn open_uncounted(&self, callback: Callback) -> Result<OpenedCallback<T>, FinishError> {
        let inner = &self.inner;
        let (now, keys) = (inner.now(), inner.keys.load());
        let (opened, purpose, in_time) = Opened::new(&callback.state, &keys, now).inspect_err(|error| {
            if error.kind() == FinishErrorKind::UnknownKey {
                inner.keys.handle().met_unknown_key();
            }
        })?;
        match in_time {
            Ok(()) => Ok(OpenedCallback { flow: Arc::clone(inner), callback, opened, purpose, data: PhantomData }),
            Err(late) => {
                let unasked = Unasked::new(Arc::clone(inner), opened, callback, late.may_restart);
                Err(FinishError::from(late.kind).with_opened(unasked))
            }
        }
    }
}

/// A callback whose state this service sealed, and which is in time. Whose login it is has not been asked yet.
#[must_use = "verify it, and then mark it as used"]
pub struct OpenedCallback<T> {
    flow: Arc<FlowInner>,
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

    /// What the login is for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Whether the login is still in time, is of this browser, and belongs to this callback: time, purpose, provider, redirect_uri,
    /// tenant, response mode, binding, user, `iss` and data, in this order.
    ///
    /// # Errors
    ///
    /// [`FinishError`] with the reason. Nothing has been consumed.
    pub fn verify(self, binding: Binding<'_>, expect: Expect<'_>) -> Result<VerifiedCallback<T>, FinishError> {
        let flow = Flow { inner: Arc::clone(&self.flow), data: PhantomData };
        flow.verify(&binding, &expect, || Ok(self))
    }

    fn verify_uncounted(self, binding: &Binding<'_>, expect: &Expect<'_>) -> Result<VerifiedCallback<T>, FinishError> {
        let Self { flow, callback, opened, .. } = self;
        let keys = flow.keys.load();
        // A key that was revoked since the state was opened opens nothing any more.
        let now = flow.now();
        let authentic = opened.under(&keys, now)?;
        // The caller may have taken longer between open and verify than the login had left.
        if let Err(late) = authentic.check_time(now, keys.ring().timing()) {
            let unasked = Unasked::new(Arc::clone(&flow), opened, callback, late.may_restart);
            return Err(FinishError::from(late.kind).with_opened(unasked).seen_by(binding, *expect));
        }
        expect.check(&authentic.claims, authentic.keys.purpose, flow.first_purpose())?;
        let provider = flow.configured_provider(&authentic)?;
        check_response_mode(provider, callback.way)?;
        let secrets = match flow.check_binding(&authentic, binding, provider, &callback) {
            Ok(secrets) => secrets,
            Err(refused) => return Err(flow.repost(&refused, &callback, provider).unwrap_or(refused)),
        };
        let issuer_checked = check_issuer(provider, callback.iss.as_deref())?;
        if callback.iss.is_some() && !issuer_checked {
            flow.metrics.iss_ignored(provider.id());
        }

        let (origin, Authentic { claims, nonce, keys: sealed_with, .. }) = (authentic.origin(), authentic);
        let data = match data::read(claims.data) {
            Ok(data) => data,
            Err(error) => {
                let restart = Restart::new(origin, Whose::ThisOne.by(claims.kind), callback.state);
                let refused = FinishError::from(FinishErrorKind::Data).caused_by(DataError::from(error));
                return Err(refused.with_restart(restart));
            }
        };
        let parameters = callback.others;
        let outcome = match callback.answer {
            Answer::Code(code) => LoginOutcome::Authorized(Authorized {
                origin,
                data,
                code: Code(code),
                code_verifier: CodeVerifier(secrets.code_verifier()),
                nonce: Nonce(secrets.nonce()),
                parameters,
            }),
            Answer::Error(error) => LoginOutcome::Denied(Denied {
                attributed_to: issuer_checked.then(|| origin.provider.clone()),
                origin,
                data,
                error,
                parameters,
            }),
        };
        let timing = keys.ring().timing();
        Ok(VerifiedCallback {
            nonce,
            key_id: sealed_with.id,
            sealed: Sealed { issued_at: claims.issued_at.into(), expires_at: claims.expires_at() },
            skew: timing.skew,
            state: callback.state,
            kind: claims.kind,
            restart_until: claims.expires_at().saturating_add(timing.lifetime_cap.into()),
            outcome,
            flow: Arc::clone(&flow),
        })
    }
}

impl<T> fmt::Debug for OpenedCallback<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenedCallback([redacted])")
    }
}

/// A callback that passed every check but single use. It gives nothing away before [`VerifiedCallback::mark_used`].
///
/// # Examples
///
/// There is no way around the guard, nor to ask it with one callback twice:
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
    flow: Arc<FlowInner>,
    nonce: [u8; NONCE_BYTES],
    key_id: KeyId,
    sealed: Sealed,
    skew: u32,
    /// The state's text, for the offer to start again.
    state: String,
    kind: BindingKind,
    /// Until when the login may start again, in Unix seconds.
    restart_until: u64,
    outcome: LoginOutcome<T>,
}

impl<T> fmt::Debug for VerifiedCallback<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifiedCallback([redacted])")
    }
}

impl<T> VerifiedCallback<T> {
    /// What the login ends in, for the samples of `testing` alone: no guard is asked.
    #[cfg(feature = "testing")]
    pub(crate) fn into_outcome_without_the_guard(self) -> LoginOutcome<T> {
        self.outcome
    }

    /// The times of the state.
    pub(crate) fn sealed(&self) -> Sealed {
        self.sealed
    }

    /// What finds and opens the row of this state.
    pub(crate) fn sealed_under(&self) -> ([u8; NONCE_BYTES], KeyId) {
        (self.nonce, self.key_id)
    }

    /// The text of the state, for a caller that refuses after the mark.
    pub(crate) fn state(&self) -> &str {
        &self.state
    }
}

impl<T: serde::Serialize> VerifiedCallback<T> {
    /// Asks the guard, and gives the login if this was the first time.
    ///
    /// # Errors
    ///
    /// `already_used`; `guard_unavailable`, `guard_outcome_unknown` and `guard_full` where the guard could not answer: an
    /// error of the guard never lets a callback through; `expired`, `unknown_key` or `key_revoked` where the state's time was
    /// over, or its key gone, before the guard had answered.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::error::FinishErrorKind;
    /// use oauth_state::{testing, Binding, Callback, Expect, Login};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let flow = testing::flow();
    /// let begun = flow.begin(Binding::session(&[7; 16])?, Login::with("github"))?;
    /// let callback = Callback::from_pairs([("code", "code"), ("state", &begun.state)])?;
    /// let check = || flow.check(Binding::session(&[7; 16]).unwrap(), Expect::provider("github"), callback.clone());
    /// let (first, second) = (check()?, check()?);
    /// assert!(first.mark_used().await.is_ok());
    /// assert_eq!(second.mark_used().await.unwrap_err().kind(), FinishErrorKind::AlreadyUsed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn mark_used(self) -> Result<LoginOutcome<T>, FinishError> {
        let (flow, sealed) = (Arc::clone(&self.flow), self.sealed);
        let marked = self.mark_uncounted().await;
        flow.count(&marked, sealed);
        marked
    }

    /// [`VerifiedCallback::mark_used`], for a caller that counts what the login ended in.
    pub(crate) async fn mark_uncounted(self) -> Result<LoginOutcome<T>, FinishError> {
        let Self { flow, nonce, key_id, sealed, skew, state, kind, restart_until, outcome } = self;
        let refused = |error: FinishError, outcome, whose: Whose| {
            if flow.now() >= restart_until { error } else { flow.refused(error, outcome, whose.by(kind), state) }
        };
        // The clock once more: a caller that waited, or a machine that slept, must not finish an expired login, nor
        // give the mark less time than it needs.
        let now = flow.now();
        if let Err(kind) = flow.still_good(sealed, skew, key_id, now) {
            return Err(refused(kind.into(), outcome, Whose::ThisOne));
        }
        // One claimant for this call and its retries; another callback draws another.
        let mut claimant = [0; 8];
        let drawn = (flow.random)(&mut claimant).map_err(GuardError::unavailable);
        let mark = Mark::new(replay_id(&nonce), claimant, now, sealed, skew);
        let marked = match drawn {
            Ok(()) => flow.ask_guard(&mark).await,
            Err(error) => Err(error),
        };
        match marked {
            // A guard takes its time: nothing comes in that expired, or whose key was revoked, before it answered.
            Ok(Marked::First) => match flow.still_good(sealed, skew, key_id, flow.now()) {
                Ok(()) => Ok(outcome),
                Err(kind) => Err(refused(kind.into(), outcome, Whose::ThisOne)),
            },
            Ok(Marked::AlreadyUsed { first_used_at, .. }) => {
                Err(refused(FinishError::already_used(first_used_at), outcome, Whose::ThisOne))
            }
            // Not by itself: the same callback may work later, and a store in trouble needs no second login on top.
            Err(error) => Err(refused(error.into(), outcome, Whose::AskFirst)),
        }
    }
}

/// The id by which a state is known to guards and stores: it says nothing of the state's text, which is a live credential.
pub(crate) fn replay_id(nonce: &[u8; NONCE_BYTES]) -> [u8; 16] {
    let mut id = [0; 16];
    id.copy_from_slice(&nonce[..16]);
    id
}

impl FlowInner {
    /// What a request may not be, whatever its state says.
    fn check_request(&self, binding: &Binding<'_>, expect: &Expect<'_>) -> Result<(), FinishError> {
        if binding.request().is_some_and(RequestHeaders::is_speculative) {
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

    async fn ask_guard(&self, mark: &Mark) -> Result<Marked, GuardError> {
        let asked = Timer::start();
        let answer = Span::guard().around(self.guard.mark_used(mark), |answer| match answer {
            Ok(Marked::First) => "first",
            Ok(Marked::AlreadyUsed { .. }) => "already_used",
            Err(_) => "error",
        });
        let answer = answer.await;
        let told = match &answer {
            Ok(Marked::First) => Ok("first"),
            Ok(Marked::AlreadyUsed { .. }) => Ok("already_used"),
            Err(error) => Err(error.kind().code()),
        };
        self.metrics.guard(asked, told);
        answer
    }

    /// The time, and the keys: one may have been revoked, or have retired, since the check.
    fn still_good(&self, sealed: Sealed, skew: u32, key_id: KeyId, now: u64) -> Result<(), FinishErrorKind> {
        if is_over(sealed.expires_at, now, skew) {
            return Err(FinishErrorKind::Expired);
        }
        self.keys.load().still_opens(key_id, now)
    }

    fn refused<T: serde::Serialize>(
        &self,
        error: FinishError,
        finished: LoginOutcome<T>,
        whose: Whose,
        state: String,
    ) -> FinishError {
        let (LoginOutcome::Authorized(Authorized { origin, data, .. })
        | LoginOutcome::Denied(Denied { origin, data, .. })) = finished;
        let restart = Restart::new(origin, whose, state);
        if !matches!(whose, Whose::ThisOne | Whose::AskFirst) {
            return error.with_restart(restart);
        }
        let mut json = Vec::new();
        let restart = match data::write(&data, &mut json) {
            Ok(()) => self.carrying(restart, &json),
            Err(_) => restart,
        };
        error.with_restart(restart)
    }

    /// With the data of a state that carries its own; a handle's lies in a store.
    pub(super) fn carrying(&self, restart: Restart, json: &[u8]) -> Restart {
        if self.keys.load().form().leads_to_row() { restart } else { restart.carrying(json) }
    }
}
