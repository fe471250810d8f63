//! The request, as hooks receive it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use http::request::Parts;

/// The head of a login start's or callback's request, for hooks: method, address, headers and the extensions that
/// layers inserted, such as the session of `tower-sessions`. It dereferences to [`Parts`]. A clone is cheap. `Debug`
/// redacts it.
#[derive(Clone)]
pub struct LoginRequest(Arc<Head>);

struct Head {
    parts: Parts,
    host: Option<String>,
}

impl LoginRequest {
    pub(crate) fn new(parts: Parts, host: Option<String>) -> Self {
        Self(Arc::new(Head { parts, host }))
    }

    /// The first parameter of this name in the query, decoded.
    ///
    /// # Security
    ///
    /// The sender chooses the value.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        let query = self.uri.query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// The host that the browser used, in lowercase and without its port, if it is a host of this service: one of
    /// [`FlowBuilder::public_hosts`](oauth_state::FlowBuilder::public_hosts) or, without those, of a configured
    /// redirect_uri. `None` for every other host, which the sender may have made up. If the service has one public
    /// host, the result is always that host.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }
}

impl Deref for LoginRequest {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

impl fmt::Debug for LoginRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginRequest([redacted])")
    }
}
