//! [`oauth_state`] in actix-web: an extractor for the callback, responses, and a task that outlives the connection.
//!
//! ```
//! use actix_web::{HttpResponse, web};
//! use oauth_state::{App, BeginError, Expect, FinishError, Flow, Login, LoginOutcome, Provider};
//! use oauth_state::{SingleProcessGuard, testing};
//! use oauth_state_actix::{BindingHeaders, CallbackRequest, Rejected, redirect, run_to_completion, set_no_store};
//!
//! async fn login(flow: web::Data<Flow>, headers: BindingHeaders) -> Result<HttpResponse, Rejected<BeginError>> {
//!     let request = flow.begin(headers.cookies(), Login::with("github"))?;
//!     Ok(redirect(&request, request.url()?))
//! }
//!
//! async fn callback(flow: web::Data<Flow>, request: CallbackRequest) -> Result<HttpResponse, Rejected<FinishError>> {
//!     run_to_completion(async move {
//!         let (headers, callback) = request.split();
//!         let path = match flow.finish(headers.cookies(), Expect::provider("github"), callback).await? {
//!             LoginOutcome::Authorized(login) => "/home", // after exchanging login.code
//!             _ => "/",
//!         };
//!         Ok(set_no_store(HttpResponse::SeeOther().insert_header(("location", path)).finish()))
//!     })
//!     .await
//! }
//!
//! let github = Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback");
//! let guard = SingleProcessGuard::with_capacity(1_000_000);
//! let flow = Flow::builder(App::new("shop", "production")?, testing::ring(), guard).provider(github).build()?;
//! let app = actix_web::App::new()
//!     .app_data(web::Data::new(flow))
//!     .route("/auth/github", web::get().to(login))
//!     .route("/auth/github/callback", web::get().to(callback))
//!     .route("/auth/github/callback", web::post().to(callback)); // form_post
//! # let request = actix_web::test::TestRequest::get().uri("/auth/github").insert_header(("host", "shop.example"));
//! # let response = actix_web::rt::System::new().block_on(async {
//! #     let app = actix_web::test::init_service(app).await;
//! #     actix_web::test::call_service(&app, request.to_request()).await
//! # });
//! assert!(response.headers().get("location").unwrap().to_str()?.contains("&code_challenge_method=S256"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod routes;

pub use oauth_state_routes::{BoxError, Failure, LoginRequest, RoutesBuilder, RoutesError, Site};
pub use routes::{Actix, LoginRoutes, Steps, signed_in_user, step};

use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, web};
use http::{HeaderMap, Method};

use oauth_state::error::{BindingError, FinishErrorKind, UrlError};
use oauth_state::http::SetsCookie;
use oauth_state::observe::{Observer as _, Observers};
use oauth_state::seam::{LARGEST_CALLBACK, callback_from_post, host_from_authority, refuse_what_must_not_consume};
use oauth_state::{BeginError, Binding, Callback, FinishError};

/// The headers of a request as a map of the `http` crate, byte for byte, because actix-web has its own types. `Debug`
/// redacts them.
#[derive(Clone)]
pub struct BindingHeaders(HeaderMap);

impl BindingHeaders {
    /// The binding by cookie.
    #[must_use]
    pub fn cookies(&self) -> Binding<'_> {
        Binding::cookies(&self.0)
    }

    /// The headers, for [`Binding::with_headers`] with your own session.
    ///
    /// # Examples
    ///
    /// ```
    /// use actix_web::test::TestRequest;
    /// use oauth_state::{Binding, Login, testing};
    /// use oauth_state_actix::BindingHeaders;
    ///
    /// let request = TestRequest::get().insert_header(("host", "shop.example")).to_http_request();
    /// let headers = BindingHeaders::from(&request);
    /// let session_id = [7; 16]; // of your session middleware
    /// let binding = Binding::session(&session_id)?.with_headers(headers.as_header_map());
    /// let login = testing::flow().begin(binding, Login::with("github"))?;
    /// assert!(login.set_cookie.is_none()); // the session replaces the login's cookie
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn as_header_map(&self) -> &HeaderMap {
        &self.0
    }
}

impl From<&HttpRequest> for BindingHeaders {
    fn from(request: &HttpRequest) -> Self {
        let mut headers = HeaderMap::new();
        let authority = request.uri().authority().map(actix_web::http::uri::Authority::as_str);
        for (name, value) in request.headers() {
            let name = http::HeaderName::from_bytes(name.as_str().as_bytes());
            if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_bytes(value.as_bytes())) {
                // The server limits their number, far below the map's limit.
                let _ = headers.try_append(name, value);
            }
        }
        host_from_authority(&mut headers, authority);
        Self(headers)
    }
}

impl FromRequest for BindingHeaders {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::from(request)))
    }
}

impl fmt::Debug for BindingHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BindingHeaders([redacted])")
    }
}

/// A callback and its headers: the extractor for a callback route, GET (`query`) or POST (`form_post`). The [front
/// page](crate) has a handler that uses it.
///
/// It refuses HEAD requests, speculative loads, bodies longer than any callback and everything that is not a callback,
/// with the generic message.
#[derive(Debug)]
pub struct CallbackRequest {
    headers: BindingHeaders,
    callback: Callback,
}

impl CallbackRequest {
    /// The two arguments of [`Flow::finish`](oauth_state::Flow::finish) that come from the request.
    #[must_use]
    pub fn split(self) -> (BindingHeaders, Callback) {
        (self.headers, self.callback)
    }
}

impl FromRequest for CallbackRequest {
    type Error = Rejected<FinishError>;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Rejected<FinishError>>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let headers = BindingHeaders::from(request);
        let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
        // An extension method is none that a callback uses, and is refused.
        let method = Method::from_bytes(request.method().as_str().as_bytes()).unwrap_or(Method::OPTIONS);
        let payload = payload.take();
        Box::pin(async move {
            refuse_what_must_not_consume(&method, &headers.0)?;
            let callback = if method == Method::POST {
                let unread = |refused: &FinishError| Observers::default().event(&refused.to_event(None));
                let body = read(payload).await.inspect_err(unread)?;
                callback_from_post(Some(&query), &body)
            } else {
                Callback::from_query(&query)
            };
            Ok(Self { headers, callback: callback?.arrived_at(&path) })
        })
    }
}

/// Reads a body up to the size of the largest callback, whatever length the request announces.
async fn read(payload: Payload) -> Result<web::Bytes, FinishError> {
    let stream = actix_web::body::BodyStream::new(payload);
    match actix_web::body::to_bytes_limited(stream, LARGEST_CALLBACK).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // The error may hold bytes of the request, and it cannot be sent between threads.
        Ok(Err(_)) => {
            let refused = FinishError::from(FinishErrorKind::Malformed);
            Err(refused.with_diagnosis("the body of the callback could not be read"))
        }
        Err(_) => Err(FinishErrorKind::TooLong.into()),
    }
}

/// The redirect to the provider, with the login's cookie and the headers of [`oauth_state::http::redirect`]. The
/// response is 500 if `authorization_url` cannot be sent in a header.
///
/// # Examples
///
/// ```
/// use oauth_state::testing::{self, TestBrowser};
/// use oauth_state::{App, Flow, Login, Provider, SingleProcessGuard};
///
/// let github = Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback");
/// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
///     .provider(github)
///     .build()?;
///
/// let request = flow.begin(TestBrowser::default().binding(), Login::with("github"))?;
/// let response = oauth_state_actix::redirect(&request, request.url()?);
/// assert_eq!(response.status(), 303);
/// assert!(response.headers().contains_key("set-cookie"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn redirect(begun: &impl SetsCookie, authorization_url: impl fmt::Display) -> HttpResponse {
    match oauth_state::http::redirect(begun, authorization_url) {
        Ok(response) => with_headers(HttpResponse::SeeOther().finish(), response.headers()),
        Err(_) => set_no_store(HttpResponse::InternalServerError().finish()),
    }
}

/// Adds `Cache-Control: no-store` and `Referrer-Policy: no-referrer` to a response of your callback, as
/// [`oauth_state::http::set_no_store`] does.
#[must_use]
pub fn set_no_store(response: HttpResponse) -> HttpResponse {
    let mut headers = HeaderMap::new();
    oauth_state::http::set_no_store(&mut headers);
    with_headers(response, &headers)
}

/// Copies the headers of a response of the `http` crate and replaces existing ones.
fn with_headers(mut response: HttpResponse, headers: &HeaderMap) -> HttpResponse {
    let mut last = None;
    for (name, value) in headers {
        // The first header of a name replaces the framework's; each cookie is a header of its own.
        let another = last.replace(name) == Some(name);
        let pair = (HeaderName::from_bytes(name.as_str().as_bytes()), HeaderValue::from_bytes(value.as_bytes()));
        if let (Ok(name), Ok(mut copy)) = pair {
            copy.set_sensitive(value.is_sensitive());
            if another {
                response.headers_mut().append(name, copy);
            } else {
                response.headers_mut().insert(name, copy);
            }
        }
    }
    response
}

/// Runs `work` on its own task, so that it completes even if the client disconnects: a disconnect between the mark and
/// the exchange of the code would lose the login. The task stays on its worker's thread and need not be `Send`.
///
/// # Panics
///
/// If `work` panics, or if it is called outside actix's runtime.
pub async fn run_to_completion<R: 'static>(work: impl Future<Output = R> + 'static) -> R {
    match actix_web::rt::spawn(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that shuts down cancels the task; then no client waits for a response.
            Err(_) => std::future::pending().await,
        },
    }
}

/// A [`BeginError`] or a [`FinishError`] as a handler's error; `?` converts both. The response has the error's status
/// and its generic message, or the page of [`FinishError::repost`].
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Rejected<E>(
    /// The error of the login.
    #[from]
    pub E,
);

impl From<UrlError> for Rejected<BeginError> {
    fn from(error: UrlError) -> Self {
        Self(error.into())
    }
}

impl From<BindingError> for Rejected<BeginError> {
    fn from(error: BindingError) -> Self {
        Self(error.into())
    }
}

impl From<BindingError> for Rejected<FinishError> {
    fn from(error: BindingError) -> Self {
        Self(error.into())
    }
}

impl ResponseError for Rejected<FinishError> {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::BAD_REQUEST)
    }

    fn error_response(&self) -> HttpResponse {
        answer(self.0.to_response())
    }
}

impl ResponseError for Rejected<BeginError> {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::BAD_REQUEST)
    }

    fn error_response(&self) -> HttpResponse {
        answer(self.0.to_response())
    }
}

/// Converts a response of the `http` crate, such as [`FinishError::to_page`], into one of actix-web.
///
/// # Examples
///
/// ```
/// use oauth_state::FinishError;
///
/// /// A page in place of the generic message; its button leads to the login start.
/// fn refused(error: &FinishError) -> Result<actix_web::HttpResponse, oauth_state::error::ReturnToError> {
///     if error.repost().is_some() {
///         return Ok(oauth_state_actix::answer(error.to_response())); // half of a callback: the browser posts it again
///     }
///     Ok(oauth_state_actix::answer(error.to_page(&"/auth/github".parse()?)))
/// }
/// # let error = oauth_state::Callback::from_query("code=abc").unwrap_err();
/// # assert_eq!(refused(&error)?.status(), 400);
/// # Ok::<(), oauth_state::error::ReturnToError>(())
/// ```
#[must_use]
pub fn answer(response: http::Response<impl Into<String>>) -> HttpResponse {
    answer_of_bytes(response.map(|text| bytes::Bytes::from(text.into())))
}

fn answer_of_bytes(response: http::Response<bytes::Bytes>) -> HttpResponse {
    let (parts, body) = response.into_parts();
    let status = StatusCode::from_u16(parts.status.as_u16()).unwrap_or(StatusCode::BAD_REQUEST);
    with_headers(HttpResponse::build(status).body(body), &parts.headers)
}
