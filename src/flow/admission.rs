//! Which requests may start a login.

use super::browsers::Frames;
use super::{BeginError, FlowInner};
use crate::binding::{Binding, Holder, RequestHeaders};
use crate::name::Purpose;
use crate::provider::{host_of, is_host_of_origin, is_loopback};

impl FlowInner {
    /// Checks the request and its binding for a login of this purpose.
    pub(super) fn check_binding_at_begin(
        &self,
        binding: &Binding<'_>,
        purpose: Purpose,
        callback_host: Option<&str>,
    ) -> Result<(), BeginError> {
        if matches!(binding.holder, Holder::LoginSecret(_)) {
            return Err(BeginError::LoginSecretGiven);
        }
        let needs_user = self.needs_user(purpose);
        if needs_user {
            if matches!(binding.holder, Holder::Unbound) {
                return Err(BeginError::UnboundNotAllowed(purpose));
            }
            if binding.user.is_none() {
                return Err(BeginError::UserRequired(purpose));
            }
        }
        let headers = binding.request();
        let request_host = headers.and_then(|headers| self.hosts.named_by(headers));
        if needs_user && !binding.same_origin_assumed {
            let shown = headers.is_some_and(|headers| self.is_same_origin_post(headers, request_host, callback_host));
            if !shown {
                return Err(BeginError::NotSameOrigin(purpose));
            }
        }
        // A click into a frame may have been meant for another page (clickjacking), so no frame may attach an identity, whatever binds it.
        let is_by_user = needs_user && !binding.same_origin_assumed;
        if !matches!(binding.holder, Holder::Cookies(_)) {
            let is_refused = |headers: &RequestHeaders<'_>| is_in_frame(headers) || headers.is_speculative();
            return match is_by_user && headers.is_some_and(is_refused) {
                true => Err(BeginError::NotANavigation),
                false => Ok(()),
            };
        }
        let frames = if needs_user { &Frames::Refused } else { &self.frames };
        headers.map_or(Ok(()), |headers| check_navigation(headers, frames))?;
        if headers.is_some_and(|headers| self.is_cross_site_post(headers, request_host, callback_host)) {
            return Err(BeginError::CrossSitePost);
        }
        match (self.hosts.known(request_host), callback_host) {
            (Some(cookie), Some(callback)) if !cookie.eq_ignore_ascii_case(callback) => {
                Err(BeginError::CookieHostMismatch)
            }
            _ => Ok(()),
        }
    }

    /// Whether a page of this very site sent a POST. Keeps another site from attaching an identity (account-link fixation).
    ///
    /// Browsers send `Origin` with every POST and with no navigation by GET. It must name this site, even if the browser marks the request
    /// as same-origin. The value `null`, which a page with `Referrer-Policy: no-referrer` sends, passes on that mark alone. No script can
    /// set either header.
    fn is_same_origin_post(
        &self,
        headers: &RequestHeaders<'_>,
        request_host: Option<&str>,
        callback_host: Option<&str>,
    ) -> bool {
        let Some(origin) = headers.get("origin") else { return false };
        let is_own = self.is_own_origin(origin, request_host, callback_host);
        match headers.get("sec-fetch-site") {
            Some(b"same-origin") => is_own || origin == b"null",
            Some(b"same-site") => self.is_trusted_origin(origin),
            Some(_) => false,
            None => is_own || self.is_trusted_origin(origin),
        }
    }

    /// Whether another site sent a POST, with which the browser sends no `SameSite=Lax` cookie.
    fn is_cross_site_post(
        &self,
        headers: &RequestHeaders<'_>,
        request_host: Option<&str>,
        callback_host: Option<&str>,
    ) -> bool {
        let Some(origin) = headers.get("origin") else { return false };
        match headers.get("sec-fetch-site") {
            Some(site) => site == b"cross-site",
            None => !self.is_own_origin(origin, request_host, callback_host) && !self.is_trusted_origin(origin),
        }
    }

    /// Whether an `Origin` header is one of the additional trusted origins.
    fn is_trusted_origin(&self, origin: &[u8]) -> bool {
        self.trusted_origins.iter().any(|trusted| trusted.as_bytes() == origin)
    }

    /// Whether an `Origin` header names this site.
    fn is_own_origin(&self, origin: &[u8], request_host: Option<&str>, callback_host: Option<&str>) -> bool {
        let origin = std::str::from_utf8(origin).ok();
        let Some((scheme, authority)) = origin.and_then(|origin| origin.split_once("://")) else { return false };
        // A page that was loaded over plain http may come from an attacker on the network.
        let local = host_of(authority).is_some_and(is_loopback);
        let secure = scheme == "https" || (scheme == "http" && (local || !self.cookies.are_secure()));
        let is_host = |known: &str| host_of(authority).is_some_and(|host| host.eq_ignore_ascii_case(known));
        let same_host = if self.hosts.are_named() {
            match self.hosts.known(request_host) {
                // Behind a proxy that replaces the Host header, only the host is known, not the port.
                Some(public) => is_host(public),
                // A page of one public host must not start a link on another one.
                None => self.hosts.names().iter().any(|public| is_host(public)) && callback_host.is_none_or(is_host),
            }
        } else {
            match request_host {
                Some(host) => is_host_of_origin(host, scheme, authority),
                // HTTP/2 without a Host header, or no usable trusted header: the cookie must reach the callback's host.
                None => callback_host.is_some_and(is_host),
            }
        };
        secure && same_host
    }
}

/// Refuses requests that are no click of the user: fetches, images and frames would start logins and pile up cookies. Browsers too old for
/// `Sec-Fetch-*` send none of these headers and pass.
///
/// A service worker that forwards a navigation sends it with the destination `empty` (w3c/ServiceWorker issue 1803). No script can make
/// a request of the mode `navigate` (Fetch standard, section 5.4, the `Request` constructor), so the two together are a navigation.
///
/// A frame that a page of this site navigates sends `same-origin`, even if another site embeds that page.
fn check_navigation(headers: &RequestHeaders<'_>, frames: &Frames) -> Result<(), BeginError> {
    let (mode, destination) = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest"));
    let is_navigation = match (mode, destination) {
        (Some(mode), _) if mode != b"navigate" => false,
        (Some(_), _) if is_in_frame(headers) => match frames {
            Frames::Refused => false,
            Frames::SameOrigin => headers.get("sec-fetch-site") == Some(b"same-origin"),
            Frames::EmbeddedIn(_) => true,
        },
        (Some(_), Some(destination)) => matches!(destination, b"document" | b"empty"),
        (None, Some(destination)) => destination == b"document",
        (_, None) => true,
    };
    if !is_navigation || headers.is_speculative() {
        return Err(BeginError::NotANavigation);
    }
    Ok(())
}

/// Whether the response is shown in a frame (Fetch Metadata Request Headers, section 2.1).
pub(super) fn is_in_frame(headers: &RequestHeaders<'_>) -> bool {
    headers.get("sec-fetch-dest").is_some_and(|destination| matches!(destination, b"iframe" | b"frame"))
}
