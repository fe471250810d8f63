//! The exchange by oauth2 4. Its types are made from text.

use std::borrow::Cow;
use std::future::Future;

use oauth_state::Authorized;
use oauth2::basic::{BasicClient, BasicRequestTokenError, BasicTokenResponse};
use oauth2::{AuthorizationCode, HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl};

/// `AuthorizationRequest::url` has built the authorization URL. `send` is `oauth2::reqwest::async_http_client`, for example.
pub async fn exchange<T, F, E>(
    client: &BasicClient,
    login: &Authorized<T>,
    send: impl FnOnce(HttpRequest) -> F,
) -> Result<BasicTokenResponse, BasicRequestTokenError<E>>
where
    F: Future<Output = Result<HttpResponse, E>>,
    E: std::error::Error + 'static,
{
    let mut exchange = client.exchange_code(AuthorizationCode::new(login.code.secret().to_owned()));
    if let Some(verifier) = &login.code_verifier {
        exchange = exchange.set_pkce_verifier(PkceCodeVerifier::new(verifier.secret().to_owned()));
    }
    if let Some(uri) = login.redirect_uri().and_then(|uri| RedirectUrl::new(uri.to_owned()).ok()) {
        exchange = exchange.set_redirect_uri(Cow::Owned(uri)); // that of this login, if there are several
    }
    exchange.request_async(send).await
}
