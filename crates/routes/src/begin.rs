//! The login start.

use http::{Method, Response};
use oauth_state::error::UrlError;
use oauth_state::http::redirect;
use oauth_state::observe::{Event, Observer as _};
use oauth_state::seam as core;
use oauth_state::{AuthorizationRequest, BeginError, Binding, Login, LoginData, Purpose, ReturnTo};

use crate::failure::Failure;
use crate::framework::Framework;
use crate::provider_started::STARTED;
use crate::request::LoginRequest;
use crate::serving::{HookError, Known, Serving, binding, body, empty};

/// The parameter of a login start that carries the state of a refused login.
pub(crate) const AGAIN: &str = "again";

impl From<HookError> for BeginError {
    fn from(HookError { hook, source }: HookError) -> Self {
        Self::HookFailed { hook, source }
    }
}

impl<W: Framework, T: LoginData> Serving<W, T> {
    /// Starts a login, a link or a step-up.
    pub(crate) async fn begin(mut self, purpose: Purpose, request: &LoginRequest) -> Response<W::Body> {
        let started = self.start(purpose, request).await;
        started.unwrap_or_else(|error| {
            let again = match &error {
                BeginError::HookFailed { .. } if purpose == Purpose::Login => self.again(None, request),
                _ => &self.shared.default_return_to,
            };
            self.shared.error_page(Failure::StartRefused(&error), again, request, || error.to_page(again))
        })
    }

    async fn start(&mut self, purpose: Purpose, request: &LoginRequest) -> Result<Response<W::Body>, BeginError> {
        // A login belongs to the browser alone: a signed-in user may sign in as another one.
        let is_for_user = purpose != Purpose::Login;
        let known = self.ask(request, is_for_user).await.map_err(|failed| self.counted(failed.into()))?;
        if self.is_connection && known.loaded.is_none() {
            return Err(self.counted(BeginError::UnknownProvider));
        }
        // A login that a provider started begins by itself only if the browser keeps the marker: without it, a provider
        // that drops `state` would cause a redirect loop.
        if purpose == Purpose::Login && request.query(STARTED).is_some() && !self.has_marker(request) {
            return Ok(self.unconfirmed(&known.site, request));
        }
        let data = (self.shared.hooks.data)(request.clone()).await;
        let data = data.map_err(|source| self.counted(BeginError::HookFailed { hook: "data", source }))?;
        let begun = self.seal(&known, purpose, request, data)?;
        self.redirect(&begun, request).await.map_err(|error| self.counted(error))
    }

    fn seal(
        &self,
        known: &Known,
        purpose: Purpose,
        request: &LoginRequest,
        data: T,
    ) -> Result<AuthorizationRequest, BeginError> {
        let flow = &self.shared.flow;
        let restart = request.query(AGAIN).filter(|_| purpose == Purpose::Login).and_then(|token| {
            let expect = self.expect(known).purpose(Purpose::Login);
            flow.restart(&token, &Binding::cookies(&request.headers), expect)
        });
        let login = known.loaded.as_ref().map_or_else(|| Login::with(&*self.provider), Login::with).purpose(purpose);
        let login = core::login_of_site(login, known.site.tenant.clone(), known.site.redirect.clone());
        let login = match &restart {
            Some(restart) => login.data(restart.data().unwrap_or(data)).restarting(restart),
            None => login.data(data),
        };
        let return_to = core::return_path(&login).cloned().or_else(|| self.return_to(known, request));
        // Anyone can write a link with such a path. Drop the path and start the login.
        let return_to = return_to.filter(|path| {
            let leads_astray = self.shared.is_own(path)
                || self.leads_to_other_connection(path)
                || core::returns_to_callback(flow, path, known.loaded.as_ref());
            if leads_astray {
                self.tell_dropped("own_route");
            }
            !leads_astray
        });
        flow.begin(binding(request, known.user.as_deref()), core::returning_to(login, return_to))
    }

    /// The requested return path: a path, or an address of this site.
    fn return_to(&self, known: &Known, request: &LoginRequest) -> Option<ReturnTo> {
        let wanted = request.query("return_to").filter(|wanted| !wanted.is_empty())?;
        let configured = || self.shared.flow.providers().find(|provider| provider.id() == &*self.provider);
        let provider = known.loaded.as_ref().or_else(configured);
        let own = provider.and_then(|provider| core::origin_of(provider, known.site.redirect()));
        let path = match own.and_then(|own| wanted.strip_prefix(own)) {
            Some("") => "/",
            Some(path) if path.starts_with('/') => path,
            _ => &wanted,
        };
        ReturnTo::from_decoded(path).map_err(|error| self.tell_dropped(error.code())).ok()
    }

    fn tell_dropped(&self, reason: &'static str) {
        self.shared.flow.observers().event(&Event::ReturnPathDropped { provider: self.label(), reason });
    }

    /// Whether a return path leads to the routes of any connection, under the prefix of this one's own address.
    fn leads_to_other_connection(&self, path: &ReturnTo) -> bool {
        let starts = self.again.iter().filter(|_| self.is_connection);
        starts.filter_map(|start| start.path.as_str().rsplit_once('/')).any(|(at, _)| core::leads_below(path, at))
    }

    /// Counts a login that did not start for a reason outside the flow.
    fn counted(&self, error: BeginError) -> BeginError {
        self.shared.flow.observers().event(&error.to_event(self.label()));
        error
    }

    async fn redirect(
        &self,
        begun: &AuthorizationRequest,
        request: &LoginRequest,
    ) -> Result<Response<W::Body>, BeginError> {
        let url = match &self.shared.hooks.authorize {
            // A HEAD request, as link scanners send it, needs no pushed request.
            Some(complete) if request.method != Method::HEAD => {
                let completed = complete(begun.url()?, request.clone()).await;
                completed.map_err(|source| BeginError::HookFailed { hook: "authorize", source })?
            }
            _ => begun.url()?,
        };
        let response = if request.method == Method::POST {
            core::navigate(begun, &url.to_string()).map(|page| page.map(body::<W>))
        } else {
            redirect(begun, url).map(|response| response.map(|()| empty::<W>()))
        };
        response.map_err(|_| UrlError::Header.into())
    }
}
