//! [`oauth_state`] in actix-web: an extractor for the callback, responses, and a task that outlives the connection.
//!
//! ```
//! use actix_web::{App, HttpResponse, web};
//! use oauth_state::{BeginError, Expect, FinishError, LoginOutcome, Flow, Login};
//! use oauth_state_actix::{BindingHeaders, CallbackRequest, Rejected, run_to_completion, set_no_store, redirect};
//!
//! async fn login(flow: web::Data<Flow>, headers: BindingHeaders) -> Result<HttpResponse, Rejected<BeginError>> {
//!     let begun = flow.begin(headers.cookies(), Login::with("github"))?;
//!     let url = format!(
//!         "https://github.com/login/oauth/authorize?client_id=id&state={}&code_challenge={}&code_challenge_method=S256",
//!         begun.state, begun.code_challenge
//!     );
//!     Ok(redirect(&begun, &url))
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
//! # actix_web::rt::System::new().block_on(async {
//! let app = App::new()
//!     .app_data(web::Data::new(oauth_state::testing::flow()))
//!     .route("/auth/github", web::get().to(login))
//!     .route("/auth/github/callback", web::get().to(callback))
//!     .route("/auth/github/callback", web::post().to(callback)); // form_post
//! # let app = actix_web::test::init_service(app).await;
//! # let request = actix_web::test::TestRequest::get().uri("/auth/github/callback?code=abc").to_request();
//! # let response = actix_web::test::call_service(&app, request).await;
//! assert_eq!(response.status(), 400); // no state
//! # });
//! ```

use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, web};
use http::{HeaderMap, Method};

use oauth_state::error::FinishErrorKind;
use oauth_state::http::SetsCookie;
use oauth_state::seam::routes::{
    LARGEST_CALLBACK, callback_from_post, host_from_authority, refuse_what_must_not_consume,
};
use oauth_state::seam::{count_unread, refused_because};
use oauth_state::{BeginError, Binding, Callback, FinishError};

/// The headers of a request as an `http` 1 map, octet by octet: actix-web has types of its own. `Debug` redacts them.
///
/// # Examples
///
/// ```
/// use actix_web::test::TestRequest;
/// use oauth_state_actix::BindingHeaders;
/// let request = TestRequest::get().insert_header(("host", "shop.example")).to_http_request();
/// let headers = BindingHeaders::from(&request);
/// assert_eq!(headers.as_header_map()["host"], "shop.example");
/// assert_eq!(format!("{headers:?}"), "BindingHeaders([redacted])");
/// ```
#[derive(Clone)]
pub struct BindingHeaders(HeaderMap);

impl BindingHeaders {
    /// The binding by cookie.
    ///
    /// # Examples
    ///
    /// ```
    /// use actix_web::test::TestRequest;
    /// use oauth_state_actix::BindingHeaders;
    /// let headers = BindingHeaders::from(&TestRequest::get().to_http_request());
    /// assert_eq!(format!("{:?}", headers.cookies()), "Binding(cookies, [redacted])");
    /// ```
    #[must_use]
    pub fn cookies(&self) -> Binding<'_> {
        Binding::cookies(&self.0)
    }

    /// For [`Binding::with_headers`], next to a session of the caller's own.
    ///
    /// # Examples
    ///
    /// ```
    /// use actix_web::test::TestRequest;
    /// use oauth_state::Binding;
    /// use oauth_state_actix::BindingHeaders;
    /// let headers = BindingHeaders::from(&TestRequest::post().insert_header(("origin", "https://shop.example")).to_http_request());
    /// let binding = Binding::session(&[7; 16])?.with_headers(headers.as_header_map());
    /// assert_eq!(format!("{binding:?}"), "Binding(session, [redacted])");
    /// # Ok::<(), oauth_state::error::BindingError>(())
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
                // The server has bounded their number, far below the map's limit.
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

/// A callback and the headers that it came with: the extractor for a callback route, GET (`query`) or POST
/// (`form_post`).
///
/// It refuses HEAD, speculative loads, a body that is longer than any callback, and what is not of a callback's form,
/// with the neutral text.
///
/// # Examples
///
/// ```
/// use actix_web::{FromRequest, test::TestRequest};
/// use oauth_state_actix::CallbackRequest;
/// # actix_web::rt::System::new().block_on(async {
/// let request = TestRequest::get().uri("/callback?state=ost1...&code=abc").to_http_request();
/// let (_headers, callback) = CallbackRequest::extract(&request).await.unwrap().split();
/// assert_eq!(format!("{callback:?}"), "Callback([redacted])");
/// # });
/// ```
#[derive(Debug)]
pub struct CallbackRequest {
    headers: BindingHeaders,
    callback: Callback,
}

impl CallbackRequest {
    /// The two arguments of [`Flow::finish`](oauth_state::Flow::finish) that a request brings.
    ///
    /// # Examples
    ///
    /// ```
    /// # use actix_web::{FromRequest, test::TestRequest};
    /// # use oauth_state_actix::CallbackRequest;
    /// # actix_web::rt::System::new().block_on(async {
    /// let request = TestRequest::get().uri("/callback?state=a&code=b").to_http_request();
    /// let (headers, callback) = CallbackRequest::extract(&request).await.unwrap().split();
    /// assert_eq!(format!("{:?} {callback:?}", headers.cookies()), "Binding(cookies, [redacted]) Callback([redacted])");
    /// # });
    /// ```
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
        let query = request.query_string().to_owned();
        // An extension method is none of ours, and is refused as such.
        let method = Method::from_bytes(request.method().as_str().as_bytes()).unwrap_or(Method::OPTIONS);
        let payload = payload.take();
        Box::pin(async move {
            refuse_what_must_not_consume(&method, &headers.0)?;
            let callback = if method == Method::POST {
                let body = read(payload).await.inspect_err(|refused| count_unread(refused.kind()))?;
                callback_from_post(Some(&query), &body)
            } else {
                Callback::from_query(&query)
            };
            Ok(Self { headers, callback: callback? })
        })
    }
}

/// Reads a body up to the largest callback, whatever the request says of its length.
async fn read(payload: Payload) -> Result<web::Bytes, FinishError> {
    let stream = actix_web::body::BodyStream::new(payload);
    match actix_web::body::to_bytes_limited(stream, LARGEST_CALLBACK).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // Its text may hold bytes of the request, and it cannot be sent between threads.
        Ok(Err(_)) => Err(refused_because(FinishErrorKind::Malformed, "the body of the callback could not be read")),
        Err(_) => Err(FinishErrorKind::TooLong.into()),
    }
}

/// The redirect to the provider, with the login's cookie; 500 if `authorization_url` cannot stand in a header.
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, Binding, Login};
/// use oauth_state_actix::redirect;
/// let begun = testing::flow().begin(Binding::cookie_headers([]), Login::with("github"))?;
/// assert_eq!(redirect(&begun, "https://github.com/login/oauth/authorize").status(), 303);
/// # Ok::<(), oauth_state::BeginError>(())
/// ```
#[must_use]
pub fn redirect(begun: &impl SetsCookie, authorization_url: &str) -> HttpResponse {
    match oauth_state::http::redirect(begun, authorization_url) {
        Ok(response) => with_headers(HttpResponse::SeeOther().finish(), response.headers()),
        Err(_) => set_no_store(HttpResponse::InternalServerError().finish()),
    }
}

/// Any response of a callback, with the headers that [`set_no_store`] adds.
///
/// # Examples
///
/// ```
/// use actix_web::HttpResponse;
/// let response = oauth_state_actix::set_no_store(HttpResponse::Ok().body("signed in"));
/// assert_eq!(response.headers().get("referrer-policy").unwrap(), "no-referrer");
/// ```
#[must_use]
pub fn set_no_store(response: HttpResponse) -> HttpResponse {
    let mut headers = HeaderMap::new();
    oauth_state::http::set_no_store(&mut headers);
    with_headers(response, &headers)
}

/// Copies what an answer of the `http` crate's types has, in place of what is there.
fn with_headers(mut response: HttpResponse, headers: &HeaderMap) -> HttpResponse {
    let mut last = None;
    for (name, value) in headers {
        // The first of a name replaces what the framework set; each cookie is a header of its own.
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

/// Runs `work` on a task of its own, so that it ends even if the client's connection goes away: between the mark and
/// the exchange of the code, a login would be lost. It stays on its worker's thread and need not be `Send`.
///
/// # Panics
///
/// If `work` panics, or if it is called outside actix's runtime.
///
/// # Examples
///
/// ```
/// # actix_web::rt::System::new().block_on(async {
/// assert_eq!(oauth_state_actix::run_to_completion(async { 42 }).await, 42);
/// # });
/// ```
pub async fn run_to_completion<R: 'static>(work: impl Future<Output = R> + 'static) -> R {
    match actix_web::rt::spawn(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that shuts down cancels the task; then no client waits for an answer.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Why a handler cannot go on: a [`BeginError`] or a [`FinishError`], which `?` turns into this one. The response has the error's
/// status and its neutral text, or the page of [`FinishError::repost`].
///
/// # Examples
///
/// ```
/// use actix_web::ResponseError;
/// use oauth_state::BeginError;
/// use oauth_state_actix::Rejected;
/// assert_eq!(Rejected(BeginError::NoActiveKey).error_response().status(), 503);
/// ```
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Rejected<E>(
    /// The error of the login.
    #[from]
    pub E,
);

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

/// An answer of the `http` crate's types, such as [`FinishError::to_page`], as one of actix-web's.
///
/// # Examples
///
/// ```
/// use oauth_state::{Callback, ReturnTo};
/// use oauth_state_actix::answer;
/// let error = Callback::from_query("code=abc").unwrap_err();
/// let page = answer(error.to_page(&ReturnTo::parse("/auth/github")?));
/// assert_eq!((page.status().as_u16(), page.headers().contains_key("content-security-policy")), (400, true));
/// # Ok::<(), oauth_state::error::ReturnToError>(())
/// ```
#[must_use]
pub fn answer(response: http::Response<impl Into<String>>) -> HttpResponse {
    let (parts, body) = response.into_parts();
    let status = StatusCode::from_u16(parts.status.as_u16()).unwrap_or(StatusCode::BAD_REQUEST);
    let body: String = body.into();
    with_headers(HttpResponse::build(status).body(body), &parts.headers)
}
