//! The response types of hooks, for each framework.

use bytes::Bytes;
use http::Response;
use http_body_util::Full;

/// A web framework, as far as the routes need to know it: the body type of its responses. Together with [`Answer`], it
/// lets hooks return the framework's own response types.
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
    /// The body of its responses.
    type Body: From<Bytes> + Send + 'static;
}

/// Converts the return value of a hook, of type `R`, into a response. The framework is `Self`, so that its own package
/// can implement the trait for every type that the framework converts into responses.
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
