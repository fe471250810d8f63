//! A browser for tests.

use crate::binding::Binding;
use crate::callback::Callback;
use crate::flow::AuthorizationRequest;

/// A browser that followed an [`AuthorizationRequest`]: it stores the login's cookie, and returns from the provider.
///
/// # Examples
///
/// ```
/// use oauth_state::testing::{self, TestBrowser, block_on};
/// use oauth_state::{Expect, Login};
/// let flow = testing::flow();
/// let browser = TestBrowser::follow(&flow.begin(TestBrowser::default().binding(), Login::with("github"))?);
///
/// let another = TestBrowser::default();
/// let stolen = block_on(flow.finish(another.binding(), Expect::provider("github"), browser.callback())).unwrap_err();
/// assert_eq!(stolen.code(), "cookie_missing");
/// block_on(flow.finish(browser.binding(), Expect::provider("github"), browser.callback()))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct TestBrowser {
    cookie: String,
    state: String,
}

impl TestBrowser {
    /// A browser that was redirected with this request.
    #[must_use]
    pub fn follow(request: &AuthorizationRequest) -> Self {
        let cookie = request.cookie_pair().unwrap_or_default().to_owned();
        Self { cookie, state: request.state.clone() }
    }

    /// The value of its `Cookie` header; empty before the first login.
    #[must_use]
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Its headers.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn headers(&self) -> http::HeaderMap {
        let cookie = http::HeaderValue::from_str(&self.cookie).ok().filter(|cookie| !cookie.is_empty());
        cookie.map(|cookie| (http::header::COOKIE, cookie)).into_iter().collect()
    }

    /// The binding of its requests: [`Binding::cookie_headers`].
    #[must_use]
    pub fn binding(&self) -> Binding<'_> {
        Binding::cookie_headers([self.cookie.as_bytes()])
    }

    /// The provider's response: the state, and the code `code`.
    #[must_use]
    pub fn callback(&self) -> Callback {
        self.callback_with([("code", "code")])
    }

    /// A response with the state and these parameters.
    ///
    /// # Panics
    ///
    /// If they are not a callback; see [`Callback::from_pairs`].
    #[must_use]
    #[expect(clippy::expect_used, reason = "for tests")]
    pub fn callback_with<'p>(&'p self, parameters: impl IntoIterator<Item = (&'p str, &'p str)>) -> Callback {
        let pairs = parameters.into_iter().chain([("state", self.state.as_str())]);
        Callback::from_pairs(pairs.collect::<Vec<_>>()).expect("the parameters of a callback")
    }
}
