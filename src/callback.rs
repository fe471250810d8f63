//! What the provider sent the user agent back with, taken apart before anything is believed.

use std::borrow::Cow;
use std::fmt;

use crate::observe::{Observer as _, Observers};
use crate::refusal::{FinishError, FinishErrorKind, REPOSTED};
use crate::unverified::UnverifiedParameters;

/// The largest query or form, in bytes.
pub(crate) const LARGEST: usize = 32_768;
/// The longest error code, in bytes; those that are registered have at most 30.
const LONGEST_ERROR: usize = 200;

macro_rules! response_parameters {
    ($($name:literal),* $(,)?) => {
        /// What an authorization response may hold, each with the diagnosis of a callback that has it twice: RFC 6749 sections 4.1.2,
        /// 4.1.2.1 and 4.2.2, RFC 9207 section 2, OpenID Connect Core section 3.3.2.5, JARM section 2.3, Apple's `user`, the words of
        /// Facebook for an error, and the mark of our own page.
        const RESPONSE_PARAMETERS: &[(&str, &str)] = &[$((
            $name,
            concat!("the callback has the parameter ", $name, " twice, which RFC 6749 section 3.1 forbids"),
        )),*];
    };
}
response_parameters!(
    "state",
    "code",
    "error",
    "error_description",
    "error_uri",
    "error_code",
    "error_message",
    "error_reason",
    "iss",
    "id_token",
    "access_token",
    "token_type",
    "expires_in",
    "scope",
    "response",
    "session_state",
    "user",
    "oauth_state_reposted",
);

/// Where some providers (Facebook) say an error that the standard calls `error`.
const ERRORS_IN_OTHER_WORDS: [&str; 2] = ["error_reason", "error_code"];
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
    /// The path that it arrived at, if it is known.
    pub(crate) path: Option<String>,
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

/// A registered error, its text, and the diagnosis of a callback that has it and no state.
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
    const KNOWN: [KnownError; 11] = known_errors![
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

    fn from_text(text: Cow<'_, str>) -> Self {
        let known = Self::KNOWN.iter().find(|(_, known, _)| *known == text);
        known.map_or_else(|| Self::Other(text.into_owned()), |(error, ..)| error.clone())
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
            known => Self::KNOWN.iter().find(|(error, ..)| error == known).map_or("", |(_, text, _)| text),
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

impl Callback {
    /// Takes the query of a GET callback, without its `?`.
    ///
    /// A parameter of an authorization response may come once; one without a value counts as absent (RFC 6749 section 3.1). A
    /// provider's own parameters are kept as text, however often they come. Without `error`, Facebook's `error_reason` and `error_code`
    /// are the error.
    ///
    /// # Errors
    ///
    /// `missing_state`, `duplicate_parameter`, `code_and_error`, `malformed` or `too_long`. Whether a code may be missing is decided by
    /// [`OpenedCallback::verify`](crate::OpenedCallback::verify).
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
            RESPONSE_PARAMETERS.iter().any(|(known, _)| is(known))
                || callback.others.as_slice().iter().any(|(other, _)| is(other))
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
                        refuse_twice(&name)?;
                    }
                    others.push((name.into_owned(), value.into_owned()));
                    continue;
                }
            };
            if place.replace(value).is_some() {
                refuse_twice(&name)?;
            }
        }
        let given = |value: Option<Cow<'a, str>>| value.filter(|text| !text.is_empty());
        let (code, error) = (given(code), given(error));
        let error = if code.is_none() { error.or_else(|| error_in_other_words(&others)) } else { error };
        let mut callback = Self::from_values(given(state), code, error)?;
        callback.iss = given(iss).map(Cow::into_owned);
        callback.others = UnverifiedParameters::new(others);
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

    /// The path of the address that the callback arrived at, for [`Expect::connection`](crate::Expect::connection).
    /// `Callback::from_parts` (feature `http`) keeps it by itself.
    #[must_use]
    pub fn arrived_at(self, path: &str) -> Self {
        Self { path: Some(path.to_owned()), ..self }
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

    /// With the code of a provider that sends it under a name of its own.
    pub(crate) fn with_code_from(mut self, name: &str) -> Result<Self, FinishError> {
        let Some(code) = self.others.take(name).filter(|code| !code.is_empty()) else { return Ok(self) };
        if self.others.get(name).is_some() {
            return Err(FinishErrorKind::DuplicateParameter.into());
        }
        if self.has_answer() {
            return Err(FinishErrorKind::CodeAndError.into());
        }
        if !is_visible(&code) {
            return Err(FinishErrorKind::Malformed.into());
        }
        self.answer = Answer::Code(code);
        Ok(self)
    }

    fn from_values(
        state: Option<Cow<'_, str>>,
        code: Option<Cow<'_, str>>,
        error: Option<Cow<'_, str>>,
    ) -> Result<Self, FinishError> {
        // Anyone can send an error without a state: the operator reads which one it is, if it is registered, and the user nothing.
        let state = state.ok_or_else(|| without_state(error.as_deref()))?.into_owned();
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
        Ok(Self { state, answer, iss: None, others: UnverifiedParameters::default(), way: Way::Direct, path: None })
    }

    /// Every parameter, to be sent once more; `error` only where no other parameter says the same, so that they do not become more.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let answer = match &self.answer {
            Answer::Code(code) => Some(("code", code.as_str())),
            Answer::Error(error) => {
                let is_said = error_in_other_words(self.others.as_slice()).is_some_and(|said| said == error.as_str());
                (!is_said).then_some(("error", error.as_str()))
            }
            Answer::Nothing => None,
        };
        let iss = self.iss.iter().map(|iss| ("iss", iss.as_str()));
        let others = self.others.as_slice().iter().map(|(name, value)| (name.as_str(), value.as_str()));
        [("state", self.state.as_str())].into_iter().chain(answer).chain(iss).chain(others)
    }
}

/// Whether a query has a state or an error.
#[cfg(feature = "http")]
pub(crate) fn is_authorization_response(query: &str) -> bool {
    let is_answer = |name: &str| matches!(name, "state" | "error") || ERRORS_IN_OTHER_WORDS.contains(&name);
    form_urlencoded::parse(query.as_bytes()).any(|(name, value)| is_answer(&name) && !value.is_empty())
}

/// Whether an authorization response has a parameter of this name.
pub(crate) fn is_response_parameter(name: &str) -> bool {
    RESPONSE_PARAMETERS.iter().any(|(known, _)| *known == name)
}

/// Refuses a parameter that came twice, if an authorization response has it: two readers of one callback must not see different ones.
fn refuse_twice(name: &str) -> Result<(), FinishError> {
    match RESPONSE_PARAMETERS.iter().find(|(known, _)| *known == name) {
        Some((_, diagnosis)) => Err(FinishError::because(FinishErrorKind::DuplicateParameter, diagnosis)),
        None => Ok(()),
    }
}

/// The error of a callback that has neither `code` nor `error`.
fn error_in_other_words<'a>(others: &[(String, String)]) -> Option<Cow<'a, str>> {
    let value = |name: &&str| others.iter().find(|(other, value)| other == name && !value.is_empty());
    let (_, text) = ERRORS_IN_OTHER_WORDS.iter().find_map(value)?;
    Some(match text.as_str() {
        "user_denied" => Cow::Borrowed("access_denied"),
        text => Cow::Owned(text.to_owned()),
    })
}

fn without_state(error: Option<&str>) -> FinishError {
    let known = AuthorizationError::KNOWN.iter().find(|(_, text, _)| Some(*text) == error);
    let kind = FinishErrorKind::MissingState;
    known.map_or_else(|| kind.into(), |(.., diagnosis)| FinishError::because(kind, diagnosis))
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
