//! The single checks of a callback; `verify.rs` has the order.

use super::FlowInner;
use super::admission::is_in_frame;
use crate::binding::{self, Binding, Comparison, FlowSecrets, RequestHeaders};
use crate::callback::{Answer, Callback, Way};
use crate::claims::codec::BindingKind;
use crate::cookie::{CookieFamilies, CookieKind};
use crate::expect::Expect;
use crate::name::Purpose;
use crate::open::Authentic;
use crate::provider::{Provider, Registered};
use crate::refusal::{FinishError, FinishErrorKind, MissingCookie, RepostPage, Restart, SCRIPT_NONCE_BYTES, Whose};
use crate::secret::equal_in_constant_time;

impl FlowInner {
    /// The provider and redirect_uri in the state must still be configured here, or be those that the callback has loaded.
    pub(super) fn check_provider<'a>(
        &'a self,
        authentic: &Authentic<'_>,
        expect: &Expect<'a>,
    ) -> Result<&'a Provider, FinishError> {
        let Authentic { claims, return_to, .. } = authentic;
        let provider = self.provider_at(authentic, expect)?;
        if !claims.redirect.is_empty() && !provider.takes_redirect(claims.redirect) {
            return Err(FinishError::because(
                FinishErrorKind::WrongRedirect,
                "the state names a redirect_uri that its provider does not have",
            ));
        }
        if return_to.is_some_and(|path| self.returns_to_callback_of(path, expect.connection)) {
            return Err(FinishError::because(
                FinishErrorKind::Malformed,
                "the state's return path is a callback address of this flow",
            ));
        }
        Ok(provider)
    }

    /// Only purposes without a code may lack both code and error. The callback of a logout must not have a code: the logout sent no
    /// `code_challenge`, so nothing ties the code to this browser (RFC 9700 section 4.5).
    pub(super) fn check_answer(&self, purpose: Purpose, answer: &Answer) -> Result<(), FinishError> {
        let is_logout = purpose == Purpose::Logout;
        let needs_code = !is_logout && !self.purposes_without_code.contains(&purpose);
        match answer {
            Answer::Nothing if needs_code => Err(FinishErrorKind::CodeMissing.into()),
            Answer::Code(_) if is_logout => {
                Err(FinishError::because(FinishErrorKind::Malformed, "the callback of a logout has a code"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn compare(&self, authentic: &Authentic<'_>, binding: &Binding<'_>, provider: &Provider) -> Comparison {
        let Authentic { keys, nonce, claims, .. } = authentic;
        // A login that started in a frame may end in a window.
        let in_frames = self.frames.are_allowed().then_some(CookieKind::Partitioned);
        // In a window, only the provider's own kind tells whether this browser has a login under way: with the cookie of a frame alone, the
        // own one is missing, and a posted callback must still get its second page.
        let is_framed = binding.request().is_some_and(is_in_frame);
        let kinds =
            [Some((provider.cookie_kind(), true)), in_frames.map(|kind| (kind, is_framed))].into_iter().flatten();
        binding::compare(&binding.holder, self.cookies_of(keys), kinds, &keys.flow, nonce, &claims.binding_tag)
    }

    /// Checks the user agent, then the user.
    pub(super) fn check_binding(
        &self,
        authentic: &Authentic<'_>,
        binding: &Binding<'_>,
        provider: &Provider,
        callback: &Callback,
    ) -> Result<FlowSecrets, FinishError> {
        let secrets = match self.compare(authentic, binding, provider) {
            Comparison::Same(secrets) => secrets,
            Comparison::NoCookie => {
                let redirect = Some(authentic.claims.redirect).filter(|id| !id.is_empty());
                let callback_host = provider.redirect_uri_of(redirect).and_then(Registered::host);
                let cookies = self.cookies_of(authentic.keys);
                let why = binding
                    .request()
                    .map(|headers| self.why_no_cookie(headers, cookies, callback.way, provider, callback_host));
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
        if self.is_same_user(authentic, binding) { Ok(secrets) } else { Err(FinishErrorKind::OtherUser.into()) }
    }

    /// Whether the signed-in user is the one that started the login, if the state or its purpose requires one.
    pub(super) fn is_same_user(&self, authentic: &Authentic<'_>, binding: &Binding<'_>) -> bool {
        let Authentic { keys, nonce, claims, .. } = authentic;
        let Some(tag) = &claims.user_tag else { return !self.needs_user(keys.purpose) };
        let user = binding.user.map(|user| binding::user_tag(&keys.flow, nonce, user));
        user.is_some_and(|user| equal_in_constant_time(&user, tag))
    }

    /// The page that posts the callback again, only for a provider that declares it, and only for its form. A reposted callback gets no
    /// second page, so that two sites cannot post in a loop.
    pub(super) fn repost(
        &self,
        refused: &FinishError,
        callback: &Callback,
        provider: &Provider,
    ) -> Option<FinishError> {
        let cookie_missing = refused.kind() == FinishErrorKind::CookieMissing;
        if !cookie_missing || !provider.reposts() || callback.way != Way::Posted {
            return None;
        }
        let mut script_nonce = [0; SCRIPT_NONCE_BYTES];
        (self.random)(&mut script_nonce).ok()?;
        Some(FinishError::repost_needed(RepostPage::new(callback.fields(), script_nonce)))
    }

    /// The reason for a missing cookie, as far as the headers tell.
    fn why_no_cookie(
        &self,
        headers: &RequestHeaders<'_>,
        cookies: &CookieFamilies,
        way: Way,
        provider: &Provider,
        callback_host: Option<&str>,
    ) -> MissingCookie {
        let other_host = self.hosts.is_elsewhere(headers, callback_host);
        match is_cross_site_post(way, Some(headers)) {
            _ if is_in_frame(headers) => MissingCookie::Framed,
            true if provider.reposts() => MissingCookie::RepostedPost,
            true if provider.uses_form_post() => MissingCookie::DeclaredPost,
            true => MissingCookie::UndeclaredPost,
            false if other_host => MissingCookie::OtherHost,
            false if cookies.are_secure() && headers.get("x-forwarded-proto") == Some(b"http") => {
                MissingCookie::PlainHttp
            }
            false if headers.has_cookie_beside_comma(cookies) => MissingCookie::JoinedByCommas,
            false if headers.any_cookie() => MissingCookie::OtherCookies,
            false if cookies.are_secure() && provider.is_on_http_loopback() => MissingCookie::Loopback,
            false => MissingCookie::NoCookies,
        }
    }
}

/// Whether another site's page posted the callback. Browsers send `Origin` with POSTs only; `null` and other sites' origins are cross-site.
/// A POST without it counts as cross-site too, because a proxy has removed it.
fn is_cross_site_post(way: Way, headers: Option<&RequestHeaders<'_>>) -> bool {
    match headers.and_then(|headers| headers.get("origin").map(|_| headers.get("sec-fetch-site"))) {
        Some(site) => site.is_none_or(|site| site == b"cross-site"),
        None => way != Way::Direct,
    }
}

/// The owner of a callback that arrived without a cookie. The re-post page sends a same-origin POST, but another site sent the first
/// one: a re-posted callback counts as that site's.
pub(super) fn without_cookie(binding: &Binding<'_>, way: Way) -> Whose {
    let cross_site = way == Way::Reposted || is_cross_site_post(way, binding.request());
    if cross_site { Whose::UnknownPost } else { Whose::Unknown }
}

/// A provider that uses only form_post never puts a code into a URL, unless an attacker changed `response_mode` in the authorization
/// request (OAuth 2.0 Form Post Response Mode, section 4).
pub(super) fn check_response_mode(provider: &Provider, way: Way) -> Result<(), FinishErrorKind> {
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
        "begin and finish use different kinds of Binding: use the same constructor at both ends (login secrets: \
         new_login_secret at begin, login_secret at finish)",
    )
}

/// RFC 9207 section 2.4: simple string comparison with the issuer of this login or of the provider. Returns whether an `iss` was sent and
/// checked.
pub(super) fn check_issuer(
    provider: &Provider,
    of_login: Option<&str>,
    iss: Option<&str>,
) -> Result<bool, FinishError> {
    let configured = provider.issuer_rule();
    let must_come = configured.is_some_and(|(_, must_come)| must_come);
    match (of_login.or(configured.map(|(issuer, _)| issuer)), iss) {
        (Some(issuer), Some(iss)) if issuer == iss => Ok(true),
        (Some(issuer), Some(iss)) if issuer.trim_end_matches('/') == iss.trim_end_matches('/') => {
            Err(FinishError::because(FinishErrorKind::IssuerMismatch, SLASH))
        }
        (Some(_), Some(_)) => Err(FinishErrorKind::IssuerMismatch.into()),
        (Some(_), None) if must_come => Err(FinishErrorKind::IssuerMissing.into()),
        // There is nothing to compare with, so it proves nothing and does no harm.
        (Some(_), None) | (None, _) => Ok(false),
    }
}

const SLASH: &str = "iss and the configured issuer differ in the slash at their end: write the issuer as the provider's metadata does, character \
    by character";
