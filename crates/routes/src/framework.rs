//! What hooks may answer with, for each framework.

use bytes::Bytes;
use http::Response;
use http_body_util::Full;

/// A web framework, as far as the routes know it: the body of its responses.
///
/// # Examples
///
/// ```
/// use oauth_state_routes::{Framework, Http};
/// let body = <Http as Framework>::Body::from("signed in");
/// ```
pub trait Framework: Send + Sync + 'static {
    /// The body of its responses.
    type Body: From<Bytes> + Send + 'static;
}

/// Makes a response of what a hook of the type `R` answers. The framework is `Self`, so that its own package can implement it
/// for every type that the framework makes responses of.
///
/// # Examples
///
/// ```
/// use http::Response;
/// use oauth_state_routes::{Answer, Http};
/// let response = Http::answer(Response::new("signed in"));
/// assert_eq!(response.status(), 200);
/// ```
pub trait Answer<R>: Framework {
    /// The response.
    fn answer(answer: R) -> Response<Self::Body>;
}

/// No framework: a hook answers with an `http::Response` of bytes.
///
/// # Examples
///
/// ```
/// use oauth_state_routes::{Http, LoginRoutes, Routes};
/// fn same(routes: Routes<Http>) -> LoginRoutes {
///     routes
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Http;

impl Framework for Http {
    type Body = Full<Bytes>;
}

impl<B: Into<Bytes>> Answer<Response<B>> for Http {
    fn answer(answer: Response<B>) -> Response<Full<Bytes>> {
        answer.map(|body| Full::new(body.into()))
    }
}
