//! What the provider sent the user agent back with, taken apart before anything is believed.

use std::borrow::Cow;
use std::fmt;

use crate::observe::{Observer as _, Observers};
use crate::refusal::{FinishError, FinishErrorKind, REPOSTED};

/// The largest query or form, in bytes.
pub(crate) const LARGEST: usize = 32_768;
/// The longest error code, in bytes; those that are registered have at most 30.
const LONGEST_ERROR: usize = 200;
/// What an authorization response may hold, besides what its body names: RFC 6749 sections 4.1.2, 4.1.2.1 and 4.2.2, RFC 9207
/// section 2, OpenID Connect Core section 3.3.2.5, JARM section 2.3, and Apple's `user`.
#[cfg(feature = "http")]
const RESPONSE_PARAMETERS: [&str; 17] = [
    "state",
    "code",
    "error",
    "error_description",
    "error_uri",
    "error_code",
    "error_message",
    "iss",
    "id_token",
    "access_token",
    "token_type",
    "expires_in",
    "scope",
    "response",
    "session_state",
    "user",
    REPOSTED,
];
/// The most parameters of one callback.
const MOST_PARAMETERS: usize = 64;

/// A callback's parameters, of the right form, and nothing more: none of it has been checked.
///
/// # Examples
///
/// ```
/// use oauth_state::error::FinishErrorKind;
/// use oauth_state::Callback;
///
/// let callback = Callback::from_query("code=abc&state=ost1...")?;
/// assert_eq!(callback.state(), "ost1...");
/// let twice = Callback::from_query("code=abc&state=x&state=y").unwrap_err();
/// assert_eq!(twice.kind(), FinishErrorKind::DuplicateParameter);
/// # Ok::<(), oauth_state::FinishError>(())
/// ```
#[derive(Clone)]
pub struct Callback {
    pub(crate) state: String,
    pub(crate) answer: Answer,
    pub(crate) iss: Option<String>,
    pub(crate) others: UnverifiedParameters,
    pub(crate) way: Way,
}

/// How a callback came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By redirect, or from a client of the service's own.
    Direct,
    /// As a form that the provider's page posted.
    Posted,
    /// As a form that says that a page of this crate's posted it, which anybody can write.
    Reposted,
}

/// What the provider says.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Neither code nor error: what comes back from a page that grants nothing, such as a logout.
    Nothing,
    Code(String),
    Error(AuthorizationError),
}

/// The provider's refusal (RFC 6749 section 4.1.2.1; OpenID Connect Core section 3.1.2.6).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthorizationError {
    /// The person, or the provider, said no.
    AccessDenied,
    /// The provider did not understand the request.
    InvalidRequest,
    /// The client may not ask in this way.
    UnauthorizedClient,
    /// The provider does not support this response type.
    UnsupportedResponseType,
    /// A scope is unknown.
    InvalidScope,
    /// The provider failed.
    ServerError,
    /// The provider is overloaded.
    TemporarilyUnavailable,
    /// The person has to do something first.
    InteractionRequired,
    /// The person has to sign in first.
    LoginRequired,
    /// The person has to choose an account first.
    AccountSelectionRequired,
    /// The person has to consent first.
    ConsentRequired,
    /// Any other, as it came: text from outside.
    Other(String),
}

impl AuthorizationError {
    const KNOWN: [(Self, &'static str); 11] = [
        (Self::AccessDenied, "access_denied"),
        (Self::InvalidRequest, "invalid_request"),
        (Self::UnauthorizedClient, "unauthorized_client"),
        (Self::UnsupportedResponseType, "unsupported_response_type"),
        (Self::InvalidScope, "invalid_scope"),
        (Self::ServerError, "server_error"),
        (Self::TemporarilyUnavailable, "temporarily_unavailable"),
        (Self::InteractionRequired, "interaction_required"),
        (Self::LoginRequired, "login_required"),
        (Self::AccountSelectionRequired, "account_selection_required"),
        (Self::ConsentRequired, "consent_required"),
    ];

    fn from_text(text: Cow<'_, str>) -> Self {
        let known = Self::KNOWN.iter().find(|(_, known)| *known == text);
        known.map_or_else(|| Self::Other(text.into_owned()), |(error, _)| error.clone())
    }

    /// The error code, as it came.
    ///
    /// # Security
    ///
    /// [`AuthorizationError::Other`] holds text from outside: printable ASCII, and not for a page.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(text) => text,
            known => Self::KNOWN.iter().find(|(error, _)| error == known).map_or("", |(_, text)| text),
        }
    }
}

/// Text from outside stays outside of logs.
impl fmt::Debug for AuthorizationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(_) => f.write_str("Other([redacted])"),
            known => f.write_str(known.as_str()),
        }
    }
}

/// The other parameters of a callback: text that anybody could have put there.
///
/// Apple sends `user` once, here. Nothing in the state vouches for any of it; treat it as a wish.
#[derive(Clone, Default)]
pub struct UnverifiedParameters(Vec<(String, String)>);

impl UnverifiedParameters {
    /// The value of a parameter, decoded. Each name stands once at most.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for UnverifiedParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnverifiedParameters({}, [redacted])", self.0.len())
    }
}

impl Callback {
    /// Takes the query of a GET callback, without its `?`.
    ///
    /// Every parameter may stand once; one without a value counts as absent (RFC 6749 section 3.1).
    ///
    /// # Errors
    ///
    /// `missing_state`, `duplicate_parameter`, `code_and_error`, `malformed` or `too_long`. Whether a code may be missing is decided by
    /// [`Flow::open`](crate::Flow::open).
    ///
    /// # Security
    ///
    /// A HEAD request and a speculative load carry the same query. `Callback::from_parts` (feature `http`) tells them
    /// apart; without it, answer them with 503 yourself before you come here.
    pub fn from_query(query: &str) -> Result<Self, FinishError> {
        Ok(Self { way: Way::Direct, ..Self::from_form(query.as_bytes())? })
    }

    /// Takes the `application/x-www-form-urlencoded` body of a form_post callback.
    ///
    /// # Errors
    ///
    /// As [`Callback::from_query`].
    ///
    /// # Security
    ///
    /// The query of the POST's address is not looked at. `Callback::from_parts` (feature `http`) refuses a POST whose query holds
    /// parameters of a callback as well, so that no other reader of the request sees different ones.
    pub fn from_form(body: &[u8]) -> Result<Self, FinishError> {
        Self::read_form(body).inspect_err(tell_unread)
    }

    /// Takes the body of a POST and refuses what its query adds: another reader of the request's address would see a second set of
    /// parameters, which an attacker can write into the form's address. A query of the registered redirect_uri's own is fine.
    #[cfg(feature = "http")]
    pub(crate) fn from_post(query: Option<&str>, body: &[u8]) -> Result<Self, FinishError> {
        let callback = Self::from_form(body)?;
        // As other readers of addresses may take a name: in any case, `code[]` and `code.x` for `code`, and `;` for `&`.
        let is_sent_twice = |name: &str| {
            let plain = |byte: char| byte.is_ascii_alphanumeric() || matches!(byte, '_' | '-');
            let stem =
                name.trim_start_matches(|byte| !plain(byte)).split(|byte| !plain(byte)).next().unwrap_or_default();
            let is = |known: &str| known.eq_ignore_ascii_case(name) || known.eq_ignore_ascii_case(stem);
            RESPONSE_PARAMETERS.into_iter().any(is) || callback.others.0.iter().any(|(other, _)| is(other))
        };
        let pieces = query.unwrap_or_default().split(';');
        let mut names = pieces.flat_map(|piece| form_urlencoded::parse(piece.as_bytes()));
        if names.any(|(name, _)| is_sent_twice(&name)) {
            let refused = FinishError::because(
                FinishErrorKind::DuplicateParameter,
                "the callback is a POST whose address has a query with parameters of a callback (RFC 6749 section 3.1)",
            );
            tell_unread(&refused);
            return Err(refused);
        }
        Ok(callback)
    }

    fn read_form(body: &[u8]) -> Result<Self, FinishError> {
        if body.len() > LARGEST {
            return Err(FinishErrorKind::TooLong.into());
        }
        Self::read(form_urlencoded::parse(body))
    }

    fn read<'a>(pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>) -> Result<Self, FinishError> {
        let (mut state, mut code, mut error, mut iss, mut reposted) = (None, None, None, None, None);
        let mut others = Vec::new();
        for (position, (name, value)) in pairs.enumerate() {
            // A form of the most parameters must come back from our own page.
            if position >= MOST_PARAMETERS && name != REPOSTED {
                return Err(FinishErrorKind::TooLong.into());
            }
            let place = match &*name {
                "state" => &mut state,
                "code" => &mut code,
                "error" => &mut error,
                "iss" => &mut iss,
                REPOSTED => &mut reposted,
                _ => {
                    if others.iter().any(|(other, _): &(String, String)| *other == name) {
                        return Err(FinishErrorKind::DuplicateParameter.into());
                    }
                    others.push((name.into_owned(), value.into_owned()));
                    continue;
                }
            };
            if place.replace(value).is_some() {
                return Err(FinishErrorKind::DuplicateParameter.into());
            }
        }
        let given = |value: Option<Cow<'a, str>>| value.filter(|text| !text.is_empty());
        let mut callback = Self::from_values(given(state), given(code), given(error))?;
        callback.iss = given(iss).map(Cow::into_owned);
        callback.others = UnverifiedParameters(others);
        callback.way = if given(reposted).is_some() { Way::Reposted } else { Way::Posted };
        Ok(callback)
    }

    /// Takes parameters that are decoded already, such as those that a client of yours posts as JSON.
    ///
    /// # Errors
    ///
    /// As [`Callback::from_query`]; `too_long` for more than 32,768 bytes of names and values.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::Callback;
    /// assert!(Callback::from_pairs([("state", "ost1..."), ("code", "abc"), ("iss", "https://login.acme.example")]).is_ok());
    /// assert_eq!(Callback::from_pairs([("state", ""), ("code", "abc")]).unwrap_err().code(), "missing_state");
    /// ```
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, FinishError> {
        let mut length = 0_usize;
        let pairs = pairs.into_iter().map(|(name, value)| {
            length = length.saturating_add(name.len()).saturating_add(value.len());
            (Cow::Borrowed(name), Cow::Borrowed(value))
        });
        let read = Self::read(pairs);
        let read = if length > LARGEST { Err(FinishErrorKind::TooLong.into()) } else { read };
        read.map(|callback| Self { way: Way::Direct, ..callback }).inspect_err(tell_unread)
    }

    /// The text of the `state` parameter, before anything was checked: to choose between two stores, or to find what a client kept
    /// for it.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }

    /// Whether it brings a code or an error.
    #[must_use]
    pub fn has_answer(&self) -> bool {
        !matches!(self.answer, Answer::Nothing)
    }

    fn from_values(
        state: Option<Cow<'_, str>>,
        code: Option<Cow<'_, str>>,
        error: Option<Cow<'_, str>>,
    ) -> Result<Self, FinishError> {
        // An error without a state is not looked at: anybody could have sent it (its text is never shown).
        let state = state.ok_or(FinishErrorKind::MissingState)?.into_owned();
        let answer = match (code, error) {
            (Some(_), Some(_)) => return Err(FinishErrorKind::CodeAndError.into()),
            (None, None) => Answer::Nothing,
            (Some(text), None) | (None, Some(text)) if !is_visible(&text) => {
                return Err(FinishError::because(
                    FinishErrorKind::Malformed,
                    "code or error holds something other than printable ASCII (RFC 6749 appendix A.11, A.7)",
                ));
            }
            (None, Some(error)) if error.len() > LONGEST_ERROR => return Err(FinishErrorKind::TooLong.into()),
            (Some(code), None) => Answer::Code(code.into_owned()),
            (None, Some(error)) => Answer::Error(AuthorizationError::from_text(error)),
        };
        Ok(Self { state, answer, iss: None, others: UnverifiedParameters::default(), way: Way::Direct })
    }

    /// Every parameter, to be sent once more.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let answer = match &self.answer {
            Answer::Code(code) => Some(("code", code.as_str())),
            Answer::Error(error) => Some(("error", error.as_str())),
            Answer::Nothing => None,
        };
        let iss = self.iss.iter().map(|iss| ("iss", iss.as_str()));
        let others = self.others.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        [("state", self.state.as_str())].into_iter().chain(answer).chain(iss).chain(others)
    }
}

/// VSCHAR of RFC 6749 appendix A.
fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback([redacted])")
    }
}

/// Tells of a callback that no flow saw, because it has no form.
pub(crate) fn tell_unread(refused: &FinishError) {
    Observers::default().event(&refused.to_event(None));
}

#[cfg(test)]
mod tests;
