//! The responses of a login start and a callback, with the headers that protect them.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use oauth_state::http::SetsCookie;

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
/// let response = oauth_state_axum::redirect(&request, request.url()?);
/// assert_eq!(response.status(), 303);
/// assert!(response.headers().contains_key("set-cookie"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn redirect(begun: &impl SetsCookie, authorization_url: impl std::fmt::Display) -> Response {
    match oauth_state::http::redirect(begun, authorization_url) {
        Ok(response) => response.map(|()| Body::empty()),
        Err(_) => set_no_store(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// Adds `Cache-Control: no-store` and `Referrer-Policy: no-referrer` to a response of your callback, as
/// [`oauth_state::http::set_no_store`] does.
#[must_use]
pub fn set_no_store(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    oauth_state::http::set_no_store(response.headers_mut());
    response
}
