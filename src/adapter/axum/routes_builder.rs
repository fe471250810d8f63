//! The configuration of a router for begin and callback.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use axum::response::IntoResponse;
use http::request::Parts;

use super::routes::{LoginRoutes, RoutesError};
use super::serve::{AddressMaker, Again, Hooks, Serving, Shared};
use super::site::Site;
use crate::claims::ReturnTo;
use crate::finish_error::FinishError;
use crate::flow::{Authorized, BeginError, Begun, ConfigError, Flow, FlowBuilder, Login, ProviderRefusal};
use crate::provider::{Provider, RedirectUri};

/// Configures [`LoginRoutes`].
///
/// The closures are given the request's [`Parts`], whose extensions hold what layers put there, such as the session of
/// `tower-sessions`.
///
/// # Examples
///
/// ```
/// use oauth_state::adapter::axum::LoginRoutes;
/// use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
/// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
/// let builder = LoginRoutes::builder(flow)
///     .provider(Provider::github(), |begun| format!("https://github.com/login/oauth/authorize?state={}", begun.state));
/// assert_eq!(format!("{builder:?}"), r#"LoginRoutesBuilder { at: "/auth", providers: ["github"], .. }"#);
/// # Ok::<(), oauth_state::NameError>(())
/// ```
#[must_use = "the routes are made by build"]
pub struct LoginRoutesBuilder<T> {
    flow: FlowBuilder<T>,
    at: String,
    landing: Option<ReturnTo>,
    providers: Vec<(Provider, AddressMaker)>,
    hooks: Hooks<T>,
    /// `each_login` came after it, and changed what it takes.
    dropped_refusal: bool,
}

impl LoginRoutesBuilder<()> {
    pub(super) fn new(flow: FlowBuilder<()>) -> Self {
        let hooks = Hooks::new(Arc::new(|login, _| login));
        Self { flow, at: "/auth".to_owned(), landing: None, providers: Vec::new(), hooks, dropped_refusal: false }
    }

    /// What every login gets from its request: data of your own, for example. Call it before
    /// [`LoginRoutesBuilder::on_code`] and [`LoginRoutesBuilder::on_provider_refusal`], which are given the data back. A tenant and a
    /// redirect id come from [`LoginRoutesBuilder::site`]: a login that gets another one here does not start.
    ///
    /// A login that restarts by itself keeps its data if this is certainly the browser that started it; otherwise it gets what the
    /// closure makes of the restarted request.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::adapter::axum::LoginRoutes;
    /// use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .each_login(|login, request| {
    ///         let campaign = request.uri.query().is_some_and(|query| query.contains("campaign=spring"));
    ///         login.data(campaign)
    ///     })
    ///     .provider(Provider::github(), |begun| format!("https://github.com/login/oauth/authorize?state={}", begun.state))
    ///     .on_code(|login, _request| async move { if login.data { "the spring campaign" } else { "signed in" } });
    /// assert!(routes.build().is_ok());
    /// # Ok::<(), oauth_state::NameError>(())
    /// ```
    pub fn each_login<U>(
        self,
        complete: impl Fn(Login, &Parts) -> Login<U> + Send + Sync + 'static,
    ) -> LoginRoutesBuilder<U> {
        let Self { flow, at, landing, providers, hooks, .. } = self;
        let dropped_refusal = hooks.on_provider_refusal.is_some();
        let Hooks { site, signed_in_user, on_error, on_begin_error, refusal_page, .. } = hooks;
        let hooks =
            Hooks { site, signed_in_user, on_error, on_begin_error, refusal_page, ..Hooks::new(Arc::new(complete)) };
        LoginRoutesBuilder { flow: flow.carrying(), at, landing, providers, hooks, dropped_refusal }
    }
}

impl<T: serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static> LoginRoutesBuilder<T> {
    /// Where the routes lie, `/auth` unless it is said here: the path as the router sees it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{adapter::axum::LoginRoutes, App, Flow, Provider, SingleProcessGuard, testing};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .at("/sign-in/with")
    ///     .provider(Provider::github(), |begun| format!("https://github.com/login/oauth/authorize?state={}", begun.state))
    ///     .on_code(|_, _| async { "signed in" })
    ///     .build()?;
    /// assert_eq!(format!("{routes:?}"), r#"LoginRoutes { paths: ["/sign-in/with/github"], .. }"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn at(self, path: &str) -> Self {
        Self { at: path.to_owned(), ..self }
    }

    /// Where somebody goes who is signed in already and comes with a used callback that names no return path, and where
    /// the page's button leads after a link; `/` unless it is said here.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{adapter::axum::LoginRoutes, App, Flow, Provider, ReturnTo, SingleProcessGuard, testing};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .landing(ReturnTo::parse("/home")?)
    ///     .provider(Provider::github(), |begun| format!("https://github.com/login/oauth/authorize?state={}", begun.state))
    ///     .on_code(|_, _| async { "signed in" });
    /// assert!(routes.build().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn landing(self, path: ReturnTo) -> Self {
        Self { landing: Some(path), ..self }
    }

    /// Adds a provider to the flow, with what makes its authorization URL of a begun login.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{adapter::axum::LoginRoutes, App, Flow, Provider, SingleProcessGuard, testing};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let builder = LoginRoutes::builder(flow)
    ///     .provider(Provider::github(), |begun| format!("https://github.com/login/oauth/authorize?state={}", begun.state))
    ///     .provider(Provider::google(), |begun| format!("https://accounts.google.com/o/oauth2/v2/auth?state={}", begun.state));
    /// assert!(format!("{builder:?}").contains(r#"["github", "google"]"#));
    /// # Ok::<(), oauth_state::NameError>(())
    /// ```
    pub fn provider<A: Into<String>>(
        mut self,
        provider: Provider,
        authorization_url: impl Fn(&Begun) -> A + Send + Sync + 'static,
    ) -> Self {
        self.providers.push((provider, Arc::new(move |begun| authorization_url(begun).into())));
        self
    }

    /// Which tenant's site a request belongs to, and which of the provider's redirect_uris lies on it, derived from the
    /// request's host or path. It is asked at the login start, where its answer is sealed into the state, and again at the callback,
    /// where a state of another site is refused as `wrong_tenant` or `wrong_redirect`. Without it, a login has neither.
    ///
    /// An error refuses the request with 503 and consumes nothing; `on_begin_error` or `on_error` gets it as the source of
    /// `site_unavailable`. At the callback the hook is asked only for states that this service sealed.
    ///
    /// # Security
    ///
    /// Derive both from what the browser cannot choose freely for another tenant: the `Host` header that your proxy checked, or the
    /// path of the route. A query parameter would let an attacker name the victim's tenant at their own address.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// use oauth_state::adapter::axum::{LoginRoutes, Site};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .provider(Provider::github(), |begun| format!("https://github.com/login/oauth/authorize?state={}", begun.state))
    ///     .site(|request| async move {
    ///         match request.headers.get("host").and_then(|host| host.to_str().ok()) {
    ///             Some("acme.shop.example") => Ok(Site::default().with_tenant([1; 16])),
    ///             Some("zeta.shop.example") => Ok(Site::default().with_tenant([2; 16])),
    ///             _ => Err("no tenant has this host".into()),
    ///         }
    ///     })
    ///     .on_code(|_, _| async { "signed in" });
    /// assert!(routes.build().is_ok());
    /// # Ok::<(), oauth_state::NameError>(())
    /// ```
    pub fn site<F>(mut self, of: impl Fn(Parts) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Site, Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    {
        self.hooks.site = Some(Arc::new(move |request| Box::pin(of(request))));
        self
    }

    /// Who is signed in, by the application's own session: the user's id, or `None`. Without it nobody ever is, and
    /// `link` and `reauthenticate` are refused with 401.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{adapter::axum::LoginRoutes, App, Flow, Provider, SingleProcessGuard, testing};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// #[derive(Clone)]
    /// struct User(u64); // put there by a layer of the application's own
    ///
    /// let routes = LoginRoutes::builder(flow)
    ///     .signed_in_user(|request| async move {
    ///         request.extensions.get::<User>().map(|user| user.0.to_be_bytes().to_vec())
    ///     })
    ///     .provider(Provider::github(), |begun| format!("https://github.com/login/oauth/authorize?state={}", begun.state))
    ///     .on_code(|_, _| async { "signed in" });
    /// assert!(routes.build().is_ok());
    /// # Ok::<(), oauth_state::NameError>(())
    /// ```
    pub fn signed_in_user<F: Future<Output = Option<Vec<u8>>> + Send + 'static>(
        mut self,
        user: impl Fn(Parts) -> F + Send + Sync + 'static,
    ) -> Self {
        self.hooks.signed_in_user = Some(Arc::new(move |request| Box::pin(user(request))));
        self
    }

    /// What exchanges the code, and opens a session, attaches an identity or notes the confirmation, by
    /// `login.origin.purpose`. It runs on a task of its own, which outlives the client's connection.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{adapter::axum::LoginRoutes, App, Flow, Provider, SingleProcessGuard, testing};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// # let github = |begun: &oauth_state::Begun| format!("https://github.com/login/oauth/authorize?state={}", begun.state);
    /// let routes = LoginRoutes::builder(flow).provider(Provider::github(), github).on_code(|login, _request| async move {
    ///     let _for_the_token_endpoint = (login.code, login.code_verifier);
    ///     "signed in"
    /// });
    /// assert!(routes.build().is_ok());
    /// # Ok::<(), oauth_state::NameError>(())
    /// ```
    pub fn on_code<R: IntoResponse, F: Future<Output = R> + Send + 'static>(
        mut self,
        exchange: impl Fn(Authorized<T>, Parts) -> F + Send + Sync + 'static,
    ) -> Self {
        self.hooks.on_code = Some(Arc::new(move |login, request| {
            let answer = exchange(login, request);
            Box::pin(async move { answer.await.into_response() })
        }));
        self
    }

    /// What answers where the provider did not sign the person in, `access_denied` for one; a page with a button unless
    /// it is said here.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{adapter::axum::LoginRoutes, App, Flow, Provider, SingleProcessGuard, testing};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .provider(Provider::github(), |begun| format!("https://github.com/login/oauth/authorize?state={}", begun.state))
    ///     .on_code(|_, _| async { "signed in" })
    ///     .on_provider_refusal(|_, _| async { "You chose not to sign in." });
    /// assert!(routes.build().is_ok());
    /// # Ok::<(), oauth_state::NameError>(())
    /// ```
    pub fn on_provider_refusal<R: IntoResponse, F: Future<Output = R> + Send + 'static>(
        mut self,
        answer: impl Fn(ProviderRefusal<T>, Parts) -> F + Send + Sync + 'static,
    ) -> Self {
        self.hooks.on_provider_refusal = Some(Arc::new(move |refusal, request| {
            let answer = answer(refusal, request);
            Box::pin(async move { answer.await.into_response() })
        }));
        self
    }

    /// The page of a refused callback, in the application's own language and looks, in place of
    /// [`FinishError::to_page`]; its second argument is where the button leads.
    ///
    /// # Security
    ///
    /// Tell what happened only where [`FinishError::restart`] is there: otherwise the state may be an attacker's.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{adapter::axum::LoginRoutes, App, Flow, Provider, SingleProcessGuard, testing};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .provider(Provider::github(), |begun| format!("https://github.com/login/oauth/authorize?state={}", begun.state))
    ///     .on_code(|_, _| async { "signed in" })
    ///     .refusal_page(|_error, _again| (http::StatusCode::BAD_REQUEST, "Die Anmeldung ist fehlgeschlagen."));
    /// assert!(routes.build().is_ok());
    /// # Ok::<(), oauth_state::NameError>(())
    /// ```
    pub fn refusal_page<R: IntoResponse>(
        mut self,
        page: impl Fn(&FinishError, &ReturnTo) -> R + Send + Sync + 'static,
    ) -> Self {
        self.hooks.refusal_page = Some(Arc::new(move |error, again| page(error, again).into_response()));
        self
    }

    /// Told of every refused callback, whatever becomes of it: the place to log
    /// [`code`](FinishError::code) and [`diagnosis`](FinishError::diagnosis).
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{adapter::axum::LoginRoutes, App, Flow, Provider, SingleProcessGuard, testing};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .provider(Provider::github(), |begun| format!("https://github.com/login/oauth/authorize?state={}", begun.state))
    ///     .on_code(|_, _| async { "signed in" })
    ///     .on_error(|error| eprintln!("{}: {}", error.code(), error.diagnosis()));
    /// assert!(routes.build().is_ok());
    /// # Ok::<(), oauth_state::NameError>(())
    /// ```
    pub fn on_error(mut self, told: impl Fn(&FinishError) + Send + Sync + 'static) -> Self {
        self.hooks.on_error = Some(Arc::new(told));
        self
    }

    /// Told of every login that did not begin, a state that is too long with its numbers among them.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{adapter::axum::LoginRoutes, App, Flow, Provider, SingleProcessGuard, testing};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .provider(Provider::github(), |begun| format!("https://github.com/login/oauth/authorize?state={}", begun.state))
    ///     .on_code(|_, _| async { "signed in" })
    ///     .on_begin_error(|error| eprintln!("{error}"));
    /// assert!(routes.build().is_ok());
    /// # Ok::<(), oauth_state::NameError>(())
    /// ```
    pub fn on_begin_error(mut self, told: impl Fn(&BeginError) + Send + Sync + 'static) -> Self {
        self.hooks.on_begin_error = Some(Arc::new(told));
        self
    }

    /// Builds the flow and its routes.
    ///
    /// # Errors
    ///
    /// [`RoutesError`] says what does not fit together.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{adapter::axum::{LoginRoutes, RoutesError}, App, Flow, Provider, SingleProcessGuard, testing};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let elsewhere = Provider::github().redirect_uri("https://shop.example/callback");
    /// let error = LoginRoutes::builder(flow)
    ///     .provider(elsewhere, |begun| format!("https://github.com/login/oauth/authorize?state={}", begun.state))
    ///     .on_code(|_, _| async { "signed in" })
    ///     .build()
    ///     .unwrap_err();
    /// assert!(matches!(error, RoutesError::RedirectUri { .. }));
    /// # Ok::<(), oauth_state::NameError>(())
    /// ```
    pub fn build(self) -> Result<LoginRoutes<T>, RoutesError> {
        self.build_by(FlowBuilder::build)
    }

    /// What [`LoginRoutesBuilder::build`] does, with a flow of either form.
    pub(super) fn build_by(
        self,
        build_flow: impl FnOnce(FlowBuilder<T>) -> Result<Flow<T>, ConfigError>,
    ) -> Result<LoginRoutes<T>, RoutesError> {
        let Self { mut flow, at, landing, providers, hooks, dropped_refusal } = self;
        if dropped_refusal && hooks.on_provider_refusal.is_none() {
            return Err(RoutesError::RefusalTakenTooEarly);
        }
        if hooks.on_code.is_none() {
            return Err(RoutesError::NobodyTakesTheCode);
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-');
        if !(at.is_empty() || at.starts_with('/')) || at.ends_with('/') || !at.bytes().all(plain) {
            return Err(RoutesError::At);
        }
        let landing = landing.map_or_else(|| ReturnTo::parse("/"), Ok).map_err(|_| RoutesError::At)?;
        let mut places = Vec::new();
        // Every front of the path that a proxy or a nesting router takes away, whichever provider it was registered with.
        let mut prefixes = BTreeSet::from([String::new()]);
        for (provider, authorization_url) in providers {
            let path = format!("{at}/{}", provider.id());
            let again = login_starts(&provider, &path, &mut prefixes)?;
            places.push((provider.id().to_owned(), path, again, authorization_url));
            flow = flow.provider(provider);
        }
        let flow = build_flow(flow)?;
        let own = |(prefix, path): (&String, &String)| {
            ["", "/callback", "/link", "/reauthenticate"].map(|below| format!("{prefix}{path}{below}"))
        };
        let everywhere = prefixes.iter().flat_map(|prefix| places.iter().map(move |(_, path, ..)| (prefix, path)));
        let own = everywhere.flat_map(own).collect();
        let shared = Arc::new(Shared { flow: flow.clone(), landing, own, hooks });
        let serving = places.into_iter().map(|(provider, path, again, authorization_url)| Serving {
            shared: Arc::clone(&shared),
            provider: provider.into(),
            path,
            again,
            authorization_url,
        });
        Ok(LoginRoutes { serving: serving.collect(), flow })
    }
}

impl<T> fmt::Debug for LoginRoutesBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let providers: Vec<_> = self.providers.iter().map(|(provider, _)| provider.id()).collect();
        f.debug_struct("LoginRoutesBuilder")
            .field("at", &self.at)
            .field("providers", &providers)
            .finish_non_exhaustive()
    }
}

/// Where browsers find the provider's login start: next to each redirect_uri, because a proxy in front, or a router that nests
/// this one, may have taken the front of the path away. Adds each such front to `prefixes`.
fn login_starts(provider: &Provider, path: &str, prefixes: &mut BTreeSet<String>) -> Result<Vec<Again>, RoutesError> {
    let callback = format!("{path}/callback");
    let mut starts = Vec::new();
    for (redirect, uri) in provider.redirect_uris() {
        // What is no address at all, the flow itself refuses.
        let Some(uri) = RedirectUri::parse(uri) else { continue };
        let Some(prefix) = uri.path.strip_suffix(&callback) else {
            return Err(RoutesError::RedirectUri { provider: provider.id().to_owned(), callback });
        };
        let path = ReturnTo::parse(&format!("{prefix}{path}")).map_err(|_| RoutesError::At)?;
        starts.push(Again { redirect: redirect.clone(), host: uri.host, path });
        prefixes.insert(prefix.to_owned());
    }
    if starts.is_empty() {
        let path = ReturnTo::parse(path).map_err(|_| RoutesError::At)?;
        starts.push(Again { redirect: None, host: None, path });
    }
    Ok(starts)
}
