//! The errors of a login start and a callback as axum responses.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use oauth_state::error::{BindingError, FinishErrorKind, UrlError};
use oauth_state::{BeginError, FinishError};

/// A [`BeginError`] or a [`FinishError`] as a handler's error; `?` converts both, and the smaller errors of a URL and a
/// binding. The response has the error's status and its generic message, or the page of [`FinishError::repost`].
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

/// The same for JSON clients, which need a body that they can read: `{"error":"already_used"}` with the stable code.
/// The status is 409 for a login that was already used and 410 for an expired one, because a retry of the same callback
/// cannot help.
///
/// # Examples
///
/// ```
/// use axum::response::IntoResponse;
/// use oauth_state::{FinishError, testing};
/// use oauth_state_axum::JsonRejected;
///
/// let refused = testing::flow().open(oauth_state::Callback::from_query("state=no&code=c")?).unwrap_err();
/// let response = JsonRejected::from(refused).into_response();
/// assert_eq!((response.status().as_u16(), &response.headers()["content-type"]), (400, &"application/json".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct JsonRejected {
    status: u16,
    code: &'static str,
}

impl From<FinishError> for JsonRejected {
    fn from(error: FinishError) -> Self {
        let status = match error.kind() {
            FinishErrorKind::AlreadyUsed => 409,
            FinishErrorKind::Expired => 410,
            _ => error.status(),
        };
        Self { status, code: error.code() }
    }
}

impl From<BeginError> for JsonRejected {
    fn from(error: BeginError) -> Self {
        Self { status: error.status(), code: error.code() }
    }
}

impl From<UrlError> for JsonRejected {
    fn from(error: UrlError) -> Self {
        BeginError::from(error).into()
    }
}

/// A session id or a login secret of the request that cannot bind a login.
impl From<BindingError> for JsonRejected {
    fn from(error: BindingError) -> Self {
        FinishError::from(error).into()
    }
}

impl IntoResponse for JsonRejected {
    fn into_response(self) -> Response {
        // The code is one of this crate's own words and needs no JSON escapes.
        let mut response = Response::new(Body::from(format!("{{\"error\":\"{}\"}}", self.code)));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        oauth_state::http::set_no_store(response.headers_mut());
        response
    }
}

impl IntoResponse for Rejected<FinishError> {
    fn into_response(self) -> Response {
        self.0.to_response().map(Body::from)
    }
}

impl IntoResponse for Rejected<BeginError> {
    fn into_response(self) -> Response {
        self.0.to_response().map(Body::from)
    }
}
