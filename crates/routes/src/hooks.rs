//! The application's hooks: closures that receive the request.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::Response;
use oauth_state::outcome::{Returned, StepUp};
use oauth_state::{AuthorizationUrl, Authorized, Denied, Provider, ReturnTo};

use crate::BoxError;
use crate::failure::Failure;
use crate::framework::Framework;
use crate::request::LoginRequest;
use crate::site::Site;

type Waiting<R> = Pin<Box<dyn Future<Output = Result<R, BoxError>> + Send>>;
type Asks<R> = Arc<dyn Fn(LoginRequest) -> Waiting<R> + Send + Sync>;
/// Completes an authorization URL with data from its request.
type Completes = Arc<dyn Fn(AuthorizationUrl, LoginRequest) -> Waiting<AuthorizationUrl> + Send + Sync>;
/// Loads a provider by its id and the site of the request.
type Loads = Arc<dyn Fn(String, Site) -> Waiting<Option<Provider>> + Send + Sync>;
type ErrorPage<W> =
    Arc<dyn Fn(Failure<'_>, &ReturnTo, &LoginRequest) -> Response<<W as Framework>::Body> + Send + Sync>;
/// Responds to an outcome.
pub(crate) type Answers<W, A> = Arc<dyn Fn(A, LoginRequest) -> Waiting<Response<<W as Framework>::Body>> + Send + Sync>;

/// The hooks up to the outcome of a login.
pub(crate) struct Hooks<W: Framework, T> {
    pub(crate) data: Asks<T>,
    pub(crate) site: Option<Asks<Site>>,
    pub(crate) signed_in_user: Option<Asks<Option<Vec<u8>>>>,
    pub(crate) authorize: Option<Completes>,
    pub(crate) connections: Option<Loads>,
    pub(crate) restart_after_denial: bool,
    /// Redirect ids, each with the app link that receives its callbacks.
    pub(crate) hand_over: Vec<(String, String)>,
    pub(crate) error_page: Option<ErrorPage<W>>,
}

impl<W: Framework, T> Hooks<W, T> {
    pub(crate) fn new(data: Asks<T>) -> Self {
        Self {
            data,
            site: None,
            signed_in_user: None,
            authorize: None,
            connections: None,
            restart_after_denial: false,
            hand_over: Vec::new(),
            error_page: None,
        }
    }
}

/// The hooks that respond to an outcome.
pub(crate) struct OutcomeHooks<W: Framework, T> {
    pub(crate) on_login: Option<Answers<W, Authorized<T>>>,
    pub(crate) on_step_up: Option<Answers<W, StepUp<T>>>,
    pub(crate) on_denied: Option<Answers<W, Denied<T>>>,
    pub(crate) on_returned: Option<Answers<W, Returned<T>>>,
}

impl<W: Framework, T> OutcomeHooks<W, T> {
    pub(crate) fn none() -> Self {
        Self { on_login: None, on_step_up: None, on_denied: None, on_returned: None }
    }

    pub(crate) fn is_none(&self) -> bool {
        self.on_login.is_none() && self.on_step_up.is_none() && self.on_denied.is_none() && self.on_returned.is_none()
    }
}
