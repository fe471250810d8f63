//! What begin and callback answer with, and the task that outlives the connection.

use std::future::Future;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::super::http::{SetsCookie, protect};
use crate::finish_error::FinishError;
use crate::flow::BeginError;

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
pub fn redirect(begun: &impl SetsCookie, authorization_url: &str) -> Response {
    match super::super::http::redirect(begun, authorization_url) {
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
