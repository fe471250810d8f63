//! The responses to callbacks that end without a sign-in.

use http::{HeaderValue, Response};
use oauth_state::error::FinishErrorKind;
use oauth_state::outcome::AuthorizationError;
use oauth_state::seam as core;
use oauth_state::{FinishError, LoginData, OpenedCallback, Origin, Purpose, Restart};

use crate::begin::AGAIN;
use crate::failure::Failure;
use crate::framework::Framework;
use crate::request::LoginRequest;
use crate::serving::{Known, Serving, body, see_other, to_return_path};

impl<W: Framework, T: LoginData> Serving<W, T> {
    /// Responds to a refused callback: a fixed response if there is only one, a redirect to the return path or the
    /// login start if that helps, otherwise a page.
    pub(crate) fn refuse(
        &self,
        error: &FinishError,
        request: &LoginRequest,
        known: Option<&Known>,
    ) -> Response<W::Body> {
        // Half of a callback, which the page posts again in full, or a request that no user looks at.
        if error.repost().is_some() || error.kind() == FinishErrorKind::NotConsumed {
            return error.to_response().map(|text| body::<W>(text.into_owned()));
        }
        let (restart, again) = (error.restart(), self.again(known.map(|known| &known.site), request));
        let is_signed_in = known.is_some_and(|known| known.user.is_some());
        // A double click or the back button: the first request signed the user in.
        if let (FinishErrorKind::AlreadyUsed, true, Some(restart)) = (error.kind(), is_signed_in, restart) {
            let target = restart.return_to().unwrap_or(&self.shared.default_return_to);
            return to_return_path::<W>(target);
        }
        // Redirect instead of restarting here, so that every layer in front of the login start sees the restart.
        if let Some(restart) = restart.filter(|restart| restart.is_automatic()) {
            return self.to_login_start(restart);
        }
        let target = restart.map_or(again, |restart| self.target(restart.purpose(), restart.return_to(), again));
        self.shared.error_page(Failure::Refused(error), target, request, || error.to_page(target))
    }

    /// A redirect to the login start, next to the callback. The address is relative, because a proxy or a nesting
    /// router may have removed a prefix of the path.
    pub(crate) fn to_login_start(&self, restart: &Restart) -> Response<W::Body> {
        // Id and state hold only characters that are allowed in headers and addresses.
        let mut address = HeaderValue::from_str(&format!("../{}?{AGAIN}={}", self.provider, restart.token())).ok();
        if let Some(address) = &mut address {
            address.set_sensitive(true);
        }
        see_other::<W>(address)
    }

    /// Hands a callback over to the app of its redirect id. The app finishes the login itself, with the login secret
    /// that it keeps: nothing is consumed here, and another app that claimed the same link cannot finish the login (RFC
    /// 8252 section 8.1).
    ///
    /// The link does not say where the callback arrived, so the address is compared here: a hostile provider could send
    /// another provider's code with its own state (mix-up, RFC 9700 section 4.4).
    pub(crate) fn handed_over(&self, opened: &OpenedCallback<T>) -> Option<Response<W::Body>> {
        let redirect = opened.redirect()?;
        let (_, app_link) = self.shared.hooks.hand_over.iter().find(|(id, _)| *id == redirect)?;
        let is_of_provider = opened.provider() == &*self.provider && opened.is_connection() == self.is_connection;
        if !is_of_provider || !core::is_bound_by_login_secret(opened) {
            return None;
        }
        Some(core::hand_over(app_link, opened).map(body::<W>))
    }

    /// The page of a login that the provider denied.
    pub(crate) fn denied(
        &self,
        error: &AuthorizationError,
        origin: &Origin,
        request: &LoginRequest,
        known: &Known,
    ) -> Response<W::Body> {
        let text = "The sign-in was declined or did not succeed. Nothing has changed.";
        self.page(Failure::Denied { error, reference: origin.reference }, text, origin, request, known)
    }

    /// The page of a login whose hook failed. Its state is used up, so the user needs a new login.
    pub(crate) fn hook_failed(
        &self,
        hook: &'static str,
        origin: &Origin,
        request: &LoginRequest,
        known: &Known,
    ) -> Response<W::Body> {
        let text = "Something on our side went wrong. Please try again.";
        self.page(Failure::HookFailed { hook, reference: origin.reference }, text, origin, request, known)
    }

    fn page(
        &self,
        failure: Failure<'_>,
        text: &'static str,
        origin: &Origin,
        request: &LoginRequest,
        known: &Known,
    ) -> Response<W::Body> {
        let again = self.again(Some(&known.site), request);
        let target = self.target(origin.purpose, origin.return_to.as_ref(), again);
        let button = if origin.purpose == Purpose::Login { "Sign in again" } else { "Go on" };
        self.shared.error_page(failure, target, request, || {
            core::page(failure.status(), "Not signed in", text, button, target, failure.reference())
        })
    }
}
