//! The types of the `http` crate: callbacks from requests, and responses for `begin` and `finish`.

pub(crate) mod pages;

use std::borrow::Cow;
use std::fmt;

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use crate::binding::RequestHeaders;
use crate::callback::{Callback, tell_unread};
use crate::flow::{AuthorizationRequest, BeginError, Flow};
use crate::refusal::{FinishError, FinishErrorKind, RepostPage};

impl Callback {
    /// Parses a request: the query of a GET, or the `application/x-www-form-urlencoded` body of a POST.
    ///
    /// # Errors
    ///
    /// `not_consumed` for HEAD, every other method, and speculative loads (`Sec-Purpose`, `Purpose`), which must not use up the login.
    /// `duplicate_parameter` for a POST whose query has parameters of a callback. Otherwise as [`Callback::from_query`].
    ///
    /// # Examples
    ///
    /// ```
    /// use http::request::Parts;
    /// use oauth_state::{Binding, Callback, Expect, FinishError, Flow, LoginOutcome, testing};
    ///
    /// async fn finish(flow: &Flow, parts: &Parts, body: &[u8]) -> Result<LoginOutcome<()>, FinishError> {
    ///     let callback = Callback::from_parts(parts, body)?;
    ///     flow.finish(Binding::cookies(&parts.headers), Expect::provider("github"), callback).await
    /// }
    ///
    /// let (parts, ()) = http::Request::head("/auth/github/callback").body(())?.into_parts();
    /// let refused = testing::block_on(finish(&testing::flow(), &parts, b"")).unwrap_err();
    /// assert_eq!((refused.code(), refused.to_response().status().as_u16()), ("not_consumed", 503));
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn from_parts(parts: &Parts, body: &[u8]) -> Result<Self, FinishError> {
        refuse_what_must_not_consume(&parts.method, &parts.headers)?;
        let callback = if parts.method == Method::POST {
            Self::from_post(parts.uri.query(), body)
        } else {
            Self::from_query(parts.uri.query().unwrap_or_default())
        };
        callback.map(|callback| callback.arrived_at(parts.uri.path()))
    }
}

/// Checks by method and headers whether a request may use up a login at all.
pub(crate) fn refuse_what_must_not_consume(method: &Method, headers: &HeaderMap) -> Result<(), FinishError> {
    if RequestHeaders::Map(headers).is_speculative() || !matches!(*method, Method::GET | Method::POST) {
        let refused = FinishError::from(FinishErrorKind::NotConsumed);
        tell_unread(&refused);
        return Err(refused);
    }
    Ok(())
}

/// HTTP/2 sends the host as `:authority` and may have no `Host` header (RFC 9113 section 8.3.1). If both are present, the authority of
/// the request target counts, as in HTTP/1.1 (RFC 9112 section 3.2.2), because a proxy in front has checked that one.
pub(crate) fn host_from_authority(headers: &mut HeaderMap, authority: Option<&str>) {
    if let Some(Ok(host)) = authority.map(HeaderValue::from_str) {
        headers.insert(http::header::HOST, host);
    }
}

/// The redirect to the provider: status 303, the login's cookie, `no-store` and `no-referrer`.
///
/// 303 makes the browser continue with GET, whatever the method of the login start (RFC 9700 section 4.12).
///
/// # Errors
///
/// `http::Error` if `authorization_url` cannot be sent in a header.
///
/// # Examples
///
/// ```
/// use oauth_state::http::redirect;
/// use oauth_state::{App, Binding, Flow, Login, Provider, SingleProcessGuard, testing};
///
/// let github = Provider::github().client_id("my-client").redirect_uri("https://shop.example/auth/github/callback");
/// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
///     .provider(github)
///     .build()?;
///
/// let headers = http::HeaderMap::new(); // those of the request
/// let request = flow.begin(Binding::cookies(&headers), Login::with("github"))?;
/// let response = redirect(&request, request.url()?)?;
/// assert_eq!(response.status(), 303);
/// assert!(response.headers()["set-cookie"].to_str()?.starts_with("__Host-"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn redirect(begun: &impl SetsCookie, authorization_url: impl fmt::Display) -> Result<Response<()>, http::Error> {
    // Marked as sensitive, so that a `Debug` of the response shows neither the state nor the cookie.
    let sensitive = |text: &str| {
        let mut value = HeaderValue::from_str(text)?;
        value.set_sensitive(true);
        Ok::<_, http::Error>(value)
    };
    let mut response =
        Response::builder().status(StatusCode::SEE_OTHER).header(LOCATION, sensitive(&authorization_url.to_string())?);
    for set_cookie in begun.set_cookie().into_iter().chain(begun.surplus_cookies().iter().map(String::as_str)) {
        response = response.header(SET_COOKIE, sensitive(set_cookie)?);
    }
    let mut response = response.body(())?;
    set_no_store(response.headers_mut());
    Ok(response)
}

/// A started login, as [`redirect`] needs it: an [`AuthorizationRequest`], or an `Issued` of a state store (package `oauth-state-store`).
pub trait SetsCookie {
    /// The value of the `Set-Cookie` header, if there is one.
    fn set_cookie(&self) -> Option<&str>;

    /// The values of the `Set-Cookie` headers that delete surplus cookies.
    fn surplus_cookies(&self) -> &[String];
}

impl SetsCookie for AuthorizationRequest {
    fn set_cookie(&self) -> Option<&str> {
        self.set_cookie.as_deref()
    }

    fn surplus_cookies(&self) -> &[String] {
        &self.surplus_cookies
    }
}

/// Adds the headers that every response to a login start or callback needs: `Cache-Control: no-store`, because it is for one user and one
/// use, and `Referrer-Policy: no-referrer`, because the address contains the code and the state (RFC 9700 section 4.2.4).
pub fn set_no_store(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

impl FinishError {
    /// The response for the user: the status, the generic text with the reference, `Retry-After` if it helps; or the page of
    /// [`FinishError::repost`].
    #[must_use]
    pub fn to_response(&self) -> Response<Cow<'static, str>> {
        if let Some(page) = self.repost() {
            return reposting(page);
        }
        let text = format!("{}\nReference: {}\n", self.public_text(), self.reference());
        let mut response = plain(self.status(), Cow::Owned(text));
        if let Some(after) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs()));
        }
        response
    }
}

impl BeginError {
    /// The response for the user: the status and a generic text.
    #[must_use]
    pub fn to_response(&self) -> Response<&'static str> {
        plain(self.status(), "This sign-in could not be started.")
    }
}

impl<T> Flow<T> {
    /// Lets a page of this crate be shown in the frames that the flow allows
    /// ([`FlowBuilder::allow_same_origin_frames`](crate::FlowBuilder::allow_same_origin_frames),
    /// [`FlowBuilder::embedded_in`](crate::FlowBuilder::embedded_in)), for a handler of your own that answers with
    /// [`FinishError::to_page`] or [`BeginError::to_page`]. It changes no other page. The routes do it by themselves.
    pub fn allow_framing(&self, headers: &mut HeaderMap) {
        if let Some(ancestors) = self.frame_ancestors() {
            pages::allow_framing(&ancestors, headers);
        }
    }
}

fn reposting(page: &RepostPage) -> Response<Cow<'static, str>> {
    let mut response = Response::new(Cow::Owned(page.html().to_owned()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    // Printable ASCII, all of it generated here.
    if let Ok(policy) = HeaderValue::from_str(page.content_security_policy()) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    set_no_store(headers);
    response
}

fn plain<B>(status: u16, text: B) -> Response<B> {
    let mut response = Response::new(text);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    set_no_store(response.headers_mut());
    response
}

#[cfg(test)]
mod tests;
