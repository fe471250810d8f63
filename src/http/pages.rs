//! Small pages for the user that say what went wrong, with a button to continue.
//!
//! Plain HTML without scripts and external resources. Only the page that hands a callback over to an app contains anything from the
//! request: the callback's parameters, percent-encoded and escaped, in the address of its link.

use std::sync::LazyLock;

use base64::Engine as _;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use sha2::{Digest, Sha256};

use super::{SetsCookie, set_no_store};
use crate::callback::Callback;
use crate::claims::ReturnTo;
use crate::flow::BeginError;
use crate::name::Purpose;
use crate::reference::Reference;
use crate::refusal::{FinishError, FinishErrorKind, MissingCookie, escape_onto};

const STYLE: &str = ":root{color-scheme:light dark}\
*{box-sizing:border-box}body{font:17px/1.55 system-ui,sans-serif;margin:0;padding:1.2rem}\
main{max-width:34rem;margin:8vh auto 0}h1{font-size:1.6rem;line-height:1.25}\
a{display:inline-block;margin-top:.6rem;padding:.65rem 1.1rem;border-radius:.6rem;text-decoration:none;\
font-weight:600;color:#fff;background:#2457c5}a:focus-visible{outline:3px solid #7aa7ff;outline-offset:2px}";

/// The policy names the style by its hash, so that no other style and no script applies.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; {NO_FRAMES}")
});

/// The directive that limits who may show a page in a frame.
const NO_FRAMES: &str = "frame-ancestors 'none'";

/// Lets pages of these sources show a page of this crate in a frame.
pub(crate) fn allow_framing(ancestors: &str, headers: &mut HeaderMap) {
    let is_own = headers.get(CONTENT_SECURITY_POLICY).is_some_and(|policy| policy.as_bytes() == POLICY.as_bytes());
    let policy = POLICY.replace(NO_FRAMES, &format!("frame-ancestors {ancestors}"));
    if let (true, Ok(policy)) = (is_own, HeaderValue::from_str(&policy)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
}

/// The texts of a page.
pub(crate) struct Words {
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
    pub(crate) button: &'static str,
}

const SIGN_IN_AGAIN: &str = "Sign in again";
const GO_ON: &str = "Go on";

const TRY_LATER: Words = Words {
    title: "We cannot sign you in right now",
    text: "A part of our service is not responding. Please reload this page in a few seconds.",
    button: SIGN_IN_AGAIN,
};

/// One text for everything that is not known to be a state of this service: it tells an attacker nothing.
const NEUTRAL: Words = Words { title: "Not signed in", text: crate::refusal::PUBLIC_TEXT, button: SIGN_IN_AGAIN };

impl FinishError {
    /// The page for the user, with a button that leads to `again`, the address of your login start.
    ///
    /// If the state was authentic, it explains in plain words what happened, including the likely reason for a missing cookie; otherwise it
    /// shows one generic text. Below it is the login's [reference](FinishError::reference). It contains nothing else from the request. Its `Content-Security-Policy` starts with `default-src 'none'`.
    #[must_use]
    pub fn to_page(&self, again: &ReturnTo) -> Response<String> {
        let mut response = page(self.status(), &self.words(), again, Some(self.reference()));
        if let Some(after) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs()));
        }
        response
    }

    fn words(&self) -> Words {
        // Told for authentic states only, like a failing guard.
        if self.kind() == FinishErrorKind::HookFailed {
            return TRY_LATER;
        }
        let Some(restart) = self.restart() else { return NEUTRAL };
        let words = |title, text| Words { title, text, button: SIGN_IN_AGAIN };
        let words = match self.kind() {
            FinishErrorKind::NotStored => {
                words("This sign-in was lost", "We no longer have the data of this sign-in. Please start again.")
            }
            FinishErrorKind::Expired => words(
                "This sign-in took too long",
                "You have a few minutes to complete it. Nothing is lost: please start again.",
            ),
            FinishErrorKind::AlreadyUsed => words(
                "This sign-in was already completed",
                "Each sign-in works once, and not again after a double click or the back button. You may \
                 already be signed in. If not, please start again.",
            ),
            FinishErrorKind::OtherBrowser | FinishErrorKind::OtherSession | FinishErrorKind::OtherClient => words(
                "This sign-in was started elsewhere",
                "It has to end in the browser and the session where it started. Please start again here. If you followed \
                 a link that you were sent, do not use it again.",
            ),
            FinishErrorKind::CookieMissing => words(
                "Your browser did not send our cookie",
                self.missing_cookie().map_or("Please start again in this browser.", MissingCookie::words),
            ),
            FinishErrorKind::GuardUnavailable | FinishErrorKind::GuardFull => TRY_LATER,
            FinishErrorKind::GuardOutcomeUnknown | FinishErrorKind::StoreUnavailable => words(
                "We cannot tell whether this worked",
                "A part of our service did not respond in time. Please start again.",
            ),
            _ => NEUTRAL,
        };
        // A link or a confirmation starts on a page of the site, with the user's consent.
        if restart.purpose() == Purpose::Login { words } else { Words { button: GO_ON, ..words } }
    }
}

impl BeginError {
    /// The page for the user, with a button that leads to `back`. The user has not been redirected to the provider. The page shows no
    /// numbers, such as the length of a state that is too long.
    #[must_use]
    pub fn to_page(&self, back: &ReturnTo) -> Response<String> {
        let (title, text, button) = match self {
            Self::StateTooLong { .. } => (
                "This sign-in cannot be started from here",
                "The address of the page that you want to return to, or its data, is longer than the sign-in service \
                 accepts. Please sign in from the start page and find the page again from there.",
                "To the start page",
            ),
            Self::UserRequired(_) => ("Please sign in first", "Sign in before you continue.", GO_ON),
            Self::NotSameOrigin(_) | Self::CrossSitePost => (
                "Please use the button on our page",
                "For your safety, this works only from the pages of this site, and only if you start it there.",
                GO_ON,
            ),
            Self::NotANavigation => {
                ("Not signed in", "A sign-in starts with a click on a link, in its own window.", GO_ON)
            }
            Self::UnknownProvider | Self::PurposeNotAccepted(_) => {
                ("Not found", "There is no such sign-in here.", GO_ON)
            }
            _ => (
                "Not signed in",
                "This sign-in could not be started. Please try again, or contact the operators of this site.",
                GO_ON,
            ),
        };
        page(self.page_status(), &Words { title, text, button }, back, None)
    }

    /// The status of its page. A request that only a program should have sent may have come from a user's own action.
    pub(crate) fn page_status(&self) -> u16 {
        match self {
            Self::UserRequired(_) => 401,
            Self::UnknownProvider | Self::PurposeNotAccepted(_) => 404,
            _ => self.status(),
        }
    }
}

/// The page that hands a callback over to an app. It opens the link automatically, or by a button if browsers require a click.
pub(crate) fn hand_over(app_link: &str, callback: &Callback) -> Response<String> {
    let mut parameters = form_urlencoded::Serializer::new(String::new());
    let (separator, parameters) =
        (if app_link.contains('?') { '&' } else { '?' }, parameters.extend_pairs(callback.fields()).finish());
    let words = Words { title: "Back to the app", text: "The app continues your sign-in.", button: "Open the app" };
    // An https link opens its app only after a click: automatically, it would load as a page, with the code in its address.
    let goes_by_itself = !app_link.starts_with("https:");
    // Not every app decodes `+`.
    linking(200, &words, &format!("{app_link}{separator}{}", parameters.replace('+', "%20")), goes_by_itself, None)
}

/// The page that leads from a POST to the provider automatically.
pub(crate) fn navigate(begun: &impl SetsCookie, authorization_url: &str) -> Result<Response<String>, http::Error> {
    let words = Words { title: "One moment", text: "We are taking you to the sign-in service.", button: GO_ON };
    let mut response = linking(200, &words, authorization_url, true, None);
    for cookie in begun.set_cookie().into_iter().chain(begun.surplus_cookies().iter().map(String::as_str)) {
        let mut cookie = HeaderValue::from_str(cookie)?;
        cookie.set_sensitive(true);
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The page itself. `target` is a path of the site.
pub(crate) fn page(status: u16, words: &Words, target: &ReturnTo, reference: Option<Reference>) -> Response<String> {
    linking(status, words, target.as_str(), false, reference)
}

/// A page whose button leads to `target`; it may go there automatically. Apart from that and the reference, nothing on the page varies.
fn linking(
    status: u16,
    words: &Words,
    target: &str,
    goes_by_itself: bool,
    reference: Option<Reference>,
) -> Response<String> {
    let Words { title, text, button } = words;
    // It may contain quotes, brackets and ampersands.
    let mut href = String::with_capacity(target.len());
    escape_onto(target, &mut href);
    let refresh = if goes_by_itself {
        format!("<meta http-equiv=\"refresh\" content=\"0;url={href}\">\n")
    } else {
        String::new()
    };
    // For the service's support: the user reads it out or copies it.
    let reference = reference.map(|reference| format!("<p>Reference: {reference}</p>\n")).unwrap_or_default();
    let mut response = Response::new(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n{refresh}<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<h1>{title}</h1>\n<p>{text}</p>\n<p><a href=\"{href}\">{button}</a></p>\n{reference}</main>\n\
         </body>\n</html>\n"
    ));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Base64 and constant words, which can always be sent in a header.
    let policy = HeaderValue::from_str(&POLICY).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    set_no_store(headers);
    response
}

#[cfg(test)]
mod tests;
