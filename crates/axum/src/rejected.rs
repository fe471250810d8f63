//! The errors of a login start and a callback as axum responses.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use oauth_state::error::{BindingError, UrlError};
use oauth_state::{BeginError, FinishError};

/// A [`BeginError`] or a [`FinishError`] as the error of a handler; `?` converts both, and the smaller errors of a URL and a binding. The response has the error's
/// status and its generic message, or the page of [`FinishError::repost`].
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
