//! Restarting a refused login.

use std::fmt;

use crate::claims::codec::BindingKind;
use crate::claims::{Origin, ReturnTo, Tenant};
use crate::name::Purpose;

/// How a refused login can start again, according to its authentic state.
///
/// Redirect the browser to your login start with [`Restart::token`] in its query (`/auth/github?again=…`), so that every layer in front of
/// the login start (rate limits, captchas, kill switches) sees the restart. There, pass the token to
/// [`Flow::restart`](crate::Flow::restart), and the result to [`Login::restarting`](crate::Login::restarting).
///
/// # Examples
///
/// ```
/// use oauth_state::testing::{self, TestBrowser, block_on};
/// use oauth_state::{Expect, Login};
///
/// let (flow, github) = (testing::flow_carrying::<String>(), Expect::provider("github"));
/// let login = Login::with("github").data("an invitation".to_owned());
/// let browser = TestBrowser::follow(&flow.begin(TestBrowser::default().binding(), login)?);
/// block_on(flow.finish(browser.binding(), github, browser.callback()))?;
///
/// // At the callback, which came a second time: redirect to your login start with the token.
/// let refused = block_on(flow.finish(browser.binding(), github, browser.callback())).unwrap_err();
/// let token = refused.restart().unwrap().token();
///
/// // At the login start:
/// let login = match flow.restart(token, &browser.binding(), github) {
///     Some(restart) => Login::with("github").data(restart.data::<String>().unwrap_or_default()).restarting(&restart),
///     None => Login::with("github").data(String::new()),
/// };
/// let browser = TestBrowser::follow(&flow.begin(browser.binding(), login)?);
/// assert!(block_on(flow.finish(browser.binding(), github, browser.callback())).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Restart(Box<Offer>);

/// Boxed, because every finished login has room for one: the provider may have denied it.
#[derive(Clone)]
struct Offer {
    origin: Origin,
    is_automatic: bool,
    /// The text of the refused state.
    state: String,
    /// JSON, as in the state.
    data: Option<Box<[u8]>>,
}

/// The result of the binding's comparison, which decides what a restart may carry over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The user agent that started the login.
    ThisOne,
    /// A user agent without a cookie of the login, which may be any.
    Unknown,
    /// A POST from another site, which never has a `SameSite=Lax` cookie. If these restarted automatically, that site could add as many
    /// cookies to the browser as it likes.
    UnknownPost,
    /// The user agent that started the login, but an automatic restart would not help.
    AskFirst,
    /// Certainly another user agent.
    Another,
}

impl Whose {
    /// Whether this is certainly the browser that started the login.
    pub(crate) fn is_own(self) -> bool {
        matches!(self, Self::ThisOne | Self::AskFirst)
    }

    /// The result for a binding of this kind: an unbound one cannot tell browsers apart.
    pub(crate) fn by(self, kind: BindingKind) -> Self {
        match (self, kind) {
            (Self::ThisOne, BindingKind::Unbound) => Self::Unknown,
            (Self::AskFirst, BindingKind::Unbound) => Self::UnknownPost,
            (whose, _) => whose,
        }
    }
}

impl Restart {
    pub(crate) fn new(origin: Origin, whose: Whose, state: String) -> Self {
        let mut origin = origin;
        if matches!(whose, Whose::Another | Whose::Unknown | Whose::UnknownPost) {
            // An attacker may have started this login: none of their values may go into the victim's next one.
            origin.return_to = None;
            origin.tenant = None;
            origin.redirect = None;
        }
        // Once, and only for logins: a link needs consent, and a loop between two servers must end.
        let own = matches!(whose, Whose::ThisOne | Whose::Unknown);
        let is_automatic = own && origin.purpose == Purpose::Login && origin.restarts == 0;
        Self(Box::new(Offer { origin, is_automatic, state, data: None }))
    }

    /// Adds the login's data, for the browser that started it.
    pub(crate) fn carrying(mut self, json: &[u8]) -> Self {
        self.0.data = Some(json.into());
        self
    }

    /// Whether the login may start again without asking the user: only a login, only once, only for the browser that started it or one
    /// without any cookie of the login, and not after a POST from another site. Otherwise show a page with a button.
    #[must_use]
    pub fn is_automatic(&self) -> bool {
        self.0.is_automatic
    }

    /// The refused state, at most 2048 characters of base64url, from which the login start continues this login. It needs no escaping in a
    /// URL.
    ///
    /// # Security
    ///
    /// Send it only to the browser that sent it, in a response with `Referrer-Policy: no-referrer`.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.0.state
    }

    /// The provider's id.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.0.origin.provider
    }

    /// The tenant; `None` unless this is certainly the browser that started the login.
    #[must_use]
    pub fn tenant(&self) -> Option<&Tenant> {
        self.0.origin.tenant.as_ref()
    }

    /// The redirect_uri's id; `None` unless this is certainly the browser that started the login.
    #[must_use]
    pub fn redirect(&self) -> Option<&str> {
        self.0.origin.redirect.as_deref()
    }

    /// The return path; `None` unless this is certainly the browser that started the login.
    #[must_use]
    pub fn return_to(&self) -> Option<&ReturnTo> {
        self.0.origin.return_to.as_ref()
    }

    /// The purpose of the login.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.0.origin.purpose
    }

    /// The login's data, for [`Login::data`](crate::Login::data) of the next one. It may be as old as any state that restarts, and several
    /// logins may receive it: treat it as a request, not as a voucher. `None` if another browser started the login or may have, if the data
    /// is in a store, or if it cannot be deserialized as this type.
    #[must_use]
    pub fn data<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        crate::claims::data::read(self.0.data.as_deref()?).ok()
    }

    pub(crate) fn restarts(&self) -> u8 {
        self.0.origin.restarts
    }
}

impl fmt::Debug for Restart {
    /// Omits the state and the data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restart")
            .field("origin", &self.0.origin)
            .field("is_automatic", &self.0.is_automatic)
            .finish_non_exhaustive()
    }
}
