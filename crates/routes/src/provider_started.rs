//! Logins that a provider starts: a callback without `state`, from an app directory, a portal tile or the installation of
//! an app.
//!
//! The code is dropped, because nothing shows whose it is (login CSRF, RFC 6749 section 10.12). The browser goes to the
//! login start instead, as after a click on a link. A marker cookie counts these starts: on a second one within a
//! minute, or if the browser keeps no cookies, the user gets a page with a button. So a provider that never returns
//! `state` causes no loop.

use http::header::{COOKIE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderValue, Method, Response};
use oauth_state::LoginData;
use oauth_state::seam as core;

use crate::failure::Failure;
use crate::framework::Framework;
use crate::request::LoginRequest;
use crate::serving::{Known, Serving, see_other};
use crate::site::Site;

/// The parameter that marks a login start after a provider-started callback.
pub(crate) const STARTED: &str = "started";

const MARKER: &str = "oauth-state-started";
const SECURE_MARKER: &str = "__Host-oauth-state-started";
/// The marker's lifetime in seconds: longer than one round of a loop, shorter than the time between a user's visits.
const MARKER_SECONDS: u32 = 60;

/// Whether a request at the callback may be a provider's start: a GET without a state and without an error.
pub(crate) fn may_be_start(parts: &Parts) -> bool {
    parts.method == Method::GET
        && core::refuse_what_must_not_consume(&parts.method, &parts.headers).is_ok()
        && !core::is_authorization_response(parts.uri.query().unwrap_or_default())
}

impl<W: Framework, T: LoginData> Serving<W, T> {
    /// The response to a provider's start, if this provider may start logins.
    pub(crate) async fn provider_started(&mut self, request: &LoginRequest) -> Option<Response<W::Body>> {
        let known = if self.is_connection { self.ask(request, false).await } else { Ok(Known::default()) };
        let known = match known {
            Ok(known) => known,
            Err(failed) => return Some(self.refuse_for(failed.into(), true, request)),
        };
        if !self.may_start_logins {
            return None;
        }
        if self.has_marker(request) {
            return Some(self.unconfirmed(&known.site, request));
        }
        let mut bounce = see_other::<W>(HeaderValue::from_str(&format!("../{}?{STARTED}=1", self.provider)).ok());
        let (name, secure) = self.marker();
        let marker = format!("{name}=1; Path=/; Max-Age={MARKER_SECONDS}; HttpOnly; SameSite=Lax{secure}");
        if let Ok(marker) = HeaderValue::from_str(&marker) {
            bounce.headers_mut().insert(SET_COOKIE, marker);
        }
        Some(bounce)
    }

    /// The name of the marker cookie, and its attribute. `__Host-`: a sibling site must not be able to plant it.
    fn marker(&self) -> (&'static str, &'static str) {
        if core::has_secure_cookies(&self.shared.flow) { (SECURE_MARKER, "; Secure") } else { (MARKER, "") }
    }

    /// Whether the browser keeps the marker of a provider's start.
    pub(crate) fn has_marker(&self, request: &LoginRequest) -> bool {
        let (name, _) = self.marker();
        // Compare bytes, because other cookies may hold anything.
        let pairs =
            request.headers.get_all(COOKIE).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
        let mut names = pairs.filter_map(|pair| pair.split(|byte| *byte == b'=').next());
        names.any(|known| known.trim_ascii() == name.as_bytes())
    }

    /// A page that asks the user before it starts a login.
    pub(crate) fn unconfirmed(&self, site: &Site, request: &LoginRequest) -> Response<W::Body> {
        let again = self.again(Some(site), request);
        let text = "You came here from another site to sign in. Use the button to continue.";
        self.shared.error_page(Failure::Unconfirmed, again, request, || {
            core::page(Failure::Unconfirmed.status(), "Sign in", text, "Sign in", again, None)
        })
    }
}
