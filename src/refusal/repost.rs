//! The page that posts a callback again, from this site.

use std::fmt::{self, Write};

use crate::base64url;

/// The parameter that marks a callback from such a page. Its only effect is to suppress a second page.
pub(crate) const REPOSTED: &str = "oauth_state_reposted";

/// Bytes of the nonce that allows the page's one line of script.
pub(crate) const SCRIPT_NONCE_BYTES: usize = 16;

/// A page that posts a callback again: a browser sends no `SameSite=Lax` cookie with another site's POST, but does with this site's own.
///
/// For providers declared as [`ResponseMode::FormPostReposted`](crate::provider::ResponseMode::FormPostReposted). It is made once, for a
/// state that is authentic, has not expired and belongs to this callback; the second time, the callback is refused as `cookie_missing`.
pub struct RepostPage {
    html: String,
    content_security_policy: String,
}

impl RepostPage {
    /// A form with these fields that submits itself to the address of the page, which is the callback's.
    pub(crate) fn new<'f>(
        fields: impl IntoIterator<Item = (&'f str, &'f str)>,
        script_nonce: [u8; SCRIPT_NONCE_BYTES],
    ) -> Self {
        let script_nonce = base64url::encode(script_nonce);
        let mut html = String::with_capacity(1_024);
        html.push_str(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
             content=\"width=device-width\">\n<title>Signing in</title>\n<form method=\"post\">\n",
        );
        for (name, value) in fields.into_iter().chain([(REPOSTED, "1")]) {
            html.push_str("<input type=\"hidden\" name=\"");
            escape_onto(name, &mut html);
            html.push_str("\" value=\"");
            escape_onto(value, &mut html);
            html.push_str("\">\n");
        }
        // The prototype's `submit`, because a field of that name would hide the form's own. Writing to a string does not fail.
        let _ = write!(
            html,
            "<button>Continue signing in</button>\n</form>\n<script nonce=\"{script_nonce}\">\
             HTMLFormElement.prototype.submit.call(document.forms[0])</script>\n</html>\n"
        );
        // No form-action: browsers also apply it to redirects of the form's response, and a service may send the user on to another of its
        // hosts. Every name and value is escaped, so this is the only form.
        let content_security_policy =
            format!("default-src 'none'; script-src 'nonce-{script_nonce}'; base-uri 'none'; frame-ancestors 'none'");
        Self { html, content_security_policy }
    }

    /// The page, in UTF-8. Every name and value of the callback is escaped.
    ///
    /// # Security
    ///
    /// It contains the callback's code and state: send it only to the browser that sent the callback, with `Cache-Control: no-store`, and
    /// keep it out of logs.
    #[must_use]
    pub fn html(&self) -> &str {
        &self.html
    }

    /// The value of the `Content-Security-Policy` header to send with it: nothing is loaded, and one script runs. It starts with
    /// `default-src 'none'; script-src 'nonce-…'`.
    #[must_use]
    pub fn content_security_policy(&self) -> &str {
        &self.content_security_policy
    }
}

impl fmt::Debug for RepostPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RepostPage([redacted])")
    }
}

/// Appends text, escaped for HTML and for attributes in double quotes. A value that ended the attribute would let an attacker write a page
/// on this site (cross-site scripting).
pub(crate) fn escape_onto(text: &str, html: &mut String) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            // A browser would change a raw line end in an attribute.
            '\r' => html.push_str("&#13;"),
            '\n' => html.push_str("&#10;"),
            plain => html.push(plain),
        }
    }
}

#[cfg(test)]
mod tests;
