//! Errors of a source.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use super::document::{RingError, scan};
use crate::ring::key::RootKeyId;

/// Why a source could not return a ring, or store one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// It did not answer, or answered that it is unavailable: unreachable, sealed, throttled, too slow.
    Unavailable,
    /// It refused these credentials: no permission, an expired token.
    Denied,
    /// There is no secret of that name, or it was deleted.
    Missing,
    /// Its settings are wrong: an empty name, an invalid address.
    Misconfigured,
    /// It answered, and the document was refused; the cause is the [`RingError`].
    Document,
    /// The version to replace was no longer the current one.
    Conflict,
}

impl SourceErrorKind {
    /// A short name for logs and metrics, such as `denied`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Denied => "denied",
            Self::Missing => "missing",
            Self::Misconfigured => "misconfigured",
            Self::Document => "document",
            Self::Conflict => "conflict",
        }
    }

    /// The kind with this code, for replies in text form.
    pub(super) fn from_code(code: &str) -> Option<Self> {
        let all = [Self::Unavailable, Self::Denied, Self::Missing, Self::Misconfigured, Self::Document, Self::Conflict];
        all.into_iter().find(|kind| kind.code() == code)
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Unavailable => "it returned no usable answer",
            Self::Denied => "it refused these credentials",
            Self::Missing => "no secret is there",
            Self::Misconfigured => "it is misconfigured",
            Self::Document => "its document is refused",
            Self::Conflict => "another version has been stored in the meantime",
        }
    }

    const fn remedy(self) -> &'static str {
        match self {
            Self::Unavailable => "it is tried again; if this persists, check the source and the network route to it",
            Self::Denied => "give the service's identity the right to read this secret, or renew its credentials",
            Self::Missing => "write a ring there (oauth-state keys generate), or correct the name",
            Self::Misconfigured => "correct the source's settings",
            Self::Document => "fix the document and publish it again (oauth-state keys check says what is wrong)",
            Self::Conflict => "read it again and repeat the step on the new version",
        }
    }
}

/// A source returned no ring, or did not store one. The error names the source, its answer and the remedy.
///
/// It never repeats the document, and a source must not put a credential into it. `Display` prints
/// [`SourceError::problem`], a colon and [`SourceError::remedy`] on one line.
pub struct SourceError(Box<Inner>);

struct Inner {
    source_name: String,
    kind: SourceErrorKind,
    /// Instead of the words of the kind, which speak of stores.
    words: Option<Cow<'static, str>>,
    answer: String,
    remedy: Cow<'static, str>,
    cause: Option<Box<dyn Error + Send + Sync>>,
    revoked: Vec<RootKeyId>,
}

impl SourceError {
    /// An error of the source of this name. `answer` is the source's answer in a few words: a status, a code, a message.
    #[must_use]
    pub fn new(source_name: impl Into<String>, kind: SourceErrorKind, answer: impl fmt::Display) -> Self {
        let answer = one_line(&answer.to_string());
        Self(Box::new(Inner {
            source_name: one_line(&source_name.into()),
            kind,
            words: None,
            answer,
            remedy: Cow::Borrowed(kind.remedy()),
            cause: None,
            revoked: Vec::new(),
        }))
    }

    /// The document of the source of this name was refused: an error of the kind [`SourceErrorKind::Document`].
    #[must_use]
    pub fn document(source_name: impl Into<String>, refused: RingError) -> Self {
        let answer = match refused.source() {
            Some(cause) => format!("{refused}: {cause}"),
            None => refused.to_string(),
        };
        Self::new(source_name, SourceErrorKind::Document, answer).because(refused)
    }

    /// Replaces the words of the kind in [`SourceError::problem`].
    pub(super) fn in_words(mut self, words: impl Into<Cow<'static, str>>) -> Self {
        self.0.words = Some(words.into());
        self
    }

    /// Sets the remedy, if the source knows a better one than that of the kind.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        let remedy = remedy.into();
        // A helper's reply may contain anything.
        self.0.remedy = if remedy.contains(char::is_control) { one_line(&remedy).into() } else { remedy };
        self
    }

    /// The error underneath, for [`Error::source`].
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Adds the revocations of the refused document, so that they apply although the document is not valid text.
    ///
    /// For a source that refuses a document itself. [`Fetched::from_bytes`](super::Fetched::from_bytes) does this for bytes that are not
    /// UTF-8. The error stores only the ids.
    #[must_use]
    pub fn revoking(self, document: &[u8]) -> Self {
        self.with_revoked(scan(document))
    }

    pub(super) fn with_revoked(mut self, revoked: Vec<RootKeyId>) -> Self {
        for id in revoked {
            if !self.0.revoked.contains(&id) {
                self.0.revoked.push(id);
            }
        }
        self
    }

    /// The ids that the refused document revokes. The refresh task applies them.
    #[must_use]
    pub fn revoked(&self) -> &[RootKeyId] {
        &self.0.revoked
    }

    /// The kind of error, for code that depends on it.
    #[must_use]
    pub fn kind(&self) -> SourceErrorKind {
        self.0.kind
    }

    /// The source's answer, in its own words.
    #[must_use]
    pub fn answer(&self) -> &str {
        &self.0.answer
    }

    /// The remedy.
    #[must_use]
    pub fn remedy(&self) -> &str {
        &self.0.remedy
    }

    /// The problem without the remedy, for code that shows the two separately: the source's name, the kind in words, and the answer in
    /// parentheses.
    #[must_use]
    pub fn problem(&self) -> String {
        let Inner { source_name, kind, words, answer, .. } = &*self.0;
        format!("{source_name}: {} ({answer})", words.as_deref().unwrap_or_else(|| kind.words()))
    }

    /// The source's name.
    #[must_use]
    pub fn source_name(&self) -> &str {
        &self.0.source_name
    }
}

/// A server's answer may be long and have several lines; a log line must be one line.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 400;
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect()
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.problem(), self.0.remedy)
    }
}

impl fmt::Debug for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceError")
            .field("source_name", &self.0.source_name)
            .field("kind", &self.0.kind)
            .field("answer", &self.0.answer)
            .finish_non_exhaustive()
    }
}

impl Error for SourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_ref().map(|cause| &**cause as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests;
