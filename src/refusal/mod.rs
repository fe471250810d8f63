//! Refusals of a callback.

mod kind;
mod missing_cookie;
mod repost;
mod restart;

use std::any::Any;
use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use crate::observe::{Event, Refusal, with_causes};
use crate::reference::Reference;
use crate::unverified::UnverifiedParameters;

pub use kind::FinishErrorKind;
pub(crate) use missing_cookie::MissingCookie;
pub use repost::RepostPage;
#[cfg(feature = "http")]
pub(crate) use repost::escape_onto;
pub(crate) use repost::{REPOSTED, SCRIPT_NONCE_BYTES};
pub use restart::Restart;
pub(crate) use restart::Whose;

/// The one text for users, whatever the reason.
pub(crate) const PUBLIC_TEXT: &str = "This sign-in could not be completed. Please start again.";

/// Why a callback was refused, and how to answer it. It is 8 bytes, opaque.
///
/// Show the user [`FinishError::public_text`] and [`FinishError::reference`]. Log [`FinishError::code`] and [`FinishError::diagnosis`], which contain nothing from the
/// request. If [`FinishError::restart`] allows it, start the login again instead.
///
/// # Examples
///
/// ```
/// use oauth_state::testing::{self, TestBrowser, block_on};
/// use oauth_state::{Expect, FinishError, Login};
///
/// fn answer(error: &FinishError) -> (u16, String) {
///     println!("{}: {}", error.code(), error.diagnosis()); // for your log
///     match error.restart() {
///         Some(restart) if restart.is_automatic() => {
///             (303, format!("/auth/{}?again={}", restart.provider(), restart.token())) // redirect to your login start
///         }
///         _ => (error.status(), error.public_text().to_owned()),
///     }
/// }
///
/// let flow = testing::flow();
/// let browser = TestBrowser::follow(&flow.begin(TestBrowser::default().binding(), Login::with("github"))?);
/// let finish_in = |browser_now: &TestBrowser| {
///     block_on(flow.finish(browser_now.binding(), Expect::provider("github"), browser.callback()))
/// };
/// finish_in(&browser)?;
/// let used_twice = finish_in(&browser).unwrap_err();
/// assert_eq!((used_twice.code(), answer(&used_twice).0), ("already_used", 303));
///
/// let other = TestBrowser::follow(&flow.begin(TestBrowser::default().binding(), Login::with("github"))?);
/// let stolen = finish_in(&other).unwrap_err();
/// assert_eq!((stolen.code(), answer(&stolen).0), ("other_browser", 400));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FinishError(Box<Inner>);

struct Inner {
    kind: FinishErrorKind,
    diagnosis: &'static str,
    /// Random when it is first asked for, if no state gave it.
    reference: OnceLock<Reference>,
    restart: Option<Restart>,
    repost: Option<RepostPage>,
    missing_cookie: Option<MissingCookie>,
    first_used_at: Option<SystemTime>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    own_parameters: Option<UnverifiedParameters>,
    /// The opened state, for the restart that can be offered once the browser is known.
    opened: Option<Box<dyn Any + Send + Sync>>,
}

impl FinishError {
    pub(crate) fn because(kind: FinishErrorKind, diagnosis: &'static str) -> Self {
        Self(Box::new(Inner {
            kind,
            diagnosis,
            reference: OnceLock::new(),
            restart: None,
            repost: None,
            missing_cookie: None,
            first_used_at: None,
            source: None,
            own_parameters: None,
            opened: None,
        }))
    }

    pub(crate) fn already_used(first_used_at: Option<SystemTime>) -> Self {
        let mut error = Self::from(FinishErrorKind::AlreadyUsed);
        error.0.first_used_at = first_used_at;
        error
    }

    /// Keeps the contents of an authentic state, for a refusal that does not know the browser yet.
    pub(crate) fn with_opened(mut self, opened: impl Any + Send + Sync) -> Self {
        self.0.opened = Some(Box::new(opened));
        self
    }

    /// Takes out what [`FinishError::with_opened`] kept.
    pub(crate) fn take_opened<O: Any>(&mut self) -> Option<Box<O>> {
        self.0.opened.take()?.downcast().ok()
    }

    /// Whether it refuses an expired state that this service sealed, so that loading the inputs of [`FinishError::seen_by`] pays off.
    #[must_use]
    pub fn is_of_authentic_state(&self) -> bool {
        self.0.opened.is_some()
    }

    pub(crate) fn with_restart(mut self, restart: Restart) -> Self {
        self.0.restart = Some(restart);
        self
    }

    /// Keeps the callback's other parameters if it certainly came from the browser that started the login and nothing suggests an attack:
    /// an attacker who leads a victim's browser to a callback also writes its parameters.
    pub(crate) fn with_own_parameters(mut self, whose: Whose, parameters: UnverifiedParameters) -> Self {
        if whose.is_own() && self.kind().is_harmless() {
            self.0.own_parameters = Some(parameters);
        }
        self
    }

    pub(crate) fn cookie_missing(why: MissingCookie) -> Self {
        let mut error = Self::because(FinishErrorKind::CookieMissing, why.diagnosis());
        error.0.missing_cookie = Some(why);
        error
    }

    /// The reason for the missing cookie, for `cookie_missing`.
    #[cfg(feature = "http")]
    pub(crate) fn missing_cookie(&self) -> Option<MissingCookie> {
        self.0.missing_cookie
    }

    pub(crate) fn repost_needed(page: RepostPage) -> Self {
        let mut error = Self::from(FinishErrorKind::RepostNeeded);
        error.0.repost = Some(page);
        error
    }

    /// Replaces the diagnosis, for a refusal of your own: a router's or a store's.
    #[must_use]
    pub fn with_diagnosis(mut self, diagnosis: &'static str) -> Self {
        self.0.diagnosis = diagnosis;
        self
    }

    /// Sets the reference, for a refusal of your own: [`Reference::of`] the callback's state. Without it, the refusal has a random one.
    #[must_use]
    pub fn with_reference(mut self, reference: Reference) -> Self {
        self.0.reference = OnceLock::from(reference);
        self
    }

    /// Adds the cause, for [`source`](std::error::Error::source).
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The event for [`Observers`](crate::observe::Observers), where `provider` is the expected one. A flow reports its own refusals
    /// itself.
    #[must_use]
    pub fn to_event<'a>(&'a self, provider: Option<&'a str>) -> Event<'a> {
        Event::Refused(Refusal::new(provider, self.code(), Some(self.reference()), self.0.kind.severity(), self))
    }

    /// The kind of refusal.
    #[must_use]
    pub fn kind(&self) -> FinishErrorKind {
        self.0.kind
    }

    /// The login's reference, such as `7K2P-9Q`: show it to the user, so that support finds the login's lines in the log. It tells nothing
    /// about the reason.
    #[must_use]
    pub fn reference(&self) -> Reference {
        *self.0.reference.get_or_init(Reference::random)
    }

    /// A stable word for logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// The HTTP status to answer with: 400, 503 for a server problem that may pass, or 200 for the page of [`FinishError::repost`].
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.kind.status()
    }

    /// The time after which the same callback may be tried again; `None` if it will never work.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self.0.kind {
            FinishErrorKind::GuardUnavailable | FinishErrorKind::HookFailed => Some(Duration::from_secs(2)),
            FinishErrorKind::GuardFull => Some(Duration::from_secs(30)),
            // After an unknown outcome the state may be used up: a reload would get `already_used`.
            _ => None,
        }
    }

    /// How to start the same login again; `None` if the state was not authentic, or if it may be an attack.
    #[must_use]
    pub fn restart(&self) -> Option<&Restart> {
        self.0.restart.as_ref()
    }

    /// The other parameters of a refused callback that came from the browser that started the login. Apple, for example, sends `user` only
    /// once: keep it until the restarted login has finished.
    ///
    /// `Some` only if [`FinishError::restart`] is, the binding matched, and nothing suggests an attack: `expired`, `already_used`, `data`,
    /// `guard_unavailable`, `guard_outcome_unknown`, `guard_full`, `store_unavailable` and `not_stored`. Always `None` for a login that was
    /// started unbound.
    ///
    /// # Security
    ///
    /// Only the browser is verified. The parameters are text from outside: an attacker who knows the state can lead this browser to a
    /// callback with parameters of their own. Use them only to fill in a form that the user confirms.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::testing::{self, TestBrowser, block_on};
    /// use oauth_state::{Expect, Login};
    /// let flow = testing::flow();
    /// let browser = TestBrowser::follow(&flow.begin(TestBrowser::default().binding(), Login::with("github"))?);
    /// let callback = || browser.callback_with([("code", "code"), ("user", "{}")]);
    /// let finish = || block_on(flow.finish(browser.binding(), Expect::provider("github"), callback()));
    /// finish()?;
    ///
    /// let used_twice = finish().unwrap_err();
    /// assert_eq!(used_twice.own_parameters().unwrap().get("user"), Some("{}"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn own_parameters(&self) -> Option<&UnverifiedParameters> {
        self.0.own_parameters.as_ref()
    }

    /// The page to answer with if a callback has to be posted again (`repost_needed`); `FinishError::to_response` (feature `http`) sends
    /// it.
    #[must_use]
    pub fn repost(&self) -> Option<&RepostPage> {
        self.0.repost.as_ref()
    }

    /// When the state was used, for `already_used`. You can send a signed-in user on to the page they wanted.
    #[must_use]
    pub fn first_used_at(&self) -> Option<SystemTime> {
        self.0.first_used_at
    }

    /// The reason for developers and operators. It contains nothing from the request. Do not show it to users.
    #[must_use]
    pub fn diagnosis(&self) -> &'static str {
        self.0.diagnosis
    }

    /// The code, the reference, the diagnosis and all causes on one line, for the log. Hooks choose the text of their errors; everything else contains
    /// nothing from the request.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::guard::GuardError;
    /// use oauth_state::FinishError;
    ///
    /// let error = FinishError::from(GuardError::unavailable("connection refused"));
    /// let line = error.report();
    /// assert!(line.starts_with("callback refused (guard_unavailable), reference "), "{line}");
    /// assert!(line.ends_with("the replay guard's store cannot be reached: connection refused"), "{line}");
    /// ```
    #[must_use]
    pub fn report(&self) -> String {
        with_causes(self)
    }

    /// The one generic text for the user: "This sign-in could not be completed. Please start again." It does not tell an attacker which
    /// check failed.
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
            .field("reference", &self.reference())
            .field("diagnosis", &self.0.diagnosis)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for FinishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "callback refused ({}), reference {}: {}", self.code(), self.reference(), self.0.diagnosis)
    }
}

impl std::error::Error for FinishError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
