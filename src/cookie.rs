//! Cookie octets, parsed by us, and the family of cookies that one application uses.
//!
//! Never through a framework's jar: jars were measured that decode cookie *names*, so that a sibling domain's
//! `_%5fHost-…` arrives as `__Host-…` (login CSRF by cookie tossing), that trim U+2000, and that drop the whole
//! header for one neighbour that is not ASCII.

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
/// Cookies of one family that a callback tries at most.
const MOST_TRIED: usize = 64;

/// Whether the cookie comes along on a cross-site POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SameSite {
    /// On top-level GET navigations: `response_mode=query`.
    Lax,
    /// On cross-site POSTs as well: `response_mode=form_post`.
    None,
}

impl SameSite {
    const fn letter(self) -> char {
        match self {
            Self::Lax => 'l',
            Self::None => 'n',
        }
    }

    const fn attribute(self) -> &'static str {
        match self {
            Self::Lax => "; SameSite=Lax",
            Self::None => "; SameSite=None",
        }
    }
}

/// The cookies of one application: `__Host-<app tag>-<l|n>-<suffix>`.
///
/// `SameSite` is part of the name, so that a login by form_post and one by query never rewrite each other's cookie.
#[derive(Clone, Debug)]
pub(crate) struct CookieFamilies {
    /// Up to and without the letter.
    stem: Box<str>,
    secure: bool,
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

    /// By name; of one name twice, no matter which comes first on the wire.
    fn order(&self) -> (&[u8; SUFFIX_CHARS], &[u8; SECRET_BYTES]) {
        (&self.suffix, self.secret.expose())
    }
}

impl CookieFamilies {
    /// `secure` is false only where the caller asked, by a name that says so, to run over plain HTTP.
    pub(crate) fn new(app: &App, secure: bool) -> Self {
        let mut framed = Vec::new();
        length_prefixed(b"oauth-state/v1/cookie-name", &mut framed);
        length_prefixed(app.name().as_bytes(), &mut framed);
        length_prefixed(app.environment().as_bytes(), &mut framed);
        let digest: [u8; 32] = Sha256::digest(&framed).into();
        let tag = digest.iter().take(4).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        // `__Host-` keeps a sibling domain, a parent path and plain HTTP from planting one (RFC 6265bis section 4.1.3.2).
        let prefix = if secure { "__Host-" } else { "insecure-" };
        Self { stem: format!("{prefix}{tag}-").into(), secure }
    }

    /// Whether the cookies have the `__Host-` prefix and the `Secure` attribute.
    pub(crate) fn are_secure(&self) -> bool {
        self.secure
    }

    /// The header value that gives `cookie` to the user agent, with one constant `Max-Age`: a cookie that is re-sent
    /// outlives every login that was begun under it.
    pub(crate) fn set_cookie(&self, same_site: SameSite, cookie: &BrowserCookie, max_age: u64) -> String {
        let mut header = String::with_capacity(160);
        header.push_str(&self.stem);
        header.push(same_site.letter());
        header.push('-');
        header.extend(cookie.suffix.iter().copied().map(char::from));
        header.push('=');
        base64url::encode_onto(cookie.secret.expose(), &mut header);
        header.push_str("; Max-Age=");
        push_decimal(max_age, &mut header);
        header.push_str("; Path=/; HttpOnly");
        if self.secure {
            header.push_str("; Secure");
        }
        header.push_str(same_site.attribute());
        header
    }

    /// Whether a cookie of these follows a comma, for a diagnosis: nothing is read from there.
    pub(crate) fn follow_comma(&self, header: &[u8]) -> bool {
        let mut parts = header.split(|byte| *byte == b',').skip(1);
        parts.any(|part| strip_blanks(part).starts_with(self.stem.as_bytes()))
    }

    /// The valid cookies of the family, by ascending name, at most 64; one that is not valid is no cookie at all.
    pub(crate) fn find<'h>(&self, same_site: SameSite, headers: impl Iterator<Item = &'h [u8]>) -> Candidates {
        let mut found = Candidates::default();
        for (name, value) in headers.flat_map(pairs) {
            let suffix = name
                .strip_prefix(self.stem.as_bytes())
                .and_then(|rest| rest.strip_prefix(&[same_site.letter() as u8, b'-']))
                .and_then(|suffix| <[u8; SUFFIX_CHARS]>::try_from(suffix).ok())
                .filter(|suffix| suffix.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
            let secret = suffix.and_then(|_| base64url::decode_exact(value).ok());
            if let (Some(suffix), Some(secret)) = (suffix, secret) {
                found.put(BrowserCookie { suffix, secret: SecretBytes::new(secret) });
            }
        }
        found
    }
}

/// Cookies to try, in order. The usual one takes no allocation, and a flood of them no more than 64.
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
/// A pair without `=`, or of other octets, is skipped and does not harm its neighbours.
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
