//! The pages: plain HTML with a little style, readable on a phone, and short scripts.

pub mod step;

use std::fmt::Write;

use oauth_state::{FinishError, ReturnTo};

use crate::contents::Contents;
use crate::meaning;
use crate::settings::Settings;

const STYLE: &str = include_str!("style.css");
/// Buttons that attack with the link of the last login that succeeded in this browser.
const ATTACKS: &str = include_str!("attacks.html");
/// The servers, the keys and the list of refusals, with their controls.
const DESK: &str = include_str!("desk.html");

/// How a callback ended, for the page and for programs that read the page's `data-` attributes.
pub struct Outcome {
    pub status: u16,
    pub code: String,
    title: &'static str,
    text: String,
    begun_on: Option<String>,
    return_to: Option<String>,
    signed_in: bool,
}

impl Outcome {
    fn new(status: u16, code: &str, title: &'static str, text: impl Into<String>) -> Self {
        let (code, text) = (code.to_owned(), text.into());
        Self { status, code, title, text, begun_on: None, return_to: None, signed_in: false }
    }

    /// The user is signed in.
    pub fn signed_in(subject: &str, begun_on: &str, return_to: Option<&ReturnTo>) -> Self {
        let text = format!("You are {subject}. The provider exchanged the code only for this login's proof (PKCE).");
        let (begun_on, return_to) = (Some(begun_on.to_owned()), return_to.map(ToString::to_string));
        Self { begun_on, return_to, signed_in: true, ..Self::new(200, "signed_in", "Signed in", text) }
    }

    /// The user, or the provider, said no.
    pub fn denied(begun_on: &str) -> Self {
        let text = "You, or the provider, said no. The state is used up all the same: it accepts no second answer.";
        Self { begun_on: Some(begun_on.to_owned()), ..Self::new(200, "access_denied", "Not signed in", text) }
    }

    /// The provider refused to exchange the code.
    pub fn code_refused(code: &str, begun_on: &str) -> Self {
        let text = "This server had not seen the link before, because each server of this demonstration remembers used \
                    links in its own memory. The provider refused the code, which works once. A fleet needs a replay \
                    guard that all its servers share; then this server refuses the link itself.";
        Self { begun_on: Some(begun_on.to_owned()), ..Self::new(400, code, "Stopped by the provider", text) }
    }

    /// The provider failed.
    pub fn provider_failed(code: &str, text: &str) -> Self {
        Self::new(502, code, "The provider failed", text)
    }

    /// A refusal by `oauth-state`, with its reason in words. A real service shows `public_text` and logs the rest.
    pub fn refused(error: &FinishError) -> Self {
        Self::new(error.status(), error.code(), "Refused", meaning::of(error.code()))
    }
}

/// Escapes text for HTML, in elements and in quoted attributes.
fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, character| {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            plain => out.push(plain),
        }
        out
    })
}

fn page(title: &str, main: &str, showcase: bool) -> String {
    let desk = if showcase { DESK } else { "" };
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">\
         <title>{}</title><link rel=icon href=\"data:,\"><style>{STYLE}</style>{main}{desk}</html>",
        escape(title)
    )
}

/// The first page.
pub fn home(settings: &Settings, shared_guard: bool, is_after_login: bool) -> String {
    let server = escape(&settings.name);
    let shares = if shared_guard {
        "a replay guard, which learns of a link when it is used and not before."
    } else {
        "nothing else: no table, no cache, no sticky sessions."
    };
    let returned = if is_after_login { RETURNED } else { "" };
    let showcase = if settings.showcase { showcase(settings) } else { String::new() };
    page(
        "A login over two servers",
        &format!(
            "<main data-server=\"{server}\"><h1>A login that starts on one server and finishes on another</h1>\
             {returned}<p>Two processes serve this site in turn; this page came from <b>server {server}</b>. They share a \
             key and {shares} Everything a login needs travels, sealed, in its link.</p>\
             <p class=row><a class=\"button main\" href=\"/login\">Sign in</a></p>{showcase}</main>"
        ),
        settings.showcase,
    )
}

const RETURNED: &str = "<p id=returned>The return path in the state led you back here.</p>";
const SAFARI: &str = " Safari keeps no Secure cookie on http://localhost, so its logins end as \
<code>cookie_missing</code>; start the demonstration with <code>--plain-http</code> for it.";

/// The part of the first page that needs the front of the demonstration.
fn showcase(settings: &Settings) -> String {
    let wait = settings.lifetime.as_secs().saturating_add(2);
    let safari = if settings.plain_http { "" } else { SAFARI };
    format!(
        "<p class=row><a class=button id=slowly href=\"/step-by-step\">Sign in step by step\
         <small>Look into the state, then stop a server, rotate the keys or revoke one before you go on.</small></a></p>\
         <h2>Attack it</h2>\
         <form method=post action=\"/try/every\"><button id=every>Try every attack\
         <small>On logins of other users. The list of refusals shows how each one ends.</small></button></form>\
         <form method=post action=\"/try/expired\"><button id=expired>Answer after the login has expired\
         <small>A second user starts a login and answers too late. This page waits {wait} seconds.</small></button></form>\
         <footer><small>After signing in you can try attacks with your own link.{safari}</small></footer>"
    )
}

/// How a callback ended. The showcase adds the decoded state.
pub fn outcome(outcome: &Outcome, settings: &Settings, contents: Option<&Contents>) -> String {
    let (server, code) = (escape(&settings.name), escape(&outcome.code));
    let begun_on = escape(outcome.begun_on.as_deref().unwrap_or_default());
    let good = if outcome.signed_in { "good" } else { "" };
    let mut main = format!(
        "<main class=\"{good}\" data-outcome=\"{code}\" data-server=\"{server}\" data-begun-on=\"{begun_on}\">\
         <h1>{}</h1>",
        escape(outcome.title)
    );
    let (ended, on) = if outcome.signed_in { ("finished on", "on") } else { ("answered by", "") };
    // A refused state can still say where its login started.
    let decoded = contents.and_then(|contents| contents.begun_on.as_deref()).map(escape);
    let begun = match decoded.unwrap_or(begun_on).as_str() {
        "" => String::new(),
        begun_on => format!("<span>started on server {begun_on}</span><i>→</i><span>provider</span><i>→</i>"),
    };
    // Writing to a `String` cannot fail.
    let _ = write!(
        main,
        "<p class=way>{begun}<span class=\"{on}\">{ended} server {server}</span></p><p>{}</p>\
         <p>Code: <code class=code>{code}</code></p>",
        escape(&outcome.text)
    );
    if settings.showcase && !outcome.signed_in {
        main.push_str("<p class=row><a class=\"button main\" id=retry href=\"/login\">Sign in again</a></p>");
    }
    main.push_str(&contents.map(step::state).unwrap_or_default());
    main.push_str(ATTACKS);
    let back = escape(outcome.return_to.as_deref().unwrap_or("/"));
    let _ = write!(main, "<p class=row><a class=button href=\"{back}\">Back to the start</a></p></main>");
    page(outcome.title, &main, settings.showcase)
}

/// The provider's page, on which the user chooses an account.
pub fn provider_page(query: &str) -> String {
    let query = escape(query);
    let button = |subject: &str, class: &str, text: &str| {
        format!("<p class=row><button class=\"{class}\" name=subject value=\"{subject}\">{text}</button></p>")
    };
    page(
        "Demo ID",
        &format!(
            "<main><h1>Demo ID</h1><p>The shop asks who you are. This page belongs to the provider.</p>\
             <form method=post action=\"/decide\"><input type=hidden name=request value=\"{query}\">{}{}{}</form></main>",
            button("ann", "main", "Continue as Ann"),
            button("bob", "", "Continue as Bob"),
            button("deny", "", "Cancel")
        ),
        false,
    )
}

/// The front's page for something that should not happen. It has the controls, because a stopped server may be the
/// cause.
pub fn trouble(text: &str) -> String {
    page(
        "Trouble",
        &format!("<main><h1>That did not work</h1><p>{}</p><p><a href=\"/\">Back</a></p></main>", escape(text)),
        true,
    )
}
