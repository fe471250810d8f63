//! The likely reason for a missing login cookie, as far as the callback's headers tell.

/// The likely reason, with one text for developers and another for users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MissingCookie {
    /// A cross-site POST from a provider that is not declared to send one.
    UndeclaredPost,
    /// A cross-site POST from a provider that is declared to send one.
    DeclaredPost,
    /// A callback that was posted again, and still comes from another site.
    RepostedPost,
    /// It arrived at another host than the one where the login started.
    OtherHost,
    /// The site is open over plain http, where browsers store no `Secure` cookie.
    PlainHttp,
    /// The site is open over plain http on this machine, where some browsers store no `Secure` cookie.
    Loopback,
    /// It arrived in a frame.
    Framed,
    /// A proxy joined the `Cookie` lines with commas.
    JoinedByCommas,
    /// Only other cookies arrived.
    OtherCookies,
    /// No cookie arrived.
    NoCookies,
}

impl MissingCookie {
    /// For a developer or an operator.
    pub(super) const fn diagnosis(self) -> &'static str {
        match self {
            Self::UndeclaredPost => {
                "the callback came as a cross-site POST, which has no SameSite=Lax cookies: declare the \
                 provider's response mode as form_post"
            }
            Self::DeclaredPost => {
                "the cross-site POST came without the SameSite=None cookie: the browser blocks third-party cookies, or \
                 the login started over plain http"
            }
            Self::RepostedPost => {
                "the callback was posted again, but still as a cross-site POST without the cookie: the page's form is not \
                 sent to the callback's own site"
            }
            Self::OtherHost => "the callback came to another host than the one where the login's cookie is set",
            Self::PlainHttp => {
                "the callback came over plain http (X-Forwarded-Proto), where browsers neither store nor send Secure cookies: serve the site over \
                 https, or, if it is, correct the proxy that sends this header"
            }
            Self::Loopback => {
                "no cookies came at all, and the redirect_uri is on http://localhost, where Safari and other WebKit browsers store no Secure \
                 cookie: for development in them use FlowBuilder::allow_plain_http_on_loopback, or https; in other browsers, the login \
                 started on another host (localhost is not 127.0.0.1)"
            }
            Self::Framed => {
                "the callback came in a frame (Sec-Fetch-Dest), where browsers send no SameSite=Lax cookie: start the login in a window of \
                 its own, or see FlowBuilder::allow_same_origin_frames and embedded_in; if the login started in a frame, the browser stores \
                 no cookies in frames of this site"
            }
            Self::JoinedByCommas => {
                "a comma joins the login's cookie to another one: a proxy joined the Cookie lines of an HTTP/2 request with commas instead of \
                 semicolons (RFC 9113 section 8.2.3)"
            }
            Self::OtherCookies => {
                "other cookies came, but none of this login: the login start's Set-Cookie was not sent or has expired, a proxy passes only \
                 cookies with certain names (FlowBuilder::dangerously_name_cookie), or the login started on another host, for another application name or another environment"
            }
            Self::NoCookies => {
                "no cookies came at all: the browser blocks them, a proxy strips them, the site is open over plain http, where browsers \
                 store no Secure cookie, or the login started in another browser or on another host"
            }
        }
    }

    /// For the user.
    #[cfg(feature = "http")]
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::UndeclaredPost | Self::DeclaredPost | Self::RepostedPost => {
                "Your browser held it back because the response came from another site. If it blocks third-party cookies, please \
                 allow them for this site, and start again."
            }
            Self::OtherHost => {
                "You started at a different address of this site than the one you came back to. Please start again from here."
            }
            Self::PlainHttp => {
                "This site was opened over an insecure connection. Please open it with https and start again."
            }
            Self::Loopback => {
                "This browser stores no secure cookies for an address on this computer, or you started at a different one. Please start again, \
                 or use another browser."
            }
            Self::Framed => {
                "Your browser held it back because this page is shown inside another one. Please open this site in its own window and \
                 start again."
            }
            Self::JoinedByCommas => "It was lost on the way to this site. Please try again later.",
            Self::OtherCookies => {
                "It may have been cleared, or you started too long ago, in another browser or in a private window. Please start \
                 again in this browser."
            }
            Self::NoCookies => {
                "Your browser blocks cookies for this site, or you started in a different browser or app. Please allow \
                 cookies for this site and start again in this browser."
            }
        }
    }
}
