//! The hooks of a [`RoutesBuilder`], one by one.

use std::future::Future;
use std::sync::Arc;

use http::request::Parts;
use oauth_state::{Authorized, BeginError, Denied, FinishError, ReturnTo};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::builder::RoutesBuilder;
use crate::framework::{Answer, Framework};
use crate::hooks::Cause;
use crate::site::Site;

impl<W: Framework, T: Serialize + DeserializeOwned + Send + Sync + 'static> RoutesBuilder<W, T> {
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
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// use oauth_state_routes::{LoginRoutes, Site};
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
    ///     .on_login(|_, _| async { Response::new("signed in") });
    /// assert!(routes.build().is_ok());
    /// # Ok::<(), oauth_state::error::NameError>(())
    /// ```
    pub fn site<F>(mut self, of: impl Fn(Parts) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Site, Cause>> + Send + 'static,
    {
        self.hooks.site = Some(Arc::new(move |request| Box::pin(of(request))));
        self
    }

    /// Who is signed in, by the application's own session: the user's id, or `None`. Without it no user ever is, and
    /// `link` and `reauthenticate` are refused with 401.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// #[derive(Clone)]
    /// struct User(u64); // put there by a layer of the application's own
    ///
    /// let routes = LoginRoutes::builder(flow)
    ///     .signed_in_user(|request| async move {
    ///         request.extensions.get::<User>().map(|user| user.0.to_be_bytes().to_vec())
    ///     })
    ///     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    ///     .on_login(|_, _| async { Response::new("signed in") });
    /// assert!(routes.build().is_ok());
    /// # Ok::<(), oauth_state::error::NameError>(())
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
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let github = Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback");
    /// let routes = LoginRoutes::builder(flow).provider(github).on_login(|login, _request| async move {
    ///     let _for_the_token_endpoint = (login.code, login.code_verifier);
    ///     Response::new("signed in")
    /// });
    /// assert!(routes.build().is_ok());
    /// # Ok::<(), oauth_state::error::NameError>(())
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

    /// What answers where the provider did not sign the person in, `access_denied` for one; a page with a button unless
    /// it is said here.
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
    ///     .on_denied(|_, _| async { Response::new("You chose not to sign in.") });
    /// assert!(routes.build().is_ok());
    /// # Ok::<(), oauth_state::error::NameError>(())
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
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    ///     .on_login(|_, _| async { Response::new("signed in") })
    ///     .refusal_page(|_error, _again| Response::new("Die Anmeldung ist fehlgeschlagen."));
    /// assert!(routes.build().is_ok());
    /// # Ok::<(), oauth_state::error::NameError>(())
    /// ```
    pub fn refusal_page<R>(mut self, page: impl Fn(&FinishError, &ReturnTo) -> R + Send + Sync + 'static) -> Self
    where
        W: Answer<R>,
    {
        self.hooks.refusal_page = Some(Arc::new(move |error, again| W::answer(page(error, again))));
        self
    }

    /// Told of every refused callback, whatever becomes of it: the place to log
    /// [`code`](FinishError::code) and [`diagnosis`](FinishError::diagnosis).
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
    ///     .on_error(|error| eprintln!("{}: {}", error.code(), error.diagnosis()));
    /// assert!(routes.build().is_ok());
    /// # Ok::<(), oauth_state::error::NameError>(())
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
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let routes = LoginRoutes::builder(flow)
    ///     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
    ///     .on_login(|_, _| async { Response::new("signed in") })
    ///     .on_begin_error(|error| eprintln!("{error}"));
    /// assert!(routes.build().is_ok());
    /// # Ok::<(), oauth_state::error::NameError>(())
    /// ```
    pub fn on_begin_error(mut self, told: impl Fn(&BeginError) + Send + Sync + 'static) -> Self {
        self.hooks.on_begin_error = Some(Arc::new(told));
        self
    }
}
