//! Checking a callback, in the one order that is safe.

use std::sync::Arc;

use super::bound::VerifiedCallback;
use super::outcome::{Authorized, Code, CodeVerifier, DataError, Denied, LoginOutcome, Nonce};
use super::{Expect, Flow, FlowInner};
use crate::binding::{self, Binding, Comparison, FlowSecrets, RequestHeaders};
use crate::callback::{Answer, Callback, Way};
use crate::claims::codec::BindingKind;
use crate::claims::data;
use crate::guard::Sealed;
use crate::open::{self, Authentic, Context, InContext, OutOfTime};
use crate::provider::{Provider, host_of};
use crate::refusal::{FinishError, FinishErrorKind, MissingCookie, RepostPage, Restart, SCRIPT_NONCE_BYTES, Whose};
use crate::secret::equal_in_constant_time;
use crate::token::wire::LONGEST_BYTES;

impl<T: serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static> Flow<T> {
    /// Checks everything but single use. Pure: it waits for nothing and marks nothing.
    ///
    /// In this order: form, length, encoding, key, authenticity, time, purpose, provider, redirect_uri, tenant, response mode,
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
    /// use oauth_state::error::FinishErrorKind;
    /// use oauth_state::{testing, Binding, Callback, Expect, Login};
    /// let flow = testing::flow();
    /// let begun = flow.begin(Binding::session(&[7; 16])?, Login::with("github"))?;
    /// let callback = Callback::from_code(begun.state, "code")?;
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
        let expected = expect.provider;
        self.check_in_order(binding, expect, callback)
            .inspect_err(|refused| self.inner.count_refused(expected, refused))
    }

    fn check_in_order(
        &self,
        binding: Binding<'_>,
        expect: Expect<'_>,
        callback: Callback,
    ) -> Result<VerifiedCallback<T>, FinishError> {
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
        let context = expect.context();
        let authentic = open::authenticate(&callback.state, &table, now, &mut buffer).inspect_err(|error| {
            if error.kind() == FinishErrorKind::UnknownKey {
                inner.keys.handle().met_unknown_key();
            }
        })?;
        let late = |late| inner.out_of_time(late, &binding, &context, &callback);
        let in_context = authentic.check_time(now, timing).map_err(late)?.check_context(&context)?;
        let provider = inner.configured_provider(in_context)?;
        check_response_mode(provider, callback.way)?;
        let secrets = match inner.check_binding(in_context, &binding, provider, &callback) {
            Ok(secrets) => secrets,
            Err(refused) => return Err(inner.repost(&refused, &callback, provider).unwrap_or(refused)),
        };
        let issuer_checked = check_issuer(provider, callback.iss.as_deref())?;
        if callback.iss.is_some() && !issuer_checked {
            inner.metrics.iss_ignored(provider.id());
        }

        let Authentic { keys, nonce, claims, .. } = in_context.authentic();
        let key_id = keys.id;
        let origin = in_context.authentic().origin();
        let data = match data::read(claims.data) {
            Ok(data) => data,
            Err(error) => {
                let restart = Restart::new(origin, Whose::ThisOne.by(claims.kind), callback.state);
                let refused = FinishError::from(FinishErrorKind::Data).caused_by(DataError::from(error));
                return Err(refused.with_restart(restart));
            }
        };
        let parameters = callback.others;
        let finished = match callback.answer {
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
        Ok(VerifiedCallback {
            flow: Arc::clone(&self.inner),
            nonce: *nonce,
            key_id,
            sealed: Sealed { issued_at: claims.issued_at.into(), expires_at: claims.expires_at() },
            skew: timing.skew,
            state: callback.state,
            kind: claims.kind,
            restart_until: claims.expires_at().saturating_add(timing.lifetime_cap.into()),
            finished,
        })
    }
}

impl<T> Flow<T> {
    /// Whether this ring sealed the state, whatever else is to be said against it.
    #[cfg(feature = "http")]
    pub(crate) fn is_authentic(&self, state: &str) -> bool {
        let mut buffer = [0; LONGEST_BYTES];
        open::authenticate(state, &self.inner.keys.load(), self.inner.now(), &mut buffer).is_ok()
    }
}

impl FlowInner {
    /// An expired state still tells whose it was, so that its own browser can begin again at once; only where it would
    /// have belonged here otherwise (its `iss` apart, which is looked at last).
    fn out_of_time(
        &self,
        late: OutOfTime<'_, '_>,
        binding: &Binding<'_>,
        context: &Context<'_>,
        callback: &Callback,
    ) -> FinishError {
        let error = FinishError::from(late.kind);
        let Ok(in_context) = late.check_context(context) else { return error };
        let Ok(provider) = self.configured_provider(in_context) else { return error };
        if check_response_mode(provider, callback.way).is_err() {
            return error;
        }
        match self.offer_restart(in_context, provider, binding, callback.way, &callback.state) {
            Some(restart) => error.with_restart(restart),
            None => error,
        }
    }

    /// What the state names must still be configured here.
    pub(super) fn configured_provider(&self, in_context: InContext<'_, '_>) -> Result<&Provider, FinishError> {
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
        if return_to.is_some_and(|path| self.returns_to_callback(path)) {
            return Err(FinishError::because(
                FinishErrorKind::Malformed,
                "the state's return path is a callback address of this flow",
            ));
        }
        Ok(provider)
    }

    pub(super) fn compare(&self, authentic: &Authentic<'_>, binding: &Binding<'_>, provider: &Provider) -> Comparison {
        let Authentic { keys, nonce, claims, .. } = authentic;
        binding::compare(&binding.holder, &self.cookies, provider.same_site(), &keys.flow, nonce, &claims.binding_tag)
    }

    /// The user agent, then the user.
    fn check_binding(
        &self,
        in_context: InContext<'_, '_>,
        binding: &Binding<'_>,
        provider: &Provider,
        callback: &Callback,
    ) -> Result<FlowSecrets, FinishError> {
        let authentic = in_context.authentic();
        let secrets = match self.compare(authentic, binding, provider) {
            Comparison::Same(secrets) => secrets,
            Comparison::NoCookie => {
                let why = binding.request().map(|headers| self.why_no_cookie(headers, provider));
                let whose = without_cookie(binding, callback.way);
                let restart = Restart::new(authentic.origin(), whose, callback.state.clone());
                let refused = why.map_or_else(|| FinishErrorKind::CookieMissing.into(), FinishError::cookie_missing);
                return Err(refused.with_restart(restart));
            }
            Comparison::Other => {
                let restart = Restart::new(authentic.origin(), Whose::Another, callback.state.clone());
                return Err(other_user_agent(binding.holder.kind(), authentic.claims.kind).with_restart(restart));
            }
        };
        if self.is_same_user(in_context, binding) { Ok(secrets) } else { Err(FinishErrorKind::OtherUser.into()) }
    }

    /// Whether the signed-in user is the one that started the login, if the state or its purpose requires one.
    pub(super) fn is_same_user(&self, in_context: InContext<'_, '_>, binding: &Binding<'_>) -> bool {
        let Authentic { keys, nonce, .. } = in_context.authentic();
        let Some(tag) = in_context.user_tag() else { return !self.needs_user(keys.purpose) };
        let user = binding.user.map(|user| binding::user_tag(&keys.flow, nonce, user));
        user.is_some_and(|user| equal_in_constant_time(&user, tag))
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
        let request_host = headers.get("host").and_then(|host| std::str::from_utf8(host).ok()).and_then(host_of);
        let other_host = match (&self.public_host, request_host) {
            (Some(public), Some(request)) => !public.eq_ignore_ascii_case(request),
            _ => false,
        };
        match is_cross_site_post(headers) {
            true if provider.reposts() => MissingCookie::RepostedPost,
            true if provider.uses_form_post() => MissingCookie::DeclaredPost,
            true => MissingCookie::UndeclaredPost,
            false if other_host => MissingCookie::OtherHost,
            false if headers.any_cookie() => MissingCookie::OtherCookies,
            false => MissingCookie::NoCookies,
        }
    }
}

/// Browsers send `Origin` with POSTs alone; `null` and other sites' are cross-site.
fn is_cross_site_post(headers: &RequestHeaders<'_>) -> bool {
    headers.get("origin").is_some() && headers.get("sec-fetch-site").is_none_or(|site| site == b"cross-site")
}

/// Whose callback it is that came without a cookie. The re-post page sends a same-origin POST, but another site sent the first
/// one: a re-posted callback counts as that site's.
pub(super) fn without_cookie(binding: &Binding<'_>, way: Way) -> Whose {
    let cross_site = way == Way::Reposted || binding.request().is_some_and(is_cross_site_post);
    if cross_site { Whose::UnknownPost } else { Whose::Unknown }
}

/// A provider that answers by form_post alone never puts a code into a URL; an attacker who changed `response_mode` in the
/// authorization request does (OAuth 2.0 Form Post Response Mode, section 4).
fn check_response_mode(provider: &Provider, way: Way) -> Result<(), FinishErrorKind> {
    if provider.is_post_only() && way == Way::Direct {
        return Err(FinishErrorKind::WrongResponseMode);
    }
    Ok(())
}

fn other_user_agent(expected: BindingKind, sealed: BindingKind) -> FinishError {
    let kind = match expected {
        BindingKind::Cookie | BindingKind::Unbound => FinishErrorKind::OtherBrowser,
        BindingKind::Session => FinishErrorKind::OtherSession,
        BindingKind::LoginSecret => FinishErrorKind::OtherClient,
    };
    if expected == sealed {
        return kind.into();
    }
    FinishError::because(
        kind,
        "begin and finish use different kinds of Binding: use the same constructor at both ends (client secrets: \
         new_login_secret at begin, client_secret at finish)",
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
