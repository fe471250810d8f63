//! The cookie parser, and the family of cookies of one application.
//!
//! Frameworks' cookie jars are not used: some were measured to decode cookie *names*, so that a sibling domain's `_%5fHost-…` arrives as
//! `__Host-…` (login CSRF by cookie tossing), to trim U+2000, and to drop the whole header for one neighbor that is not ASCII.

use sha2::{Digest, Sha256};

use crate::base64url;
use crate::framing::length_prefixed;
use crate::name::App;
use crate::secret::SecretBytes;

/// Random bytes of a cookie's name.
pub(crate) const SUFFIX_BYTES: usize = 6;
/// Characters of the suffix.
const SUFFIX_CHARS: usize = 8;
/// Bytes of a browser's secret.
pub(crate) const SECRET_BYTES: usize = 32;
/// The suffix of a cookie that has none.
const NO_SUFFIX: [u8; SUFFIX_CHARS] = [0; SUFFIX_CHARS];
/// The longest custom name of a cookie, in bytes.
const LONGEST_NAME: usize = 64;
/// The most cookies of one family that a callback tries.
const MOST_TRIED: usize = 64;

/// The cookies of one kind that a browser keeps. New logins are bound to the first by name, so the others belong to logins that started at
/// the same moment.
const MOST_KEPT: usize = 8;
/// The most cookies that one response deletes: with more lines, a response could exceed the 4 KiB of headers that a proxy accepts.
pub(crate) const MOST_EXPIRED: usize = 32;

/// The requests with which the browser sends a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CookieKind {
    /// Top-level navigations by GET: `response_mode=query`.
    Lax,
    /// Cross-site POSTs as well: `response_mode=form_post`.
    None,
    /// Requests in frames as well, with a separate jar for each embedding site.
    Partitioned,
}

impl CookieKind {
    pub(crate) const ALL: [Self; 3] = [Self::Lax, Self::None, Self::Partitioned];

    const fn letter(self) -> char {
        match self {
            Self::Lax => 'l',
            Self::None => 'n',
            Self::Partitioned => 'p',
        }
    }

    const fn attributes(self) -> &'static str {
        match self {
            Self::Lax => "; SameSite=Lax",
            Self::None => "; SameSite=None",
            Self::Partitioned => "; SameSite=None; Partitioned",
        }
    }
}

/// How an application names its cookies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CookieName {
    /// Many cookies with the prefix `__Host-`.
    Host,
    /// The same with the prefix `__Host-Http-`.
    HostHttp,
    /// One cookie with the application's own name.
    Own(String),
}

impl CookieName {
    /// Whether browsers accept a cookie of this name. They accept prefixes only with the attribute `Secure`, in upper or lower case (RFC
    /// 6265bis section 5.7).
    pub(crate) fn is_possible(&self, secure: bool) -> bool {
        match self {
            Self::Host => true,
            Self::HostHttp => secure,
            Self::Own(name) => {
                let lower = name.to_ascii_lowercase();
                // The routes' marker of a login that a provider started has this name.
                if lower.trim_start_matches("__host-") == "oauth-state-started" {
                    return false;
                }
                let has_prefix = ["__host-", "__secure-", "__http-"].iter().any(|prefix| lower.starts_with(prefix));
                let is_token =
                    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
                (1..=LONGEST_NAME).contains(&name.len()) && is_token && (secure || !has_prefix)
            }
        }
    }
}

/// The cookies of one application: `__Host-<app tag>-<l|n|p>-<suffix>`, or one cookie with a custom name.
///
/// The kind is part of the name, so that a login by form_post and one by query never overwrite each other's cookie.
#[derive(Clone, Debug)]
pub(crate) struct CookieFamilies {
    names: Names,
    secure: bool,
    /// Whether browsers refuse to delete one without the attribute `HttpOnly`.
    needs_http_only: bool,
}

#[derive(Clone, Debug)]
enum Names {
    /// The name up to the letter, without it.
    Stem(Box<str>),
    Own(Box<str>),
}

/// A cookie of the family: the browser's secret under a name with a random suffix.
#[derive(Clone, Debug)]
pub(crate) struct BrowserCookie {
    pub(crate) suffix: [u8; SUFFIX_CHARS],
    pub(crate) secret: SecretBytes<SECRET_BYTES>,
}

impl BrowserCookie {
    /// A new cookie from random bytes.
    pub(crate) fn mint(suffix: [u8; SUFFIX_BYTES], secret: SecretBytes<SECRET_BYTES>) -> Self {
        let mut name = [0; SUFFIX_CHARS];
        name.iter_mut().zip(base64url::encode(suffix).bytes()).for_each(|(to, from)| *to = from);
        Self { suffix: name, secret }
    }

    /// Ordered by name; two of one name by secret, so that the order in the header does not matter.
    fn order(&self) -> (&[u8; SUFFIX_CHARS], &[u8; SECRET_BYTES]) {
        (&self.suffix, self.secret.expose())
    }
}

impl CookieFamilies {
    /// `secure` is false only if the caller explicitly allowed plain HTTP.
    pub(crate) fn new(app: &App, secure: bool, name: &CookieName) -> Self {
        // `__Host-` keeps a sibling domain, a parent path and plain HTTP from planting a cookie (RFC 6265bis section 4.1.3.2);
        // `__Host-Http-` also keeps scripts from it.
        let prefix = match name {
            CookieName::Own(own) => {
                return Self { names: Names::Own(own.as_str().into()), secure, needs_http_only: true };
            }
            CookieName::HostHttp => "__Host-Http-",
            CookieName::Host if secure => "__Host-",
            CookieName::Host => "insecure-",
        };
        let mut framed = Vec::new();
        length_prefixed(b"oauth-state/v1/cookie-name", &mut framed);
        length_prefixed(app.name().as_bytes(), &mut framed);
        length_prefixed(app.environment().as_bytes(), &mut framed);
        let digest: [u8; 32] = Sha256::digest(&framed).into();
        let tag = digest.iter().take(4).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let needs_http_only = *name == CookieName::HostHttp;
        Self { names: Names::Stem(format!("{prefix}{tag}-").into()), secure, needs_http_only }
    }

    /// Whether the cookies have the attribute `Secure`.
    pub(crate) fn are_secure(&self) -> bool {
        self.secure
    }

    /// Whether there is only one cookie, with a custom name.
    pub(crate) fn is_one(&self) -> bool {
        matches!(self.names, Names::Own(_))
    }

    /// The header value that sets `cookie`, with a constant `Max-Age`: a cookie that is sent again outlives every login that was started
    /// with it.
    pub(crate) fn set_cookie(&self, kind: CookieKind, cookie: &BrowserCookie, max_age: u64) -> String {
        let mut header = String::with_capacity(160);
        self.push_name(kind, cookie, &mut header);
        header.push('=');
        base64url::encode_onto(cookie.secret.expose(), &mut header);
        header.push_str("; Max-Age=");
        push_decimal(max_age, &mut header);
        header.push_str("; Path=/; HttpOnly");
        if self.secure {
            header.push_str("; Secure");
        }
        header.push_str(kind.attributes());
        header
    }

    /// The header values that delete all but eight cookies of one kind, at most 32, or 16 of frames.
    pub(crate) fn expire_surplus<'a>(
        &'a self,
        kind: CookieKind,
        found: &'a Candidates,
    ) -> impl Iterator<Item = String> + 'a {
        // A cookie with a custom name is one, however many of that name a sibling domain has added.
        let surplus = match kind {
            _ if self.is_one() => 0,
            // Longer headers.
            CookieKind::Partitioned => MOST_EXPIRED / 2,
            CookieKind::Lax | CookieKind::None => MOST_EXPIRED,
        };
        found.iter().skip(MOST_KEPT).take(surplus).map(move |cookie| {
            let mut header = String::with_capacity(80);
            self.push_name(kind, cookie, &mut header);
            header.push_str("=; Max-Age=0; Path=/");
            if self.needs_http_only {
                header.push_str("; HttpOnly");
            }
            if self.secure {
                header.push_str("; Secure");
            }
            // Without the attribute, the browser would look in another partition's jar, or in none.
            if kind == CookieKind::Partitioned {
                header.push_str(kind.attributes());
            }
            header
        })
    }

    fn push_name(&self, kind: CookieKind, cookie: &BrowserCookie, header: &mut String) {
        match &self.names {
            Names::Own(own) => header.push_str(own),
            Names::Stem(stem) => {
                header.push_str(stem);
                header.push(kind.letter());
                header.push('-');
                header.extend(cookie.suffix.iter().copied().map(char::from));
            }
        }
    }

    /// Whether a comma joins one of these cookies to another, for a diagnosis: no value is read from there.
    pub(crate) fn stand_beside_comma(&self, header: &[u8]) -> bool {
        let (Names::Stem(start) | Names::Own(start)) = &self.names;
        let is_own = |part: &[u8]| strip_blanks(part).starts_with(start.as_bytes());
        header
            .split(|byte| *byte == b';')
            .any(|pair| pair.contains(&b',') && pair.split(|byte| *byte == b',').any(is_own))
    }

    /// The valid cookies of the family, by ascending name, at most 64; invalid ones are ignored.
    pub(crate) fn find<'h>(&self, kind: CookieKind, headers: impl Iterator<Item = &'h [u8]>) -> Candidates {
        let mut found = Candidates::default();
        for (name, value) in headers.flat_map(pairs) {
            let suffix = self.suffix(kind, name);
            let secret = suffix.and_then(|_| base64url::decode_exact(value).ok());
            if let (Some(suffix), Some(secret)) = (suffix, secret) {
                found.put(BrowserCookie { suffix, secret: SecretBytes::new(secret) });
            }
        }
        found
    }

    /// The suffix of a cookie's name, if it is one of the family.
    fn suffix(&self, kind: CookieKind, name: &[u8]) -> Option<[u8; SUFFIX_CHARS]> {
        match &self.names {
            Names::Own(own) => (name == own.as_bytes()).then_some(NO_SUFFIX),
            Names::Stem(stem) => name
                .strip_prefix(stem.as_bytes())
                .and_then(|rest| rest.strip_prefix(&[kind.letter() as u8, b'-']))
                .and_then(|suffix| <[u8; SUFFIX_CHARS]>::try_from(suffix).ok())
                .filter(|suffix| suffix.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))),
        }
    }
}

/// Cookies to try, in order. The usual single one needs no allocation, and a flood of them no more than 64.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    only: Option<BrowserCookie>,
    #[expect(clippy::vec_box, reason = "a list that grows leaves what lay in it behind")]
    several: Vec<Box<BrowserCookie>>,
}

impl Candidates {
    fn put(&mut self, cookie: BrowserCookie) {
        if self.only.is_none() && self.several.is_empty() {
            self.only = Some(cookie);
            return;
        }
        for cookie in self.only.take().into_iter().chain([cookie]) {
            let place = self.several.partition_point(|other| other.order() < cookie.order());
            if place < MOST_TRIED {
                self.several.insert(place, Box::new(cookie));
                self.several.truncate(MOST_TRIED);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &BrowserCookie> {
        self.only.iter().chain(self.several.iter().map(AsRef::as_ref))
    }
}

/// The pairs of one `Cookie` header (RFC 6265 section 4.2.1): split at `;`, SP and HTAB stripped, nothing decoded.
/// A pair without `=`, or with invalid bytes, is skipped and does not affect its neighbors.
fn pairs(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    header.split(|byte| *byte == b';').filter_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = pair.split_at_checked(equals)?;
        Some((strip_blanks(name), strip_blanks(value.get(1..)?)))
    })
}

fn strip_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

fn push_decimal(number: u64, out: &mut String) {
    use std::fmt::Write;
    // Writing to a `String` cannot fail.
    let _ = write!(out, "{number}");
}

#[cfg(test)]
mod tests;
