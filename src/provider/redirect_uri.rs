//! The addresses that a flow redirects to.

use crate::claims::is_same_route;

/// The parts of a redirect_uri that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RedirectUri {
    /// Lower case.
    pub(super) scheme: String,
    /// As it stands, with the port.
    authority: String,
    /// Lower case, without the port, because cookies ignore it; `None` for a scheme of an app's own.
    pub(crate) host: Option<String>,
    pub(crate) path: String,
}

impl RedirectUri {
    /// An absolute address without a fragment (RFC 6749 section 3.1.2).
    pub(crate) fn parse(uri: &str) -> Option<Self> {
        let (scheme, rest) = uri.split_once(':')?;
        let plain = uri.bytes().all(|byte| matches!(byte, 0x21..=0x7e) && byte != b'#' && byte != b'\\');
        let scheme_is_one =
            scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        if !plain || scheme.is_empty() || !scheme_is_one {
            return None;
        }
        let without_query = rest.split('?').next().unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
            let scheme = scheme.to_ascii_lowercase();
            return Some(Self { scheme, authority: String::new(), host: None, path: without_query.to_owned() });
        }
        let (authority, path) = split_authority(without_query.strip_prefix("//")?);
        let host = host_of(authority)?.to_ascii_lowercase();
        let path = if path.is_empty() { "/" } else { path }.to_owned();
        Some(Self { scheme: scheme.to_ascii_lowercase(), authority: authority.to_owned(), host: Some(host), path })
    }

    /// Whether a request for one may reach the route of the other: the query does not tell them apart, nor do spellings of
    /// the path that many routers merge.
    pub(crate) fn is_same_address(&self, other: &Self) -> bool {
        self.scheme == other.scheme
            && self.authority.eq_ignore_ascii_case(&other.authority)
            && is_same_route(&self.path, &other.path)
    }
}

fn split_authority(rest: &str) -> (&str, &str) {
    rest.find('/').and_then(|slash| rest.split_at_checked(slash)).unwrap_or((rest, ""))
}

/// The host of `host[:port]` or `[address]:port`, as it stands there: compare without regard to case.
pub(crate) fn host_of(authority: &str) -> Option<&str> {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => authority.split(':').next().unwrap_or_default(),
    };
    (!host.is_empty() && !authority.contains('@')).then_some(host)
}

#[cfg(test)]
#[path = "redirect_uri_tests.rs"]
mod tests;
