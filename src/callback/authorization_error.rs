//! The provider's error in a callback.

use std::borrow::Cow;
use std::fmt;

use crate::refusal::{FinishError, FinishErrorKind};

/// The provider's error (RFC 6749 section 4.1.2.1; OpenID Connect Core section 3.1.2.6).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthorizationError {
    /// The user or the provider refused.
    AccessDenied,
    /// The provider did not understand the request.
    InvalidRequest,
    /// The client is not allowed to use this method.
    UnauthorizedClient,
    /// The provider does not support this response type.
    UnsupportedResponseType,
    /// A scope is unknown.
    InvalidScope,
    /// The provider failed.
    ServerError,
    /// The provider is overloaded.
    TemporarilyUnavailable,
    /// The user has to do something first.
    InteractionRequired,
    /// The user has to sign in first.
    LoginRequired,
    /// The user has to choose an account first.
    AccountSelectionRequired,
    /// The user has to consent first.
    ConsentRequired,
    /// Any other error, unchanged: text from outside.
    Other(String),
}

/// A registered error, its text, and the diagnosis of a callback that has it but no state.
type KnownError = (AuthorizationError, &'static str, &'static str);

macro_rules! known_errors {
    ($(($error:ident, $text:literal)),* $(,)?) => {
        [$((
            AuthorizationError::$error,
            $text,
            concat!("the callback has no state parameter and the error ", $text, ", which the provider sent or anyone who wrote the link"),
        )),*]
    };
}

impl AuthorizationError {
    pub(super) const KNOWN: [KnownError; 11] = known_errors![
        (AccessDenied, "access_denied"),
        (InvalidRequest, "invalid_request"),
        (UnauthorizedClient, "unauthorized_client"),
        (UnsupportedResponseType, "unsupported_response_type"),
        (InvalidScope, "invalid_scope"),
        (ServerError, "server_error"),
        (TemporarilyUnavailable, "temporarily_unavailable"),
        (InteractionRequired, "interaction_required"),
        (LoginRequired, "login_required"),
        (AccountSelectionRequired, "account_selection_required"),
        (ConsentRequired, "consent_required"),
    ];

    pub(super) fn from_text(text: Cow<'_, str>) -> Self {
        let known = Self::KNOWN.iter().find(|(_, known, _)| *known == text);
        known.map_or_else(|| Self::Other(text.into_owned()), |(error, ..)| error.clone())
    }

    /// The refusal of a callback that has no state: anyone can send it an error, and the operator sees which one it is, if it is registered.
    pub(super) fn without_state(error: Option<&str>) -> FinishError {
        let known = Self::KNOWN.iter().find(|(_, text, _)| Some(*text) == error);
        let kind = FinishErrorKind::MissingState;
        known.map_or_else(|| kind.into(), |(.., diagnosis)| FinishError::because(kind, diagnosis))
    }

    /// The error code if it is registered, and `other` otherwise: for metrics.
    pub(crate) fn word(&self) -> &'static str {
        Self::KNOWN.iter().find(|(error, ..)| error == self).map_or("other", |(_, text, _)| text)
    }

    /// The error code, unchanged.
    ///
    /// # Security
    ///
    /// [`AuthorizationError::Other`] contains text from outside: printable ASCII, but do not show it on a page.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(text) => text,
            known => Self::KNOWN.iter().find(|(error, ..)| error == known).map_or("", |(_, text, _)| text),
        }
    }
}

/// Omits text from outside, which should not reach logs.
impl fmt::Debug for AuthorizationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(_) => f.write_str("Other([redacted])"),
            known => f.write_str(known.as_str()),
        }
    }
}
