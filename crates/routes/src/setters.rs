//! The hooks of a [`RoutesBuilder`].

use std::future::Future;
use std::sync::Arc;

use http::request::Parts;
use oauth_state::outcome::{Returned, StepUp};
use oauth_state::{AuthorizationUrl, Authorized, BeginError, Denied, FinishError, Provider, ReturnTo};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::builder::RoutesBuilder;
use crate::framework::{Answer, Framework};
use crate::hooks::Cause;
use crate::site::Site;

impl<W: Framework, T: Serialize + DeserializeOwned + Send + Sync + 'static> RoutesBuilder<W, T> {
    /// Derives the tenant of a request, and which of the provider's redirect_uris it belongs to, from the request's
    /// host or path. The hook runs at the login start, where its result is sealed into the state, and again at the
    /// callback, where a state of another site is refused as `wrong_tenant` or `wrong_redirect`. Without it, a login
    /// has neither.
    ///
    /// An error refuses the request with 503 and consumes nothing; `on_begin_error` or `on_error` receives it as the
    /// source of `site_unavailable`. At the callback the hook runs only for states that this service sealed.
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
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    ///     .site(|request| async move {
    ///         match request.headers.get("host").and_then(|host| host.to_str().ok()) {
    ///             Some("acme.shop.example") => Ok(Site::default().with_tenant([1; 16])),
    ///             Some("zeta.shop.example") => Ok(Site::default().with_tenant([2; 16])),
    ///             _ => Err("no tenant has this host".into()),
    ///         }
    ///     })
    ///     .on_login(|_login, _request| async { Response::new("signed in") })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn site<F>(mut self, of: impl Fn(Parts) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Site, Cause>> + Send + 'static,
    {
        self.hooks.site = Some(Arc::new(move |request| Box::pin(of(request))));
        self
    }

    /// Returns the id of the signed-in user from your application's own session, or `None`. Without this hook there is
    /// never a signed-in user, and `link` and `reauthenticate` are refused with 401.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// #[derive(Clone)]
    /// struct User(u64); // inserted by a layer of your application
    ///
    /// let routes = LoginRoutes::builder(flow)
    ///     .signed_in_user(|request| async move {
    ///         request.extensions.get::<User>().map(|user| user.0.to_be_bytes().to_vec())
    ///     })
    ///     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    ///     .on_login(|_login, _request| async { Response::new("signed in") })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn signed_in_user<F: Future<Output = Option<Vec<u8>>> + Send + 'static>(
        mut self,
        user: impl Fn(Parts) -> F + Send + Sync + 'static,
    ) -> Self {
        self.hooks.signed_in_user = Some(Arc::new(move |request| Box::pin(user(request))));
        self
    }

    /// Exchanges the code, and then opens a session or links the identity, depending on `login.origin.purpose`.
    /// Required. The hook runs on a task of its own, which continues if the client disconnects.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// # async fn exchange(_: Vec<(&str, &str)>) -> Result<&'static str, std::io::Error> { Ok("ann") }
    /// let routes = LoginRoutes::builder(flow)
    ///     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    ///     .on_login(|login, _request| async move {
    ///         match exchange(login.token_form()).await { // your request to the token endpoint
    ///             Ok(user) => Response::new(format!("signed in as {user}")),
    ///             Err(error) => Response::new(format!("the sign-in failed: {error}")),
    ///         }
    ///     })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_login<R, F: Future<Output = R> + Send + 'static>(
        mut self,
        exchange: impl Fn(Authorized<T>, Parts) -> F + Send + Sync + 'static,
    ) -> Self
    where
        W: Answer<R>,
    {
        self.hooks.on_login = Some(Arc::new(move |login, request| {
            let answer = exchange(login, request);
            Box::pin(async move { W::answer(answer.await) })
        }));
        self
    }

    /// Confirms that the user has just authenticated again, after a login of
    /// [`Purpose::Reauthenticate`](oauth_state::Purpose::Reauthenticate): exchange the code with
    /// [`StepUp::token_form`], and pass the `auth_time` of the verified ID token to [`StepUp::confirm`]. Required if
    /// the flow accepts this purpose. The hook runs on a task of its own, like [`RoutesBuilder::on_login`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::{Response, request::Parts};
    /// # use oauth_state::{App, Flow, Provider, Purpose, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # async fn user_id(_: Parts) -> Option<Vec<u8>> { None }
    /// # async fn exchange(_: Vec<(&str, &str)>) -> (String, Option<u64>) { (String::new(), None) }
    /// # async fn linked_subject(_: Parts) -> String { String::new() }
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let okta = Provider::okta("https://shop.okta.com/oauth2/default")?
    ///     .authorization_endpoint("https://shop.okta.com/oauth2/default/v1/authorize");
    /// let routes = LoginRoutes::builder(flow.purpose(Purpose::Login).purpose(Purpose::Reauthenticate))
    ///     .provider(okta.client_id("id").redirect_uri("https://shop.example/auth/okta/callback"))
    ///     .signed_in_user(user_id)
    ///     .on_login(|_login, _request| async { Response::new("signed in") })
    ///     .on_step_up(|login, request| async move {
    ///         let (subject, auth_time) = exchange(login.token_form()).await; // of the ID token that you verified
    ///         if subject != linked_subject(request).await {
    ///             return Response::new("This is another person's account.");
    ///         }
    ///         match login.confirm(auth_time) {
    ///             Ok(_confirmed) => Response::new("confirmed"), // note it in the user's session
    ///             Err(_stale) => Response::new("Please sign in at the provider again."),
    ///         }
    ///     })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_step_up<R, F: Future<Output = R> + Send + 'static>(
        mut self,
        confirm: impl Fn(StepUp<T>, Parts) -> F + Send + Sync + 'static,
    ) -> Self
    where
        W: Answer<R>,
    {
        self.hooks.on_step_up = Some(Arc::new(move |login, request| {
            let answer = confirm(login, request);
            Box::pin(async move { W::answer(answer.await) })
        }));
        self
    }

    /// Responds when the provider did not sign the user in, for example with `access_denied`. By default, the response
    /// is a page with a button.
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
    ///     .on_login(|_login, _request| async { Response::new("signed in") })
    ///     .on_denied(|_denied, _request| async { Response::new("You chose not to sign in.") })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_denied<R, F: Future<Output = R> + Send + 'static>(
        mut self,
        answer: impl Fn(Denied<T>, Parts) -> F + Send + Sync + 'static,
    ) -> Self
    where
        W: Answer<R>,
    {
        self.hooks.on_denied = Some(Arc::new(move |refusal, request| {
            let answer = answer(refusal, request);
            Box::pin(async move { W::answer(answer.await) })
        }));
        self
    }

    /// Responds when the user comes back from a page that grants nothing: the installation of an application, an administrator's consent, or a
    /// logout. By default, the response is a redirect to the return path.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, Purpose, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let consent = Purpose::Custom("admin-consent");
    /// let routes = LoginRoutes::builder(flow.purpose(Purpose::Login).purpose_without_code(consent))
    ///     .each_login(move |login, request| {
    ///         if request.uri.query() == Some("consent") { login.purpose(consent) } else { login }
    ///     })
    ///     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    ///     .on_login(|_login, _request| async { Response::new("signed in") })
    ///     .on_returned(|back, _request| async move {
    ///         let given = back.parameters.get("admin_consent") == Some("True"); // ask the provider whether it is true
    ///         Response::new(if given { "thank you" } else { "not given" })
    ///     })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_returned<R, F: Future<Output = R> + Send + 'static>(
        mut self,
        answer: impl Fn(Returned<T>, Parts) -> F + Send + Sync + 'static,
    ) -> Self
    where
        W: Answer<R>,
    {
        self.hooks.on_returned = Some(Arc::new(move |back, request| {
            let answer = answer(back, request);
            Box::pin(async move { W::answer(answer.await) })
        }));
        self
    }

    /// Completes the authorization URL of each login start: hints and other parameters of the provider, an endpoint from discovery, or a
    /// pushed authorization request (RFC 9126). It is not called for providers of
    /// [`provider_with_url`](RoutesBuilder::provider_with_url).
    ///
    /// What belongs to the login itself (`state`, PKCE, `redirect_uri` …) can neither be dropped nor replaced. If the hook fails, the login
    /// does not start: the user gets a page with a button to try again, and `on_begin_error` receives [`BeginError::HookFailed`].
    ///
    /// # Security
    ///
    /// Everything in the request is a wish of its sender. Pass on what you know, and no parameter by a name that the request gives.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .provider(Provider::google().client_id("id").redirect_uri("https://shop.example/auth/google/callback"))
    ///     .authorize(|url, request| async move {
    ///         let query = request.uri.query().unwrap_or_default();
    ///         let hint = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "login_hint");
    ///         Ok(match hint {
    ///             Some((_, hint)) => url.login_hint(&hint),
    ///             None => url,
    ///         })
    ///     })
    ///     .on_login(|_login, _request| async { Response::new("signed in") })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn authorize<F>(mut self, complete: impl Fn(AuthorizationUrl, Parts) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<AuthorizationUrl, Cause>> + Send + 'static,
    {
        self.hooks.authorize = Some(Arc::new(move |url, request| Box::pin(complete(url, request))));
        self
    }

    /// Loads the identity providers that customers set up while the service runs. The routes of a provider that the flow does not know
    /// (`/auth/{id}`, its callback and the others) ask this hook for it, by the id in the path and the site of the request, at the login start
    /// and again at the callback. `None` is a provider that does not exist: 404 at the login start, and `connection_gone` at the callback.
    ///
    /// The provider needs a `client_id`, an authorization endpoint and a redirect_uri that ends in `/auth/{id}/callback`. One that has
    /// another issuer or client id than when the login started is refused as `connection_changed`. If the hook fails, the response is 503,
    /// and nothing has been consumed.
    ///
    /// # Security
    ///
    /// Load by id **and** tenant (`WHERE id = $1 AND tenant = $2`, with [`Site::tenant`]), and say whose it is with
    /// [`Provider::for_tenant`], or a customer's identity provider signs users in to another customer. A customer can be hostile: take no
    /// user of one provider for a user of another, whatever e-mail address it names.
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
    /// let routes = LoginRoutes::builder(flow.loads_providers())
    ///     .connections(|id, site| async move {
    ///         let Some((issuer, endpoint, client_id)) = row(&id, &site).await else { return Ok(None) };
    ///         let provider = Provider::oidc(&id, &issuer)?.authorization_endpoint(&endpoint).client_id(&client_id);
    ///         Ok(Some(provider.redirect_uri(&format!("https://shop.example/auth/{id}/callback"))))
    ///     })
    ///     .on_login(|login, _request| async move { Response::new(format!("signed in at {}", login.origin.provider)) })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connections<F>(mut self, load: impl Fn(String, Site) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Option<Provider>, Cause>> + Send + 'static,
    {
        self.hooks.connections = Some(Arc::new(move |id, site| Box::pin(load(id, site))));
        self
    }

    /// Starts a login again, once and without asking, after an error of the provider that means "try again": `temporarily_unavailable` (which
    /// Keycloak also sends for a page that stayed open too long), `login_required` and `interaction_required`. Everything else, and the second
    /// error of one login, goes to [`RoutesBuilder::on_denied`].
    pub fn restart_after_denial(mut self) -> Self {
        self.hooks.restart_after_denial = true;
        self
    }

    /// Renders the page of a refused callback in your application's language and design, in place of
    /// [`FinishError::to_page`]. The second argument is the target of the button.
    ///
    /// # Security
    ///
    /// Say what happened only if there is a [`FinishError::restart`]: otherwise the state may be an attacker's. The
    /// target is a path on this site, but it may contain `"`, `<` and `&`: escape it.
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
    ///     .on_login(|_login, _request| async { Response::new("signed in".to_owned()) })
    ///     .refusal_page(|error, again| {
    ///         let target = again.as_str().replace('&', "&amp;").replace('"', "&quot;");
    ///         let page = format!("<p>Die Anmeldung ist fehlgeschlagen. <a href=\"{target}\">Weiter</a>");
    ///         let mut response = Response::new(page);
    ///         *response.status_mut() = http::StatusCode::from_u16(error.status()).unwrap_or_default();
    ///         response
    ///     })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn refusal_page<R>(mut self, page: impl Fn(&FinishError, &ReturnTo) -> R + Send + Sync + 'static) -> Self
    where
        W: Answer<R>,
    {
        self.hooks.refusal_page = Some(Arc::new(move |error, again| W::answer(page(error, again))));
        self
    }

    /// Observes every refused callback, whatever the response is. Log [`code`](FinishError::code) and
    /// [`diagnosis`](FinishError::diagnosis) here.
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
    ///     .on_login(|_login, _request| async { Response::new("signed in") })
    ///     .on_error(|error| eprintln!("callback refused, {}: {}", error.code(), error.diagnosis()))
    ///     .on_begin_error(|error| eprintln!("login not started: {error}"))
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_error(mut self, told: impl Fn(&FinishError) + Send + Sync + 'static) -> Self {
        self.hooks.on_error = Some(Arc::new(told));
        self
    }

    /// Observes every login that did not start, for example because its state was too long; the error has the numbers.
    /// See [`RoutesBuilder::on_error`] for an example.
    pub fn on_begin_error(mut self, told: impl Fn(&BeginError) + Send + Sync + 'static) -> Self {
        self.hooks.on_begin_error = Some(Arc::new(told));
        self
    }
}
