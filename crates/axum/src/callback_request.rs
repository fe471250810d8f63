//! The extractor for a callback.

use axum::extract::{FromRequest, Request};
use http::HeaderMap;
use oauth_state::{Binding, Callback, FinishError};
use oauth_state_routes::read_callback;

use crate::Rejected;

/// A callback and its headers: the extractor for a callback route, GET (`query`) or POST (`form_post`). The [front
/// page](crate) has a handler that uses it.
///
/// It refuses HEAD requests, speculative loads and everything that is not a callback, with the generic message.
#[derive(Debug)]
pub struct CallbackRequest {
    headers: BindingHeaders,
    callback: Callback,
}

impl CallbackRequest {
    /// The two arguments of [`Flow::finish`](oauth_state::Flow::finish) that come from the request.
    #[must_use]
    pub fn split(self) -> (BindingHeaders, Callback) {
        (self.headers, self.callback)
    }
}

/// The headers of a callback. `Debug` redacts them.
pub struct BindingHeaders(HeaderMap);

impl BindingHeaders {
    /// The binding by cookie.
    #[must_use]
    pub fn cookies(&self) -> Binding<'_> {
        Binding::cookies(&self.0)
    }
}

impl From<HeaderMap> for BindingHeaders {
    fn from(headers: HeaderMap) -> Self {
        Self(headers)
    }
}

impl std::fmt::Debug for BindingHeaders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BindingHeaders([redacted])")
    }
}

impl<S: Send + Sync> FromRequest<S> for CallbackRequest {
    type Rejection = Rejected<FinishError>;

    async fn from_request(request: Request, _: &S) -> Result<Self, Rejected<FinishError>> {
        let (parts, body) = request.into_parts();
        let callback = read_callback(&parts, body).await?;
        Ok(Self { headers: BindingHeaders(parts.headers), callback })
    }
}
