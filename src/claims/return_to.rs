//! A return path that cannot be an open redirect.

use std::fmt;
use std::str::FromStr;

/// The longest return path, in bytes.
const LONGEST: usize = 1024;

/// How often a path is decoded: a path that still changes after that hides something.
const DECODINGS: usize = 4;

/// The path to send the user to after the login: a path on this site, with an optional query and fragment.
///
/// It is checked when it is made, and again when a state is opened. It starts with exactly one `/`, consists of printable ASCII without
/// spaces and `\`, and has no empty, `.` or `..` segment, written out or percent-encoded: every browser resolves it to the same site. The
/// query may contain `//`. An unchecked return path was CVE-2017-1000070 (RFC 9700 section 4.11.1 on open redirectors at the client).
///
/// Browsers resolve `/a//b` to the same site as well (WHATWG URL, section 4.4), but it is refused: a proxy or router that strips `/a`
/// passes `//b` on, which is another site as soon as something redirects to it.
///
/// # Examples
///
/// ```
/// use oauth_state::ReturnTo;
///
/// assert_eq!("/projects/7?tab=keys#top".parse::<ReturnTo>()?.as_str(), "/projects/7?tab=keys#top");
/// assert!("/search?q=https://example.org//a".parse::<ReturnTo>().is_ok());
/// for refused in ["https://evil.example/", "//evil.example", "/\\evil.example", "/a/%2e%2e//x", "javascript:run()"] {
///     assert!(refused.parse::<ReturnTo>().is_err());
/// }
/// # Ok::<(), oauth_state::error::ReturnToError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo(Box<str>);

/// Why a return path was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReturnToError {
    /// It does not start with exactly one `/`.
    #[error("a return path must start with exactly one '/': use a path on this site, not a URL")]
    NotAPath,
    /// It has more than 1024 bytes.
    #[error("a return path must have at most {LONGEST} bytes")]
    TooLong,
    /// It contains a character outside printable ASCII, a space or `\`.
    #[error("a return path must be printable ASCII without spaces and '\\'; percent-encode the rest")]
    Character,
    /// It contains a `%` without two hexadecimal digits, or an encoded control character or `\` in the path.
    #[error("a return path must have no broken percent sequence, and none for a control character or '\\'")]
    PercentEncoding,
    /// It has an empty, `.` or `..` segment.
    #[error("a return path must have no empty, '.' or '..' segment, not even percent-encoded")]
    Segment,
}

impl ReturnToError {
    /// A stable word for metrics and logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAPath => "not_a_path",
            Self::TooLong => "too_long",
            Self::Character => "character",
            Self::PercentEncoding => "percent_encoding",
            Self::Segment => "segment",
        }
    }
}

impl ReturnTo {
    /// Makes a return path from a value that was decoded once, such as a query parameter. Characters that a path cannot contain, such as
    /// spaces or letters outside ASCII, are percent-encoded again (WHATWG URL, section 1.3), and so is a `%` without two hexadecimal
    /// digits. Then the rules of [`FromStr`] apply.
    ///
    /// # Errors
    ///
    /// [`ReturnToError`] for everything that these rules refuse, such as control characters, `\\`, addresses of other sites and dot
    /// segments. Encoding never makes a refused path valid.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ReturnTo;
    ///
    /// assert_eq!(ReturnTo::from_decoded("/café?q=a b")?.as_str(), "/caf%C3%A9?q=a%20b");
    /// assert_eq!(ReturnTo::from_decoded("/100%")?.as_str(), "/100%25");
    /// assert_eq!(ReturnTo::from_decoded("/a%20b")?.as_str(), "/a%20b"); // was encoded twice
    /// for refused in ["//evil.example", "/\\evil.example", "/a/../b", "/a\tb", " /a", "https://evil.example/"] {
    ///     assert!(ReturnTo::from_decoded(refused).is_err());
    /// }
    /// # Ok::<(), oauth_state::error::ReturnToError>(())
    /// ```
    pub fn from_decoded(text: &str) -> Result<Self, ReturnToError> {
        if text.len() > LONGEST {
            return Err(ReturnToError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(ReturnToError::Character);
        }
        let mut encoded = String::with_capacity(text.len());
        for (at, byte) in text.bytes().enumerate() {
            let is_sequence = || {
                let digits = text.as_bytes().get(at.saturating_add(1)..at.saturating_add(3));
                digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            };
            match byte {
                b'%' if !is_sequence() => encoded.push_str("%25"),
                0x21..=0x7e => encoded.push(char::from(byte)),
                _ => {
                    let digit =
                        |value: u8| char::from_digit(value.into(), 16).map_or('0', |digit| digit.to_ascii_uppercase());
                    encoded.extend(['%', digit(byte >> 4), digit(byte & 15)]);
                }
            }
        }
        encoded.parse()
    }

    /// The path, unchanged.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it leads to the absolute path `path`, after decoding both: a login that returns to its own callback would loop.
    #[cfg(feature = "http")]
    pub(crate) fn leads_to(&self, path: &str) -> bool {
        self.checked().leads_to(path)
    }

    /// Whether it leads below `path`, after decoding both.
    #[cfg(feature = "http")]
    pub(crate) fn leads_below(&self, path: &str) -> bool {
        let (own, path) = (fully_decoded(self.checked().path), fully_decoded(path));
        let (front, rest) = own.split_at_checked(path.len()).unwrap_or_default();
        front.eq_ignore_ascii_case(&path) && (path.is_empty() || rest.starts_with(b"/"))
    }

    pub(crate) fn checked(&self) -> CheckedPath<'_> {
        CheckedPath::of(&self.0)
    }
}

impl FromStr for ReturnTo {
    type Err = ReturnToError;

    /// Checks a return path. The error names the broken rule.
    fn from_str(text: &str) -> Result<Self, ReturnToError> {
        CheckedPath::parse(text).map(CheckedPath::to_return_to)
    }
}

/// A checked path, borrowed: most callbacks need no copy before they have passed the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CheckedPath<'t> {
    text: &'t str,
    /// The text up to the query.
    path: &'t str,
    /// Whether nothing in the path is percent-encoded.
    plain: bool,
}

impl<'t> CheckedPath<'t> {
    pub(crate) fn parse(text: &'t str) -> Result<Self, ReturnToError> {
        if text.len() > LONGEST {
            return Err(ReturnToError::TooLong);
        }
        // No early exit, so that the processor checks many bytes at a time.
        if !text.bytes().fold(true, |all, byte| all & matches!(byte, 0x21..=0x7e) & (byte != b'\\')) {
            return Err(ReturnToError::Character);
        }
        let after_slash = text.strip_prefix('/').ok_or(ReturnToError::NotAPath)?;
        if after_slash.starts_with('/') {
            return Err(ReturnToError::NotAPath);
        }
        let checked = Self::of(text);
        let path = checked.path.as_bytes().get(1..).unwrap_or_default();
        // One look shows that nearly every path has no forbidden segment.
        if matches!(path, [b'.' | b'/', ..]) || path.windows(2).any(|pair| matches!(pair, [b'/', b'.' | b'/'])) {
            check_segments(path)?;
        }
        if checked.plain {
            return Ok(checked);
        }
        if !percent_sequences_are_whole(path) {
            return Err(ReturnToError::PercentEncoding);
        }
        // The decoded path must keep the rules as well, even if a router or a proxy decodes more than once.
        let mut seen = path.to_vec();
        for _ in 0..DECODINGS {
            let decoded = percent_decode(&seen);
            if decoded == seen {
                return Ok(checked);
            }
            if decoded.iter().any(|byte| byte.is_ascii_control() || *byte == b'\\') {
                return Err(ReturnToError::PercentEncoding);
            }
            check_segments(&decoded)?;
            seen = decoded;
        }
        Err(ReturnToError::PercentEncoding)
    }

    /// A path from a text that was checked, or is about to be.
    pub(crate) fn of(text: &'t str) -> Self {
        let path = before_query(text);
        Self { text, path, plain: !path.as_bytes().contains(&b'%') }
    }

    pub(crate) fn leads_to(self, path: &str) -> bool {
        if self.plain && !path.as_bytes().contains(&b'%') {
            return same_route(self.path.as_bytes(), path.as_bytes());
        }
        is_same_route(self.path, path)
    }

    pub(crate) fn to_return_to(self) -> ReturnTo {
        ReturnTo(self.text.into())
    }
}

/// A text up to its first `?` or `#`.
fn before_query(text: &str) -> &str {
    let end = text.bytes().position(|byte| matches!(byte, b'?' | b'#'));
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// Whether two paths reach one route, after decoding both.
pub(crate) fn is_same_route(one: &str, other: &str) -> bool {
    if one.contains('%') || other.contains('%') {
        return same_route(&fully_decoded(one), &fully_decoded(other));
    }
    same_route(one.as_bytes(), other.as_bytes())
}

/// Many routers treat "/callback/" as "/callback", and some ignore case.
fn same_route(one: &[u8], other: &[u8]) -> bool {
    fn trimmed(mut path: &[u8]) -> &[u8] {
        while let [rest @ .., b'/'] = path {
            path = rest;
        }
        path
    }
    trimmed(one).eq_ignore_ascii_case(trimmed(other))
}

/// Whether a path has a `.` or `..` segment after decoding: browsers remove them, also as `%2e`.
pub(crate) fn has_dot_segment(path: &str) -> bool {
    fully_decoded(path).split(|byte| *byte == b'/').any(|segment| matches!(segment, b"." | b".."))
}

/// Decodes as often as an accepted path can be decoded.
fn fully_decoded(path: &str) -> Vec<u8> {
    (0..DECODINGS).fold(path.as_bytes().to_vec(), |path, _| percent_decode(&path))
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks the text after the first `/`. Only the last segment may be empty, as in `/home/`.
fn check_segments(path: &[u8]) -> Result<(), ReturnToError> {
    let mut segments = path.split(|byte| *byte == b'/').peekable();
    while let Some(segment) = segments.next() {
        let allowed = match segment {
            b"" => segments.peek().is_none(),
            b"." | b".." => false,
            _ => true,
        };
        if !allowed {
            return Err(ReturnToError::Segment);
        }
    }
    Ok(())
}

/// Whether two hexadecimal digits follow every `%`.
fn percent_sequences_are_whole(text: &[u8]) -> bool {
    let mut parts = text.split(|byte| *byte == b'%');
    parts.next();
    parts.all(|part| matches!(part, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()))
}

/// Decodes once, and leaves invalid sequences unchanged.
fn percent_decode(text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        let sequence = match after {
            [high, low, beyond @ ..] if *first == b'%' => digit(*high).zip(digit(*low)).map(|digits| (digits, beyond)),
            _ => None,
        };
        match sequence {
            Some(((high, low), beyond)) => {
                decoded.push((high << 4) | low);
                rest = beyond;
            }
            None => decoded.push(*first),
        }
    }
    decoded
}

#[cfg(test)]
mod tests;
