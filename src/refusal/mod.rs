//! Why a callback was refused.

mod kind;
mod missing_cookie;
mod repost;
mod restart;

use std::any::Any;
use std::fmt;
use std::time::{Duration, SystemTime};

pub use kind::FinishErrorKind;
pub(crate) use missing_cookie::MissingCookie;
pub use repost::RepostPage;
#[cfg(feature = "http")]
pub(crate) use repost::escape_onto;
pub(crate) use repost::{REPOSTED, SCRIPT_NONCE_BYTES};
pub use restart::Restart;
pub(crate) use restart::Whose;

/// The one text that the person at the browser reads, whatever the reason.
pub(crate) const PUBLIC_TEXT: &str = "This sign-in could not be completed. Please start again.";

/// Why a callback was refused, with what the caller needs to answer it: 8 bytes, opaque.
///
/// Show the person [`FinishError::public_text`]; log [`FinishError::code`] and [`FinishError::diagnosis`], which hold
/// nothing that came with the request.
///
/// # Examples
///
/// ```
/// use oauth_state::error::FinishErrorKind;
/// use oauth_state::Callback;
///
/// let error = Callback::from_query("code=abc").unwrap_err();
/// assert_eq!(error.kind(), FinishErrorKind::MissingState);
/// assert_eq!((error.code(), error.status()), ("missing_state", 400));
/// ```
pub struct FinishError(Box<Inner>);

struct Inner {
    kind: FinishErrorKind,
    diagnosis: &'static str,
    restart: Option<Restart>,
    repost: Option<RepostPage>,
    missing_cookie: Option<MissingCookie>,
    first_used_at: Option<SystemTime>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// What the flow needs to say, once it is known who asks, what the state still offers.
    opened: Option<Box<dyn Any + Send + Sync>>,
}

impl FinishError {
    pub(crate) fn because(kind: FinishErrorKind, diagnosis: &'static str) -> Self {
        Self(Box::new(Inner {
            kind,
            diagnosis,
            restart: None,
            repost: None,
            missing_cookie: None,
            first_used_at: None,
            source: None,
            opened: None,
        }))
    }

    pub(crate) fn already_used(first_used_at: Option<SystemTime>) -> Self {
        let mut error = Self::from(FinishErrorKind::AlreadyUsed);
        error.0.first_used_at = first_used_at;
        error
    }

    /// Keeps what an authentic state says, for a refusal that does not know yet who asks.
    pub(crate) fn with_opened(mut self, opened: impl Any + Send + Sync) -> Self {
        self.0.opened = Some(Box::new(opened));
        self
    }

    /// What [`FinishError::with_opened`] kept, once.
    pub(crate) fn take_opened<O: Any>(&mut self) -> Option<Box<O>> {
        self.0.opened.take()?.downcast().ok()
    }

    /// Whether the state was authentic, and who asks is not known yet.
    #[cfg(feature = "http")]
    pub(crate) fn is_opened(&self) -> bool {
        self.0.opened.is_some()
    }

    pub(crate) fn with_restart(mut self, restart: Restart) -> Self {
        self.0.restart = Some(restart);
        self
    }

    pub(crate) fn cookie_missing(why: MissingCookie) -> Self {
        let mut error = Self::because(FinishErrorKind::CookieMissing, why.diagnosis());
        error.0.missing_cookie = Some(why);
        error
    }

    /// Why the cookie did not come, for `cookie_missing`.
    #[cfg(feature = "http")]
    pub(crate) fn missing_cookie(&self) -> Option<MissingCookie> {
        self.0.missing_cookie
    }

    pub(crate) fn repost_needed(page: RepostPage) -> Self {
        let mut error = Self::from(FinishErrorKind::RepostNeeded);
        error.0.repost = Some(page);
        error
    }

    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Which refusal it is.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::error::FinishErrorKind;
    /// use oauth_state::Callback;
    /// assert_eq!(Callback::from_query("state=a").unwrap_err().kind(), FinishErrorKind::CodeMissing);
    /// ```
    #[must_use]
    pub fn kind(&self) -> FinishErrorKind {
        self.0.kind
    }

    /// The stable word for logs and metrics.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(oauth_state::Callback::from_query("").unwrap_err().code(), "missing_state");
    /// ```
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// The HTTP status to answer with: 400, 503 where a server is in trouble that may pass, or 200 for the page of
    /// [`FinishError::repost`].
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(oauth_state::Callback::from_query("").unwrap_err().status(), 400);
    /// ```
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.kind.status()
    }

    /// After how long the same callback may be tried again; `None` where it will never work.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(oauth_state::Callback::from_query("").unwrap_err().retry_after().is_none());
    /// ```
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self.0.kind {
            FinishErrorKind::GuardUnavailable | FinishErrorKind::SiteUnavailable => Some(Duration::from_secs(2)),
            FinishErrorKind::GuardFull => Some(Duration::from_secs(30)),
            // After an unknown outcome the state may be used up: a reload would be told `already_used`.
            _ => None,
        }
    }

    /// How to begin the same login again; `None` where the state was not authentic, or tells of an attack.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(oauth_state::Callback::from_query("").unwrap_err().restart().is_none());
    /// ```
    #[must_use]
    pub fn restart(&self) -> Option<&Restart> {
        self.0.restart.as_ref()
    }

    /// The page to answer with where a callback has to be posted once more (`repost_needed`); `FinishError::to_response`
    /// (feature `http`) sends it.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(oauth_state::Callback::from_query("").unwrap_err().repost().is_none());
    /// ```
    #[must_use]
    pub fn repost(&self) -> Option<&RepostPage> {
        self.0.repost.as_ref()
    }

    /// When the state was used, for a refusal as `already_used`: a person who is signed in can be sent on.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(oauth_state::Callback::from_query("").unwrap_err().first_used_at().is_none());
    /// ```
    #[must_use]
    pub fn first_used_at(&self) -> Option<SystemTime> {
        self.0.first_used_at
    }

    /// What a developer or an operator should know; holds nothing that came with the request. Not for the public.
    ///
    /// # Examples
    ///
    /// ```
    /// let error = oauth_state::Callback::from_query("code=abc").unwrap_err();
    /// assert!(error.diagnosis().contains("no state parameter"));
    /// ```
    #[must_use]
    pub fn diagnosis(&self) -> &'static str {
        self.0.diagnosis
    }

    /// The one neutral text for the person at the browser: it tells an attacker nothing about which check failed.
    ///
    /// # Examples
    ///
    /// ```
    /// let error = oauth_state::Callback::from_query("").unwrap_err();
    /// assert_eq!(error.public_text(), "This sign-in could not be completed. Please start again.");
    /// ```
    #[must_use]
    pub fn public_text(&self) -> &'static str {
        PUBLIC_TEXT
    }
}

impl From<FinishErrorKind> for FinishError {
    fn from(kind: FinishErrorKind) -> Self {
        Self::because(kind, kind.diagnosis())
    }
}

impl fmt::Debug for FinishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FinishError")
            .field("code", &self.code())
            .field("diagnosis", &self.0.diagnosis)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for FinishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "callback refused ({}): {}", self.code(), self.0.diagnosis)
    }
}

impl std::error::Error for FinishError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
