//! The hooks that respond to the outcome of a login.

use std::future::Future;
use std::sync::Arc;

use oauth_state::outcome::{Returned, StepUp};
use oauth_state::{Authorized, Denied, LoginData};

use crate::BoxError;
use crate::builder::RoutesBuilder;
use crate::framework::{Answer, Framework};
use crate::hooks::Answers;
use crate::request::LoginRequest;

impl<W: Framework, T: LoginData> RoutesBuilder<W, T> {
    /// Exchanges the code, then opens a session or links the identity, depending on `login.origin.purpose`. Required.
    /// The hook runs on its own task, which continues if the client disconnects.
    ///
    /// If it fails, observers receive [`Event::HookFailed`](oauth_state::observe::Event::HookFailed), and the user gets a neutral
    /// page with a button to try again.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let github = Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback");
    /// let flow = flow.provider(github).build()?;
    /// # async fn exchange(_: Vec<(&str, &str)>) -> Result<&'static str, std::io::Error> { Ok("ann") }
    /// let routes = LoginRoutes::builder(flow)
    ///     .on_login(|login, _request| async move {
    ///         let user = exchange(login.token_form()).await?; // your request to the token endpoint
    ///         Ok(Response::new(format!("signed in as {user}")))
    ///     })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_login<R, F>(mut self, answer: impl Fn(Authorized<T>, LoginRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<R, BoxError>> + Send + 'static,
        W: Answer<R>,
    {
        self.outcome_hooks.on_login = Some(answering::<W, _, R, _>(answer));
        self
    }

    /// Confirms that the user has just authenticated again, after a login of
    /// [`Purpose::Reauthenticate`](oauth_state::Purpose::Reauthenticate): exchange the code with
    /// [`StepUp::token_form`], and pass the `auth_time` of the verified ID token to [`StepUp::confirm`]. Required if
    /// the flow accepts this purpose. The hook runs on its own task, like [`RoutesBuilder::on_login`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, Purpose, SingleProcessGuard, testing};
    /// # use oauth_state_routes::{LoginRequest, LoginRoutes};
    /// # async fn user_id(_: LoginRequest) -> Result<Option<Vec<u8>>, oauth_state_routes::BoxError> { Ok(None) }
    /// # async fn exchange(_: Vec<(&str, &str)>) -> (String, Option<u64>) { (String::new(), None) }
    /// # async fn linked_subject(_: LoginRequest) -> String { String::new() }
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let okta = Provider::okta("https://shop.okta.com/oauth2/default")?
    ///     .authorization_endpoint("https://shop.okta.com/oauth2/default/v1/authorize");
    /// let flow = flow.purpose(Purpose::Login).purpose(Purpose::Reauthenticate);
    /// let flow = flow.provider(okta.client_id("id").redirect_uri("https://shop.example/auth/okta/callback"));
    /// let routes = LoginRoutes::builder(flow.build()?)
    ///     .signed_in_user(user_id)
    ///     .on_login(|_login, _request| async { Ok(Response::new("signed in")) })
    ///     .on_step_up(|login, request| async move {
    ///         let (subject, auth_time) = exchange(login.token_form()).await; // of the ID token that you verified
    ///         if subject != linked_subject(request).await {
    ///             return Ok(Response::new("This account is not linked to yours."));
    ///         }
    ///         Ok(match login.confirm(auth_time) {
    ///             Ok(_confirmed) => Response::new("confirmed"), // note it in the user's session
    ///             Err(_stale) => Response::new("Please sign in at the provider again."),
    ///         })
    ///     })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_step_up<R, F>(mut self, answer: impl Fn(StepUp<T>, LoginRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<R, BoxError>> + Send + 'static,
        W: Answer<R>,
    {
        self.outcome_hooks.on_step_up = Some(answering::<W, _, R, _>(answer));
        self
    }

    /// Responds when the provider did not sign the user in, for example with `access_denied`. The default is a page
    /// with a button.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Response;
    /// # use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
    /// # use oauth_state_routes::LoginRoutes;
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    /// let github = Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback");
    /// let flow = flow.provider(github).build()?;
    /// let routes = LoginRoutes::builder(flow)
    ///     .on_login(|_login, _request| async { Ok(Response::new("signed in")) })
    ///     .on_denied(|_denied, _request| async { Ok(Response::new("You chose not to sign in.")) })
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_denied<R, F>(mut self, answer: impl Fn(Denied<T>, LoginRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<R, BoxError>> + Send + 'static,
        W: Answer<R>,
    {
        self.outcome_hooks.on_denied = Some(answering::<W, _, R, _>(answer));
        self
    }

    /// Responds when the user returns from a page that grants nothing: the installation of an app, an administrator's
    /// consent, or a logout. The default is a redirect to the return path. Start such a login in your own handler, with
    /// [`AuthorizationRequest::url_at`](oauth_state::AuthorizationRequest::url_at) or
    /// [`end_session_url`](oauth_state::AuthorizationRequest::end_session_url).
    ///
    /// # Examples
    ///
    /// ```
    /// use http::{HeaderMap, Response};
    /// use oauth_state::{Binding, Flow, Login, Provider, Purpose};
    /// use oauth_state_routes::{BoxError, LoginRoutes};
    /// # use oauth_state::{App, SingleProcessGuard, testing};
    /// # let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100));
    ///
    /// const INSTALL: Purpose = Purpose::Custom("install");
    ///
    /// /// Your handler behind the button "install our app".
    /// fn to_the_installation(flow: &Flow, headers: &HeaderMap) -> Result<Response<()>, BoxError> {
    ///     let request = flow.begin(Binding::cookies(headers), Login::with("github").purpose(INSTALL))?;
    ///     Ok(oauth_state::http::redirect(&request, request.url_at("https://github.com/apps/shop/installations/new")?)?)
    /// }
    ///
    /// let github = Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback");
    /// let flow = flow.purpose(Purpose::Login).purpose_without_code(INSTALL).provider(github).build()?;
    /// let routes = LoginRoutes::builder(flow.clone())
    ///     .on_login(|_login, _request| async { Ok(Response::new("signed in".to_owned())) })
    ///     .on_returned(|back, _request| async move {
    ///         let id = back.parameters.get("installation_id").unwrap_or("-"); // ask GitHub whether it is this user's
    ///         Ok(Response::new(format!("installation {id}")))
    ///     })
    ///     .build()?;
    /// assert_eq!(to_the_installation(&flow, &HeaderMap::new())?.status(), 303);
    /// # Ok::<(), BoxError>(())
    /// ```
    pub fn on_returned<R, F>(mut self, answer: impl Fn(Returned<T>, LoginRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<R, BoxError>> + Send + 'static,
        W: Answer<R>,
    {
        self.outcome_hooks.on_returned = Some(answering::<W, _, R, _>(answer));
        self
    }
}

/// A hook that returns responses.
fn answering<W, A, R, F>(answer: impl Fn(A, LoginRequest) -> F + Send + Sync + 'static) -> Answers<W, A>
where
    W: Answer<R>,
    F: Future<Output = Result<R, BoxError>> + Send + 'static,
{
    Arc::new(move |outcome, request| {
        let answer = answer(outcome, request);
        Box::pin(async move { answer.await.map(W::answer) })
    })
}
