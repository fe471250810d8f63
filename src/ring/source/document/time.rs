//! Times as documents write them: RFC 3339 in UTC, whole seconds.

use std::fmt;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Unix seconds, shown as RFC 3339 in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Utc(pub(crate) u64);

impl Utc {
    /// RFC 3339 in UTC, not before 1970. A fraction of a second is dropped.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let seconds = (time.offset().is_utc() && text.ends_with('Z')).then(|| time.unix_timestamp())?;
        u64::try_from(seconds).ok().map(Self)
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = i64::try_from(self.0).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
        match time.and_then(|time| time.format(&Rfc3339).ok()) {
            Some(text) => f.write_str(&text),
            None => f.write_str("never"),
        }
    }
}

impl fmt::Debug for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
