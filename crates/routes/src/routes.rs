//! The login and callback routes as one service.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use http::header::SET_COOKIE;
use http::{HeaderValue, Request, Response};
use http_body::Body;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use oauth_state::seam as core;
use oauth_state::{Binding, Callback, LoginData, LoginOutcome};
use tower_service::Service;

use crate::BoxError;
use crate::framework::{Framework, Http};
use crate::hooks::OutcomeHooks;
use crate::places::Place;
use crate::request::LoginRequest;
use crate::serving::{Known, Serving, set_no_store, to_return_path, without_inherited_fragment};
use crate::steps::{Received, Steps};
use crate::task::run_to_completion;

/// The routes without a framework: hooks return an [`http::Response`] of bytes.
pub type LoginRoutes = Routes<Http>;

/// The login and callback routes of a flow's providers, with pages for every failure, as a [`Service`]; see the [front
/// page](crate). A clone is cheap and shares everything.
///
/// | route | action |
/// |---|---|
/// | `GET /auth/{provider}` | starts a login, with `?return_to=/path` if that is a path of this site |
/// | `POST /auth/{provider}/link` | links an identity to the signed-in user, if the flow has [`Purpose::Link`](oauth_state::Purpose::Link) |
/// | `POST /auth/{provider}/reauthenticate` | starts a step-up, if the flow has [`Purpose::Reauthenticate`](oauth_state::Purpose::Reauthenticate) |
/// | `GET`, `POST /auth/{provider}/callback` | finishes all three |
///
/// Other methods get 405 and other paths 404.
///
/// # Panics
///
/// Serving a callback outside a tokio runtime panics, because a callback is finished on its own task.
///
/// # Security
///
/// Limit the rate at which one client may call the login start and the callback; the routes do not. A refused login
/// restarts through a redirect to its login start, so a limit there counts restarts too.
pub struct Routes<W: Framework>(Arc<dyn Serve<W>>);

type Answering<W> = Pin<Box<dyn Future<Output = Response<<W as Framework>::Body>> + Send>>;
type BoxedBody = UnsyncBoxBody<Bytes, BodyError>;

/// The error of a request's body, whatever the framework.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct BodyError(BoxError);

/// The routes, whatever data their logins carry.
pub(crate) trait Serve<W: Framework>: Send + Sync {
    fn serve(self: Arc<Self>, request: Request<BoxedBody>) -> Answering<W>;
    fn paths(&self) -> Vec<String>;
    fn connections_below(&self) -> Option<&str>;
    fn owns(&self, path: &str) -> bool;
}

/// [`Steps`] and the hooks that respond to their outcomes.
pub(crate) struct Answered<W: Framework, T> {
    pub(crate) steps: Steps<T, W>,
    pub(crate) hooks: OutcomeHooks<W, T>,
}

impl<W: Framework, T: LoginData> Serve<W> for Answered<W, T> {
    fn serve(self: Arc<Self>, request: Request<BoxedBody>) -> Answering<W> {
        Box::pin(async move {
            let shared = Arc::clone(&self.steps.0);
            let response = match self.steps.receive(request).await {
                Received::Answer(response) => response,
                Received::Callback(serving, request, callback) => {
                    run_to_completion(async move { self.finish(serving, request, callback).await }).await
                }
            };
            shared.shown(response)
        })
    }

    fn paths(&self) -> Vec<String> {
        let paths = self.steps.0.providers.iter().map(|mounted| &mounted.path);
        paths.flat_map(|path| Place::ALL.map(|(below, _)| format!("{path}{below}"))).collect()
    }

    fn connections_below(&self) -> Option<&str> {
        self.steps.connections_below()
    }

    fn owns(&self, path: &str) -> bool {
        self.steps.owns(path)
    }
}

impl<W: Framework, T: LoginData> Answered<W, T> {
    async fn finish(&self, mut serving: Serving<W, T>, request: LoginRequest, callback: Callback) -> Response<W::Body> {
        let (outcome, known) = match serving.finish(&request, callback).await {
            Ok(finished) => finished,
            Err(response) => return response,
        };
        // Delete surplus cookies only now: a refused callback may be retried with the same cookies.
        let surplus = serving.shared.flow.surplus_cookies(&Binding::cookies(&request.headers));
        let mut response = self.respond(outcome, &serving, request, &known).await;
        for cookie in surplus.iter().filter_map(|cookie| HeaderValue::from_str(cookie).ok()) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }

    async fn respond(
        &self,
        outcome: LoginOutcome<T>,
        serving: &Serving<W, T>,
        request: LoginRequest,
        known: &Known,
    ) -> Response<W::Body> {
        let origin = outcome.origin().clone();
        let hooks = &self.hooks;
        let (hook, answer) = match (outcome, &hooks.on_login, &hooks.on_step_up, &hooks.on_denied, &hooks.on_returned) {
            (LoginOutcome::Authorized(login), Some(answer), ..) => ("on_login", answer(login, request.clone())),
            (LoginOutcome::SteppedUp(login), _, Some(answer), ..) => ("on_step_up", answer(login, request.clone())),
            (LoginOutcome::Denied(denied), _, _, Some(answer), _) => ("on_denied", answer(denied, request.clone())),
            (LoginOutcome::Returned(back), .., Some(answer)) => ("on_returned", answer(back, request.clone())),
            (LoginOutcome::Returned(_), ..) => {
                let target = origin.return_to.as_ref().unwrap_or(&serving.shared.default_return_to);
                return to_return_path::<W>(target);
            }
            (LoginOutcome::Denied(denied), ..) => {
                return serving.denied(&denied.error, &denied.origin, &request, known);
            }
            // `build` requires hooks for the other outcomes.
            _ => return serving.hook_failed("on_login", &origin, &request, known),
        };
        let answer = answer.await;
        // These two hooks exchange the code.
        if matches!(hook, "on_login" | "on_step_up") {
            serving.shared.flow.exchanged(serving.label(), answer.is_ok());
        }
        match answer {
            Ok(response) => without_inherited_fragment(set_no_store(response)),
            Err(error) => {
                core::tell_hook_failed(&serving.shared.flow, serving.label(), hook, origin.reference, &*error);
                serving.hook_failed(hook, &origin, &request, known)
            }
        }
    }
}

impl<W: Framework> Routes<W> {
    pub(crate) fn new(answered: Answered<W, impl LoginData>) -> Self {
        Self(Arc::new(answered))
    }

    /// Every path that the service serves, four for each configured provider, for a router that registers paths one by one.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.0.paths()
    }

    /// The path prefix of providers that are loaded at run time, if there is a `connections` hook.
    #[must_use]
    pub fn connections_below(&self) -> Option<&str> {
        self.0.connections_below()
    }

    /// Whether these routes serve this path, for servers without a router.
    #[must_use]
    pub fn owns(&self, path: &str) -> bool {
        self.0.owns(path)
    }
}

impl<W, B> Service<Request<B>> for Routes<W>
where
    W: Framework,
    B: Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<W::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let to_bytes = |mut data: B::Data| data.copy_to_bytes(data.remaining());
        let boxed = |body: B| {
            body.map_frame(move |frame| frame.map_data(to_bytes))
                .map_err(|error| BodyError(error.into()))
                .boxed_unsync()
        };
        let answering = Arc::clone(&self.0).serve(request.map(boxed));
        Box::pin(async move { Ok(answering.await) })
    }
}

impl<W: Framework> Clone for Routes<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: Framework> fmt::Debug for Routes<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes").field("paths", &self.paths()).finish_non_exhaustive()
    }
}
