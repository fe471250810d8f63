//! Login and callback as one service.

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
use oauth_state::{Flow, Purpose};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower_service::Service;

use crate::framework::{Framework, Http};
use crate::read_callback::BoxError;
use crate::serve::Serving;

/// The routes without a framework: hooks answer with an [`http::Response`] of bytes.
pub type LoginRoutes<T = ()> = Routes<Http, T>;

/// The begin and callback of a set of providers, with pages for whatever goes wrong, as a [`Service`]. A clone is cheap and shares
/// everything.
///
/// | route | what it does |
/// |---|---|
/// | `GET /auth/{provider}` | begins a login, with `?return_to=/path` where that is a path of this site |
/// | `POST /auth/{provider}/link` | begins to attach an identity to the signed-in user, if the flow has [`Purpose::Link`] |
/// | `POST /auth/{provider}/reauthenticate` | begins to confirm who is there, if the flow has [`Purpose::Reauthenticate`] |
/// | `GET`, `POST /auth/{provider}/callback` | finishes all three |
///
/// Another method is answered with 405, another path with 404. A provider and the maker of its authorization URL are given
/// together, so that neither is without the other.
///
/// # Security
///
/// Limit the rate at which one client may call the login start and the callback; the routes do not. A refused login starts
/// again through a redirect to its login start, so that a limit there counts it.
///
/// # Examples
///
/// See the [front page](crate).
pub struct Routes<W: Framework, T = ()> {
    serving: Arc<[Serving<W, T>]>,
    flow: Flow<T>,
}

/// What is behind a path.
#[derive(Clone, Copy)]
enum Place {
    Begin(Purpose),
    Callback,
}

impl Place {
    /// The path behind the login start's own, and what it leads to.
    const ALL: [(&str, Self); 4] = [
        ("", Self::Begin(Purpose::Login)),
        ("/link", Self::Begin(Purpose::Link)),
        ("/reauthenticate", Self::Begin(Purpose::Reauthenticate)),
        ("/callback", Self::Callback),
    ];

    /// The methods that it takes, as `Allow` names them (RFC 9110 section 10.2.1).
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
    pub(crate) fn new(serving: Arc<[Serving<W, T>]>, flow: Flow<T>) -> Self {
        Self { serving, flow }
    }

    /// The flow behind the routes, for whatever begins or finishes elsewhere.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    ///     .on_login(|_, _| async { Response::new("signed in") })
    ///     .build()?;
    /// assert!(format!("{:?}", routes.flow()).contains("github"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn flow(&self) -> &Flow<T> {
        &self.flow
    }

    /// Every path that the service answers, for a router that wants them one by one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// # let routes = LoginRoutes::builder(flow)
    /// #     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    /// #     .on_login(|_, _| async { Response::new("signed in") })
    /// #     .build()?;
    /// let paths: Vec<String> = routes.paths().collect();
    /// assert_eq!(paths, ["/auth/github", "/auth/github/link", "/auth/github/reauthenticate", "/auth/github/callback"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn paths(&self) -> impl Iterator<Item = String> + '_ {
        self.serving.iter().flat_map(|serving| Place::ALL.map(|(below, _)| format!("{}{below}", serving.path)))
    }

    fn find(&self, path: &str) -> Option<(&Serving<W, T>, Place)> {
        self.serving.iter().find_map(|serving| {
            let below = path.strip_prefix(serving.path.as_str())?;
            let (_, place) = Place::ALL.into_iter().find(|(known, _)| *known == below)?;
            Some((serving, place))
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
        let serving = serving.clone();
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
        Self { serving: Arc::clone(&self.serving), flow: self.flow.clone() }
    }
}

impl<W: Framework, T> fmt::Debug for Routes<W, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.serving.iter().map(|serving| &serving.path).collect();
        f.debug_struct("Routes").field("paths", &paths).finish_non_exhaustive()
    }
}
