//! The route of a path.

use http::{Method, StatusCode};
use oauth_state::Purpose;

/// The action of a route.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Begin(Purpose),
    Callback,
}

impl Place {
    /// The path below the login start's own path, and its route.
    pub(crate) const ALL: [(&str, Self); 4] = [
        ("", Self::Begin(Purpose::Login)),
        ("/link", Self::Begin(Purpose::Link)),
        ("/reauthenticate", Self::Begin(Purpose::Reauthenticate)),
        ("/callback", Self::Callback),
    ];

    /// The route of the path below the login start's own path.
    pub(crate) fn at(below: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == below).map(|(_, place)| place)
    }

    /// The methods that the route accepts, as `Allow` lists them (RFC 9110 section 10.2.1).
    const fn allowed(self) -> &'static str {
        match self {
            Self::Begin(Purpose::Login) => "GET,HEAD",
            Self::Begin(_) => "POST",
            Self::Callback => "GET,HEAD,POST",
        }
    }

    /// # Errors
    ///
    /// The methods that the route accepts instead.
    pub(crate) fn check(self, method: &Method) -> Result<(), NoRoute> {
        let is_allowed = self.allowed().split(',').any(|allowed| allowed == method.as_str());
        if is_allowed { Ok(()) } else { Err(NoRoute::Method { allowed: self.allowed() }) }
    }
}

/// Why a request has no route.
pub(crate) enum NoRoute {
    Path,
    Method { allowed: &'static str },
}

impl NoRoute {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Path => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
        }
    }
}
