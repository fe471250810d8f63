//! The token request (RFC 6749 section 4.1.3) without the `oauth2` crate, for any HTTP client.

use form_urlencoded::Serializer;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request};
use oauth_state::Authorized;

/// Send it with a client that follows no redirects, and with a timeout.
pub fn token_request<T>(
    login: &Authorized<T>,
    token_endpoint: &str,
    client_secret: &str,
) -> http::Result<Request<String>> {
    let body = Serializer::new(String::new())
        .extend_pairs(login.token_form()) // grant_type, code, redirect_uri, client_id, code_verifier
        .append_pair("client_secret", client_secret) // or the header of client_secret_basic
        .finish();
    Request::builder()
        .method(Method::POST)
        .uri(token_endpoint)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json") // GitHub sends a form otherwise
        .body(body)
}
