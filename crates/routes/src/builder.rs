//! The configuration of the login and callback routes.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use oauth_state::error::UrlError;
use oauth_state::seam::{accepts, leads_to, may_start_logins, redirect_uris, url_of};
use oauth_state::{Flow, LoginData, Purpose, ReturnTo};

use crate::BoxError;
use crate::error::RoutesError;
use crate::framework::Framework;
use crate::hooks::{Hooks, OutcomeHooks};
use crate::login_start::login_starts;
use crate::places::Place;
use crate::request::LoginRequest;
use crate::routes::{Answered, Routes};
use crate::serving::{Mounted, Shared};
use crate::steps::Steps;

/// Configures [`Routes`]; see the [front page](crate).
///
/// Every hook except `error_page` is async and may fail. It receives the [`LoginRequest`], whose extensions hold the
/// values that layers inserted, such as the session of `tower-sessions`. When a hook fails, the flow's observers are
/// told, and the user gets a neutral page with a way to try again.
#[must_use = "call `build` to make the routes"]
pub struct RoutesBuilder<W: Framework, T> {
    flow: Flow<T>,
    at: String,
    default_return_to: Option<ReturnTo>,
    pub(crate) hooks: Hooks<W, T>,
    pub(crate) outcome_hooks: OutcomeHooks<W, T>,
}

impl<W: Framework> Routes<W> {
    /// Starts the configuration with a flow. Each of its providers needs a `client_id`, a redirect_uri and, if the
    /// preset has no authorization endpoint, that endpoint.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::Response;
    /// use oauth_state::{App, Flow, Provider, Purpose, SingleProcessGuard, testing};
    /// use oauth_state_routes::LoginRoutes;
    ///
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    ///     .purpose(Purpose::Login)
    ///     .purpose(Purpose::Link)
    ///     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    ///     .provider(Provider::google().client_id("id").redirect_uri("https://shop.example/auth/google/callback"))
    ///     .build()?;
    /// let routes = LoginRoutes::builder(flow)
    ///     .on_login(|login, _request| async move {
    ///         Ok(Response::new(match login.origin.purpose {
    ///             Purpose::Link => "the identity is linked",
    ///             _ => "signed in",
    ///         }))
    ///     })
    ///     .build()?;
    /// assert!(routes.owns("/auth/google/link"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder(flow: Flow<()>) -> RoutesBuilder<W, ()> {
        Self::builder_with_data(flow, |_| async { Ok(()) })
    }

    /// The same for logins that carry your data: `data` chooses it at each login start. It runs before the request is
    /// known to be a navigation, so it must have no side effects.
    ///
    /// An automatically restarted login keeps its data only if the browser is certainly the one that started it.
    /// Otherwise it gets the data of the restarted request.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    /// #     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"));
    /// let flow = flow.carrying::<String>().build()?;
    /// let campaign = |request: oauth_state_routes::LoginRequest| async move {
    ///     Ok(request.query("campaign").unwrap_or_default())
    /// };
    /// let routes = LoginRoutes::builder_with_data(flow, campaign)
    ///     .on_login(|login, _request| async move { Ok(Response::new(format!("campaign {}", login.data))) })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder_with_data<T, F>(
        flow: Flow<T>,
        data: impl Fn(LoginRequest) -> F + Send + Sync + 'static,
    ) -> RoutesBuilder<W, T>
    where
        T: LoginData,
        F: Future<Output = Result<T, BoxError>> + Send + 'static,
    {
        RoutesBuilder {
            flow,
            at: "/auth".to_owned(),
            default_return_to: None,
            hooks: Hooks::new(Arc::new(move |request| Box::pin(data(request)))),
            outcome_hooks: OutcomeHooks::none(),
        }
    }
}

impl<W: Framework, T: LoginData> RoutesBuilder<W, T> {
    /// The path of the routes as your router sees it, `/auth` by default.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let github = Provider::github().client_id("id");
    /// let flow = flow.provider(github.redirect_uri("https://shop.example/sign-in/with/github/callback")).build()?;
    /// let routes = LoginRoutes::builder(flow)
    ///     .mount_at("/sign-in/with")
    ///     .on_login(|_login, _request| async { Ok(Response::new("signed in")) })
    ///     .build()?;
    /// assert!(routes.owns("/sign-in/with/github"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn mount_at(self, path: &str) -> Self {
        Self { at: path.to_owned(), ..self }
    }

    /// Where users without a return path go, `/` by default: signed-in users whose callback was already used, users who
    /// return from a page that grants nothing, and users who follow the button after a failed link or step-up.
    pub fn default_return_to(self, path: ReturnTo) -> Self {
        Self { default_return_to: Some(path), ..self }
    }

    /// Builds the routes.
    ///
    /// # Errors
    ///
    /// [`RoutesError`] names the settings that do not fit together.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::{LoginRoutes, RoutesError};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// // The routes are at /auth, so this callback would never reach them.
    /// let github = Provider::github().client_id("id").redirect_uri("https://shop.example/callback");
    /// let result = LoginRoutes::builder(flow.provider(github).build()?)
    ///     .on_login(|_login, _request| async { Ok(Response::new("signed in")) })
    ///     .build();
    /// assert!(matches!(result, Err(RoutesError::RedirectUri { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn build(mut self) -> Result<Routes<W>, RoutesError> {
        let hooks = std::mem::replace(&mut self.outcome_hooks, OutcomeHooks::none());
        if hooks.on_login.is_none() {
            return Err(RoutesError::MissingOnLogin);
        }
        if accepts(&self.flow, Purpose::Reauthenticate) && hooks.on_step_up.is_none() {
            return Err(RoutesError::MissingOnStepUp);
        }
        Ok(Routes::new(Answered { steps: self.build_steps()?, hooks }))
    }

    /// Builds the routes up to the outcome of a login, for frameworks whose handlers or sessions cannot be sent between
    /// threads. Your handler responds to the outcome, so no `on_…` hook may be set. If its exchange fails, tell the
    /// flow's [observers](oauth_state::Flow::observers) with
    /// [`Event::HookFailed`](oauth_state::observe::Event::HookFailed), as the routes do.
    ///
    /// # Errors
    ///
    /// As [`RoutesBuilder::build`], and [`RoutesError::OutcomeHookInSteps`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::testing::block_on;
    /// # use oauth_state::{App, Flow, LoginOutcome, Provider, SingleProcessGuard, testing};
    /// use http_body_util::{Empty, Full};
    /// use oauth_state_routes::{LoginRoutes, Step};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    /// #     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    /// #     .build()?;
    /// # let request = http::Request::get("/auth/github").header("host", "shop.example").body(Empty::<bytes::Bytes>::new())?;
    /// let steps = LoginRoutes::builder(flow).build_steps()?;
    /// let response = match block_on(steps.step(request)) {
    ///     Step::Answer(response) => response,
    ///     Step::Finished(LoginOutcome::Authorized(_login)) => http::Response::new(Full::from("signed in")),
    ///     Step::Finished(_) => http::Response::new(Full::from("not signed in")),
    /// };
    /// assert_eq!(response.status(), 303); // to GitHub
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn build_steps(self) -> Result<Steps<T, W>, RoutesError> {
        let Self { flow, at, default_return_to, hooks, outcome_hooks } = self;
        if !outcome_hooks.is_none() {
            return Err(RoutesError::OutcomeHookInSteps);
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-');
        let is_path = at.is_empty() || (!at.ends_with('/') && at.parse::<ReturnTo>().is_ok());
        if !is_path || !at.bytes().all(plain) {
            return Err(RoutesError::MountPath);
        }
        if at.is_empty() && hooks.connections.is_some() {
            return Err(RoutesError::ConnectionsAtRoot);
        }
        let root = || "/".parse::<ReturnTo>().map_err(|_| RoutesError::MountPath);
        let default_return_to = default_return_to.map_or_else(root, Ok)?;
        // Every path prefix that a proxy or a nesting router removes, for any provider.
        let mut prefixes = BTreeSet::from([String::new()]);
        let mut providers = Vec::new();
        for provider in flow.providers() {
            url_of(provider)?;
            let is_named = redirect_uris(provider).all(|(id, _)| id.is_some());
            if is_named && hooks.site.is_none() {
                return Err(UrlError::NoRedirectUri(provider.id().to_owned()).into());
            }
            let path = format!("{at}/{}", provider.id());
            let again = login_starts(provider, &path, &mut prefixes)?;
            let may_start_logins = may_start_logins(provider);
            providers.push(Mounted { id: provider.id().into(), path, again, may_start_logins });
        }
        if providers.is_empty() && hooks.connections.is_none() {
            return Err(RoutesError::MissingConnections);
        }
        let is_known = |id: &str| flow.providers().any(|one| redirect_uris(one).any(|(known, _)| known == Some(id)));
        if let Some((id, _)) = hooks.hand_over.iter().find(|(id, _)| hooks.connections.is_none() && !is_known(id)) {
            return Err(RoutesError::UnknownRedirect(id.clone()));
        }
        if hooks.hand_over.iter().any(|(_, link)| !is_app_link(link) || leads_to_callback(&flow, link)) {
            return Err(RoutesError::AppLink);
        }
        let own = |(prefix, path): (&String, &String)| Place::ALL.map(|(below, _)| format!("{prefix}{path}{below}"));
        let paths = || providers.iter().map(|mounted| &mounted.path);
        let everywhere = prefixes.iter().flat_map(|prefix| paths().map(move |path| (prefix, path)));
        let own: Vec<String> = everywhere.flat_map(own).collect();
        if own.iter().any(|own| leads_to(&default_return_to, own)) {
            return Err(RoutesError::DefaultReturnTo);
        }
        let below = prefixes.iter().map(|prefix| format!("{prefix}{at}")).collect();
        Ok(Steps(Arc::new(Shared { flow, at, below, default_return_to, own, providers, hooks })))
    }
}

/// Schemes that browsers handle themselves (WHATWG URL, HTML and Fetch), so no app opens.
const SCHEMES_OF_BROWSERS: [&str; 11] =
    ["about", "blob", "chrome", "data", "file", "filesystem", "ftp", "http", "javascript", "vbscript", "view-source"];

/// Whether an address can open an app: a scheme that no browser handles itself, or https with a host.
fn is_app_link(link: &str) -> bool {
    let Some((scheme, rest)) = link.split_once(':') else { return false };
    let of_scheme = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.');
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase()) && scheme.bytes().all(of_scheme);
    let is_host = |rest: &str| {
        rest.strip_prefix("//").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_alphanumeric()))
    };
    let opens_app = !SCHEMES_OF_BROWSERS.contains(&scheme) && (scheme != "https" || is_host(rest));
    is_scheme && opens_app && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

/// Whether an app link leads to a provider's callback, which would hand the callback over in a loop.
fn leads_to_callback<T>(flow: &Flow<T>, app_link: &str) -> bool {
    let Some((host, path)) = app_link.strip_prefix("https://").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    let path = path.split('?').next().unwrap_or_default();
    let mut own = flow.providers().flat_map(redirect_uris).filter_map(|(_, address)| address);
    own.any(|(known, at)| known == Some(host) && at.trim_start_matches('/') == path)
}

impl<W: Framework, T> fmt::Debug for RoutesBuilder<W, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let providers: Vec<_> = self.flow.providers().map(oauth_state::Provider::id).collect();
        f.debug_struct("RoutesBuilder").field("at", &self.at).field("providers", &providers).finish_non_exhaustive()
    }
}
