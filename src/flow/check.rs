//! Checking a callback, in the one order that is safe.

use std::fmt;
use std::sync::Arc;

use super::finished::{Authorized, Code, CodeVerifier, DataError, Finished, Nonce, ProviderRefusal};
use super::{Expect, Flow, FlowInner};
use crate::binding::{self, Binding, Comparison, FlowSecrets, RequestHeaders};
use crate::callback::{Answer, Callback, Way};
use crate::claims::codec::BindingKind;
use crate::finish_error::{
    FinishError, FinishErrorKind, MissingCookie, RepostPage, Restart, SCRIPT_NONCE_BYTES, Whose,
};
use crate::key::id::KeyId;
use crate::open::{self, Authentic, Context, InContext, OutOfTime, is_over};
use crate::provider::{Provider, host_of};
use crate::replay::{GuardError, Mark, Marked, Sealed};
use crate::seal;
use crate::secret::equal_in_constant_time;
use crate::token::aead::NONCE_BYTES;
use crate::token::wire::LONGEST_BYTES;

/// A callback that passed every check but single use. It gives nothing away before [`Bound::mark_used`].
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, Binding, Callback, Expect, Login};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let flow = testing::flow();
/// let begun = flow.begin(Binding::session(&[7; 16])?, Login::at("github"))?;
/// let callback = Callback::from_code(begun.state, "code")?;
/// let bound = flow.check(Binding::session(&[7; 16])?, Expect::provider("github"), callback)?;
/// assert!(bound.mark_used().await.is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// There is no way around the guard, nor to ask it with one callback twice:
///
/// ```compile_fail
/// # use oauth_state::*;
/// fn skip(bound: Bound<()>) -> Finished<()> {
///     bound.finished
/// }
/// ```
///
/// ```compile_fail
/// # use oauth_state::*;
/// async fn twice(bound: Bound<()>) {
///     let _ = bound.mark_used().await;
///     let _ = bound.mark_used().await;
/// }
/// ```
#[must_use = "until mark_used has answered, nothing is known to be used for the first time"]
pub struct Bound<T> {
    flow: Arc<FlowInner>,
    nonce: [u8; NONCE_BYTES],
    key_id: KeyId,
    sealed: Sealed,
    skew: u32,
    finished: Finished<T>,
}

impl<T> fmt::Debug for Bound<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bound([redacted])")
    }
}

impl<T> Bound<T> {
    /// What the login ends in, for the samples of `testing` alone: no guard is asked.
    #[cfg(feature = "testing")]
    pub(crate) fn into_finished_without_the_guard(self) -> Finished<T> {
        self.finished
    }

    /// What the row beside this state is found and opened with.
    pub(crate) fn sealed_under(&self) -> ([u8; NONCE_BYTES], KeyId) {
        (self.nonce, self.key_id)
    }

    /// Asks the guard, and gives the login if this was the first time.
    ///
    /// # Errors
    ///
    /// `already_used`, or `guard_unavailable`, `guard_outcome_unknown` and `guard_full` where the guard could not
    /// answer: an error of the guard never lets a callback through.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, Binding, Callback, Expect, FinishErrorKind, Login};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let flow = testing::flow();
    /// let begun = flow.begin(Binding::session(&[7; 16])?, Login::at("github"))?;
    /// let callback = Callback::from_code(begun.state, "code")?;
    /// let check = || flow.check(Binding::session(&[7; 16]).unwrap(), Expect::provider("github"), callback.clone());
    /// let (first, second) = (check()?, check()?);
    /// assert!(first.mark_used().await.is_ok());
    /// assert_eq!(second.mark_used().await.unwrap_err().kind(), FinishErrorKind::AlreadyUsed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn mark_used(self) -> Result<Finished<T>, FinishError> {
        let Self { flow, nonce, key_id, sealed, skew, finished } = self;
        // The clock once more: whoever held this back, or a machine that slept, must not finish an expired login, nor
        // give the mark less time than it needs.
        let now = flow.now();
        if is_over(sealed.expires_at, now, skew) {
            return Err(refused(FinishErrorKind::Expired.into(), finished, Whose::ThisOne));
        }
        // And the keys, for one that was revoked, or that retired, since the check.
        if let Err(kind) = flow.keys.load().still_opens(key_id, now) {
            return Err(refused(kind.into(), finished, Whose::ThisOne));
        }
        // One claimant for this call and its retries; another callback draws another.
        let mut claimant = [0; 8];
        let drawn = (flow.random)(&mut claimant).map_err(GuardError::unavailable);
        let mark = Mark::new(replay_id(&nonce), claimant, now, sealed, skew);
        let marked = match drawn {
            Ok(()) => flow.guard.mark_used(&mark).await,
            Err(error) => Err(error),
        };
        match marked {
            // A guard takes its time: from the swap on, nothing comes in under a revoked key.
            Ok(Marked::First) => match flow.keys.load().still_opens(key_id, now) {
                Ok(()) => Ok(finished),
                Err(kind) => Err(refused(kind.into(), finished, Whose::ThisOne)),
            },
            Ok(Marked::AlreadyUsed { first_used_at, .. }) => {
                Err(refused(FinishError::already_used(first_used_at), finished, Whose::ThisOne))
            }
            // Not by itself: the same callback may work later, and a store in trouble needs no second login on top.
            Err(error) => Err(refused(error.into(), finished, Whose::AskFirst)),
        }
    }
}

/// The id by which a state is known to guards and stores: it says nothing of the state's text, which is a live credential.
pub(crate) fn replay_id(nonce: &[u8; NONCE_BYTES]) -> [u8; 16] {
    let mut id = [0; 16];
    id.copy_from_slice(&nonce[..16]);
    id
}

fn refused<T>(error: FinishError, finished: Finished<T>, whose: Whose) -> FinishError {
    let (Finished::Code(Authorized { origin, .. }) | Finished::Refused(ProviderRefusal { origin, .. })) = finished;
    error.with_restart(Restart::new(origin, whose))
}

impl<T: serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static> Flow<T> {
    /// Checks everything but single use. Pure: it waits for nothing and marks nothing.
    ///
    /// In this order: form, length, encoding, key, authenticity, time, purpose, provider, redirect_uri, tenant,
    /// binding, user, `iss`, data. Nothing malformed and nothing of another browser gets as far as the guard, so that
    /// nobody can use up another's login.
    ///
    /// # Errors
    ///
    /// [`FinishError`] with the reason. Nothing has been consumed.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::{testing, Binding, Callback, Expect, FinishErrorKind, Login};
    /// let flow = testing::flow();
    /// let begun = flow.begin(Binding::session(&[7; 16])?, Login::at("github"))?;
    /// let callback = Callback::from_code(begun.state, "code")?;
    /// let error = flow.check(Binding::session(&[8; 16])?, Expect::provider("github"), callback).unwrap_err();
    /// assert_eq!(error.kind(), FinishErrorKind::OtherSession);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check(&self, binding: Binding<'_>, expect: Expect<'_>, callback: Callback) -> Result<Bound<T>, FinishError> {
        let inner = &*self.inner;
        if binding.request().is_some_and(RequestHeaders::is_speculative) {
            return Err(FinishErrorKind::NotConsumed.into());
        }
        if expect.provider.is_none() && !inner.shared_callback {
            return Err(FinishError::because(
                FinishErrorKind::WrongProvider,
                "Expect::any_provider needs a flow that was built with FlowBuilder::shared_callback",
            ));
        }
        let now = inner.now();
        // One view of the keys for all of this check, whatever swaps meanwhile.
        let table = inner.keys.load();
        let timing = table.ring().timing();
        let mut buffer = [0; LONGEST_BYTES];
        let Expect { provider, tenant, redirect, purpose } = expect;
        let context = Context { provider, tenant, redirect, purpose };
        let authentic = open::authenticate(&callback.state, &table, now, &mut buffer).inspect_err(|error| {
            if error.kind() == FinishErrorKind::UnknownKey {
                inner.keys.handle().met_unknown_key();
            }
        })?;
        let timely = authentic.check_time(now, timing).map_err(|late| inner.out_of_time(late, &binding, &context))?;
        let in_context = timely.check_context(&context)?;
        let provider = inner.configured_provider(&in_context)?;
        let secrets = match inner.check_binding(&in_context, &binding, provider) {
            Ok(secrets) => secrets,
            Err(refused) => return Err(inner.repost(&refused, &callback, provider).unwrap_or(refused)),
        };
        let issuer_checked = check_issuer(provider, callback.iss.as_deref())?;

        let Authentic { keys, nonce, claims, .. } = in_context.authentic();
        let key_id = keys.id;
        let origin = in_context.authentic().origin();
        let data = match seal::read_data(claims.data) {
            Ok(data) => data,
            Err(error) => {
                let restart = Restart::new(origin, Whose::ThisOne);
                let refused = FinishError::from(FinishErrorKind::Data).caused_by(DataError::from(error));
                return Err(refused.with_restart(restart));
            }
        };
        let unauthenticated_parameters = callback.others;
        let finished = match callback.answer {
            Answer::Code(code) => Finished::Code(Authorized {
                origin,
                data,
                code: Code(code),
                code_verifier: CodeVerifier(secrets.code_verifier()),
                nonce: Nonce(secrets.nonce()),
                unauthenticated_parameters,
            }),
            Answer::Error(error) => Finished::Refused(ProviderRefusal {
                attributed_to: issuer_checked.then(|| origin.provider.clone()),
                origin,
                data,
                error,
                unauthenticated_parameters,
            }),
        };
        Ok(Bound {
            flow: Arc::clone(&self.inner),
            nonce: *nonce,
            key_id,
            sealed: Sealed { issued_at: claims.issued_at.into(), expires_at: claims.expires_at() },
            skew: timing.skew,
            finished,
        })
    }
}

impl FlowInner {
    /// An expired state still tells whose it was, so that its own browser can begin again at once; only where it would
    /// have belonged here otherwise (its `iss` apart, which is looked at last).
    fn out_of_time(&self, late: OutOfTime<'_>, binding: &Binding<'_>, context: &Context<'_>) -> FinishError {
        let error = FinishError::from(late.kind);
        if late.kind != FinishErrorKind::Expired {
            return error;
        }
        let Ok(in_context) = late.check_context(context) else { return error };
        let Ok(provider) = self.configured_provider(&in_context) else { return error };
        let whose = match self.compare(in_context.authentic(), binding, provider) {
            Comparison::Same(_) if !is_same_user(&in_context, binding) => return error,
            Comparison::Same(_) => Whose::ThisOne,
            Comparison::NoCookie => Whose::Unknown,
            Comparison::Other => Whose::Another,
        };
        error.with_restart(Restart::new(in_context.authentic().origin(), whose))
    }

    /// What the state names must still be configured here.
    fn configured_provider(&self, in_context: &InContext<'_>) -> Result<&Provider, FinishError> {
        let Authentic { claims, return_to, .. } = in_context.authentic();
        let provider = self.provider(claims.provider).ok_or_else(|| {
            FinishError::because(
                FinishErrorKind::WrongProvider,
                "the state names a provider that this flow does not have",
            )
        })?;
        if !claims.redirect.is_empty() && !provider.takes_redirect(claims.redirect) {
            return Err(FinishError::because(
                FinishErrorKind::WrongRedirect,
                "the state names a redirect_uri that this flow does not have",
            ));
        }
        if return_to.as_ref().is_some_and(|path| self.returns_to_callback(path)) {
            return Err(FinishError::because(
                FinishErrorKind::Malformed,
                "the state's return path is a callback address of this flow",
            ));
        }
        Ok(provider)
    }

    fn compare(&self, authentic: &Authentic<'_>, binding: &Binding<'_>, provider: &Provider) -> Comparison {
        let Authentic { keys, nonce, claims, .. } = authentic;
        binding::compare(&binding.holder, &self.cookies, provider.same_site(), &keys.flow, nonce, &claims.binding_tag)
    }

    /// The user agent, then the user.
    fn check_binding(
        &self,
        in_context: &InContext<'_>,
        binding: &Binding<'_>,
        provider: &Provider,
    ) -> Result<FlowSecrets, FinishError> {
        let authentic = in_context.authentic();
        let secrets = match self.compare(authentic, binding, provider) {
            Comparison::Same(secrets) => secrets,
            Comparison::NoCookie => {
                let why = binding.request().map(|headers| self.why_no_cookie(headers, provider));
                let restart = Restart::new(authentic.origin(), Whose::Unknown);
                let refused = why.map_or_else(|| FinishErrorKind::CookieMissing.into(), FinishError::cookie_missing);
                return Err(refused.with_restart(restart));
            }
            Comparison::Other => {
                let restart = Restart::new(authentic.origin(), Whose::Another);
                return Err(other_user_agent(binding.holder.kind(), authentic.claims.kind).with_restart(restart));
            }
        };
        if is_same_user(in_context, binding) { Ok(secrets) } else { Err(FinishErrorKind::OtherUser.into()) }
    }

    /// The page that posts the callback once more, for a provider that is declared so, and for a form of its own alone: what
    /// says that it was reposted gets no second page, so that two sites never post in a circle.
    fn repost(&self, refused: &FinishError, callback: &Callback, provider: &Provider) -> Option<FinishError> {
        let cookie_missing = refused.kind() == FinishErrorKind::CookieMissing;
        if !cookie_missing || !provider.reposts() || callback.way != Way::Posted {
            return None;
        }
        let mut script_nonce = [0; SCRIPT_NONCE_BYTES];
        (self.random)(&mut script_nonce).ok()?;
        Some(FinishError::repost_needed(RepostPage::new(callback.fields(), script_nonce)))
    }

    /// What the headers tell of a cookie that did not come.
    fn why_no_cookie(&self, headers: &RequestHeaders<'_>, provider: &Provider) -> MissingCookie {
        // Browsers send `Origin` with POSTs alone; `null` and other sites' are cross-site.
        let cross_site_post =
            headers.get("origin").is_some() && headers.get("sec-fetch-site").is_none_or(|site| site == b"cross-site");
        let request_host = headers.get("host").and_then(|host| std::str::from_utf8(host).ok()).and_then(host_of);
        let other_host = match (&self.public_host, request_host) {
            (Some(public), Some(request)) => !public.eq_ignore_ascii_case(request),
            _ => false,
        };
        match cross_site_post {
            true if provider.reposts() => MissingCookie::RepostedPost,
            true if provider.uses_form_post() => MissingCookie::DeclaredPost,
            true => MissingCookie::UndeclaredPost,
            false if other_host => MissingCookie::OtherHost,
            false if headers.any_cookie() => MissingCookie::OtherCookies,
            false => MissingCookie::NoCookies,
        }
    }
}

/// Whether the signed-in user is the one that began, where the state names one.
fn is_same_user(in_context: &InContext<'_>, binding: &Binding<'_>) -> bool {
    let Authentic { keys, nonce, .. } = in_context.authentic();
    in_context.user_tag().is_none_or(|tag| {
        let user = binding.user.map(|user| binding::user_tag(&keys.flow, nonce, user));
        user.is_some_and(|user| equal_in_constant_time(&user, tag))
    })
}

fn other_user_agent(expected: BindingKind, sealed: BindingKind) -> FinishError {
    let kind = match expected {
        BindingKind::Cookie | BindingKind::Unbound => FinishErrorKind::OtherBrowser,
        BindingKind::Session => FinishErrorKind::OtherSession,
        BindingKind::ClientSecret => FinishErrorKind::OtherClient,
    };
    if expected == sealed {
        return kind.into();
    }
    FinishError::because(
        kind,
        "begin and finish use different kinds of Binding: use the same constructor at both ends (client secrets: \
         new_client_secret at begin, client_secret at finish)",
    )
}

/// RFC 9207 section 2.4: simple string comparison. Whether an `iss` was there and was checked.
fn check_issuer(provider: &Provider, iss: Option<&str>) -> Result<bool, FinishErrorKind> {
    match (provider.issuer_rule(), iss) {
        (Some((issuer, _)), Some(iss)) if issuer == iss => Ok(true),
        (Some(_), Some(_)) => Err(FinishErrorKind::IssuerMismatch),
        (Some((_, true)), None) => Err(FinishErrorKind::IssuerMissing),
        // Nothing to compare with: it proves nothing and harms nothing.
        (Some((_, false)) | None, _) => Ok(false),
    }
}
