//! What login start and callback read of a provider.

use super::{OPENID, Provider, Registered, ResponseMode, is_loopback};
use crate::claims::Tenant;
use crate::cookie::CookieKind;

impl Provider {
    #[cfg(feature = "http")]
    pub(crate) fn is_start_allowed(&self) -> bool {
        self.0.may_start_logins
    }

    pub(crate) fn tenant(&self) -> Option<&Tenant> {
        self.0.tenant.as_ref()
    }

    pub(crate) fn client_id_or_none(&self) -> Option<&str> {
        self.0.client_id.as_deref()
    }

    pub(crate) fn code_name(&self) -> Option<&str> {
        self.0.code_parameter.as_deref()
    }

    pub(crate) fn endpoint(&self) -> Option<&str> {
        self.0.authorization_endpoint.as_deref()
    }

    /// Makes it a provider that rejects PKCE; no preset says so today.
    #[cfg(test)]
    pub(crate) fn without_pkce(self) -> Self {
        self.with(|settings| settings.pkce = false)
    }

    pub(super) fn logout_endpoint(&self) -> Option<&str> {
        self.0.end_session_endpoint.as_deref()
    }

    pub(crate) fn scope_names(&self) -> impl Iterator<Item = &str> {
        self.0.scopes.iter().map(String::as_str)
    }

    pub(crate) fn takes_pkce(&self) -> bool {
        self.0.pkce
    }

    pub(crate) fn is_openid(&self) -> bool {
        self.scope_names().any(|scope| scope == OPENID)
    }

    /// Whether it issues an ID token with the nonce; Apple does so for scopes without `openid`.
    pub(crate) fn takes_nonce(&self) -> bool {
        self.0.nonce || self.is_openid()
    }

    /// The issuer identifier, and whether `iss` is required.
    pub(crate) fn issuer_rule(&self) -> Option<(&str, bool)> {
        self.0.issuer.as_ref().map(|issuer| (issuer.identifier.as_str(), issuer.required))
    }

    /// Whether it answers by a cross-site POST with a cookie that browsers send along.
    pub(crate) fn uses_form_post(&self) -> bool {
        self.0.response_mode == ResponseMode::FormPost
    }

    /// Whether it answers by a cross-site POST that this site posts again.
    pub(crate) fn reposts(&self) -> bool {
        self.0.response_mode == ResponseMode::FormPostReposted
    }

    /// Whether callbacks by GET are refused.
    pub(crate) fn is_post_only(&self) -> bool {
        self.0.post_only
    }

    pub(crate) fn cookie_kind(&self) -> CookieKind {
        if self.uses_form_post() { CookieKind::None } else { CookieKind::Lax }
    }

    pub(crate) fn redirect_uris(&self) -> &[Registered] {
        &self.0.redirect_uris
    }

    /// Whether a callback to one may arrive at the route of the other.
    pub(crate) fn shares_address_with(&self, other: &Self) -> bool {
        let mut own = self.redirect_uris().iter().filter_map(|at| at.uri.as_ref());
        own.any(|one| other.redirect_uris().iter().filter_map(|at| at.uri.as_ref()).any(|two| one.is_same_address(two)))
    }

    /// Whether its callbacks arrive over plain http on this machine.
    pub(crate) fn is_on_http_loopback(&self) -> bool {
        let mut uris = self.redirect_uris().iter().filter_map(|at| at.uri.as_ref());
        uris.any(|uri| uri.scheme == "http" && uri.host.as_deref().is_some_and(is_loopback))
    }

    /// Whether logins may name this id: any id, until one is registered.
    pub(crate) fn takes_redirect(&self, id: &str) -> bool {
        let mut named = self.0.redirect_uris.iter().filter_map(|at| at.id.as_deref()).peekable();
        named.peek().is_none() || named.any(|known| known == id)
    }

    /// The callback address of this redirect id, or the one without an id.
    pub(crate) fn redirect_uri_of(&self, redirect: Option<&str>) -> Option<&Registered> {
        self.redirect_uris().iter().find(|at| at.id.as_deref() == redirect)
    }
}
