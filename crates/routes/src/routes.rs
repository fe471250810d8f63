//! The login and callback routes as one service.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use oauth_state::seam::is_provider_id;
use oauth_state::{Flow, Purpose};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower_service::Service;

use crate::framework::{Framework, Http};
use crate::read_callback::BoxError;
use crate::serve::{AddressMaker, Serving, Shared};

/// The routes without a framework: hooks return an [`http::Response`] of bytes.
pub type LoginRoutes<T = ()> = Routes<Http, T>;

/// The login and callback routes of a set of providers, with pages for every failure, as a [`Service`]; see the [front
/// page](crate). A clone is cheap and shares everything.
///
/// | route | action |
/// |---|---|
/// | `GET /auth/{provider}` | starts a login, with `?return_to=/path` if that is a path of this site |
/// | `POST /auth/{provider}/link` | links an identity to the signed-in user, if the flow has [`Purpose::Link`] |
/// | `POST /auth/{provider}/reauthenticate` | starts a step-up, if the flow has [`Purpose::Reauthenticate`] |
/// | `GET`, `POST /auth/{provider}/callback` | finishes all three |
///
/// Other methods get 405 and other paths 404. A provider is added together with the way to build its authorization URL,
/// so neither can be missing.
///
/// # Security
///
/// Limit the rate at which one client may call the login start and the callback; the routes do not. A refused login
/// starts again through a redirect to its login start, so a limit there counts it.
pub struct Routes<W: Framework, T = ()> {
    serving: Arc<[Serving<W, T>]>,
    shared: Arc<Shared<W, T>>,
}

/// The route of a path.
#[derive(Clone, Copy)]
enum Place {
    Begin(Purpose),
    Callback,
}

impl Place {
    /// The path below the login start's own path, and its route.
    const ALL: [(&str, Self); 4] = [
        ("", Self::Begin(Purpose::Login)),
        ("/link", Self::Begin(Purpose::Link)),
        ("/reauthenticate", Self::Begin(Purpose::Reauthenticate)),
        ("/callback", Self::Callback),
    ];

    /// The methods that the route accepts, as `Allow` lists them (RFC 9110 section 10.2.1).
    const fn allowed(self) -> &'static str {
        match self {
            Self::Begin(Purpose::Login) => "GET,HEAD",
            Self::Begin(_) => "POST",
            Self::Callback => "GET,HEAD,POST",
        }
    }

    fn takes(self, method: &Method) -> bool {
        self.allowed().split(',').any(|allowed| allowed == method.as_str())
    }
}

impl<W: Framework, T> Routes<W, T> {
    pub(crate) fn new(serving: Arc<[Serving<W, T>]>, shared: Arc<Shared<W, T>>) -> Self {
        Self { serving, shared }
    }

    /// The flow of these routes, for logins that start or finish elsewhere in your application.
    #[must_use]
    pub fn flow(&self) -> &Flow<T> {
        &self.shared.flow
    }

    /// Every path that the service answers, four for each provider, for a router that registers paths one by one.
    pub fn paths(&self) -> impl Iterator<Item = String> + '_ {
        self.serving.iter().flat_map(|serving| Place::ALL.map(|(below, _)| format!("{}{below}", serving.path)))
    }

    /// Where the routes of providers that are loaded at run time lie, if there is a `connections` hook: everything below this path is theirs.
    #[must_use]
    pub fn connections_below(&self) -> Option<&str> {
        self.shared.hooks.connections.is_some().then_some(self.shared.at.as_str())
    }

    fn find(&self, path: &str) -> Option<(Serving<W, T>, Place)> {
        let place_of = |below: &str| Place::ALL.into_iter().find(|(known, _)| *known == below).map(|(_, place)| place);
        let configured = self.serving.iter().find_map(|serving| {
            let place = place_of(path.strip_prefix(serving.path.as_str())?)?;
            Some((serving.clone(), place))
        });
        configured.or_else(|| {
            let below = path.strip_prefix(self.connections_below()?)?.strip_prefix('/')?;
            let end = below.find('/').unwrap_or(below.len());
            let (id, rest) = below.split_at_checked(end)?;
            let place = place_of(rest)?;
            let is_free = is_provider_id(id) && self.serving.iter().all(|serving| *serving.provider != *id);
            let path = format!("{}/{id}", self.shared.at);
            let connection = || Serving {
                shared: Arc::clone(&self.shared),
                provider: id.into(),
                path,
                again: Vec::new(),
                authorization_url: AddressMaker::Built,
                is_connection: true,
            };
            is_free.then(|| (connection(), place))
        })
    }
}

impl<W, T, B> Service<Request<B>> for Routes<W, T>
where
    W: Framework,
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<W::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Some((serving, place)) = self.find(request.uri().path()) else {
            return Box::pin(std::future::ready(Ok(without_body::<W>(StatusCode::NOT_FOUND))));
        };
        if !place.takes(request.method()) {
            let mut refused = without_body::<W>(StatusCode::METHOD_NOT_ALLOWED);
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static(place.allowed()));
            return Box::pin(std::future::ready(Ok(refused)));
        }
        match place {
            Place::Begin(purpose) => {
                // The body of a login start is not read.
                let parts = request.into_parts().0;
                Box::pin(async move { Ok(serving.begin(purpose, parts).await) })
            }
            Place::Callback => Box::pin(async move { Ok(serving.callback(request).await) }),
        }
    }
}

fn without_body<W: Framework>(status: StatusCode) -> Response<W::Body> {
    let mut response = Response::new(Bytes::new().into());
    *response.status_mut() = status;
    response
}

impl<W: Framework, T> Clone for Routes<W, T> {
    fn clone(&self) -> Self {
        Self { serving: Arc::clone(&self.serving), shared: Arc::clone(&self.shared) }
    }
}

impl<W: Framework, T> fmt::Debug for Routes<W, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.serving.iter().map(|serving| &serving.path).collect();
        f.debug_struct("Routes").field("paths", &paths).finish_non_exhaustive()
    }
}
