//! Internal interface for the package `oauth-state-routes` and the extractors of `oauth-state-axum` and `oauth-state-actix`, for functions
//! that the public interface does not offer yet.
//!
//! It is hidden and comes without any promise: it may change in any release, and each item goes once the public interface has a
//! replacement.

use http::{HeaderMap, Method, Response};

use crate::callback::Callback;
use crate::claims::{ReturnTo, Tenant};
use crate::flow::{BeginError, Flow, Login, LoginData, OpenedCallback};
use crate::http::SetsCookie;
use crate::http::pages::{self, Words};
use crate::name::Purpose;
use crate::observe::{Event, Observer as _};
use crate::provider::{AuthorizationUrl, Parameters, Provider, UrlError};
use crate::reference::Reference;
use crate::refusal::FinishError;

/// The largest query or form of a callback, in bytes.
pub const LARGEST_CALLBACK: usize = crate::callback::LARGEST;

/// Reports a callback that could not be parsed to the added observers of a flow; the facades have it already.
pub fn tell_unread<T>(flow: &Flow<T>, refused: &FinishError) {
    flow.observers().tell_added(&refused.to_event(None));
}

/// Reports to the observers of a flow that a hook failed after its login was used up.
pub fn tell_hook_failed<T>(
    flow: &Flow<T>,
    provider: &str,
    hook: &'static str,
    reference: Reference,
    error: &(dyn std::error::Error + Send + Sync + 'static),
) {
    flow.observers().event(&Event::HookFailed { provider, hook, reference, error });
}

/// Whether a flow is built for this purpose.
#[must_use]
pub fn accepts<T>(flow: &Flow<T>, purpose: Purpose) -> bool {
    flow.accepts(purpose)
}

/// Whether the cookies of a flow have the attribute `Secure`.
#[must_use]
pub fn has_secure_cookies<T>(flow: &Flow<T>) -> bool {
    flow.has_secure_cookies()
}

/// Whether a provider may start logins.
#[must_use]
pub fn may_start_logins(provider: &Provider) -> bool {
    provider.is_start_allowed()
}

/// Whether a query has a state or an error, so that it is, or claims to be, the response to a request of this service.
#[must_use]
pub fn is_authorization_response(query: &str) -> bool {
    crate::callback::is_authorization_response(query)
}

/// Whether only a client that stores a login secret can finish it.
#[must_use]
pub fn is_bound_by_login_secret<T: LoginData>(opened: &OpenedCallback<T>) -> bool {
    opened.is_bound_by_login_secret()
}

/// The page that hands a callback over to an app.
#[must_use]
pub fn hand_over<T: LoginData>(app_link: &str, opened: &OpenedCallback<T>) -> Response<String> {
    pages::hand_over(app_link, opened.callback())
}

/// The status of the page of a login that did not start.
#[must_use]
pub fn page_status(error: &BeginError) -> u16 {
    error.page_status()
}

/// The name in events for every provider that was loaded at run time.
pub const CONNECTION: &str = crate::observe::CONNECTION;

/// A login of this site: its tenant and its redirect id.
pub fn login_of_site<T>(login: Login<T>, tenant: Option<Tenant>, redirect: Option<String>) -> Login<T> {
    Login { tenant, redirect, ..login }
}

/// The return path of a login.
#[must_use]
pub fn return_path<T>(login: &Login<T>) -> Option<&ReturnTo> {
    login.return_to.as_ref()
}

/// A login with this return path, or with none.
pub fn returning_to<T>(login: Login<T>, return_to: Option<ReturnTo>) -> Login<T> {
    Login { return_to, ..login }
}

/// The origin of a provider's redirect_uri, as it was registered.
#[must_use]
pub fn origin_of<'a>(provider: &'a Provider, redirect: Option<&str>) -> Option<&'a str> {
    let text = &provider.redirect_uri_of(redirect)?.text;
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.find('/')?;
    text.get(..scheme.len().saturating_add(3).saturating_add(authority))
}

/// A page that navigates to the provider, as the response to a POST. A page with `Content-Security-Policy: form-action 'self'` would block
/// a redirect, because browsers apply the policy to redirects that follow a form.
///
/// # Errors
///
/// `http::Error` if the cookie cannot be sent in a header.
pub fn navigate(begun: &impl SetsCookie, authorization_url: &str) -> Result<Response<String>, http::Error> {
    pages::navigate(begun, authorization_url)
}

/// Whether a return path is a callback address of the flow or of a provider that was loaded.
#[must_use]
pub fn returns_to_callback<T>(flow: &Flow<T>, return_to: &ReturnTo, loaded: Option<&Provider>) -> bool {
    flow.returns_to_callback(return_to, loaded)
}

/// Whether a return path leads to the absolute path `path`, after decoding both.
#[must_use]
pub fn leads_to(return_to: &ReturnTo, path: &str) -> bool {
    return_to.leads_to(path)
}

/// Whether a return path leads below the absolute path `path`, after decoding both.
#[must_use]
pub fn leads_below(return_to: &ReturnTo, path: &str) -> bool {
    return_to.leads_below(path)
}

/// Whether `id` may name a provider.
#[must_use]
pub fn is_provider_id(id: &str) -> bool {
    crate::name::is_provider_id(id)
}

/// A provider's redirect_uris, each with its id if it has one; then, if it is an address, with its host, if it has one, and its path.
pub fn redirect_uris(provider: &Provider) -> impl Iterator<Item = (Option<&str>, Option<(Option<&str>, &str)>)> {
    provider.redirect_uris().iter().map(|at| (at.id.as_deref(), at.path().map(|path| (at.host(), path))))
}

/// Whether a provider has all settings for its authorization URL.
///
/// # Errors
///
/// As [`AuthorizationRequest::url`](crate::AuthorizationRequest::url).
pub fn url_of(provider: &Provider) -> Result<(), UrlError> {
    let redirect_uri = provider.redirect_uris().first().map(|at| at.text.as_str());
    let purpose = Purpose::Login;
    let login = Parameters { purpose, redirect_uri, state: "", code_challenge: None, nonce: None };
    AuthorizationUrl::new(provider, None, &login).map(|_| ())
}

/// The host that the browser used, in lower case and without port, as far as the flow's settings know it. It is one of the public
/// hosts; without public hosts, it is the host of a redirect URI of the configured providers. Otherwise `None`.
#[must_use]
pub fn host_of_request<T>(flow: &Flow<T>, headers: &HeaderMap) -> Option<String> {
    flow.host_of_request(headers)
}

/// A small page with one button, which leads to a path of the site, and the login's reference.
#[must_use]
pub fn page(
    status: u16,
    title: &'static str,
    text: &'static str,
    button: &'static str,
    target: &ReturnTo,
    reference: Option<Reference>,
) -> Response<String> {
    pages::page(status, &Words { title, text, button }, target, reference)
}

/// Checks by method and headers whether a request may use up a login at all.
///
/// # Errors
///
/// `not_consumed` for HEAD, every method but GET and POST, and speculative loads.
pub fn refuse_what_must_not_consume(method: &Method, headers: &HeaderMap) -> Result<(), FinishError> {
    crate::http::refuse_what_must_not_consume(method, headers)
}

/// Parses the body of a POST for a callback, and refuses callback parameters in its query.
///
/// # Errors
///
/// As [`Callback::from_form`], and `duplicate_parameter` for a query with parameters of a callback.
pub fn callback_from_post(query: Option<&str>, body: &[u8]) -> Result<Callback, FinishError> {
    Callback::from_post(query, body)
}

/// Writes the authority of a request's target to the headers, as [`crate::http`] describes.
pub fn host_from_authority(headers: &mut HeaderMap, authority: Option<&str>) {
    crate::http::host_from_authority(headers, authority);
}
