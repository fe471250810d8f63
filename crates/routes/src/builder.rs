//! The configuration of the login and callback routes.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use oauth_state::error::UrlError;
use oauth_state::seam::{accepts, redirect_uris, url_of};
use oauth_state::{AuthorizationRequest, ConfigError, Flow, FlowBuilder, Login, Provider, Purpose, ReturnTo};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::RoutesError;
use crate::framework::Framework;
use crate::hooks::Hooks;
use crate::login_start::login_starts;
use crate::routes::Routes;
use crate::serve::{AddressMaker, Serving, Shared};

/// Configures [`Routes`]; see the [front page](crate).
///
/// The hooks receive the request's [`Parts`], whose extensions hold the values that layers inserted, such as the
/// session of `tower-sessions`.
#[must_use = "the routes are made by build"]
pub struct RoutesBuilder<W: Framework, T> {
    flow: FlowBuilder<T>,
    at: String,
    default_return_to: Option<ReturnTo>,
    providers: Vec<(Provider, AddressMaker)>,
    /// Why the first provider without an authorization URL has none.
    unbuilt: Option<UrlError>,
    /// The same, if there is no `site` hook to choose one of the provider's redirect_uris.
    unaddressed: Option<UrlError>,
    pub(crate) hooks: Hooks<W, T>,
    /// `each_login` was called after `on_denied` and changed its argument.
    dropped_denied: bool,
    /// The same of `on_returned`.
    dropped_returned: bool,
}

impl<W: Framework> Routes<W, ()> {
    /// Starts the configuration with that of a flow. Add the providers with [`RoutesBuilder::provider`], not to the
    /// flow.
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
    ///     .purpose(Purpose::Link);
    /// let routes = LoginRoutes::builder(flow)
    ///     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    ///     .provider(Provider::google().client_id("id").redirect_uri("https://shop.example/auth/google/callback"))
    ///     .on_login(|login, _request| async move {
    ///         Response::new(match login.origin.purpose {
    ///             Purpose::Link => "the identity is linked",
    ///             _ => "signed in",
    ///         })
    ///     })
    ///     .build()?;
    /// assert!(routes.paths().any(|path| path == "/auth/google/link"));
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
            dropped_denied: false,
            dropped_returned: false,
        }
    }

    /// Completes every login from its request, for example with data of your own. Call it before
    /// [`RoutesBuilder::on_login`], [`RoutesBuilder::on_step_up`] and [`RoutesBuilder::on_denied`], which get the data
    /// back. Tenant and redirect id come from [`RoutesBuilder::site`]: a login for which this closure sets others does
    /// not start.
    ///
    /// A login that restarts automatically keeps its data if this is certainly the browser that started it. Otherwise
    /// it gets the data that the closure returns for the restarted request.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .each_login(|login, request| {
    ///         let campaign = request.uri.query().is_some_and(|query| query.contains("campaign=spring"));
    ///         login.data(campaign)
    ///     })
    ///     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    ///     .on_login(|login, _request| async move {
    ///         Response::new(if login.data { "the spring campaign" } else { "signed in" })
    ///     })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn each_login<U>(
        self,
        complete: impl Fn(Login, &Parts) -> Login<U> + Send + Sync + 'static,
    ) -> RoutesBuilder<W, U> {
        let Self { flow, at, default_return_to, providers, unbuilt, unaddressed, hooks, .. } = self;
        let (dropped_denied, dropped_returned) = (hooks.on_denied.is_some(), hooks.on_returned.is_some());
        let Hooks {
            site,
            signed_in_user,
            on_error,
            on_begin_error,
            refusal_page,
            authorize,
            connections,
            restart_after_denial,
            ..
        } = hooks;
        let kept = Hooks::new(Arc::new(complete));
        let kept = Hooks { site, signed_in_user, on_error, on_begin_error, refusal_page, ..kept };
        let hooks = Hooks { authorize, connections, restart_after_denial, ..kept };
        RoutesBuilder {
            flow: flow.carrying(),
            at,
            default_return_to,
            providers,
            unbuilt,
            unaddressed,
            hooks,
            dropped_denied,
            dropped_returned,
        }
    }
}

impl<W: Framework, T: Serialize + DeserializeOwned + Send + Sync + 'static> RoutesBuilder<W, T> {
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
    /// let routes = LoginRoutes::builder(flow)
    ///     .mount_at("/sign-in/with")
    ///     .provider(github.redirect_uri("https://shop.example/sign-in/with/github/callback"))
    ///     .on_login(|_login, _request| async { Response::new("signed in") })
    ///     .build()?;
    /// assert_eq!(routes.paths().next().as_deref(), Some("/sign-in/with/github"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn mount_at(self, path: &str) -> Self {
        Self { at: path.to_owned(), ..self }
    }

    /// Where users without a return path of their own go, `/` by default: signed-in users whose callback was already
    /// used, users who return from a page that grants nothing, and users who follow the button of the page after a
    /// failed link or step-up.
    pub fn default_return_to(self, path: ReturnTo) -> Self {
        Self { default_return_to: Some(path), ..self }
    }

    /// Adds a provider to the flow. The authorization URL is [`AuthorizationRequest::url`], so the provider needs a
    /// `client_id`, a redirect_uri and, if its preset has no authorization endpoint, that endpoint.
    pub fn provider(mut self, provider: Provider) -> Self {
        let is_named = redirect_uris(&provider).all(|(id, _)| id.is_some());
        self.unaddressed =
            self.unaddressed.or_else(|| is_named.then(|| UrlError::NoRedirectUri(provider.id().to_owned())));
        self.unbuilt = self.unbuilt.or_else(|| url_of(&provider).err());
        self.add(provider, AddressMaker::Built)
    }

    /// Adds a provider to the flow with a closure that builds its authorization URL, for a service that uses the
    /// `oauth2` crate for it.
    ///
    /// # Security
    ///
    /// The URL must contain [`AuthorizationRequest::code_challenge`] with `code_challenge_method=S256`. Without PKCE,
    /// the injection of a stolen code goes unnoticed (RFC 9700 section 2.1.1).
    ///
    /// # Examples
    ///
    /// ```
    /// use http::Response;
    /// use oauth_state::AuthorizationRequest;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    ///
    /// /// `oauth2`'s `authorize_url` and `set_pkce_challenge` produce the same parameters.
    /// fn authorization_url(request: &AuthorizationRequest) -> String {
    ///     let challenge = request.code_challenge.as_deref().expect("GitHub supports PKCE");
    ///     let pkce = format!("code_challenge={challenge}&code_challenge_method=S256");
    ///     let login = format!("response_type=code&client_id=id&state={}&{pkce}", request.state);
    ///     format!("https://github.com/login/oauth/authorize?{login}")
    /// }
    ///
    /// let routes = LoginRoutes::builder(flow)
    ///     .provider_with_url(Provider::github(), authorization_url)
    ///     .on_login(|_login, _request| async { Response::new("signed in") })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn provider_with_url<A: Into<String>>(
        self,
        provider: Provider,
        authorization_url: impl Fn(&AuthorizationRequest) -> A + Send + Sync + 'static,
    ) -> Self {
        self.add(provider, AddressMaker::Custom(Arc::new(move |request| authorization_url(request).into())))
    }

    fn add(mut self, provider: Provider, authorization_url: AddressMaker) -> Self {
        self.providers.push((provider, authorization_url));
        self
    }

    /// Builds the flow and its routes.
    ///
    /// # Errors
    ///
    /// [`RoutesError`] says which settings do not fit together.
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
    /// let result = LoginRoutes::builder(flow)
    ///     .provider(github)
    ///     .on_login(|_login, _request| async { Response::new("signed in") })
    ///     .build();
    /// assert!(matches!(result, Err(RoutesError::RedirectUri { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn build(self) -> Result<Routes<W, T>, RoutesError> {
        self.build_by(FlowBuilder::build)
    }

    /// Implements [`RoutesBuilder::build`] for flows that encrypt and for flows that only sign.
    pub(crate) fn build_by(
        self,
        build_flow: impl FnOnce(FlowBuilder<T>) -> Result<Flow<T>, ConfigError>,
    ) -> Result<Routes<W, T>, RoutesError> {
        let Self {
            mut flow,
            at,
            default_return_to,
            providers,
            unbuilt,
            unaddressed,
            hooks,
            dropped_denied,
            dropped_returned,
        } = self;
        if let Some(error) = unbuilt.or_else(|| unaddressed.filter(|_| hooks.site.is_none())) {
            return Err(error.into());
        }
        let is_denied_lost = dropped_denied && hooks.on_denied.is_none();
        if is_denied_lost || (dropped_returned && hooks.on_returned.is_none()) {
            return Err(RoutesError::RefusalTakenTooEarly);
        }
        if hooks.on_login.is_none() {
            return Err(RoutesError::MissingOnLogin);
        }
        if accepts(&flow, Purpose::Reauthenticate) && hooks.on_step_up.is_none() {
            return Err(RoutesError::MissingOnStepUp);
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-');
        if !(at.is_empty() || at.starts_with('/')) || at.ends_with('/') || !at.bytes().all(plain) {
            return Err(RoutesError::MountPath);
        }
        if at.is_empty() && hooks.connections.is_some() {
            return Err(RoutesError::ConnectionsAtRoot);
        }
        let default_return_to =
            default_return_to.map_or_else(|| "/".parse::<ReturnTo>(), Ok).map_err(|_| RoutesError::MountPath)?;
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
        let below = prefixes.iter().map(|prefix| format!("{prefix}{at}")).collect();
        let shared = Arc::new(Shared { flow, at, below, default_return_to, own, hooks });
        let serving = places.into_iter().map(|(provider, path, again, authorization_url)| Serving {
            shared: Arc::clone(&shared),
            provider: provider.into(),
            path,
            again,
            authorization_url,
            is_connection: false,
        });
        Ok(Routes::new(serving.collect(), shared))
    }
}

impl<W: Framework, T> fmt::Debug for RoutesBuilder<W, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let providers: Vec<_> = self.providers.iter().map(|(provider, _)| provider.id()).collect();
        f.debug_struct("RoutesBuilder").field("at", &self.at).field("providers", &providers).finish_non_exhaustive()
    }
}
