//! The login's cookie, compared with the public address and the provider's response mode.

use super::check::Check;
use url::Url;

/// The public address: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebOrigin {
    text: String,
    host: String,
    https: bool,
}

impl std::str::FromStr for WebOrigin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write an origin such as https://shop.example, without a path".to_owned();
        let text = text.strip_suffix('/').unwrap_or(text);
        let url = Url::parse(text).map_err(|_| wrong())?;
        // Only the plain form: no backslash, tab, user or path, which URL parsers tolerate or accept.
        if !url.origin().ascii_serialization().eq_ignore_ascii_case(text) {
            return Err(wrong());
        }
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(wrong()),
        };
        let host = url.host_str().ok_or_else(wrong)?.trim_matches(['[', ']']).to_owned();
        Ok(Self { text: text.to_owned(), host, https })
    }
}

impl WebOrigin {
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    fn is_local(&self) -> bool {
        matches!(self.host.as_str(), "localhost" | "127.0.0.1" | "::1")
    }
}

/// Whether browsers accept the login start's cookie for this provider, and send it to the callback.
pub(super) fn cookie(origin: &WebOrigin, provider: &str, answers_by: &str, set_cookie: &str) -> Check {
    // Without name and value, which is a secret.
    let attributes: Vec<_> = set_cookie.split("; ").skip(1).filter(|one| !one.starts_with("Max-Age=")).collect();
    let secure = attributes.contains(&"Secure");
    let is = format!("{provider} answers by {answers_by}, with a cookie of {}", attributes.join("; "));
    let at = &origin.text;
    if !secure && origin.https {
        return Check::error(
            "cookie",
            format!("{is}: it lacks Secure and __Host-, so that others can plant one, although {at} is https"),
            "take dangerously_allow_plain_http() out",
        );
    }
    if !secure {
        return Check::warning(
            "cookie",
            format!("{is}: over plain http, an attacker on the network can plant one"),
            "serve over https and take dangerously_allow_plain_http() out; never run it so in production",
        );
    }
    if origin.https {
        return Check::ok("cookie", is);
    }
    if origin.is_local() {
        return Check::ok("cookie", format!("{is}; on {at} Chromium and Firefox take it, Safari does not"));
    }
    Check::error(
        "cookie",
        format!("{is}: browsers take it over https only, and {at} is http, so that every login ends as cookie_missing"),
        "serve over https; if a proxy does so, give the address that browsers use as --origin",
    )
}

/// Whether the browser sends the cookie to this callback address: `http` and `https` are different sites, and an app's
/// own scheme is none.
pub(super) fn redirect_uri(origin: &WebOrigin, provider: &str, uri: &str) -> Option<Check> {
    let url = Url::parse(uri).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https");
    // The flow itself refuses other hosts, but only host names and not IPv6 addresses.
    let elsewhere = is_web && origin.host.contains(':') && url.host_str()?.trim_matches(['[', ']']) != origin.host;
    let https = url.scheme() == "https";
    (!is_web || https != origin.https || elsewhere).then(|| {
        let to_do = if is_web {
            "register a redirect_uri with the scheme and the host of the origin"
        } else {
            "an app's own scheme brings no cookie: bind its logins by a login secret (--binding login-secret)"
        };
        Check::error(
            "redirect_uri",
            format!(
                "{provider} redirects to {uri}, and its login begins at {}: the cookie does not get there",
                origin.text
            ),
            to_do,
        )
        .about(provider)
    })
}

#[cfg(test)]
mod tests;
