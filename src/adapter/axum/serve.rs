//! What the routes of a router for begin and callback do.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;

use super::super::http::{host_from_authority, redirect};
use super::super::pages::{Words, page};
use super::answer::{detached, protected};
use super::callback_request::CallbackRequest;
use crate::binding::Binding;
use crate::claims::ReturnTo;
use crate::finish_error::{FinishError, FinishErrorKind, Restart};
use crate::flow::{Authorized, BeginError, Begun, Expect, Finished, Flow, Login, ProviderRefusal};
use crate::name::Purpose;

/// Makes a provider's authorization URL.
pub(super) type AddressMaker = Arc<dyn Fn(&Begun) -> String + Send + Sync>;
/// Completes a login from its request.
type EachLogin<T> = Arc<dyn Fn(Login, &Parts) -> Login<T> + Send + Sync>;
type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;
type Answer<A> = Arc<dyn Fn(A, Parts) -> Answering + Send + Sync>;
type SignedInUser = Arc<dyn Fn(Parts) -> Pin<Box<dyn Future<Output = Option<Vec<u8>>> + Send>> + Send + Sync>;
type RefusalPage = Arc<dyn Fn(&FinishError, &ReturnTo) -> Response + Send + Sync>;
type Told<E> = Arc<dyn Fn(&E) + Send + Sync>;

/// The caller's closures.
pub(super) struct Hooks<T> {
    pub(super) each_login: EachLogin<T>,
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
pub(super) struct Site<T> {
    pub(super) flow: Flow<T>,
    pub(super) landing: ReturnTo,
    /// The addresses of all routes, as browsers see them.
    pub(super) own: Vec<String>,
    pub(super) hooks: Hooks<T>,
}

impl<T> Site<T> {
    /// Whether a return path leads to one of these routes: one link would begin login after login.
    fn is_own(&self, path: &ReturnTo) -> bool {
        self.own.iter().any(|own| path.leads_to(own))
    }
}

/// The routes of one provider.
pub(super) struct Serving<T> {
    pub(super) site: Arc<Site<T>>,
    pub(super) provider: Arc<str>,
    /// Where begin lies in the router.
    pub(super) path: String,
    /// Where a browser finds it.
    pub(super) again: ReturnTo,
    pub(super) authorization_url: AddressMaker,
}

impl<T> Clone for Serving<T> {
    fn clone(&self) -> Self {
        Self {
            site: Arc::clone(&self.site),
            provider: Arc::clone(&self.provider),
            path: self.path.clone(),
            again: self.again.clone(),
            authorization_url: Arc::clone(&self.authorization_url),
        }
    }
}

impl<T: serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static> Serving<T> {
    /// Begins a login, a link or a confirmation.
    pub(super) async fn begin(&self, purpose: Purpose, request: Request) -> Response {
        let request = parts_of(request).0;
        // A login belongs to the browser alone: whoever is signed in may sign in as somebody else.
        let user = if purpose == Purpose::Login { None } else { self.user(&request).await };
        let wanted = wanted_return_path(&request).filter(|path| !self.site.is_own(path));
        let begin = |return_to: Option<ReturnTo>| {
            let login = Login::at(&*self.provider).purpose(purpose);
            let login = (self.site.hooks.each_login)(return_to.into_iter().fold(login, Login::return_to), &request);
            // Only what belongs to a user may come on the routes of a user.
            let login = if purpose == Purpose::Login { login } else { login.purpose(purpose) };
            self.site.flow.begin(binding(&request, user.as_deref()), login)
        };
        let begun = match begin(wanted) {
            // Anybody can write such a link; the login is good without it.
            Err(BeginError::ReturnsToCallback) => begin(None),
            begun => begun,
        };
        begun.and_then(|begun| self.redirect(&begun)).unwrap_or_else(|error| {
            self.tell_of_begin(&error);
            error.to_page(&self.site.landing).map(Body::from)
        })
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
            Err(error) => self.refuse(&error, &parts, false),
        }
    }

    async fn finish(&self, request: Parts, callback: CallbackRequest) -> Response {
        let (_, callback) = callback.split();
        // Nobody makes the application look sessions up with a state that this ring did not seal.
        let user = if self.site.flow.is_authentic(&callback.state) { self.user(&request).await } else { None };
        let binding = binding(&request, user.as_deref());
        let finished = self.site.flow.finish(binding, Expect::provider(&self.provider), callback).await;
        let hooks = &self.site.hooks;
        match (finished, &hooks.on_code, &hooks.on_provider_refusal) {
            (Ok(Finished::Code(login)), Some(exchange), _) => protected(exchange(login, request).await),
            (Ok(Finished::Refused(refusal)), _, Some(answer)) => protected(answer(refusal, request).await),
            (Ok(finished), ..) => self.page_of_the_provider_s_refusal(&finished),
            (Err(error), ..) => self.refuse(&error, &request, user.is_some()),
        }
    }

    /// Answers a refused callback: by itself where the crate knows what to do, by sending on or beginning again where
    /// that helps, and by a page otherwise.
    fn refuse(&self, error: &FinishError, request: &Parts, signed_in: bool) -> Response {
        // Half of a callback: the other half comes as the page posts it once more.
        if error.repost().is_some() {
            return error.to_response().map(Body::from);
        }
        if let Some(told) = &self.site.hooks.on_error {
            told(error);
        }
        if let Some(response) = answer_by_itself(error) {
            return response;
        }
        let restart = error.restart();
        // A double click, the back button: the first of the two signed in.
        if let (FinishErrorKind::AlreadyUsed, true, Some(restart)) = (error.kind(), signed_in, restart) {
            return protected(Redirect::to(restart.return_to().unwrap_or(&self.site.landing).as_str()));
        }
        let begun =
            restart.filter(|restart| restart.may_restart()).and_then(|restart| self.begin_again(request, restart));
        begun.unwrap_or_else(|| {
            let target = restart.map_or(&self.again, |restart| self.target(restart));
            match &self.site.hooks.refusal_page {
                Some(page) => protected(page(error, target)),
                None => error.to_page(target).map(Body::from),
            }
        })
    }

    /// Begins the login again, in the answer to the callback itself. The state counts it, so that no server, with or
    /// without a cookie, does it twice.
    fn begin_again(&self, request: &Parts, restart: &Restart) -> Option<Response> {
        let login = (self.site.hooks.each_login)(Login::at(&*self.provider), request).restarting(restart);
        // What the login carried, and not what the callback's address may say by now.
        let login = match restart.data() {
            Some(data) => login.data(data),
            None => login,
        };
        let begun = self.site.flow.begin(Binding::cookies(&request.headers), login);
        begun.and_then(|begun| self.redirect(&begun)).inspect_err(|error| self.tell_of_begin(error)).ok()
    }

    /// Where the button leads: to begin, and after what only a POST of the site's own pages may begin, to such a page.
    fn target<'a>(&'a self, restart: &'a Restart) -> &'a ReturnTo {
        match restart.purpose() {
            Purpose::Link | Purpose::Reauthenticate => restart.return_to().unwrap_or(&self.site.landing),
            _ => &self.again,
        }
    }

    fn page_of_the_provider_s_refusal(&self, finished: &Finished<T>) -> Response {
        let (Finished::Code(Authorized { origin, .. }) | Finished::Refused(ProviderRefusal { origin, .. })) = finished;
        let (target, button) = match origin.purpose {
            Purpose::Link | Purpose::Reauthenticate => {
                (origin.return_to.as_ref().unwrap_or(&self.site.landing), "Go on")
            }
            _ => (&self.again, "Sign in again"),
        };
        let words = Words {
            title: "Not signed in",
            text: "The sign-in was declined or did not succeed. Nothing has changed.",
            button,
        };
        page(400, &words, target).map(Body::from).into_response()
    }

    async fn user(&self, request: &Parts) -> Option<Vec<u8>> {
        match &self.site.hooks.signed_in_user {
            Some(user) => user(request.clone()).await,
            None => None,
        }
    }

    fn tell_of_begin(&self, error: &BeginError) {
        if let Some(told) = &self.site.hooks.on_begin_error {
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

/// `?return_to=…`, if it is a path of this site.
fn wanted_return_path(request: &Parts) -> Option<ReturnTo> {
    let query = request.uri.query().unwrap_or_default();
    let (_, path) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "return_to")?;
    ReturnTo::parse(&path).ok()
}
