//! The extractor for a callback.

use axum::extract::{FromRequest, Request};
use http::HeaderMap;
use oauth_state::{Binding, Callback, FinishError};
use oauth_state_routes::read_callback;

use crate::Rejected;

/// A callback and the headers that it came with: the extractor for a callback route, GET (`query`) or POST
/// (`form_post`).
///
/// It refuses HEAD, speculative loads, and what is not of a callback's form, with the neutral text.
///
/// # Examples
///
/// ```
/// use oauth_state_axum::CallbackRequest;
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
    /// The two arguments of [`Flow::finish`](oauth_state::Flow::finish) that a request brings.
    ///
    /// # Examples
    ///
    /// ```
    /// # use oauth_state_axum::CallbackRequest;
    /// # use axum::extract::FromRequest;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let request = http::Request::get("/callback?state=a&code=b").body(axum::body::Body::empty()).unwrap();
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
/// use oauth_state_axum::BindingHeaders;
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
    /// use oauth_state_axum::BindingHeaders;
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
    type Rejection = Rejected<FinishError>;

    async fn from_request(request: Request, _: &S) -> Result<Self, Rejected<FinishError>> {
        let (parts, body) = request.into_parts();
        let callback = read_callback(&parts, body).await?;
        Ok(Self { headers: BindingHeaders(parts.headers), callback })
    }
}
