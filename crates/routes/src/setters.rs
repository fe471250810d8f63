//! The hooks up to the outcome of a login.

use std::future::Future;
use std::sync::Arc;

use oauth_state::{AuthorizationUrl, LoginData, Provider, ReturnTo};

use crate::BoxError;
use crate::builder::RoutesBuilder;
use crate::failure::Failure;
use crate::framework::{Answer, Framework};
use crate::request::LoginRequest;
use crate::site::Site;

impl<W: Framework, T: LoginData> RoutesBuilder<W, T> {
    /// Derives the tenant of a request, and which of the provider's redirect_uris it belongs to, from the request's
    /// host or path. The hook runs at the login start, where its result is sealed into the state, and again at the
    /// callback, where a state of another site is refused as `wrong_tenant` or `wrong_redirect`. Without this hook, a
    /// login has neither.
    ///
    /// An error refuses the request with 503 (`hook_failed`) and consumes nothing. At the callback the hook runs only
    /// for states that this service sealed. On the routes of connections it also runs for a GET without a state, which
    /// may start a login.
    ///
    /// # Security
    ///
    /// Derive both from data that the browser cannot choose freely for another tenant: the `Host` header that your
    /// proxy checked, or the path of the route. With a query parameter, an attacker could name the victim's tenant at
    /// the attacker's own address.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state_routes::Site;
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    /// #     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    /// #     .build()?;
    /// let routes = LoginRoutes::builder(flow)
    ///     .site(|request| async move {
    ///         match request.host() { // for hosts that are added at run time, read the header
    ///             Some("acme.shop.example") => Ok(Site::default().with_tenant([1; 16])),
    ///             Some("zeta.shop.example") => Ok(Site::default().with_tenant([2; 16])),
    ///             _ => Err("no tenant has this host".into()),
    ///         }
    ///     })
    ///     .on_login(|_login, _request| async { Ok(Response::new("signed in")) })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn site<F>(mut self, of: impl Fn(LoginRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Site, BoxError>> + Send + 'static,
    {
        self.hooks.site = Some(Arc::new(move |request| Box::pin(of(request))));
        self
    }

    /// Returns the id of the signed-in user from your application's session, or `None`. Without this hook there is
    /// never a signed-in user, and `link` and `reauthenticate` are refused with 401. An error refuses the request with
    /// 503 (`hook_failed`) and consumes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    /// #     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    /// #     .build()?;
    /// #[derive(Clone)]
    /// struct User(u64); // inserted by a layer of your application
    ///
    /// let routes = LoginRoutes::builder(flow)
    ///     .signed_in_user(|request| async move {
    ///         Ok(request.extensions.get::<User>().map(|user| user.0.to_be_bytes().to_vec()))
    ///     })
    ///     .on_login(|_login, _request| async { Ok(Response::new("signed in")) })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn signed_in_user<F>(mut self, user: impl Fn(LoginRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Option<Vec<u8>>, BoxError>> + Send + 'static,
    {
        self.hooks.signed_in_user = Some(Arc::new(move |request| Box::pin(user(request))));
        self
    }

    /// Completes the authorization URL of each login start: hints and other parameters of the provider, an endpoint
    /// from discovery, or a pushed authorization request (RFC 9126).
    ///
    /// The login's own parameters (`state`, PKCE, `redirect_uri` …) can neither be dropped nor replaced. If the hook
    /// fails, the login does not start (`hook_failed`), and the user gets a page with a button to try again.
    ///
    /// # Security
    ///
    /// The sender chooses everything in the request. Pass on only parameters that you know, never one whose name comes
    /// from the request.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, Purpose, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    /// #     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    /// #     .build()?;
    /// let routes = LoginRoutes::builder(flow)
    ///     .authorize(|url, request| async move {
    ///         // To link an identity, let the user choose an account instead of linking the signed-in one.
    ///         let url = if url.purpose() == Purpose::Link { url.prompt("select_account") } else { url };
    ///         Ok(match request.query("login_hint") {
    ///             Some(hint) => url.login_hint(&hint),
    ///             None => url,
    ///         })
    ///     })
    ///     .on_login(|_login, _request| async { Ok(Response::new("signed in")) })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn authorize<F>(
        mut self,
        complete: impl Fn(AuthorizationUrl, LoginRequest) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<AuthorizationUrl, BoxError>> + Send + 'static,
    {
        self.hooks.authorize = Some(Arc::new(move |url, request| Box::pin(complete(url, request))));
        self
    }

    /// Loads the identity providers that customers set up while the service runs. For a provider that the flow does not
    /// know (`/auth/{id}`, its callback and the others), the routes ask this hook by the id in the path and the site of
    /// the request, at the login start and again at the callback. `None` means that the provider does not exist: 404 at
    /// the login start, and `connection_gone` at the callback.
    ///
    /// The provider needs a `client_id`, an authorization endpoint and a redirect_uri that ends in
    /// `/auth/{id}/callback`. If its issuer, client id, authorization endpoint or redirect_uri changed after the login
    /// start, the callback is refused as `connection_changed`. If the hook fails, the response is 503 (`hook_failed`),
    /// and nothing has been consumed.
    ///
    /// # Security
    ///
    /// Load by id **and** tenant (`WHERE id = $1 AND tenant = $2`, with [`Site::tenant`]), and name the owner with
    /// [`Provider::for_tenant`]. Otherwise one customer's identity provider signs users in to another customer. A
    /// customer can be hostile: never match users of different providers by e-mail address.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::{LoginRoutes, Site};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// /// Your query: the issuer, the endpoint and the client id of a customer's identity provider.
    /// async fn row(id: &str, _site: &Site) -> Option<(String, String, String)> { /* … */
    /// #   (id == "01JDQ8ZK3M7Y5V2W9X4R6T1B0C").then(|| ("https://login.acme.example".into(), "https://login.acme.example/authorize".into(), "7".into()))
    /// }
    ///
    /// let routes = LoginRoutes::builder(flow.loads_providers().build()?)
    ///     .connections(|id, site| async move {
    ///         let Some((issuer, endpoint, client_id)) = row(&id, &site).await else { return Ok(None) };
    ///         let provider = Provider::oidc(&id, &issuer)?.authorization_endpoint(&endpoint).client_id(&client_id);
    ///         Ok(Some(provider.redirect_uri(&format!("https://shop.example/auth/{id}/callback"))))
    ///     })
    ///     .on_login(|login, _request| async move { Ok(Response::new(format!("signed in at {}", login.origin.provider))) })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connections<F>(mut self, load: impl Fn(String, Site) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Option<Provider>, BoxError>> + Send + 'static,
    {
        self.hooks.connections = Some(Arc::new(move |id, site| Box::pin(load(id, site))));
        self
    }

    /// Restarts a login, once and without asking, after an error of the provider that means "try again":
    /// `temporarily_unavailable` (which Keycloak also sends for a page that stayed open too long), `login_required` and
    /// `interaction_required`. Every other error, and the second error of one login, goes to
    /// [`RoutesBuilder::on_denied`].
    pub fn restart_after_denial(mut self) -> Self {
        self.hooks.restart_after_denial = true;
        self
    }

    /// Hands callbacks of this redirect id over to an app, with `?code=…&state=…` appended to `app_link`
    /// (`com.shop.app:/signed-in`, or an https address that belongs to the app). The app starts such a login through a
    /// handler of yours, with [`Binding::new_login_secret`](oauth_state::Binding::new_login_secret) and
    /// [`Login::redirect`](oauth_state::Login::redirect), and finishes it with the secret that it keeps. Nothing is
    /// consumed here. The user gets a page that opens the app, by itself or, for an https link, after a click. Only an
    /// authentic state of this redirect id that is bound to a login secret is handed over, and only at its own
    /// provider's callback: for a connection, the app's handler may therefore pass the path of the state's provider to
    /// [`Callback::arrived_at`](oauth_state::Callback::arrived_at). A second call for the same redirect id replaces the
    /// first. For a callback that comes too late, the browser shows the page of an expired login.
    ///
    /// # Security
    ///
    /// Another app can claim a private scheme (RFC 8252 section 8.1). It cannot finish a login that the genuine app
    /// started, because it has neither the login secret nor the `code_verifier`, but it can start its own login through
    /// your handler: a private scheme does not authenticate the app. An https link that the operating system ties to
    /// the app does (RFC 8252 section 7.2).
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let callback = "https://shop.example/auth/github/callback";
    /// let github = Provider::github().client_id("id").redirect_uri(callback).named_redirect_uri("app", callback);
    /// let routes = LoginRoutes::builder(flow.provider(github).build()?)
    ///     .hand_over("app", "com.shop.app:/signed-in")
    ///     .on_login(|_login, _request| async { Ok(Response::new("signed in")) })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn hand_over(mut self, redirect: &str, app_link: &str) -> Self {
        self.hooks.hand_over.retain(|(id, _)| id != redirect);
        self.hooks.hand_over.push((redirect.to_owned(), app_link.to_owned()));
        self
    }

    /// Replaces the neutral pages, in your application's language and design. The second argument is the target of the
    /// page's button: the login start or, after a link or step-up that did not start or whose hook failed, its return
    /// path or `default_return_to`. The hook is neither async nor fallible. Two pages that navigate by themselves keep
    /// their words: the one after a POST that started a login, and the one of [`hand_over`](RoutesBuilder::hand_over).
    ///
    /// # Security
    ///
    /// See [`Failure`]. The target is a path on this site, but it may contain `"`, `<` and `&`: escape it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
    /// #     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    /// #     .build()?;
    /// let routes = LoginRoutes::builder(flow)
    ///     .on_login(|_login, _request| async { Ok(Response::new("signed in".to_owned())) })
    ///     .error_page(|failure, target, _request| {
    ///         let target = target.as_str().replace('&', "&amp;").replace('"', "&quot;");
    ///         let reference = failure.reference().map(|reference| format!(" Vorgang: {reference}.")).unwrap_or_default();
    ///         let page = format!("<p>Die Anmeldung ist fehlgeschlagen.{reference} <a href=\"{target}\">Weiter</a>");
    ///         let mut response = Response::new(page);
    ///         *response.status_mut() = http::StatusCode::from_u16(failure.status()).unwrap_or_default();
    ///         response
    ///     })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn error_page<R>(
        mut self,
        page: impl Fn(Failure<'_>, &ReturnTo, &LoginRequest) -> R + Send + Sync + 'static,
    ) -> Self
    where
        W: Answer<R>,
    {
        self.hooks.error_page =
            Some(Arc::new(move |failure, target, request| W::answer(page(failure, target, request))));
        self
    }
}
