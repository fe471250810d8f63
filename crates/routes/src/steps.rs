//! The routes up to the outcome of a login.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::ALLOW;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use http_body::Body;
use oauth_state::seam as core;
use oauth_state::{Callback, LoginData, LoginOutcome};

use crate::BoxError;
use crate::framework::{Framework, Http};
use crate::login_start::Again;
use crate::places::{NoRoute, Place};
use crate::provider_started::may_be_start;
use crate::read_callback::read_callback;
use crate::request::LoginRequest;
use crate::serving::{Serving, Shared, set_no_store};

/// The routes up to the outcome of a login, for frameworks whose handlers or sessions cannot be sent between threads,
/// such as actix-web. [`RoutesBuilder::build_steps`](crate::RoutesBuilder::build_steps) makes them. A clone is cheap
/// and shares everything.
pub struct Steps<T, W: Framework = Http>(pub(crate) Arc<Shared<W, T>>);

/// The result of a request.
#[must_use = "send the response, or finish the login"]
pub enum Step<T, B> {
    /// The response: a redirect to the provider, a page, or an error.
    Answer(Response<B>),
    /// A login that passed every check and is used up. Exchange its code, and send your own response.
    Finished(LoginOutcome<T>),
}

/// A request after it was read.
pub(crate) enum Received<W: Framework, T> {
    Answer(Response<W::Body>),
    Callback(Serving<W, T>, LoginRequest, Callback),
}

impl<T: LoginData, W: Framework> Steps<T, W> {
    /// Serves a request: a login start completely, a callback up to the outcome of its login. Other paths get 404.
    ///
    /// Run this, and the exchange of the code after [`Step::Finished`], on a task that outlives the client's
    /// connection: if the client disconnects while the guard is asked, the login would be lost.
    pub async fn step<B>(&self, request: Request<B>) -> Step<T, W::Body>
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        match self.receive(request).await {
            Received::Answer(response) => Step::Answer(self.0.shown(response)),
            Received::Callback(mut serving, request, callback) => match serving.finish(&request, callback).await {
                Ok((outcome, _)) => Step::Finished(outcome),
                Err(response) => Step::Answer(self.0.shown(response)),
            },
        }
    }

    /// Serves a request up to the point where something is consumed. Your time limit may end it, also while a body is
    /// read; only what follows must outlive the connection.
    pub(crate) async fn receive<B>(&self, request: Request<B>) -> Received<W, T>
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        let (mut serving, place) = match self.find(&parts) {
            Ok(found) => found,
            Err(none) => return Received::Answer(no_route::<W>(&none)),
        };
        if let Place::Begin(purpose) = place {
            // The body of a login start is not read.
            return Received::Answer(serving.begin(purpose, &self.0.request(parts)).await);
        }
        let read = if may_be_start(&parts) { None } else { Some(read_callback(&parts, body).await) };
        let request = self.0.request(parts);
        let read = match read {
            Some(read) => read,
            None => match serving.provider_started(&request).await {
                Some(response) => return Received::Answer(response),
                None => Callback::from_parts(&request, &[]),
            },
        };
        match read {
            Ok(callback) => Received::Callback(serving, request, callback),
            Err(error) => {
                core::tell_unread(&self.0.flow, &error);
                Received::Answer(serving.refuse(&error, &request, None))
            }
        }
    }

    /// Whether these routes serve this path, for servers without a router.
    #[must_use]
    pub fn owns(&self, path: &str) -> bool {
        self.at(path).is_some()
    }

    fn find(&self, parts: &Parts) -> Result<(Serving<W, T>, Place), NoRoute> {
        let route = self.at(parts.uri.path()).ok_or(NoRoute::Path)?;
        route.1.check(&parts.method)?;
        Ok(route)
    }

    fn at(&self, path: &str) -> Option<(Serving<W, T>, Place)> {
        let shared = &self.0;
        let configured = shared.providers.iter().find_map(|mounted| {
            let place = Place::at(path.strip_prefix(mounted.path.as_str())?)?;
            let serving = Serving {
                shared: Arc::clone(shared),
                provider: Arc::clone(&mounted.id),
                path: mounted.path.clone(),
                again: mounted.again.clone(),
                is_connection: false,
                may_start_logins: mounted.may_start_logins,
            };
            Some((serving, place))
        });
        configured.or_else(|| {
            let below = path.strip_prefix(self.connections_below()?)?.strip_prefix('/')?;
            let end = below.find('/').unwrap_or(below.len());
            let (id, rest) = below.split_at_checked(end)?;
            let place = Place::at(rest)?;
            let is_free = core::is_provider_id(id) && shared.providers.iter().all(|mounted| *mounted.id != *id);
            let path = format!("{}/{id}", shared.at);
            // Until the provider is loaded, its login start is known only by the path of the request.
            let connection = || Serving {
                shared: Arc::clone(shared),
                provider: id.into(),
                path: path.clone(),
                again: path.parse().map(|path| Again { redirect: None, host: None, path }).into_iter().collect(),
                is_connection: true,
                may_start_logins: false,
            };
            is_free.then(|| (connection(), place))
        })
    }

    pub(crate) fn connections_below(&self) -> Option<&str> {
        self.0.hooks.connections.is_some().then_some(self.0.at.as_str())
    }
}

/// The response to a request that has no route.
fn no_route<W: Framework>(none: &NoRoute) -> Response<W::Body> {
    let mut response = Response::new(Bytes::new().into());
    *response.status_mut() = none.status();
    if let NoRoute::Method { allowed } = none {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    }
    set_no_store(response)
}

impl<T, W: Framework> Clone for Steps<T, W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T, W: Framework> fmt::Debug for Steps<T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.0.providers.iter().map(|mounted| &mounted.path).collect();
        f.debug_struct("Steps").field("paths", &paths).finish_non_exhaustive()
    }
}
