//! Headers of the request that a login is bound by.

use crate::cookie::{Candidates, CookieFamilies, CookieKind};

/// A request's headers, or only its cookies.
#[derive(Clone)]
pub(crate) enum RequestHeaders<'a> {
    #[cfg(feature = "http")]
    Map(&'a http::HeaderMap),
    CookiesOnly(Vec<&'a [u8]>),
}

impl RequestHeaders<'_> {
    /// The valid cookies of the family.
    pub(crate) fn candidates(&self, families: &CookieFamilies, kind: CookieKind) -> Candidates {
        match self {
            #[cfg(feature = "http")]
            Self::Map(map) => {
                families.find(kind, map.get_all(http::header::COOKIE).iter().map(http::HeaderValue::as_bytes))
            }
            Self::CookiesOnly(headers) => families.find(kind, headers.iter().copied()),
        }
    }

    /// Whether a comma joins a cookie of the family to another cookie, which no cookie parser splits.
    pub(crate) fn has_cookie_beside_comma(&self, families: &CookieFamilies) -> bool {
        match self {
            #[cfg(feature = "http")]
            Self::Map(map) => {
                map.get_all(http::header::COOKIE).iter().any(|header| families.stand_beside_comma(header.as_bytes()))
            }
            Self::CookiesOnly(headers) => headers.iter().any(|header| families.stand_beside_comma(header)),
        }
    }

    /// Whether the request has any cookie.
    pub(crate) fn any_cookie(&self) -> bool {
        match self {
            #[cfg(feature = "http")]
            Self::Map(map) => map.contains_key(http::header::COOKIE),
            Self::CookiesOnly(headers) => headers.iter().any(|header| !header.is_empty()),
        }
    }

    /// The first header of this lower-case name, if headers are known.
    #[cfg_attr(not(feature = "http"), allow(clippy::unused_self, unused_variables, reason = "no headers are known"))]
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        match self {
            #[cfg(feature = "http")]
            Self::Map(map) => map.get(name).map(http::HeaderValue::as_bytes),
            Self::CookiesOnly(_) => None,
        }
    }

    /// The header of this lower-case name, if it occurs exactly once.
    #[cfg_attr(not(feature = "http"), allow(clippy::unused_self, unused_variables, reason = "no headers are known"))]
    pub(crate) fn get_single(&self, name: &str) -> Option<&[u8]> {
        match self {
            #[cfg(feature = "http")]
            Self::Map(map) => {
                let mut lines = map.get_all(name).iter();
                lines.next().filter(|_| lines.next().is_none()).map(http::HeaderValue::as_bytes)
            }
            Self::CookiesOnly(_) => None,
        }
    }

    /// Whether a browser loads this ahead of the user's click (Fetch, `Sec-Purpose`; older browsers, `Purpose`).
    pub(crate) fn is_speculative(&self) -> bool {
        match self {
            #[cfg(feature = "http")]
            Self::Map(map) => {
                let values =
                    ["sec-purpose", "purpose", "x-purpose", "x-moz"].into_iter().flat_map(|name| map.get_all(name));
                values.map(http::HeaderValue::as_bytes).any(is_speculative_purpose)
            }
            Self::CookiesOnly(_) => false,
        }
    }
}

/// Whether a `Sec-Purpose`, `Purpose`, `X-Purpose` (Safari's previews) or `X-Moz` (old Firefox) header marks a load that the user
/// has not requested.
#[cfg(feature = "http")]
fn is_speculative_purpose(value: &[u8]) -> bool {
    let value = String::from_utf8_lossy(value).to_ascii_lowercase();
    ["prefetch", "prerender", "preview"].iter().any(|purpose| value.contains(purpose))
}

#[cfg(test)]
mod tests;
