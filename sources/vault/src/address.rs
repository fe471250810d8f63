//! The server's address, and the spelling of paths.

use std::fmt::Write;
use std::net::IpAddr;

use hyper::Uri;

/// An address such as `https://vault.internal:8200`, without a trailing slash.
pub(crate) struct Address {
    pub(crate) text: String,
    pub(crate) encrypted: bool,
    pub(crate) loopback: bool,
}

impl Address {
    /// `None` if the address is invalid. An address with a user or a password is invalid, because every error would
    /// repeat it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim_end_matches('/');
        let uri: Uri = text.parse().ok()?;
        let authority = uri.authority()?;
        if authority.as_str().contains('@') || text.contains(['?', '#']) {
            return None;
        }
        let encrypted = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = authority.host();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let loopback = host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        (!host.is_empty()).then(|| Self { text: text.to_owned(), encrypted, loopback })
    }
}

/// The segments of a mount or of a path; `None` if one of them is empty or leads elsewhere.
pub(crate) fn segments(path: &str) -> Option<Vec<&str>> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let plain = |segment: &&str| !matches!(*segment, "" | "." | "..") && !segment.contains(char::is_control);
    segments.iter().all(plain).then_some(segments)
}

/// The same for a request: everything except letters, digits, `-`, `.`, `_` and `~` is escaped (RFC 3986, section 2.3).
pub(crate) fn escaped(segments: &[&str]) -> String {
    let mut text = String::new();
    for segment in segments {
        if !text.is_empty() {
            text.push('/');
        }
        for byte in segment.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(byte.into()),
                other => {
                    let _ = write!(text, "%{other:02X}");
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests;
