//! The addresses that a flow redirects to, and the hosts in requests.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::claims::{CheckedPath, has_dot_segment, is_same_route};

/// The parts of a redirect_uri that decide where a browser arrives, normalized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RedirectUri {
    /// Lower case.
    pub(super) scheme: String,
    /// Host and port in lower case, without the scheme's default port; empty if a custom scheme has none.
    authority: String,
    /// The host alone, because cookies ignore the port; `None` for a custom scheme.
    pub(crate) host: Option<String>,
    pub(crate) path: String,
}

/// A callback address that is registered with a provider.
#[derive(Clone, Debug)]
pub(crate) struct Registered {
    /// The redirect id in logins; `None` for the provider's own address.
    pub(crate) id: Option<String>,
    pub(crate) text: String,
    /// The parsed text; `None` if it is not an address, which every flow refuses.
    pub(crate) uri: Option<RedirectUri>,
}

impl Registered {
    pub(super) fn new(id: Option<&str>, text: &str) -> Self {
        Self { id: id.map(str::to_owned), text: text.to_owned(), uri: RedirectUri::parse(text) }
    }

    pub(crate) fn host(&self) -> Option<&str> {
        self.uri.as_ref()?.host.as_deref()
    }

    pub(crate) fn path(&self) -> Option<&str> {
        self.uri.as_ref().map(|uri| uri.path.as_str())
    }
}

/// Schemes that browsers parse by special rules and that no client registers.
const NO_CALLBACKS: [&str; 4] = ["file", "ftp", "ws", "wss"];

impl RedirectUri {
    /// An absolute address without a fragment (RFC 6749 section 3.1.2).
    ///
    /// Upper case and the default port are normalized. Other spellings that a browser rewrites are refused: it would arrive at an address
    /// that was not registered, and two providers would seem to have separate addresses.
    pub(crate) fn parse(uri: &str) -> Option<Self> {
        let (scheme, rest) = uri.split_once(':')?;
        let plain = uri.bytes().all(|byte| matches!(byte, 0x21..=0x7e) && byte != b'#' && byte != b'\\');
        let scheme_is_one = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        let scheme = scheme.to_ascii_lowercase();
        if !plain || !scheme_is_one || NO_CALLBACKS.contains(&scheme.as_str()) {
            return None;
        }
        let without_query = rest.split('?').next().unwrap_or_default();
        let default_port = default_port(&scheme);
        let (authority, path) = match without_query.strip_prefix("//") {
            Some(rest) => split_authority(rest),
            None if default_port.is_some() => return None,
            None => ("", without_query),
        };
        if default_port.is_none() {
            // `app:///callback` and `app:/callback` lead to one app. These host-like parts belong to a custom scheme: `app://-/callback`.
            let own = |text: &str| matches!(text, "" | "-" | ".").then(|| text.to_owned());
            let authority = own(authority).or_else(|| Some(Authority::parse(authority)?.text(None)))?;
            let path = (!has_dot_segment(path)).then(|| path.to_owned())?;
            return Some(Self { scheme, authority, host: None, path });
        }
        let path = if path.is_empty() { "/" } else { path };
        CheckedPath::parse(path).ok()?;
        let authority = Authority::parse(authority)?;
        let text = authority.text(default_port);
        Some(Self { scheme, authority: text, host: Some(authority.host), path: path.to_owned() })
    }

    /// Whether it is plain http on a host other than the developer's machine.
    pub(crate) fn is_plain_http_elsewhere(&self) -> bool {
        self.scheme == "http" && self.host.as_deref().is_some_and(|host| !is_loopback(host))
    }

    /// Whether a request for one may reach the route of the other: queries do not tell them apart, nor do path spellings that many routers
    /// merge.
    pub(crate) fn is_same_address(&self, other: &Self) -> bool {
        // A proxy that terminates TLS sends `http` and `https` to one router.
        let same_scheme = self.scheme == other.scheme || (self.host.is_some() && other.host.is_some());
        same_scheme && self.authority == other.authority && is_same_route(&self.path, &other.path)
    }
}

/// A host and a port, as browsers write them.
struct Authority {
    /// Lower case, and without the brackets of an IPv6 address.
    host: String,
    port: Option<u16>,
}

impl Authority {
    /// Refuses a user, an empty or zero-padded port, and every host that [`canonical_host`] refuses.
    fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']')?;
                (canonical_ipv6(address)?, port)
            }
            None => {
                let (name, port) = text.find(':').and_then(|colon| text.split_at_checked(colon)).unwrap_or((text, ""));
                (canonical_host(name)?, port)
            }
        };
        let port = match port {
            "" => None,
            port => Some(
                port.strip_prefix(':')
                    .filter(|port| port.starts_with(|first| matches!(first, '1'..='9')))?
                    .parse()
                    .ok()?,
            ),
        };
        Some(Self { host, port })
    }

    fn text(&self, default_port: Option<u16>) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match self.port.filter(|port| Some(*port) != default_port) {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }
}

/// A name or an IPv4 address in lower case; `None` for a spelling that a browser rewrites (percent-encoding, `127.1`) or treats as another
/// host than readers expect (a trailing dot).
pub(crate) fn canonical_host(host: &str) -> Option<String> {
    let host = host.to_ascii_lowercase();
    // `xn--shop-`, which some clients decode to `shop`, ends in a hyphen.
    let label_is_one = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        plain && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    if !host.split('.').all(label_is_one) {
        return None;
    }
    // Browsers parse every host that ends in a number as an IPv4 address (WHATWG URL, "ends in a number checker").
    let last = host.rsplit('.').next().unwrap_or_default();
    let ends_in_a_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    (!ends_in_a_number || host.parse::<Ipv4Addr>().is_ok()).then_some(host)
}

/// An IPv6 address in the canonical form of RFC 5952, which browsers use as well. Addresses that embed IPv4 are refused, because browsers
/// write them differently.
fn canonical_ipv6(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let address: Ipv6Addr = text.parse().ok()?;
    (address.to_ipv4_mapped().is_none() && address.to_string() == text).then_some(text)
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    }
}

fn split_authority(rest: &str) -> (&str, &str) {
    rest.find('/').and_then(|slash| rest.split_at_checked(slash)).unwrap_or((rest, ""))
}

/// The host of a header's `host[:port]` or `[address]:port`, unchanged: compare it without regard to case. A trailing dot stays, because
/// browsers keep the cookies of `shop.example.` and `shop.example` apart.
pub(crate) fn host_of(authority: &str) -> Option<&str> {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').filter(|(_, port)| port.is_empty() || port.starts_with(':'))?.0,
        None => authority.split(':').next().unwrap_or_default(),
    };
    (!host.is_empty() && !authority.contains('@')).then_some(host)
}

/// Whether a text is exactly one host with an optional port, written as browsers write it.
pub(crate) fn is_authority(text: &str) -> bool {
    Authority::parse(text).is_some()
}

/// A host that browsers treat as this machine, whose pages they trust without TLS (W3C Secure Contexts, section 3.1).
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    address || host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost")
}

/// Whether `Host: host` and `Origin: scheme://authority` name one origin. Browsers omit the default port; proxies may add it.
pub(crate) fn is_host_of_origin(host: &str, scheme: &str, authority: &str) -> bool {
    let default_port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => "",
    };
    let short = |text| str::strip_suffix(text, default_port).unwrap_or(text);
    host_of(host).is_some() && short(host).eq_ignore_ascii_case(short(authority))
}

#[cfg(test)]
mod tests;
