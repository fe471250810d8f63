//! The handlers of the login and callback routes.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{HOST, LOCATION};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use oauth_state::error::{FinishErrorKind, UrlError};
use oauth_state::http::redirect;
use oauth_state::observe::Observer as _;
use oauth_state::outcome::AuthorizationError;
use oauth_state::seam as core;
use oauth_state::{
    AuthorizationRequest, BeginError, Binding, Callback, Expect, FinishError, Flow, Login, LoginOutcome, Provider,
    Purpose, Restart, ReturnTo,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::framework::Framework;
use crate::hooks::{Cause, Hooks};
use crate::login_start::{Again, login_starts};
use crate::read_callback::{BoxError, read_callback};
use crate::site::Site;
use crate::task::run_to_completion;

/// Where the authorization URL of a provider comes from.
#[derive(Clone)]
pub(crate) enum AddressMaker {
    /// [`AuthorizationRequest::url`], completed by the `authorize` hook.
    Built,
    /// A closure of the application's.
    Custom(Arc<dyn Fn(&AuthorizationRequest) -> String + Send + Sync>),
}

/// The state that the routes of all providers share.
pub(crate) struct Shared<W: Framework, T> {
    pub(crate) flow: Flow<T>,
    /// The path of the routes in the router.
    pub(crate) at: String,
    /// The same as browsers see it, under each front of the path that a proxy or a nesting router takes away.
    pub(crate) below: Vec<String>,
    pub(crate) default_return_to: ReturnTo,
    /// The addresses of all routes, as browsers see them.
    pub(crate) own: Vec<String>,
    pub(crate) hooks: Hooks<W, T>,
}

impl<W: Framework, T> Shared<W, T> {
    /// Whether a return path leads to one of these routes: one link would start login after login.
    fn is_own(&self, path: &ReturnTo) -> bool {
        let below = || self.below.iter().any(|at| core::leads_below(path, at));
        let at_a_connection = || self.hooks.connections.is_some() && below();
        self.own.iter().any(|own| core::leads_to(path, own)) || at_a_connection()
    }
}

/// The routes of one provider.
pub(crate) struct Serving<W: Framework, T> {
    pub(crate) shared: Arc<Shared<W, T>>,
    pub(crate) provider: Arc<str>,
    /// The path of the login start in the router.
    pub(crate) path: String,
    /// Where browsers find it: one for each redirect_uri, and at least one.
    pub(crate) again: Vec<Again>,
    pub(crate) authorization_url: AddressMaker,
    /// The provider is loaded by the `connections` hook.
    pub(crate) is_connection: bool,
}

/// The parameter of a login start that carries the state of a refused login.
const AGAIN: &str = "again";

impl<W: Framework, T> Clone for Serving<W, T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            provider: Arc::clone(&self.provider),
            path: self.path.clone(),
            again: self.again.clone(),
            authorization_url: self.authorization_url.clone(),
            is_connection: self.is_connection,
        }
    }
}

impl<W: Framework, T: Serialize + DeserializeOwned + Send + Sync + 'static> Serving<W, T> {
    /// Starts a login, a link or a step-up.
    pub(crate) async fn begin(mut self, purpose: Purpose, request: Parts) -> Response<W::Body> {
        let request = with_host(request);
        // A login belongs to the browser alone: whoever is signed in may sign in as somebody else.
        let user = if purpose == Purpose::Login { None } else { self.user(&request).await };
        let begun = match self.site(&request).await {
            Ok(site) => match self.load(&site).await {
                Ok(loaded) => self.begin_at(loaded.as_ref(), &site, purpose, &request, user.as_deref()),
                Err(error) => Err(self.counted(error)),
            },
            Err(cause) => Err(self.counted(BeginError::SiteUnavailable(cause))),
        };
        let answer = match begun {
            Ok(begun) => self.redirect(&begun, &request).await.map_err(|error| self.counted(error)),
            Err(error) => Err(error),
        };
        answer.unwrap_or_else(|error| {
            self.tell_of_begin(&error);
            let again = match &error {
                BeginError::HookFailed { .. } if purpose == Purpose::Login => self.again(None, &request),
                _ => &self.shared.default_return_to,
            };
            error.to_page(again).map(body::<W>)
        })
    }

    /// The provider of these routes, if it is a connection.
    async fn load(&mut self, site: &Site) -> Result<Option<Provider>, BeginError> {
        let loaded =
            self.loaded(site).await.map_err(|source| BeginError::HookFailed { hook: "connections", source })?;
        if self.is_connection && loaded.is_none() {
            return Err(BeginError::UnknownProvider);
        }
        if let Some(found) = &loaded {
            let starts = login_starts(found, &self.path, &mut BTreeSet::new());
            self.again =
                starts.map_err(|error| BeginError::HookFailed { hook: "connections", source: error.into() })?;
        }
        Ok(loaded)
    }

    /// What the hook gives for the id in the path: a provider of another id is none.
    async fn loaded(&self, site: &Site) -> Result<Option<Provider>, Cause> {
        match &self.shared.hooks.connections {
            Some(load) if self.is_connection => {
                let loaded = load(self.provider.to_string(), site.clone()).await?;
                Ok(loaded.filter(|found| found.id() == &*self.provider))
            }
            _ => Ok(None),
        }
    }

    fn begin_at(
        &self,
        loaded: Option<&Provider>,
        site: &Site,
        purpose: Purpose,
        request: &Parts,
        user: Option<&[u8]>,
    ) -> Result<AuthorizationRequest, BeginError> {
        let flow = &self.shared.flow;
        let restart = parameter(request, AGAIN).filter(|_| purpose == Purpose::Login);
        let restart = restart.and_then(|token| {
            let expect = self.expect(loaded, site).purpose(Purpose::Login);
            flow.restart(&token, &Binding::cookies(&request.headers), expect)
        });
        let begin = |return_to: Option<ReturnTo>| {
            let login = loaded.map_or_else(|| Login::with(&*self.provider), Login::with).purpose(purpose);
            let login = core::login_of_site(login, site.tenant.clone(), site.redirect.clone());
            let login = match return_to {
                Some(path) => login.return_to(path),
                None => login,
            };
            let mut login = (self.shared.hooks.each_login)(login, request);
            // The callback expects what the site says: any other login could not be finished.
            if core::site_of(&login) != (site.tenant.as_ref(), site.redirect.as_deref()) {
                return Err(self.counted(BeginError::NotOfSite));
            }
            // Only what belongs to a user may come on the routes of a user.
            if purpose != Purpose::Login {
                login = login.purpose(purpose);
            }
            if let Some(restart) = &restart {
                login = login.restarting(restart);
                if let Some(data) = restart.data() {
                    login = login.data(data);
                }
            }
            let login =
                core::drop_return_path(login, |path| self.shared.is_own(path) || self.leads_to_other_connection(path));
            flow.begin(binding(request, user), login)
        };
        match begin(parameter(request, "return_to").and_then(|path| path.parse::<ReturnTo>().ok())) {
            // Anyone can write such a link; the login is good without it.
            Err(BeginError::ReturnsToCallback) => begin(None),
            begun => begun,
        }
    }

    /// Whether a return path leads to the routes of any connection, under the front of this one's own address.
    fn leads_to_other_connection(&self, path: &ReturnTo) -> bool {
        let starts = self.again.iter().filter(|_| self.is_connection);
        starts.filter_map(|start| start.path.as_str().rsplit_once('/')).any(|(at, _)| core::leads_below(path, at))
    }

    /// Counts a login that did not start for a reason that the flow does not know.
    fn counted(&self, error: BeginError) -> BeginError {
        self.shared.flow.observers().event(&error.to_event(if self.is_connection {
            core::CONNECTION
        } else {
            &self.provider
        }));
        error
    }

    async fn redirect(&self, begun: &AuthorizationRequest, request: &Parts) -> Result<Response<W::Body>, BeginError> {
        let url = match (&self.authorization_url, &self.shared.hooks.authorize) {
            (AddressMaker::Custom(make), _) => make(begun),
            (AddressMaker::Built, None) => begun.url()?.to_string(),
            (AddressMaker::Built, Some(complete)) => {
                let completed = complete(begun.url()?, request.clone()).await;
                completed.map_err(|source| BeginError::HookFailed { hook: "authorize", source })?.to_string()
            }
        };
        let response = redirect(begun, url);
        response.map(|response| response.map(|()| empty::<W>())).map_err(|_| UrlError::Header.into())
    }

    /// Finishes a login, a link or a step-up, on a task of its own.
    pub(crate) async fn callback<B>(self, request: Request<B>) -> Response<W::Body>
    where
        B: http_body::Body,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        let parts = with_host(parts);
        // Read here, where a time limit of the application's ends it; only what follows must outlive the connection.
        match read_callback(&parts, body).await {
            Ok(callback) => run_to_completion(async move { self.finish(parts, callback).await }).await,
            Err(error) => {
                core::tell_unread(&self.shared.flow, &error);
                self.refuse(&error, &parts, None, false)
            }
        }
    }

    async fn finish(mut self, request: Parts, callback: Callback) -> Response<W::Body> {
        let flow = &self.shared.flow;
        let opened = if self.is_connection { flow.open(callback) } else { flow.open_at(&self.provider, callback) };
        // A state that this ring did not seal must not make the application look up sessions and tenants.
        let is_authentic = opened.as_ref().err().is_none_or(FinishError::is_of_authentic_state);
        let user = if is_authentic { self.user(&request).await } else { None };
        let site = if is_authentic { self.site(&request).await } else { Ok(Site::default()) };
        let site = match site {
            Ok(site) => site,
            Err(cause) => {
                let error = FinishError::from(FinishErrorKind::SiteUnavailable).with_source(cause);
                // A callback that is out of time as well has been told of already.
                if opened.is_ok() {
                    flow.observers().event(&error.to_event(None));
                }
                return self.refuse(&error, &request, None, false);
            }
        };
        let loaded = if is_authentic { self.loaded(&site).await } else { Ok(None) };
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(cause) => {
                let error =
                    FinishError::from(FinishErrorKind::SiteUnavailable).with_diagnosis(NOT_LOADED).with_source(cause);
                if opened.is_ok() {
                    flow.observers().event(&error.to_event(None));
                }
                return self.refuse(&error, &request, None, false);
            }
        };
        // For the way back to the login start. An address that is wrong by now is refused below.
        if let Some(Ok(starts)) = loaded.as_ref().map(|found| login_starts(found, &self.path, &mut BTreeSet::new())) {
            self.again = starts;
        }
        let opened = match opened {
            Ok(opened) if self.is_connection && loaded.is_none() => Err(opened.connection_gone()),
            opened => opened,
        };
        let (binding, expect) = (binding(&request, user.as_deref()), self.expect(loaded.as_ref(), &site).any_purpose());
        let verified = opened
            .map_err(|refused| refused.seen_by(&binding, expect))
            .and_then(|opened| opened.verify(binding, expect));
        let finished = match verified {
            Ok(verified) => verified.mark_used().await,
            Err(refused) => Err(refused),
        };
        let hooks = &self.shared.hooks;
        let finished = match (finished, &hooks.on_returned) {
            (Ok(LoginOutcome::Returned(back)), Some(answer)) => return set_no_store(answer(back, request).await),
            // Once: the restart that is offered counts it, in the state.
            (Ok(LoginOutcome::Denied(denied)), _)
                if hooks.restart_after_denial && means_try_again(&denied.error) && denied.restart.is_automatic() =>
            {
                return self.to_login_start(&denied.restart);
            }
            (finished, _) => finished,
        };
        match (finished, &hooks.on_login, &hooks.on_step_up, &hooks.on_denied) {
            (Ok(LoginOutcome::Authorized(login)), Some(exchange), ..) => set_no_store(exchange(login, request).await),
            (Ok(LoginOutcome::SteppedUp(login)), _, Some(exchange), _) => set_no_store(exchange(login, request).await),
            (Ok(LoginOutcome::Denied(refusal)), _, _, Some(answer)) => set_no_store(answer(refusal, request).await),
            (Ok(LoginOutcome::Returned(back)), ..) => {
                let target = back.origin.return_to.as_ref().unwrap_or(&self.shared.default_return_to);
                see_other::<W>(HeaderValue::from_str(target.as_str()).ok())
            }
            (Ok(finished), ..) => self.page_of_the_provider_s_refusal(&finished, self.again(Some(&site), &request)),
            (Err(error), ..) => self.refuse(&error, &request, is_authentic.then_some(&site), user.is_some()),
        }
    }

    /// The provider and the site of this callback. A state of another one is refused, and so is a state with a tenant
    /// or a redirect id where the site has none.
    fn expect<'a>(&'a self, loaded: Option<&'a Provider>, site: &'a Site) -> Expect<'a> {
        let expect = loaded.map_or_else(|| Expect::provider(&self.provider), Expect::connection);
        let expect = site.tenant.as_ref().map_or(expect, |tenant| expect.tenant(tenant));
        site.redirect.as_deref().map_or(expect, |redirect| expect.redirect(redirect))
    }

    /// Responds to a refused callback: with a fixed response where there is only one, with a redirect to the return
    /// path or to the login start where that helps, and with a page otherwise.
    fn refuse(&self, error: &FinishError, request: &Parts, site: Option<&Site>, signed_in: bool) -> Response<W::Body> {
        // Half of a callback: the other half comes when the page posts it once more.
        if error.repost().is_some() {
            return error.to_response().map(|text| body::<W>(text.into_owned()));
        }
        if let Some(told) = &self.shared.hooks.on_error {
            told(error);
        }
        if let Some(response) = answer_by_itself::<W>(error) {
            return response;
        }
        let (restart, again) = (error.restart(), self.again(site, request));
        // A double click, the back button: the first of the two signed in.
        if let (FinishErrorKind::AlreadyUsed, true, Some(restart)) = (error.kind(), signed_in, restart) {
            return see_other::<W>(
                HeaderValue::from_str(restart.return_to().unwrap_or(&self.shared.default_return_to).as_str()).ok(),
            );
        }
        // Not in this answer: every layer in front of the login start has to see the restart.
        if let Some(restart) = restart.filter(|restart| restart.is_automatic()) {
            return self.to_login_start(restart);
        }
        let target = restart.map_or(again, |restart| self.target(restart, again));
        match &self.shared.hooks.refusal_page {
            Some(page) => set_no_store(page(error, target)),
            None => error.to_page(target).map(body::<W>),
        }
    }

    /// A redirect to the login start, which is next to the callback. The address is relative, because a proxy or a
    /// router that nests this one may have removed a prefix of the path.
    fn to_login_start(&self, restart: &Restart) -> Response<W::Body> {
        // The id and the state hold no character that a header or an address does not take.
        let mut address = HeaderValue::from_str(&format!("../{}?{AGAIN}={}", self.provider, restart.token())).ok();
        if let Some(address) = &mut address {
            address.set_sensitive(true);
        }
        see_other::<W>(address)
    }

    /// Where browsers find the login start on this request's site: found by the hook's redirect id, else by the path of
    /// the request, else by its host.
    fn again(&self, site: Option<&Site>, request: &Parts) -> &ReturnTo {
        let host = request.headers.get(HOST).and_then(|host| host.to_str().ok()).and_then(core::host_of);
        let host = host.map(|host| host.trim_end_matches('.'));
        let on_host = |again: &&Again| {
            again.host.as_deref().zip(host).is_some_and(|(known, host)| known.eq_ignore_ascii_case(host))
        };
        let at_path = |again: &&Again| request.uri.path().strip_suffix("/callback") == Some(again.path.as_str());
        let of_site = site.and_then(|site| self.again.iter().find(|again| again.redirect == site.redirect));
        let on_host_and_path = || self.again.iter().find(|again| on_host(again) && at_path(again));
        let found = of_site.or_else(on_host_and_path).or_else(|| self.again.iter().find(on_host));
        found.or(self.again.first()).map_or(&self.shared.default_return_to, |again| &again.path)
    }

    /// The target of the button: the login start or, after a request that only a POST from the site's own pages may
    /// start, such a page.
    fn target<'a>(&'a self, restart: &'a Restart, again: &'a ReturnTo) -> &'a ReturnTo {
        match restart.purpose() {
            Purpose::Link | Purpose::Reauthenticate => restart.return_to().unwrap_or(&self.shared.default_return_to),
            _ => again,
        }
    }

    fn page_of_the_provider_s_refusal(&self, finished: &LoginOutcome<T>, again: &ReturnTo) -> Response<W::Body> {
        let origin = finished.origin();
        let (target, button) = match origin.purpose {
            Purpose::Link | Purpose::Reauthenticate => {
                (origin.return_to.as_ref().unwrap_or(&self.shared.default_return_to), "Go on")
            }
            _ => (again, "Sign in again"),
        };
        let text = "The sign-in was declined or did not succeed. Nothing has changed.";
        core::page(400, "Not signed in", text, button, target).map(body::<W>)
    }

    async fn site(&self, request: &Parts) -> Result<Site, Cause> {
        match &self.shared.hooks.site {
            Some(site) => site(request.clone()).await,
            None => Ok(Site::default()),
        }
    }

    async fn user(&self, request: &Parts) -> Option<Vec<u8>> {
        match &self.shared.hooks.signed_in_user {
            Some(user) => user(request.clone()).await,
            None => None,
        }
    }

    fn tell_of_begin(&self, error: &BeginError) {
        if let Some(told) = &self.shared.hooks.on_begin_error {
            told(error);
        }
    }
}

const NOT_LOADED: &str = "failed to load the provider of the callback: the `connections` hook of the routes failed; nothing was consumed, and the \
    callback may be tried again";

/// The errors after which the same login may work at once.
fn means_try_again(error: &AuthorizationError) -> bool {
    use AuthorizationError::{InteractionRequired, LoginRequired, TemporarilyUnavailable};
    matches!(error, TemporarilyUnavailable | LoginRequired | InteractionRequired)
}

/// The refusals with a fixed response: nothing was consumed, and no user looks at a page.
fn answer_by_itself<W: Framework>(error: &FinishError) -> Option<Response<W::Body>> {
    match error.kind() {
        FinishErrorKind::NotConsumed => Some(error.to_response().map(|text| body::<W>(text.into_owned()))),
        _ => None,
    }
}

/// Copies the host of an HTTP/2 request to the `Host` header, where the rest of the code looks for it.
fn with_host(mut request: Parts) -> Parts {
    core::host_from_authority(&mut request.headers, request.uri.authority().map(http::uri::Authority::as_str));
    request
}

fn body<W: Framework>(text: impl Into<Bytes>) -> W::Body {
    text.into().into()
}

fn empty<W: Framework>() -> W::Body {
    Bytes::new().into()
}

/// Adds the headers that every response of a login has.
fn set_no_store<B>(mut response: Response<B>) -> Response<B> {
    oauth_state::http::set_no_store(response.headers_mut());
    response
}

fn see_other<W: Framework>(address: Option<HeaderValue>) -> Response<W::Body> {
    let mut response = Response::new(empty::<W>());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Some(address) = address {
        response.headers_mut().insert(LOCATION, address);
    }
    set_no_store(response)
}

/// Binds by cookie, and by user if there is one. An id that is not valid counts as none.
fn binding<'a>(request: &'a Parts, user: Option<&'a [u8]>) -> Binding<'a> {
    let browser = Binding::cookies(&request.headers);
    user.and_then(|user| browser.clone().for_user(user).ok()).unwrap_or(browser)
}

/// A parameter of the request's query, decoded.
fn parameter(request: &Parts, name: &str) -> Option<String> {
    let query = request.uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}
