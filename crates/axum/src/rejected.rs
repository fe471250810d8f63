//! The errors of begin and finish as responses of axum.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use oauth_state::{BeginError, FinishError};

/// Why a handler cannot go on: a [`BeginError`] or a [`FinishError`], which `?` turns into this one. The response has the error's
/// status and its neutral text, or the page of [`FinishError::repost`].
///
/// # Examples
///
/// ```
/// use axum::response::IntoResponse;
/// use oauth_state::BeginError;
/// use oauth_state_axum::Rejected;
/// assert_eq!(Rejected(BeginError::NoActiveKey).into_response().status(), 503);
/// ```
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Rejected<E>(
    /// The error of the login.
    #[from]
    pub E,
);

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
