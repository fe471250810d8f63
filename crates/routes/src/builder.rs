//! The configuration of a router for begin and callback.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use oauth_state::error::UrlError;
use oauth_state::seam::routes::{host_and_path, redirect_uris, url_of};
use oauth_state::{AuthorizationRequest, ConfigError, Flow, FlowBuilder, Login, Provider, ReturnTo};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::RoutesError;
use crate::framework::Framework;
use crate::hooks::Hooks;
use crate::routes::Routes;
use crate::serve::{AddressMaker, Again, Serving, Shared};

/// Configures [`Routes`].
///
/// The closures are given the request's [`Parts`], whose extensions hold what layers put there, such as the session of
/// `tower-sessions`.
///
/// # Examples
///
/// ```
/// use oauth_state_routes::LoginRoutes;
/// use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
/// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
/// let builder = LoginRoutes::builder(flow)
///     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"));
/// assert_eq!(format!("{builder:?}"), r#"RoutesBuilder { at: "/auth", providers: ["github"], .. }"#);
/// # Ok::<(), oauth_state::error::NameError>(())
/// ```
#[must_use = "the routes are made by build"]
pub struct RoutesBuilder<W: Framework, T> {
    flow: FlowBuilder<T>,
    at: String,
    default_return_to: Option<ReturnTo>,
    providers: Vec<(Provider, AddressMaker)>,
    /// Why the first provider without an authorization URL has none.
    unbuilt: Option<UrlError>,
    /// The same, where no site says which of its redirect_uris a login has.
    unaddressed: Option<UrlError>,
    pub(crate) hooks: Hooks<W, T>,
    /// `each_login` came after it, and changed what it takes.
    dropped_refusal: bool,
}

impl<W: Framework> Routes<W, ()> {
    /// Starts the configuration, from that of a flow: its providers come from [`RoutesBuilder::provider`].
    ///
    /// # Examples
    ///
    /// ```
    /// use http::Response;
    /// use oauth_state::{App, Flow, Provider, Purpose, SingleProcessGuard, testing};
    /// use oauth_state_routes::LoginRoutes;
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow.purpose(Purpose::Login).purpose(Purpose::Link))
    ///     .provider(Provider::google().client_id("id").redirect_uri("https://shop.example/auth/google/callback"))
    ///     .on_login(|_login, _request| async { Response::new("signed in") })
    ///     .build()?;
    /// assert_eq!(routes.flow().fingerprint(), testing::ring().fingerprint());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder(flow: FlowBuilder<()>) -> RoutesBuilder<W, ()> {
        RoutesBuilder::new(flow)
    }
}

impl<W: Framework> RoutesBuilder<W, ()> {
    pub(crate) fn new(flow: FlowBuilder<()>) -> Self {
        let hooks = Hooks::new(Arc::new(|login, _| login));
        Self {
            flow,
            at: "/auth".to_owned(),
            default_return_to: None,
            providers: Vec::new(),
            unbuilt: None,
            unaddressed: None,
            hooks,
            dropped_refusal: false,
        }
    }

    /// What every login gets from its request: data of your own, for example. Call it before
    /// [`RoutesBuilder::on_login`] and [`RoutesBuilder::on_denied`], which are given the data back. A tenant and a
    /// redirect id come from [`RoutesBuilder::site`]: a login that gets another one here does not start.
    ///
    /// A login that restarts by itself keeps its data if this is certainly the browser that started it; otherwise it gets what the
    /// closure makes of the restarted request.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::Response;
    /// use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// use oauth_state_routes::LoginRoutes;
    /// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .each_login(|login, request| {
    ///         let campaign = request.uri.query().is_some_and(|query| query.contains("campaign=spring"));
    ///         login.data(campaign)
    ///     })
    ///     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    ///     .on_login(|login, _request| async move {
    ///         Response::new(if login.data { "the spring campaign" } else { "signed in" })
    ///     });
    /// assert!(routes.build().is_ok());
    /// # Ok::<(), oauth_state::error::NameError>(())
    /// ```
    pub fn each_login<U>(
        self,
        complete: impl Fn(Login, &Parts) -> Login<U> + Send + Sync + 'static,
    ) -> RoutesBuilder<W, U> {
        let Self { flow, at, default_return_to, providers, unbuilt, unaddressed, hooks, .. } = self;
        let dropped_refusal = hooks.on_denied.is_some();
        let Hooks { site, signed_in_user, on_error, on_begin_error, refusal_page, .. } = hooks;
        let hooks =
            Hooks { site, signed_in_user, on_error, on_begin_error, refusal_page, ..Hooks::new(Arc::new(complete)) };
        RoutesBuilder {
            flow: flow.carrying(),
            at,
            default_return_to,
            providers,
            unbuilt,
            unaddressed,
            hooks,
            dropped_refusal,
        }
    }
}

impl<W: Framework, T: Serialize + DeserializeOwned + Send + Sync + 'static> RoutesBuilder<W, T> {
    /// Where the routes lie, `/auth` unless it is said here: the path as the router sees it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .mount_at("/sign-in/with")
    ///     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/sign-in/with/github/callback"))
    ///     .on_login(|_, _| async { Response::new("signed in") })
    ///     .build()?;
    /// assert_eq!(format!("{routes:?}"), r#"Routes { paths: ["/sign-in/with/github"], .. }"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn mount_at(self, path: &str) -> Self {
        Self { at: path.to_owned(), ..self }
    }

    /// Where a signed-in user goes who comes with a used callback that names no return path, and where
    /// the page's button leads after a link; `/` unless it is said here.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, ReturnTo, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .default_return_to(ReturnTo::parse("/home")?)
    ///     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    ///     .on_login(|_, _| async { Response::new("signed in") });
    /// assert!(routes.build().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn default_return_to(self, path: ReturnTo) -> Self {
        Self { default_return_to: Some(path), ..self }
    }

    /// Adds a provider to the flow. Its authorization URL is [`AuthorizationRequest::url`], so that it needs a `client_id`, a
    /// redirect_uri, and an endpoint where its preset knows none.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let builder = LoginRoutes::builder(flow)
    ///     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    ///     .provider(Provider::google().client_id("id").redirect_uri("https://shop.example/auth/google/callback"));
    /// assert!(format!("{builder:?}").contains(r#"["github", "google"]"#));
    /// # Ok::<(), oauth_state::error::NameError>(())
    /// ```
    pub fn provider(mut self, provider: Provider) -> Self {
        let is_named = redirect_uris(&provider).iter().all(|(id, _)| id.is_some());
        self.unaddressed =
            self.unaddressed.or_else(|| is_named.then(|| UrlError::NoRedirectUri(provider.id().to_owned())));
        self.unbuilt = self.unbuilt.or_else(|| url_of(&provider).err());
        self.add(provider, Arc::new(|request| Ok(request.url()?.to_string())))
    }

    /// Adds a provider to the flow, with what makes its authorization URL of a login: for a service that lets the `oauth2` crate
    /// build it.
    ///
    /// # Security
    ///
    /// The URL has to hold [`AuthorizationRequest::code_challenge`] with `code_challenge_method=S256`: without PKCE, an attacker who injects a
    /// stolen code is not noticed (RFC 9700 section 2.1.1).
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let builder = LoginRoutes::builder(flow).provider_with_url(Provider::github(), |request| {
    ///     let (state, challenge) = (&request.state, &request.code_challenge);
    ///     let query = format!("client_id=id&state={state}&code_challenge={challenge}&code_challenge_method=S256");
    ///     format!("https://github.com/login/oauth/authorize?{query}")
    /// });
    /// assert!(format!("{builder:?}").contains(r#"["github"]"#));
    /// # Ok::<(), oauth_state::error::NameError>(())
    /// ```
    pub fn provider_with_url<A: Into<String>>(
        self,
        provider: Provider,
        authorization_url: impl Fn(&AuthorizationRequest) -> A + Send + Sync + 'static,
    ) -> Self {
        self.add(provider, Arc::new(move |request| Ok(authorization_url(request).into())))
    }

    fn add(mut self, provider: Provider, authorization_url: AddressMaker) -> Self {
        self.providers.push((provider, authorization_url));
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
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::{LoginRoutes, RoutesError};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let elsewhere = Provider::github().redirect_uri("https://shop.example/callback");
    /// let error = LoginRoutes::builder(flow)
    ///     .provider(elsewhere.client_id("id"))
    ///     .on_login(|_, _| async { Response::new("signed in") })
    ///     .build()
    ///     .unwrap_err();
    /// assert!(matches!(error, RoutesError::RedirectUri { .. }));
    /// # Ok::<(), oauth_state::error::NameError>(())
    /// ```
    pub fn build(self) -> Result<Routes<W, T>, RoutesError> {
        self.build_by(FlowBuilder::build)
    }

    /// What [`RoutesBuilder::build`] does, with a flow of either form.
    pub(crate) fn build_by(
        self,
        build_flow: impl FnOnce(FlowBuilder<T>) -> Result<Flow<T>, ConfigError>,
    ) -> Result<Routes<W, T>, RoutesError> {
        let Self { mut flow, at, default_return_to, providers, unbuilt, unaddressed, hooks, dropped_refusal } = self;
        if let Some(error) = unbuilt.or_else(|| unaddressed.filter(|_| hooks.site.is_none())) {
            return Err(error.into());
        }
        if dropped_refusal && hooks.on_denied.is_none() {
            return Err(RoutesError::RefusalTakenTooEarly);
        }
        if hooks.on_login.is_none() {
            return Err(RoutesError::MissingOnLogin);
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-');
        if !(at.is_empty() || at.starts_with('/')) || at.ends_with('/') || !at.bytes().all(plain) {
            return Err(RoutesError::MountPath);
        }
        let default_return_to =
            default_return_to.map_or_else(|| ReturnTo::parse("/"), Ok).map_err(|_| RoutesError::MountPath)?;
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
        let shared = Arc::new(Shared { flow: flow.clone(), default_return_to, own, hooks });
        let serving = places.into_iter().map(|(provider, path, again, authorization_url)| Serving {
            shared: Arc::clone(&shared),
            provider: provider.into(),
            path,
            again,
            authorization_url,
        });
        Ok(Routes::new(serving.collect(), flow))
    }
}

impl<W: Framework, T> fmt::Debug for RoutesBuilder<W, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let providers: Vec<_> = self.providers.iter().map(|(provider, _)| provider.id()).collect();
        f.debug_struct("RoutesBuilder").field("at", &self.at).field("providers", &providers).finish_non_exhaustive()
    }
}

/// Where browsers find the provider's login start: next to each redirect_uri, because a proxy in front, or a router that nests
/// this one, may have taken the front of the path away. Adds each such front to `prefixes`.
fn login_starts(provider: &Provider, path: &str, prefixes: &mut BTreeSet<String>) -> Result<Vec<Again>, RoutesError> {
    let callback = format!("{path}/callback");
    let mut starts = Vec::new();
    for (redirect, uri) in redirect_uris(provider) {
        // What is no address at all, the flow itself refuses.
        let Some((host, at)) = host_and_path(uri) else { continue };
        let Some(prefix) = at.strip_suffix(&callback) else {
            return Err(RoutesError::RedirectUri { provider: provider.id().to_owned(), callback });
        };
        let path = ReturnTo::parse(&format!("{prefix}{path}")).map_err(|_| RoutesError::MountPath)?;
        starts.push(Again { redirect: redirect.clone(), host, path });
        prefixes.insert(prefix.to_owned());
    }
    if starts.is_empty() {
        let path = ReturnTo::parse(path).map_err(|_| RoutesError::MountPath)?;
        starts.push(Again { redirect: None, host: None, path });
    }
    Ok(starts)
}
