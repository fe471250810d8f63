//! What begin and callback answer with, with the headers that protect it.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use oauth_state::http::SetsCookie;

/// The redirect to the provider, with the login's cookie; 500 if `authorization_url` cannot stand in a header.
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, Binding, Login};
/// use oauth_state_axum::redirect;
/// let begun = testing::flow().begin(Binding::cookie_headers([]), Login::with("github"))?;
/// assert_eq!(redirect(&begun, "https://github.com/login/oauth/authorize").status(), 303);
/// # Ok::<(), oauth_state::BeginError>(())
/// ```
#[must_use]
pub fn redirect(begun: &impl SetsCookie, authorization_url: &str) -> Response {
    match oauth_state::http::redirect(begun, authorization_url) {
        Ok(response) => response.map(|()| Body::empty()),
        Err(_) => set_no_store(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// Any response of a callback, with the headers that [`oauth_state::http::set_no_store`] adds.
///
/// # Examples
///
/// ```
/// use axum::response::Redirect;
/// let response = oauth_state_axum::set_no_store(Redirect::to("/home"));
/// assert_eq!(response.headers()["referrer-policy"], "no-referrer");
/// ```
#[must_use]
pub fn set_no_store(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    oauth_state::http::set_no_store(response.headers_mut());
    response
}
