//! Parsing and printing of times, durations and names.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth_state::{App, Purpose};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const UNITS: [(char, u64); 4] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)];

/// `300`, `300s`, `5m`, `12h` or `90d`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let unit = UNITS.iter().find_map(|(letter, seconds)| Some((text.strip_suffix(*letter)?, *seconds)));
    let (number, unit) = unit.unwrap_or((text, 1));
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = digits.then(|| number.parse::<u64>().ok()?.checked_mul(unit)).flatten();
    seconds.map(Duration::from_secs).ok_or_else(|| "write a time such as 300, 300s, 5m, 12h or 90d".to_owned())
}

/// RFC 3339.
pub fn parse_time(text: &str) -> Result<SystemTime, String> {
    let wrong = || "write a time such as 2026-11-24T12:00:00Z".to_owned();
    let seconds = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| wrong())?.unix_timestamp();
    let seconds = u64::try_from(seconds).map_err(|_| wrong())?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).ok_or_else(wrong)
}

pub fn parse_purpose(text: &str) -> Result<Purpose, String> {
    match text {
        "login" => Ok(Purpose::Login),
        "link" => Ok(Purpose::Link),
        "reauthenticate" => Ok(Purpose::Reauthenticate),
        "logout" => Ok(Purpose::Logout),
        _ => match text.strip_prefix("custom:") {
            // One rule for all names. The leaked name lives as long as the short-lived program.
            Some(name) if App::new(name, name).is_ok() => Ok(Purpose::Custom(Box::leak(Box::from(name)))),
            Some(_) => Err("a name is 1 to 32 of a-z, 0-9, '.', '_' and '-'".to_owned()),
            None => Err("one of login, link, reauthenticate, logout and custom:NAME".to_owned()),
        },
    }
}

pub fn unix_seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// RFC 3339 in UTC.
pub fn utc(at: SystemTime) -> String {
    let seconds = i64::try_from(unix_seconds(at)).ok();
    let time = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_else(|| "never".to_owned())
}

/// `in 6 m`, `2 h ago` or `now`: the largest unit, and the next one if it is not zero.
pub fn relative(at: SystemTime, now: SystemTime) -> String {
    // In whole seconds, as they are shown.
    let (at, now) = (unix_seconds(at), unix_seconds(now));
    match (at.saturating_sub(now), now.saturating_sub(at)) {
        (0, 0) => "now".to_owned(),
        (ahead, 0) => format!("in {}", span(ahead)),
        (_, behind) => format!("{} ago", span(behind)),
    }
}

/// `6 m`, or `2 h 1 m`.
pub fn span_of(duration: Duration) -> String {
    match duration.as_secs() {
        0 => "0 s".to_owned(),
        seconds => span(seconds),
    }
}

fn span(seconds: u64) -> String {
    let units = UNITS.iter().rev();
    let mut rest = seconds;
    let parts = units.filter_map(|(letter, length)| {
        let number = rest.checked_div(*length)?;
        rest = rest.checked_rem(*length)?;
        Some((number, letter))
    });
    let shown: Vec<String> = parts
        .skip_while(|(number, _)| *number == 0)
        .take(2)
        .filter(|(number, _)| *number > 0)
        .map(|(number, letter)| format!("{number} {letter}"))
        .collect();
    shown.join(" ")
}

/// Whether the text contains a root key or a part of one: the crate's own messages name the prefix.
pub fn holds_key(text: &str) -> bool {
    let key_follows = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    text.split("osk1.").skip(1).any(key_follows)
}

/// Text from a document or a state: on one line, and without control characters for the terminal. A key in it is not
/// shown.
pub fn harmless(text: &str) -> String {
    if holds_key(text) {
        return "[not shown: it holds a key]".to_owned();
    }
    let obeyed = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if obeyed(c) { '\u{fffd}' } else { c }).collect()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests;
