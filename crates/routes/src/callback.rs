//! The callback, up to the outcome of its login.

use http::Response;
use oauth_state::error::FinishErrorKind;
use oauth_state::observe::Observer as _;
use oauth_state::outcome::AuthorizationError;
use oauth_state::{Callback, FinishError, LoginData, LoginOutcome};

use crate::framework::Framework;
use crate::request::LoginRequest;
use crate::serving::{HookError, Known, Serving, binding};

impl<W: Framework, T: LoginData> Serving<W, T> {
    /// Finishes a login, a link or a step-up.
    ///
    /// # Errors
    ///
    /// The response, if there is no outcome for the application.
    pub(crate) async fn finish(
        &mut self,
        request: &LoginRequest,
        callback: Callback,
    ) -> Result<(LoginOutcome<T>, Known), Response<W::Body>> {
        let flow = self.shared.flow.clone();
        let reference = callback.reference();
        let opened = if self.is_connection { flow.open(callback) } else { flow.open_at(&self.provider, callback) };
        if let Some(response) = opened.as_ref().ok().and_then(|opened| self.handed_over(opened)) {
            return Err(response);
        }
        // A state that this ring did not seal must not trigger look-ups of sessions, tenants or providers.
        let is_authentic = opened.as_ref().err().is_none_or(FinishError::is_of_authentic_state);
        let known = if is_authentic { self.ask(request, true).await } else { Ok(Known::default()) };
        let known = match known {
            Ok(known) => known,
            // The observers already know of a callback that is also too late.
            Err(failed) => {
                return Err(self.refuse_for(
                    FinishError::from(failed).with_reference(reference),
                    opened.is_ok(),
                    request,
                ));
            }
        };
        let opened = match opened {
            Ok(opened) if self.is_connection && known.loaded.is_none() => Err(opened.connection_gone()),
            opened => opened,
        };
        let (binding, expect) = (binding(request, known.user.as_deref()), self.expect(&known).any_purpose());
        let verified = opened
            .map_err(|refused| refused.seen_by(&binding, expect))
            .and_then(|opened| opened.verify(binding, expect));
        let finished = match verified {
            Ok(verified) => verified.mark_used().await,
            Err(refused) => Err(refused),
        };
        match finished {
            // Denied only once: the restart that the page offers is counted in the state.
            Ok(LoginOutcome::Denied(denied))
                if self.shared.hooks.restart_after_denial
                    && means_try_again(&denied.error)
                    && denied.restart.is_automatic() =>
            {
                Err(self.to_login_start(&denied.restart))
            }
            Ok(outcome) => Ok((outcome, known)),
            Err(error) => Err(self.refuse(&error, request, is_authentic.then_some(&known))),
        }
    }
}

impl<W: Framework, T: LoginData> Serving<W, T> {
    /// Refuses a callback for which a hook failed. Nothing has been consumed.
    pub(crate) fn refuse_for(
        &self,
        error: FinishError,
        is_to_be_told: bool,
        request: &LoginRequest,
    ) -> Response<W::Body> {
        if is_to_be_told {
            self.shared.flow.observers().event(&error.to_event(Some(self.label())));
        }
        self.refuse(&error, request, None)
    }
}

/// The refusal of a callback for which a hook failed.
impl From<HookError> for FinishError {
    fn from(HookError { hook, source }: HookError) -> Self {
        let diagnosis = match hook {
            "site" => "the `site` hook of the routes failed; nothing was consumed, and the callback may be tried again",
            "connections" => {
                "the `connections` hook of the routes failed to load the provider; nothing was consumed, and the callback may be tried again"
            }
            _ => {
                "the `signed_in_user` hook of the routes failed; nothing was consumed, and the callback may be tried again"
            }
        };
        Self::from(FinishErrorKind::HookFailed).with_diagnosis(diagnosis).with_source(source)
    }
}

/// The errors after which the same login may succeed if it is repeated at once.
fn means_try_again(error: &AuthorizationError) -> bool {
    use AuthorizationError::{InteractionRequired, LoginRequired, TemporarilyUnavailable};
    matches!(error, TemporarilyUnavailable | LoginRequired | InteractionRequired)
}
