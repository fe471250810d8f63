//! A router for begin and callback.

use std::fmt;

use axum::Router;
use axum::routing::{get, post};

use super::routes_builder::LoginRoutesBuilder;
use super::serve::Serving;
use crate::flow::{ConfigError, Flow, FlowBuilder};
use crate::name::Purpose;

/// Why the routes do not build.
///
/// # Examples
///
/// ```
/// use oauth_state::adapter::axum::{LoginRoutes, RoutesError};
/// use oauth_state::{App, Flow, SingleProcessGuard, testing};
/// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(1));
/// assert!(matches!(LoginRoutes::builder(flow).build().unwrap_err(), RoutesError::NobodyTakesTheCode));
/// # Ok::<(), oauth_state::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoutesError {
    /// The flow itself does not build.
    #[error(transparent)]
    Flow(#[from] ConfigError),
    /// The path given with `at` is not a plain path.
    #[error(
        "the routes lie at a path such as /auth: one '/' first, none last, and of letters, digits, '/', '.', '_', '-'"
    )]
    At,
    /// The provider sends people back to a path that is not the callback's.
    #[error(
        "the redirect_uri of {provider:?} does not end in {callback}, where its callback is; change one of the two (see \
         LoginRoutesBuilder::at)"
    )]
    RedirectUri {
        /// The provider's id.
        provider: String,
        /// The callback's path.
        callback: String,
    },
    /// `on_code` was not called.
    #[error("nothing would exchange the code and open a session: say what does with LoginRoutesBuilder::on_code")]
    NobodyTakesTheCode,
    /// `on_provider_refusal` was called before `each_login`.
    #[error("LoginRoutesBuilder::each_login changes what on_provider_refusal is given: call that one after it")]
    RefusalTakenTooEarly,
}

/// A router for the begin and callback of a set of providers, with pages for whatever goes wrong.
///
/// | route | what it does |
/// |---|---|
/// | `GET /auth/{provider}` | begins a login, with `?return_to=/path` where that is a path of this site |
/// | `POST /auth/{provider}/link` | begins to attach an identity to the signed-in user, if the flow has [`Purpose::Link`] |
/// | `POST /auth/{provider}/reauthenticate` | begins to confirm who is there, if the flow has [`Purpose::Reauthenticate`] |
/// | `GET`, `POST /auth/{provider}/callback` | finishes all three |
///
/// A provider and the maker of its authorization URL are given together, so that neither is without the other.
///
/// # Security
///
/// Limit the rate at which one client may call the login start and the callback; the router does not. A refused login starts
/// again through a redirect to its login start, so that a limit there counts it.
///
/// # Examples
///
/// ```
/// use axum::response::Redirect;
/// use oauth_state::adapter::axum::LoginRoutes;
/// use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
///
/// let flow = Flow::builder(App::new("shop", "production")?, testing::ring(), SingleProcessGuard::with_capacity(10_000));
/// let routes = LoginRoutes::builder(flow)
///     .provider(Provider::github().redirect_uri("https://shop.example/auth/github/callback"), |begun| {
///         format!("https://github.com/login/oauth/authorize?client_id=…&state={}", begun.state).replace('…', "id")
///     })
///     .on_code(|login, _request| async move {
///         let path = login.origin.return_to.map_or("/home".to_owned(), |path| path.to_string());
///         Redirect::to(&path) // after exchanging login.code
///     })
///     .build()?;
/// let app: axum::Router = routes.into_router();
/// # use tower::ServiceExt;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let begin = http::Request::get("/auth/github").header("host", "shop.example").body(axum::body::Body::empty()).unwrap();
/// let response = app.oneshot(begin).await.unwrap();
/// assert!(response.headers()["location"].to_str().unwrap().starts_with("https://github.com/"));
/// # });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LoginRoutes<T = ()> {
    pub(super) serving: Vec<Serving<T>>,
    pub(super) flow: Flow<T>,
}

impl LoginRoutes<()> {
    /// Starts the configuration, from that of a flow: its providers come from [`LoginRoutesBuilder::provider`].
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::adapter::axum::LoginRoutes;
    /// use oauth_state::{App, Flow, Provider, Purpose, SingleProcessGuard, testing};
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow.purpose(Purpose::Login).purpose(Purpose::Link))
    ///     .provider(Provider::google(), |begun| format!("https://accounts.google.com/o/oauth2/v2/auth?state={}", begun.state))
    ///     .on_code(|_login, _request| async { "signed in" })
    ///     .build()?;
    /// assert_eq!(routes.flow().fingerprint(), testing::ring().fingerprint());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder(flow: FlowBuilder<()>) -> LoginRoutesBuilder<()> {
        LoginRoutesBuilder::new(flow)
    }
}

impl<T: serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static> LoginRoutes<T> {
    /// The flow behind the routes, for whatever begins or finishes elsewhere.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{adapter::axum::LoginRoutes, App, Flow, Provider, SingleProcessGuard, testing};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .provider(Provider::github(), |begun| format!("https://github.com/login/oauth/authorize?state={}", begun.state))
    ///     .on_code(|_, _| async { "signed in" })
    ///     .build()?;
    /// assert!(format!("{:?}", routes.flow()).contains("github"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn flow(&self) -> &Flow<T> {
        &self.flow
    }

    /// The router, to be merged into the application's, whatever state that has.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{adapter::axum::LoginRoutes, App, Flow, Provider, SingleProcessGuard, testing};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// # let routes = LoginRoutes::builder(flow)
    /// #     .provider(Provider::github(), |begun| format!("https://github.com/login/oauth/authorize?state={}", begun.state))
    /// #     .on_code(|_, _| async { "signed in" })
    /// #     .build()?;
    /// let app: axum::Router = axum::Router::new().merge(routes.into_router());
    /// assert!(app.has_routes());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let mut router = Router::new();
        for serving in self.serving {
            let path = serving.path.clone();
            let (begin, link, reauthenticate, callback) = (serving.clone(), serving.clone(), serving.clone(), serving);
            router = router
                .route(&path, get(move |request| async move { begin.begin(Purpose::Login, request).await }))
                .route(
                    &format!("{path}/link"),
                    post(move |request| async move { link.begin(Purpose::Link, request).await }),
                )
                .route(
                    &format!("{path}/reauthenticate"),
                    post(move |request| async move { reauthenticate.begin(Purpose::Reauthenticate, request).await }),
                )
                .route(&format!("{path}/callback"), {
                    let form_post = callback.clone();
                    get(move |request| callback.callback(request)).post(move |request| form_post.callback(request))
                });
        }
        router
    }
}

impl<T: serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static> From<LoginRoutes<T>> for Router {
    fn from(routes: LoginRoutes<T>) -> Self {
        routes.into_router()
    }
}

impl<T> fmt::Debug for LoginRoutes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.serving.iter().map(|serving| &serving.path).collect();
        f.debug_struct("LoginRoutes").field("paths", &paths).finish_non_exhaustive()
    }
}
