//! What begin and callback answer with, with the headers that protect it.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use oauth_state::http::{SetsCookie, protect};

/// The redirect to the provider, with the login's cookie; 500 if `authorization_url` cannot stand in a header.
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, Binding, Login};
/// use oauth_state_axum::redirect;
/// let begun = testing::flow().begin(Binding::cookie_headers([]), Login::at("github"))?;
/// assert_eq!(redirect(&begun, "https://github.com/login/oauth/authorize").status(), 303);
/// # Ok::<(), oauth_state::BeginError>(())
/// ```
#[must_use]
pub fn redirect(begun: &impl SetsCookie, authorization_url: &str) -> Response {
    match oauth_state::http::redirect(begun, authorization_url) {
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
/// let response = oauth_state_axum::protected(Redirect::to("/home"));
/// assert_eq!(response.headers()["referrer-policy"], "no-referrer");
/// ```
#[must_use]
pub fn protected(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    protect(response.headers_mut());
    response
}
