//! The pages: plain HTML with a little style, readable on a phone, and scripts of a few lines.

use std::fmt::Write;

use oauth_state::FinishError;

/// How a callback ended, for the page and for whoever reads the page's `data-` attributes.
pub struct Outcome {
    pub status: u16,
    pub code: String,
    title: &'static str,
    text: String,
    begun_on: Option<String>,
    signed_in: bool,
}

impl Outcome {
    fn new(status: u16, code: &str, title: &'static str, text: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), title, text: text.into(), begun_on: None, signed_in: false }
    }

    /// Somebody is signed in.
    pub fn signed_in(subject: &str, begun_on: &str) -> Self {
        let text = format!("You are {subject}. The provider exchanged the code for this login's proof alone (PKCE).");
        let begun_on = Some(begun_on.to_owned());
        Self { begun_on, signed_in: true, ..Self::new(200, "signed_in", "Signed in", text) }
    }

    /// The person said no.
    pub fn denied(begun_on: &str) -> Self {
        let text = "You, or the provider, said no. The state is used up all the same: it cannot serve a second answer.";
        Self { begun_on: Some(begun_on.to_owned()), ..Self::new(200, "access_denied", "Not signed in", text) }
    }

    /// The provider refused to exchange the code.
    pub fn code_refused(code: &str, begun_on: &str) -> Self {
        let text = "This server had never seen the link, because each server of this demonstration remembers in its own \
                    memory what was used. The provider had: it refused the code, which serves once. A fleet needs a \
                    replay guard that all its servers share; then this server refuses the link by itself.";
        Self { begun_on: Some(begun_on.to_owned()), ..Self::new(400, code, "Stopped by the provider", text) }
    }

    /// The provider failed.
    pub fn provider_failed(code: &str, text: &str) -> Self {
        Self::new(502, code, "The provider failed", text)
    }

    /// A refusal by `oauth-state`, with its reason in words. A real service shows `public_text` and logs the rest.
    pub fn refused(error: &FinishError) -> Self {
        let text = match error.code() {
            "already_used" => {
                "This link has done its work. A double click, the back button and an attacker look the same here, so \
                 it works once."
            }
            "other_browser" => {
                "The login was begun in another browser: the cookie that came is not the one it is bound \
                                to. Without this check, anybody could sign you in to an account of his by sending a link. \
                                The owner's login is untouched."
            }
            "cookie_missing" => {
                "The login was begun in a browser that has its cookie; this one sent none. The owner's \
                                 login is untouched."
            }
            "forged" => "One character was changed, so the seal does not open. Nothing in the link is believed.",
            "malformed" => "This is not a link of this service.",
            "expired" => "The answer came too late: a link that lies around in a history must not sign anybody in.",
            "missing_state" => "The link has no state, so nobody here began this login.",
            other => other,
        };
        Self::new(error.status(), error.code(), "Refused", text)
    }
}

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8886;--good:#1a7f37;--bad:#b35900;--accent:#2457c5}\
@media(prefers-color-scheme:dark){:root{--good:#4ac26b;--bad:#f0883e;--accent:#7aa7ff}}\
*{box-sizing:border-box}body{font:17px/1.55 system-ui,sans-serif;margin:0;padding:1.2rem}\
main{max-width:38rem;margin:0 auto}h1{font-size:1.6rem;line-height:1.25;margin:.6rem 0}\
.way{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin:1.2rem 0}\
.way span{border:1px solid var(--line);border-radius:.6rem;padding:.45rem .8rem}.way i{opacity:.6;font-style:normal}\
.way .on{border:2px solid var(--good);font-weight:600}\
code{font-family:ui-monospace,monospace;font-size:.95em}.code{color:var(--bad);font-weight:600}\
.good .code{color:var(--good)}form,.row{margin:.6rem 0}\
button,.button{display:block;width:100%;text-align:left;font:inherit;color:inherit;text-decoration:none;\
background:transparent;border:1px solid var(--line);border-radius:.6rem;padding:.65rem .9rem;cursor:pointer}\
button:hover,.button:hover,button:focus-visible,.button:focus-visible{border-color:var(--accent)}\
.main{background:var(--accent);border-color:var(--accent);color:#fff;font-weight:600;text-align:center}\
@media(prefers-color-scheme:dark){.main{color:#000}}\
small{opacity:.75;display:block}footer{margin-top:2rem;border-top:1px solid var(--line);padding-top:.6rem}";

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

fn page(title: &str, main: &str) -> String {
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">\
         <title>{}</title><link rel=icon href=\"data:,\"><style>{STYLE}</style>{main}</html>",
        escape(title)
    )
}

/// The first page.
pub fn home(server: &str, lifetime: u64, shared_guard: bool) -> String {
    let server = escape(server);
    let shares = if shared_guard {
        "a replay guard, which hears of a link when it is used and not before."
    } else {
        "nothing else: no table, no cache, no sticky sessions."
    };
    page(
        "A login over two servers",
        &format!(
            "<main data-server=\"{server}\"><h1>A login that starts on one server and finishes on another</h1>\
             <p>Two processes serve this site in turn; this page came from <b>server {server}</b>. They share a key and \
             {shares} What a login needs travels, sealed, in its link.</p>\
             <p class=row><a class=\"button main\" href=\"/login\">Sign in</a></p>\
             <h2>Or be late</h2>\
             <form method=post action=\"/try/expired\"><button>Answer after the login has expired\
             <small>A second person begins now and answers when it is too late. This page waits {} seconds.</small></button>\
             </form><footer><small>After signing in you can try what an attacker would do with your link.</small></footer>\
             </main>",
            lifetime.saturating_add(2)
        ),
    )
}

/// How a callback ended.
pub fn outcome(outcome: &Outcome, server: &str) -> String {
    let (server, code) = (escape(server), escape(&outcome.code));
    let begun_on = escape(outcome.begun_on.as_deref().unwrap_or_default());
    let good = if outcome.signed_in { "good" } else { "" };
    let mut main = format!(
        "<main class=\"{good}\" data-outcome=\"{code}\" data-server=\"{server}\" data-begun-on=\"{begun_on}\">\
         <h1>{}</h1>",
        escape(outcome.title)
    );
    let (ended, on) = if outcome.signed_in { ("finished on", "on") } else { ("answered by", "") };
    let begun = match begun_on.as_str() {
        "" => String::new(),
        begun_on => format!("<span>begun on server {begun_on}</span><i>→</i><span>provider</span><i>→</i>"),
    };
    // Writing to a `String` cannot fail.
    let _ = write!(
        main,
        "<p class=way>{begun}<span class=\"{on}\">{ended} server {server}</span></p><p>{}</p>\
         <p>Code: <code class=code>{code}</code></p>",
        escape(&outcome.text)
    );
    main.push_str(ATTACKS);
    main.push_str("<p class=row><a class=button href=\"/\">Back to the start</a></p></main>");
    page(outcome.title, &main)
}

/// Buttons for what an attacker would do with the link of the last login that succeeded in this browser. The script
/// keeps that link, so that every answer offers the next attempt; an answer that came by form_post leaves none.
const ATTACKS: &str = "<section id=attacks hidden><h2>Now try what an attacker would</h2>\
<p class=row><a class=button id=again>Use the link again\
<small>Press it twice: the front gives it to one server, then to the other, and each answers in its own way.</small></a></p>\
<form method=post action=\"/try/other-browser\"><input type=hidden name=address id=address>\
<button>Open it in another browser<small>As somebody would to whom you sent it. Or paste it into a private window.</small>\
</button></form>\
<p class=row><a class=button id=changed>Change one character<small>In the middle of the state.</small></a></p></section>\
<script>\
const main=document.querySelector('main');\
if(main.dataset.outcome==='signed_in'&&location.search)sessionStorage.setItem('link',location.href);\
const link=sessionStorage.getItem('link');\
if(link){\
const changed=new URL(link),state=changed.searchParams.get('state'),middle=state.length>>1;\
changed.searchParams.set('state',state.slice(0,middle)+(state[middle]==='A'?'B':'A')+state.slice(middle+1));\
document.getElementById('again').href=link;document.getElementById('address').value=link;\
document.getElementById('changed').href=changed.href;document.getElementById('attacks').hidden=false}\
</script>";

/// The provider's page, on which a person chooses who to be.
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
            button("deny", "", "Do not tell them")
        ),
    )
}

/// Something that should not happen did.
pub fn trouble(text: &str) -> String {
    page(
        "Trouble",
        &format!("<main><h1>That did not work</h1><p>{}</p><p><a href=\"/\">Back</a></p></main>", escape(text)),
    )
}
