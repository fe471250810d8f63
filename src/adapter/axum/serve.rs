//! What the routes of a router for begin and callback do.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{HOST, LOCATION};
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use super::super::http::{host_from_authority, redirect};
use super::super::pages::{Words, page};
use super::answer::{detached, protected};
use super::callback_request::CallbackRequest;
use super::site::Site;
use crate::binding::Binding;
use crate::claims::ReturnTo;
use crate::finish_error::{FinishError, FinishErrorKind, Restart};
use crate::flow::{Authorized, BeginError, Begun, Expect, Finished, Flow, Login, ProviderRefusal};
use crate::name::Purpose;
use crate::provider::host_of;
use crate::telemetry::record;

/// Makes a provider's authorization URL.
pub(super) type AddressMaker = Arc<dyn Fn(&Begun) -> String + Send + Sync>;
/// Completes a login from its request.
type EachLogin<T> = Arc<dyn Fn(Login, &Parts) -> Login<T> + Send + Sync>;
type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;
type Answer<A> = Arc<dyn Fn(A, Parts) -> Answering + Send + Sync>;
type SignedInUser = Arc<dyn Fn(Parts) -> Pin<Box<dyn Future<Output = Option<Vec<u8>>> + Send>> + Send + Sync>;
type SiteOf = Arc<dyn Fn(Parts) -> Pin<Box<dyn Future<Output = Result<Site, Cause>> + Send>> + Send + Sync>;
type Cause = Box<dyn std::error::Error + Send + Sync>;
type RefusalPage = Arc<dyn Fn(&FinishError, &ReturnTo) -> Response + Send + Sync>;
type Told<E> = Arc<dyn Fn(&E) + Send + Sync>;

/// The caller's closures.
pub(super) struct Hooks<T> {
    pub(super) each_login: EachLogin<T>,
    pub(super) site: Option<SiteOf>,
    pub(super) signed_in_user: Option<SignedInUser>,
    pub(super) on_code: Option<Answer<Authorized<T>>>,
    pub(super) on_provider_refusal: Option<Answer<ProviderRefusal<T>>>,
    pub(super) refusal_page: Option<RefusalPage>,
    pub(super) on_error: Option<Told<FinishError>>,
    pub(super) on_begin_error: Option<Told<BeginError>>,
}

impl<T> Hooks<T> {
    pub(super) fn new(each_login: EachLogin<T>) -> Self {
        Self {
            each_login,
            site: None,
            signed_in_user: None,
            on_code: None,
            on_provider_refusal: None,
            refusal_page: None,
            on_error: None,
            on_begin_error: None,
        }
    }
}

/// What all providers' routes share.
pub(super) struct Shared<T> {
    pub(super) flow: Flow<T>,
    pub(super) landing: ReturnTo,
    /// The addresses of all routes, as browsers see them.
    pub(super) own: Vec<String>,
    pub(super) hooks: Hooks<T>,
}

impl<T> Shared<T> {
    /// Whether a return path leads to one of these routes: one link would start login after login.
    fn is_own(&self, path: &ReturnTo) -> bool {
        self.own.iter().any(|own| path.leads_to(own))
    }
}

/// The routes of one provider.
pub(super) struct Serving<T> {
    pub(super) shared: Arc<Shared<T>>,
    pub(super) provider: Arc<str>,
    /// Where the login start lies in the router.
    pub(super) path: String,
    /// Where browsers find it: one for each redirect_uri, and at least one.
    pub(super) again: Vec<Again>,
    pub(super) authorization_url: AddressMaker,
}

/// The address of a login start, next to one of the provider's redirect_uris.
#[derive(Clone)]
pub(super) struct Again {
    pub(super) redirect: Option<String>,
    pub(super) host: Option<String>,
    pub(super) path: ReturnTo,
}

/// The parameter of a login start that carries the state of a refused login.
const AGAIN: &str = "again";

impl<T> Clone for Serving<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            provider: Arc::clone(&self.provider),
            path: self.path.clone(),
            again: self.again.clone(),
            authorization_url: Arc::clone(&self.authorization_url),
        }
    }
}

impl<T: serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static> Serving<T> {
    /// Starts a login, a link or a confirmation.
    pub(super) async fn begin(&self, purpose: Purpose, request: Request) -> Response {
        let request = parts_of(request).0;
        // A login belongs to the browser alone: whoever is signed in may sign in as somebody else.
        let user = if purpose == Purpose::Login { None } else { self.user(&request).await };
        let begun = match self.site(&request).await {
            Ok(site) => self.begin_at(&site, purpose, &request, user.as_deref()),
            Err(cause) => Err(self.counted(BeginError::SiteUnavailable(cause))),
        };
        begun.and_then(|begun| self.redirect(&begun)).unwrap_or_else(|error| {
            self.tell_of_begin(&error);
            error.to_page(&self.shared.landing).map(Body::from)
        })
    }

    fn begin_at(
        &self,
        site: &Site,
        purpose: Purpose,
        request: &Parts,
        user: Option<&[u8]>,
    ) -> Result<Begun, BeginError> {
        let flow = &self.shared.flow;
        let restart = parameter(request, AGAIN).filter(|_| purpose == Purpose::Login);
        let restart = restart.and_then(|token| {
            flow.restart(&token, &Binding::cookies(&request.headers), self.expect(site).purpose(Purpose::Login))
        });
        let begin = |return_to: Option<ReturnTo>| {
            let login = Login::at(&*self.provider).purpose(purpose);
            let login = Login { tenant: site.tenant.clone(), redirect: site.redirect.clone(), return_to, ..login };
            let mut login = (self.shared.hooks.each_login)(login, request);
            // The callback expects what the site says: any other login could not be finished.
            if login.tenant != site.tenant || login.redirect != site.redirect {
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
            login.return_to = login.return_to.filter(|path| !self.shared.is_own(path));
            flow.begin(binding(request, user), login)
        };
        match begin(parameter(request, "return_to").and_then(|path| ReturnTo::parse(&path).ok())) {
            // Anyone can write such a link; the login is good without it.
            Err(BeginError::ReturnsToCallback) => begin(None),
            begun => begun,
        }
    }

    /// Counts a login that did not start for a reason that the flow does not know.
    fn counted(&self, error: BeginError) -> BeginError {
        self.shared.flow.count_begin_refused(&self.provider, &error);
        error
    }

    fn redirect(&self, begun: &Begun) -> Result<Response, BeginError> {
        let response = redirect(begun, &(self.authorization_url)(begun));
        response.map(|response| response.map(|()| Body::empty())).map_err(|_| BeginError::AuthorizationUrl)
    }

    /// Finishes whatever began, on a task of its own.
    pub(super) async fn callback(self, request: Request) -> Response {
        let (parts, body) = parts_of(request);
        // Read here, where a time limit of the application's ends it; only what follows must outlive the connection.
        match CallbackRequest::from_request(Request::from_parts(parts.clone(), body), &()).await {
            Ok(callback) => detached(async move { self.finish(parts, callback).await }).await,
            Err(error) => self.refuse(&error, &parts, None, false),
        }
    }

    async fn finish(&self, request: Parts, callback: CallbackRequest) -> Response {
        let (_, callback) = callback.split();
        // A state that this ring did not seal must not make the application look up sessions and tenants.
        let is_authentic = self.shared.flow.is_authentic(&callback.state);
        let user = if is_authentic { self.user(&request).await } else { None };
        let site = if is_authentic { self.site(&request).await } else { Ok(Site::default()) };
        let site = match site {
            Ok(site) => site,
            Err(cause) => {
                record::unread(FinishErrorKind::SiteUnavailable);
                let error = FinishError::from(FinishErrorKind::SiteUnavailable).caused_by(cause);
                return self.refuse(&error, &request, None, false);
            }
        };
        let binding = binding(&request, user.as_deref());
        let finished = self.shared.flow.finish(binding, self.expect(&site), callback).await;
        let hooks = &self.shared.hooks;
        match (finished, &hooks.on_code, &hooks.on_provider_refusal) {
            (Ok(Finished::Code(login)), Some(exchange), _) => protected(exchange(login, request).await),
            (Ok(Finished::Refused(refusal)), _, Some(answer)) => protected(answer(refusal, request).await),
            (Ok(finished), ..) => self.page_of_the_provider_s_refusal(&finished, self.again(Some(&site), &request)),
            (Err(error), ..) => self.refuse(&error, &request, is_authentic.then_some(&site), user.is_some()),
        }
    }

    fn expect<'a>(&'a self, site: &'a Site) -> Expect<'a> {
        Expect::provider(&self.provider).site(site.tenant.as_ref(), site.redirect.as_deref())
    }

    /// Answers a refused callback: by itself where the crate knows what to do, by redirecting to the return path or to the login
    /// start where that helps, and by a page otherwise.
    fn refuse(&self, error: &FinishError, request: &Parts, site: Option<&Site>, signed_in: bool) -> Response {
        // Half of a callback: the other half comes when the page posts it once more.
        if error.repost().is_some() {
            return error.to_response().map(Body::from);
        }
        if let Some(told) = &self.shared.hooks.on_error {
            told(error);
        }
        if let Some(response) = answer_by_itself(error) {
            return response;
        }
        let (restart, again) = (error.restart(), self.again(site, request));
        // A double click, the back button: the first of the two signed in.
        if let (FinishErrorKind::AlreadyUsed, true, Some(restart)) = (error.kind(), signed_in, restart) {
            return protected(Redirect::to(restart.return_to().unwrap_or(&self.shared.landing).as_str()));
        }
        // Not in this answer: every layer in front of the login start has to see the restart.
        if let Some(restart) = restart.filter(|restart| restart.may_restart()) {
            return self.to_login_start(restart);
        }
        let target = restart.map_or(again, |restart| self.target(restart, again));
        match &self.shared.hooks.refusal_page {
            Some(page) => protected(page(error, target)),
            None => error.to_page(target).map(Body::from),
        }
    }

    /// A redirect to the login start, which lies next to the callback. The address is relative, because a proxy or a router that
    /// nests this one may have taken the front of the path away.
    fn to_login_start(&self, restart: &Restart) -> Response {
        let mut response = StatusCode::SEE_OTHER.into_response();
        // The id and the state hold no character that a header or an address does not take.
        if let Ok(mut address) = HeaderValue::from_str(&format!("../{}?{AGAIN}={}", self.provider, restart.token())) {
            address.set_sensitive(true);
            response.headers_mut().insert(LOCATION, address);
        }
        protected(response)
    }

    /// Where browsers find the login start on this request's site: by the hook's redirect id, else by the path that the request came
    /// to, else by its host.
    fn again(&self, site: Option<&Site>, request: &Parts) -> &ReturnTo {
        let host = request.headers.get(HOST).and_then(|host| host.to_str().ok()).and_then(host_of);
        let host = host.map(|host| host.trim_end_matches('.'));
        let on_host = |again: &&Again| {
            again.host.as_deref().zip(host).is_some_and(|(known, host)| known.eq_ignore_ascii_case(host))
        };
        let at_path = |again: &&Again| request.uri.path().strip_suffix("/callback") == Some(again.path.as_str());
        let of_site = site.and_then(|site| self.again.iter().find(|again| again.redirect == site.redirect));
        let on_host_and_path = || self.again.iter().find(|again| on_host(again) && at_path(again));
        let found = of_site.or_else(on_host_and_path).or_else(|| self.again.iter().find(on_host));
        found.or(self.again.first()).map_or(&self.shared.landing, |again| &again.path)
    }

    /// Where the button leads: to the login start, or, after what only a POST from the site's own pages may start, to such a page.
    fn target<'a>(&'a self, restart: &'a Restart, again: &'a ReturnTo) -> &'a ReturnTo {
        match restart.purpose() {
            Purpose::Link | Purpose::Reauthenticate => restart.return_to().unwrap_or(&self.shared.landing),
            _ => again,
        }
    }

    fn page_of_the_provider_s_refusal(&self, finished: &Finished<T>, again: &ReturnTo) -> Response {
        let (Finished::Code(Authorized { origin, .. }) | Finished::Refused(ProviderRefusal { origin, .. })) = finished;
        let (target, button) = match origin.purpose {
            Purpose::Link | Purpose::Reauthenticate => {
                (origin.return_to.as_ref().unwrap_or(&self.shared.landing), "Go on")
            }
            _ => (again, "Sign in again"),
        };
        let words = Words {
            title: "Not signed in",
            text: "The sign-in was declined or did not succeed. Nothing has changed.",
            button,
        };
        page(400, &words, target).map(Body::from).into_response()
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

/// The refusals that have one answer: nothing was consumed, and nobody looks at a page.
fn answer_by_itself(error: &FinishError) -> Option<Response> {
    match error.kind() {
        FinishErrorKind::NotConsumed => Some(error.to_response().map(Body::from)),
        _ => None,
    }
}

/// By cookie, and by user where there is one. An id that cannot be one counts as nobody's.
fn parts_of(request: Request) -> (Parts, Body) {
    let (mut parts, body) = request.into_parts();
    host_from_authority(&mut parts.headers, parts.uri.authority().map(http::uri::Authority::as_str));
    (parts, body)
}

fn binding<'a>(request: &'a Parts, user: Option<&'a [u8]>) -> Binding<'a> {
    let browser = Binding::cookies(&request.headers);
    user.and_then(|user| browser.clone().and_user(user).ok()).unwrap_or(browser)
}

/// A parameter of the request's query, decoded.
fn parameter(request: &Parts, name: &str) -> Option<String> {
    let query = request.uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}
