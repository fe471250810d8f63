//! axum: an extractor for the callback, responses, and a task that outlives the connection.
//!
//! ```
//! use axum::{Router, extract::State, response::{Redirect, Response}, routing::get};
//! use http::HeaderMap;
//! use oauth_state::adapter::axum::{CallbackRequest, detached, protected, redirect};
//! use oauth_state::{Binding, Expect, Finished, FinishError, Flow, Login};
//!
//! async fn login(State(flow): State<Flow>, headers: HeaderMap) -> Result<Response, oauth_state::BeginError> {
//!     let begun = flow.begin(Binding::cookies(&headers), Login::at("github"))?;
//!     let url = format!("https://github.com/login/oauth/authorize?client_id=…&state={}", begun.state);
//!     Ok(redirect(&begun, &url))
//! }
//!
//! async fn callback(State(flow): State<Flow>, request: CallbackRequest) -> Result<Response, FinishError> {
//!     detached(async move {
//!         let (binding, callback) = request.split();
//!         match flow.finish(binding.cookies(), Expect::provider("github"), callback).await? {
//!             Finished::Code(login) => Ok(protected(Redirect::to("/home"))), // after exchanging login.code
//!             _ => Ok(protected(Redirect::to("/"))),
//!         }
//!     })
//!     .await
//! }
//!
//! let app: Router<Flow> = Router::new().route("/auth/github", get(login)).route("/auth/github/callback", get(callback));
//! # use tower::ServiceExt;
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let app = app.with_state(oauth_state::testing::flow());
//! let request = http::Request::get("/auth/github/callback?code=abc").body(axum::body::Body::empty()).unwrap();
//! assert_eq!(app.oneshot(request).await.unwrap().status(), 400); // no state
//! # });
//! ```

use std::future::Future;

use axum_core::body::Body;
use axum_core::extract::{FromRequest, Request};
use axum_core::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode};

use super::http::{protect, refuse_what_must_not_consume};
use crate::binding::Binding;
use crate::callback::{self, Callback};
use crate::finish_error::{FinishError, FinishErrorKind};
use crate::flow::{BeginError, Begun};

/// A callback and the headers that it came with: the extractor for a callback route, GET (`query`) or POST
/// (`form_post`).
///
/// It refuses HEAD, speculative loads, and what is not of a callback's form, with the neutral text.
///
/// # Examples
///
/// ```
/// use oauth_state::adapter::axum::CallbackRequest;
/// async fn handler(request: CallbackRequest) -> String {
///     let (_binding, callback) = request.split();
///     format!("{callback:?}")
/// }
/// # use axum::{Router, routing::get, body::Body};
/// # use tower::ServiceExt;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let app = Router::<()>::new().route("/callback", get(handler));
/// let request = http::Request::get("/callback?state=ost1...&code=abc").body(Body::empty()).unwrap();
/// assert_eq!(app.oneshot(request).await.unwrap().status(), 200);
/// # });
/// ```
#[derive(Debug)]
pub struct CallbackRequest {
    headers: BindingHeaders,
    callback: Callback,
}

impl CallbackRequest {
    /// The two arguments of [`Flow::finish`](crate::Flow::finish) that a request brings.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state::adapter::axum::CallbackRequest;
    /// # use axum_core::extract::FromRequest;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let request = http::Request::get("/callback?state=a&code=b").body(axum_core::body::Body::empty()).unwrap();
    /// let (headers, callback) = CallbackRequest::from_request(request, &()).await.unwrap().split();
    /// assert_eq!(format!("{:?} {callback:?}", headers.cookies()), "Binding(cookies, [redacted]) Callback([redacted])");
    /// # });
    /// ```
    #[must_use]
    pub fn split(self) -> (BindingHeaders, Callback) {
        (self.headers, self.callback)
    }
}

/// The headers of a callback. `Debug` redacts them.
///
/// # Examples
///
/// ```
/// use oauth_state::adapter::axum::BindingHeaders;
/// let headers = BindingHeaders::from(http::HeaderMap::new());
/// assert_eq!(format!("{headers:?}"), "BindingHeaders([redacted])");
/// ```
pub struct BindingHeaders(HeaderMap);

impl BindingHeaders {
    /// The binding by cookie.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::adapter::axum::BindingHeaders;
    /// let headers = BindingHeaders::from(http::HeaderMap::new());
    /// assert_eq!(format!("{:?}", headers.cookies()), "Binding(cookies, [redacted])");
    /// ```
    #[must_use]
    pub fn cookies(&self) -> Binding<'_> {
        Binding::cookies(&self.0)
    }
}

impl From<HeaderMap> for BindingHeaders {
    fn from(headers: HeaderMap) -> Self {
        Self(headers)
    }
}

impl std::fmt::Debug for BindingHeaders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BindingHeaders([redacted])")
    }
}

impl<S: Send + Sync> FromRequest<S> for CallbackRequest {
    type Rejection = FinishError;

    async fn from_request(request: Request, _: &S) -> Result<Self, FinishError> {
        let (parts, body) = request.into_parts();
        refuse_what_must_not_consume(&parts.method, &parts.headers)?;
        let body = if parts.method == Method::POST { read(body).await? } else { Vec::new() };
        let callback = Callback::from_parts(&parts, &body)?;
        Ok(Self { headers: BindingHeaders(parts.headers), callback })
    }
}

/// Reads a body up to the largest callback, whatever the request says of its length.
async fn read(body: Body) -> Result<Vec<u8>, FinishError> {
    use http_body::Body as _;
    let mut bytes = Vec::new();
    let mut body = std::pin::pin!(body);
    while let Some(frame) = std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let frame = frame.map_err(|error| {
            FinishError::because(FinishErrorKind::Malformed, "the body of the callback could not be read")
                .caused_by(error)
        })?;
        if let Ok(data) = frame.into_data() {
            if bytes.len().saturating_add(data.len()) > callback::LARGEST {
                return Err(FinishErrorKind::TooLong.into());
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

/// The redirect to the provider, with the login's cookie; 500 if `authorization_url` cannot stand in a header.
///
/// # Examples
///
/// ```
/// use oauth_state::{adapter::axum::redirect, testing, Binding, Login};
/// let begun = testing::flow().begin(Binding::cookie_headers([]), Login::at("github"))?;
/// assert_eq!(redirect(&begun, "https://github.com/login/oauth/authorize").status(), 303);
/// # Ok::<(), oauth_state::BeginError>(())
/// ```
#[must_use]
pub fn redirect(begun: &Begun, authorization_url: &str) -> Response {
    match super::http::redirect(begun, authorization_url) {
        Ok(response) => response.map(|()| Body::empty()),
        Err(_) => protected(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// Any response of a callback, with the headers that [`protect`] adds.
///
/// # Examples
///
/// ```
/// use axum::response::Redirect;
/// let response = oauth_state::adapter::axum::protected(Redirect::to("/home"));
/// assert_eq!(response.headers()["referrer-policy"], "no-referrer");
/// ```
#[must_use]
pub fn protected(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    protect(response.headers_mut());
    response
}

/// Runs `work` on a task of its own, so that it ends even if the client's connection goes away: between the mark and
/// the exchange of the code, a login would be lost.
///
/// # Panics
///
/// If `work` panics, or if it is called outside a tokio runtime.
///
/// # Examples
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// assert_eq!(oauth_state::adapter::axum::detached(async { 42 }).await, 42);
/// # });
/// ```
pub async fn detached<R: Send + 'static>(work: impl Future<Output = R> + Send + 'static) -> R {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that shuts down cancels the task; then nobody waits for an answer.
            Err(_) => std::future::pending().await,
        },
    }
}

/// The status and the neutral text.
impl IntoResponse for FinishError {
    fn into_response(self) -> Response {
        self.to_response().map(Body::from)
    }
}

/// The status and a neutral text.
impl IntoResponse for BeginError {
    fn into_response(self) -> Response {
        self.to_response().map(Body::from)
    }
}
