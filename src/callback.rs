//! The parsed parameters of a callback, before any check.

mod authorization_error;

use std::borrow::Cow;
use std::fmt;

pub use authorization_error::AuthorizationError;

use crate::observe::{Observer as _, Observers};
use crate::reference::Reference;
use crate::refusal::{FinishError, FinishErrorKind, REPOSTED};
use crate::unverified::UnverifiedParameters;

/// The largest query or form, in bytes.
pub(crate) const LARGEST: usize = 32_768;
/// The longest error code, in bytes; registered codes have at most 30.
const LONGEST_ERROR: usize = 200;

macro_rules! response_parameters {
    ($($name:literal),* $(,)?) => {
        /// The parameters of an authorization response, each with the diagnosis of a callback that has it twice: RFC 6749 sections 4.1.2,
        /// 4.1.2.1 and 4.2.2, RFC 9207 section 2, OpenID Connect Core section 3.3.2.5, JARM section 2.3, Apple's `user`, Facebook's error
        /// parameters, and the mark of our own page.
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

/// The parameters in which some providers (Facebook) send an error instead of `error`.
const ERRORS_IN_OTHER_WORDS: [&str; 2] = ["error_reason", "error_code"];
/// The most parameters of one callback.
const MOST_PARAMETERS: usize = 64;

/// The parameters of a callback in the right form. Nothing else has been checked.
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
    /// The path at which it arrived, if known.
    pub(crate) path: Option<String>,
}

/// How a callback arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By redirect, or from a client of the service.
    Direct,
    /// As a form that the provider's page posted.
    Posted,
    /// As a form that claims to come from this crate's re-post page, which anyone can write.
    Reposted,
}

/// The provider's response.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Neither code nor error: the return from a page that grants nothing, such as a logout.
    Nothing,
    Code(String),
    Error(AuthorizationError),
}

impl Callback {
    /// Parses the query of a GET callback, without its `?`.
    ///
    /// A parameter of an authorization response may occur once; one without a value counts as absent (RFC 6749 section 3.1). A provider's
    /// own parameters are kept as text, however often they occur. Without `error`, Facebook's `error_reason` and `error_code` are the
    /// error.
    ///
    /// # Errors
    ///
    /// `missing_state`, `duplicate_parameter`, `code_and_error`, `malformed` or `too_long`.
    /// [`OpenedCallback::verify`](crate::OpenedCallback::verify) decides whether a code may be missing.
    ///
    /// # Security
    ///
    /// A HEAD request and a speculative load have the same query. `Callback::from_parts` (feature `http`) tells them apart; without it,
    /// answer them with 503 before you call this.
    pub fn from_query(query: &str) -> Result<Self, FinishError> {
        Ok(Self { way: Way::Direct, ..Self::from_form(query.as_bytes())? })
    }

    /// Parses the `application/x-www-form-urlencoded` body of a form_post callback.
    ///
    /// # Errors
    ///
    /// As [`Callback::from_query`].
    ///
    /// # Security
    ///
    /// It ignores the query of the POST. `Callback::from_parts` (feature `http`) also refuses a POST whose query has parameters of a
    /// callback, so that no other reader of the request sees different ones.
    pub fn from_form(body: &[u8]) -> Result<Self, FinishError> {
        Self::read_form(body).inspect_err(tell_unread)
    }

    /// Parses the body of a POST and refuses callback parameters in its query: another reader of the URL would see a second set of
    /// parameters, which an attacker can write into the form's address. The registered redirect_uri's own query is allowed.
    #[cfg(feature = "http")]
    pub(crate) fn from_post(query: Option<&str>, body: &[u8]) -> Result<Self, FinishError> {
        let callback = Self::from_form(body)?;
        // As other parsers may read a name: in any case, `code[]` and `code.x` for `code`, and `;` for `&`.
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
                "the callback is a POST that also has parameters of a callback in its query (RFC 6749 section 3.1)",
            )
            .with_reference(callback.reference());
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
        // The first fault; the rest is still read, because the state may follow.
        let mut refused = None;
        for (position, (name, value)) in pairs.enumerate() {
            // Our own page adds one parameter to a form that may already have the maximum.
            if position >= MOST_PARAMETERS && name != REPOSTED {
                refused = refused.or(Some(FinishErrorKind::TooLong.into()));
                break;
            }
            let place = match &*name {
                "state" => &mut state,
                "code" => &mut code,
                "error" => &mut error,
                "iss" => &mut iss,
                REPOSTED => &mut reposted,
                _ => {
                    if others.iter().any(|(other, _): &(String, String)| *other == name) {
                        refused = refused.or_else(|| refused_twice(&name));
                    }
                    others.push((name.into_owned(), value.into_owned()));
                    continue;
                }
            };
            match place {
                Some(_) => refused = refused.or_else(|| refused_twice(&name)),
                None => *place = Some(value),
            }
        }
        let given = |value: Option<Cow<'a, str>>| value.filter(|text| !text.is_empty());
        let (state, code, error) = (given(state), given(code), given(error));
        let text = state.clone();
        let error = if code.is_none() { error.or_else(|| error_in_other_words(&others)) } else { error };
        let read = refused.map_or_else(|| Self::from_values(state, code, error), Err);
        let mut callback = read.map_err(|refused| match text {
            Some(state) => refused.with_reference(Reference::of(&state)),
            None => refused,
        })?;
        callback.iss = given(iss).map(Cow::into_owned);
        callback.others = UnverifiedParameters::new(others);
        callback.way = if given(reposted).is_some() { Way::Reposted } else { Way::Posted };
        Ok(callback)
    }

    /// Uses decoded parameters, such as those that your client posts as JSON.
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

    /// Sets the path at which the callback arrived, for [`Expect::connection`](crate::Expect::connection).
    /// `Callback::from_parts` (feature `http`) sets it automatically.
    #[must_use]
    pub fn arrived_at(self, path: &str) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }

    /// The text of the `state` parameter, unchecked: to choose between two stores, or to find the secret that a client stored for it.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }

    /// The login's reference, by the text of its state.
    #[must_use]
    pub fn reference(&self) -> Reference {
        Reference::of(&self.state)
    }

    /// Whether it has a code or an error.
    #[must_use]
    pub fn has_answer(&self) -> bool {
        !matches!(self.answer, Answer::Nothing)
    }

    /// Takes the code from the parameter that the provider uses for it.
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
        let state = state.ok_or_else(|| AuthorizationError::without_state(error.as_deref()))?.into_owned();
        let answer = match (code, error) {
            (Some(_), Some(_)) => return Err(FinishErrorKind::CodeAndError.into()),
            (None, None) => Answer::Nothing,
            (Some(text), None) | (None, Some(text)) if !is_visible(&text) => {
                return Err(FinishError::because(
                    FinishErrorKind::Malformed,
                    "code or error contains something other than printable ASCII (RFC 6749 appendix A.11, A.7)",
                ));
            }
            (None, Some(error)) if error.len() > LONGEST_ERROR => return Err(FinishErrorKind::TooLong.into()),
            (Some(code), None) => Answer::Code(code.into_owned()),
            (None, Some(error)) => Answer::Error(AuthorizationError::from_text(error)),
        };
        Ok(Self { state, answer, iss: None, others: UnverifiedParameters::default(), way: Way::Direct, path: None })
    }

    /// Every parameter, to be posted again; `error` only if no other parameter says the same, so that their number does not grow.
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

/// Refuses a repeated parameter of an authorization response: two readers of one callback must not see different values.
fn refused_twice(name: &str) -> Option<FinishError> {
    let (_, diagnosis) = RESPONSE_PARAMETERS.iter().find(|(known, _)| *known == name)?;
    Some(FinishError::because(FinishErrorKind::DuplicateParameter, diagnosis))
}

/// The error of a callback that has neither `code` nor `error`, in a provider's own parameter.
fn error_in_other_words<'a>(others: &[(String, String)]) -> Option<Cow<'a, str>> {
    let value = |name: &&str| others.iter().find(|(other, value)| other == name && !value.is_empty());
    let (_, text) = ERRORS_IN_OTHER_WORDS.iter().find_map(value)?;
    Some(match text.as_str() {
        "user_denied" => Cow::Borrowed("access_denied"),
        text => Cow::Owned(text.to_owned()),
    })
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

/// Reports a callback that reached no flow, because it could not be parsed.
pub(crate) fn tell_unread(refused: &FinishError) {
    Observers::default().event(&refused.to_event(None));
}

#[cfg(test)]
mod tests;
