//! The application's hooks: closures that receive the request.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::Response;
use http::request::Parts;
use oauth_state::outcome::{Returned, StepUp};
use oauth_state::{AuthorizationUrl, Authorized, BeginError, Denied, FinishError, Login, Provider, ReturnTo};

use crate::framework::Framework;
use crate::site::Site;

type Waiting<R> = Pin<Box<dyn Future<Output = R> + Send>>;
/// Completes a login from its request.
type EachLogin<T> = Arc<dyn Fn(Login, &Parts) -> Login<T> + Send + Sync>;
type Answers<W, A> = Arc<dyn Fn(A, Parts) -> Waiting<Response<<W as Framework>::Body>> + Send + Sync>;
type Asks<R> = Arc<dyn Fn(Parts) -> Waiting<R> + Send + Sync>;
/// Completes an authorization URL from its request.
type Completes = Arc<dyn Fn(AuthorizationUrl, Parts) -> Waiting<Result<AuthorizationUrl, Cause>> + Send + Sync>;
/// Loads a provider by its id and the site of the request.
type Loads = Arc<dyn Fn(String, Site) -> Waiting<Result<Option<Provider>, Cause>> + Send + Sync>;
type RefusalPage<W> = Arc<dyn Fn(&FinishError, &ReturnTo) -> Response<<W as Framework>::Body> + Send + Sync>;
type Told<E> = Arc<dyn Fn(&E) + Send + Sync>;
/// The error of a hook.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The caller's closures.
pub(crate) struct Hooks<W: Framework, T> {
    pub(crate) each_login: EachLogin<T>,
    pub(crate) site: Option<Asks<Result<Site, Cause>>>,
    pub(crate) signed_in_user: Option<Asks<Option<Vec<u8>>>>,
    pub(crate) on_login: Option<Answers<W, Authorized<T>>>,
    pub(crate) on_step_up: Option<Answers<W, StepUp<T>>>,
    pub(crate) on_denied: Option<Answers<W, Denied<T>>>,
    pub(crate) on_returned: Option<Answers<W, Returned<T>>>,
    pub(crate) authorize: Option<Completes>,
    pub(crate) connections: Option<Loads>,
    pub(crate) restart_after_denial: bool,
    pub(crate) refusal_page: Option<RefusalPage<W>>,
    pub(crate) on_error: Option<Told<FinishError>>,
    pub(crate) on_begin_error: Option<Told<BeginError>>,
}

impl<W: Framework, T> Hooks<W, T> {
    pub(crate) fn new(each_login: EachLogin<T>) -> Self {
        Self {
            each_login,
            site: None,
            signed_in_user: None,
            on_login: None,
            on_step_up: None,
            on_denied: None,
            on_returned: None,
            authorize: None,
            connections: None,
            restart_after_denial: false,
            refusal_page: None,
            on_error: None,
            on_begin_error: None,
        }
    }
}
