//! The response types of hooks, for each framework.

use bytes::Bytes;
use http::Response;
use http_body_util::Full;

/// A web framework, described by the body type of its responses. With [`Answer`], hooks can return the framework's own
/// response types.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use http::Response;
/// use http_body_util::Full;
/// use oauth_state_routes::{Answer, Framework, Routes};
///
/// /// Hooks return a text.
/// struct Texts;
///
/// impl Framework for Texts {
///     type Body = Full<Bytes>;
/// }
///
/// impl Answer<String> for Texts {
///     fn answer(text: String) -> Response<Full<Bytes>> {
///         Response::new(Full::new(text.into()))
///     }
/// }
///
/// type LoginRoutes = Routes<Texts>; // with `.on_login(|_login, _request| async { Ok("signed in".to_owned()) })`
/// ```
pub trait Framework: Send + Sync + 'static {
    /// The body type of its responses.
    type Body: From<Bytes> + Send + 'static;
}

/// Converts the return value of a hook, of type `R`, into a response. The framework is `Self`, so its adapter crate can
/// implement the trait for every type that the framework converts.
pub trait Answer<R>: Framework {
    /// Converts the value into a response.
    fn answer(answer: R) -> Response<Self::Body>;
}

/// No framework: a hook returns an `http::Response` of bytes.
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
