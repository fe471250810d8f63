//! The host that a browser used, as far as the flow's settings and the request's headers tell.

use super::ConfigError;
use crate::binding::RequestHeaders;
use crate::provider::{canonical_host, host_of, is_authority};

/// The header with a request's host, unless the settings trust another one.
const HOST: &str = "host";

/// The public hosts of the service, and the header that names a request's host.
pub(super) struct PublicHosts {
    /// Lower case, each once.
    names: Vec<String>,
    /// Lower case.
    trusted_header: Option<String>,
}

impl PublicHosts {
    pub(super) fn new(hosts: &[String], trusted_header: Option<&str>) -> Result<Self, ConfigError> {
        let mut names = Vec::with_capacity(hosts.len());
        for host in hosts {
            let name = canonical_host(host).ok_or_else(|| ConfigError::PublicHost(host.clone()))?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let trusted_header = trusted_header.map(checked_header_name).transpose()?;
        Ok(Self { names, trusted_header })
    }

    /// The host and port that a request names, as sent.
    ///
    /// Every server reads `Host` in its own way. Only this crate reads the trusted header, so its value must be exactly one plain host:
    /// otherwise this crate and the proxy could see two different hosts in one value.
    pub(super) fn named_by<'h>(&self, headers: &'h RequestHeaders<'_>) -> Option<&'h str> {
        let value = match &self.trusted_header {
            None => headers.get(HOST),
            Some(name) => headers.get_single(name),
        };
        let authority = value.and_then(|value| std::str::from_utf8(value).ok());
        authority.filter(|authority| self.trusted_header.is_none() || is_authority(authority))
    }

    /// The host that the browser used, if it is known; `named` is what the request names.
    pub(super) fn known<'a>(&'a self, named: Option<&'a str>) -> Option<&'a str> {
        let named = named.and_then(host_of);
        match self.names.as_slice() {
            [] => named,
            [only] => Some(only),
            // A proxy may have replaced the header, so any other host means nothing.
            names => {
                named.and_then(|named| names.iter().find(|name| name.eq_ignore_ascii_case(named))).map(String::as_str)
            }
        }
    }

    /// Whether the settings name any public host.
    pub(super) fn are_named(&self) -> bool {
        !self.names.is_empty()
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether a callback came to another host than the one that holds the login's cookie; for a diagnosis only.
    pub(super) fn is_elsewhere(&self, headers: &RequestHeaders<'_>, callback_host: Option<&str>) -> bool {
        let named = self.named_by(headers);
        let (used, holds_cookie) = match self.names.as_slice() {
            [] => return false,
            // A proxy may have replaced the header: only a related name, such as www.shop.example for shop.example, is likely the
            // browser's.
            [only]
                if self.trusted_header.is_none()
                    && !named.and_then(host_of).is_some_and(|named| is_relative(named, only)) =>
            {
                return false;
            }
            [only] => (named.and_then(host_of), Some(only.as_str())),
            _ => (self.known(named), callback_host),
        };
        used.zip(holds_cookie).is_some_and(|(used, holds_cookie)| !used.eq_ignore_ascii_case(holds_cookie))
    }
}

/// Whether one host is a subdomain of the other.
fn is_relative(one: &str, other: &str) -> bool {
    let is_below = |sub: &str, of: &str| {
        let front = sub.len().checked_sub(of.len()).and_then(|end| sub.get(..end)?.strip_suffix('.'));
        front.is_some() && sub.get(sub.len().saturating_sub(of.len())..).is_some_and(|end| end.eq_ignore_ascii_case(of))
    };
    is_below(one, other) || is_below(other, one)
}

/// A token of RFC 9110 in lower case. `Forwarded` is refused, because its value is a list of pairs.
fn checked_header_name(name: &str) -> Result<String, ConfigError> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let lower = name.to_ascii_lowercase();
    if lower.is_empty() || !lower.bytes().all(is_token) || lower == "forwarded" {
        return Err(ConfigError::TrustedHostHeader(name.to_owned()));
    }
    Ok(lower)
}
