//! Finds the state in what support has: a URL, a line of an access log, JSON, HTML, a form or a curl command.

mod clean;
mod decode;
mod lines;
mod looks;
mod secrets;

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;
use serde_json::Value;

pub use clean::cleaned;
pub use secrets::{has_key, has_private_key};

use decode::{unescaped_backslashes, unescaped_html, unescaped_json};
use lines::{joined, rejoined};
use looks::{SHORTEST, in_base64url, starts_like_one};

use crate::text::harmless;

/// How often a text is decoded: a URL in a parameter of a URL in JSON takes three.
const DEEPEST: usize = 4;
/// Ends of a state that a program or a user cut off.
const ELLIPSES: [&str; 8] = ["...", "…", "[...]", "[…]", "(...)", "(truncated", "[truncated", "<truncated"];
/// Quotation marks, beyond those of ASCII.
const QUOTES: [char; 10] = ['“', '”', '„', '‟', '‘', '’', '«', '»', '‹', '›'];

/// With how many others a state is compared, so that a long log does not take long.
const MOST: usize = 64;

/// A state, and where it was.
#[derive(Debug, PartialEq)]
pub struct Found {
    pub state: String,
    pub place: String,
    /// An ellipsis follows it.
    pub cut_off: bool,
}

/// Why no state is inspected.
#[derive(Debug, PartialEq)]
pub enum NotFound {
    /// A callback without a state.
    Missing,
    /// A callback with several, which a server refuses.
    Duplicate,
    /// Several logins.
    Several(Vec<String>),
    /// Not even a callback.
    Nothing,
}

impl NotFound {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing | Self::Nothing => "missing_state",
            Self::Duplicate => "duplicate_parameter",
            Self::Several(_) => "several_states",
        }
    }
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the callback has no state"),
            Self::Duplicate => f.write_str("the callback has several states"),
            Self::Several(places) => {
                write!(f, "the input has {} different states; pass one of them: ", places.len())?;
                f.write_str(&places.iter().take(4).cloned().collect::<Vec<_>>().join("; "))
            }
            Self::Nothing => {
                f.write_str("the input has no state: no parameter of that name, and no text that starts like a state")
            }
        }
    }
}

/// Also finds a state or a URL that a terminal or a mail broke over lines.
pub fn whole_state_in(given: &str) -> Result<Found, NotFound> {
    let broken = |found: Found| Found { place: format!("{}, broken over lines", found.place), ..found };
    if let Some(joined) = joined(given) {
        return state_in(&joined).map(broken);
    }
    // In a longer text, only if that makes a state.
    let whole = rejoined(given).and_then(|text| state_in(&text).ok()).filter(|found| lines::is_state(&found.state));
    match whole {
        Some(found) if !lines::has_word(given, &found.state) => Ok(broken(found)),
        _ => state_in(given),
    }
}

pub fn state_in(given: &str) -> Result<Found, NotFound> {
    let given = given.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '\0'));
    let around = |c: char| "\"'`<>,;*~()!".contains(c) || QUOTES.contains(&c);
    let alone = given.trim_matches(around);
    let alone = before_ellipsis(unemphasized(alone).trim_end_matches('.'));
    let is_word =
        !alone.is_empty() && !alone.contains(|c: char| c.is_whitespace() || "?&#{}[]\"'<>%\\/:;=".contains(c));
    // A state from base64 of another kind may end in `=`.
    if is_word || (!alone.contains("state=") && is_padded(alone)) {
        let cut_off = is_cut_off(given, alone);
        return Ok(Found { state: alone.to_owned(), place: "the whole input".to_owned(), cut_off });
    }
    let mut search = Search::default();
    // First, because the first line of a broken one looks like a state.
    if let Some(text) = decode::soft_breaks(given) {
        search.text(&text, "", ", quoted-printable", 0);
        if search.hits.iter().any(Hit::is_ours) {
            return search.result(&text);
        }
        search = Search::default();
    }
    search.input(given);
    if search.hits.iter().all(|hit| !hit.is_ours()) {
        // Mail breaks long lines.
        if let Some(text) = decode::quoted_printable(given) {
            search.text(&text, "", ", quoted-printable", 0);
        }
    }
    search.result(given)
}

/// Without the marks of `_emphasis_`; a state may end in one of those characters.
fn unemphasized(text: &str) -> &str {
    let (mut text, mut plain) = (text.trim_start_matches(['*', '~']), None);
    while let Some(inner) = text.strip_prefix('_') {
        text = inner.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '~']);
        text = text.strip_suffix('_').unwrap_or(text);
        plain = Some(text);
    }
    plain.unwrap_or(text)
}

fn before_ellipsis(text: &str) -> &str {
    let end = ["..", "…", "["].iter().filter_map(|mark| text.find(mark)).min();
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// Whether an ellipsis follows the state wherever it is.
fn is_cut_off(given: &str, state: &str) -> bool {
    let mut after = given.split(state).skip(1).map(str::trim_start).peekable();
    !state.is_empty()
        && after.peek().is_some()
        && after.all(|after| ELLIPSES.iter().any(|ellipsis| after.starts_with(ellipsis)))
}

fn is_padded(text: &str) -> bool {
    let stripped = text.trim_end_matches('=');
    stripped.len() < text.len() && stripped.bytes().all(in_base64url)
}

/// A parameter `state`, or text that looks like one of this crate's.
#[derive(Debug)]
struct Hit {
    state: String,
    place: String,
    /// The same query has another one.
    again: bool,
}

impl Hit {
    /// Of this crate's form, rather than another parameter of that name.
    fn is_ours(&self) -> bool {
        starts_like_one(self.state.as_bytes())
    }
}

#[derive(Default)]
struct Search {
    hits: Vec<Hit>,
}

impl Search {
    fn input(&mut self, given: &str) {
        if self.json(given, "") {
            return;
        }
        let lines: Vec<&str> = given.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let in_line =
                if lines.len() > 1 { format!(" of line {}", number.saturating_add(1)) } else { String::new() };
            // A log line in JSON, perhaps after a time.
            let object = line.find('{').zip(line.rfind('}')).and_then(|(from, to)| line.get(from..=to));
            if object.is_some_and(|object| self.json(object, &in_line)) {
                continue;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            for (column, word) in words.iter().enumerate() {
                let single = words.len() == 1 && lines.len() == 1;
                let place = format!(" in column {}{in_line}", column.saturating_add(1));
                self.text(word, if single { "" } else { &place }, "", 0);
            }
        }
    }

    /// Whether the text is JSON with a state in it.
    fn json(&mut self, text: &str, in_line: &str) -> bool {
        let before = self.hits.len();
        if let Ok(value) = serde_json::from_str::<Value>(text) {
            self.value(&value, "", in_line);
        }
        self.hits.len() > before
    }

    fn value(&mut self, value: &Value, path: &str, in_line: &str) {
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match value {
            Value::Object(fields) => {
                // As browsers export a form: {"name": "state", "value": "…"}.
                let named = fields.get("name").and_then(Value::as_str) == Some("state");
                for (name, value) in fields {
                    let is_state = name.eq_ignore_ascii_case("state") || (named && name == "value");
                    match value {
                        Value::String(text) if is_state && !text.contains(['?', '&', '%']) => {
                            let place = field(&below(name), in_line);
                            self.hits.push(Hit { state: text.clone(), place, again: false });
                        }
                        value => self.value(value, &below(name), in_line),
                    }
                }
            }
            Value::Array(values) => {
                for (index, value) in values.iter().enumerate() {
                    self.value(value, &format!("{path}[{index}]"), in_line);
                }
            }
            Value::String(text) => {
                let place = if path.is_empty() { in_line.to_owned() } else { format!(" {}", field(path, in_line)) };
                for word in text.split_whitespace() {
                    self.text(word, &place, "", 0);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A text without a structure that is known, decoded until it has a state.
    fn text(&mut self, text: &str, place: &str, encoded: &str, depth: usize) {
        let before = self.hits.len();
        let ours = |hits: &[Hit]| hits.iter().skip(before).any(Hit::is_ours);
        // First, because `&amp;state=` looks like the parameter `amp;state`.
        let escapes = [
            (unescaped_html(text), "HTML-escaped"),
            (unescaped_json(text), "JSON-escaped"),
            (unescaped_backslashes(text), "backslash-escaped"),
        ];
        for (plain, how) in escapes.into_iter().filter(|_| depth < DEEPEST) {
            if let Some(plain) = plain {
                return self.text(&plain, place, &format!("{encoded}, {how}"), depth.saturating_add(1));
            }
        }
        for run in text.split(|c: char| c.is_whitespace() || "\"'`<>\\|".contains(c) || QUOTES.contains(&c)) {
            self.query(run, place, encoded);
        }
        if !ours(&self.hits) {
            self.bare(text, place, encoded);
        }
        if !ours(&self.hits)
            && depth < DEEPEST
            && let Cow::Owned(plain) = percent_decode_str(text).decode_utf8_lossy()
        {
            // Another system's URL, with its own state, may have ours in a parameter.
            let outside = self.hits.len();
            self.text(&plain, place, &format!("{encoded}, percent-encoded"), depth.saturating_add(1));
            let inside = self.hits.split_off(outside);
            self.hits.extend(inside.into_iter().filter(|hit| outside == before || hit.is_ours()));
        }
    }

    /// The parameter `state` of a URL or a form.
    fn query(&mut self, run: &str, place: &str, encoded: &str) {
        let run = unemphasized(run.trim_start_matches(['(', '[', '{', ',', ';', '$', '^', '*', '~']));
        let of_url = run.contains('?') || run.contains("://");
        // Each URL of several, one in another, has one state.
        for query in run.split('?') {
            let (before, mut states) = (self.hits.len(), 0_usize);
            for part in query.split(['#', '&']) {
                let Some(value) = part.strip_prefix("state=") else { continue };
                // The text around it goes on: a next column, or the end of a sentence.
                let ends = |c: char| !c.is_ascii() || ")]}([{,;^*~!".contains(c);
                let value = before_ellipsis(value.split(ends).next().unwrap_or_default()).trim_end_matches('.');
                let form = format!("state={value}");
                let decoded = url::form_urlencoded::parse(form.as_bytes()).next();
                let state = decoded.map(|(_, value)| value.into_owned()).unwrap_or_default();
                let what = if of_url { "in the query of the URL" } else { "in the form parameter state" };
                states = states.saturating_add(1);
                self.hits.push(Hit { state, place: format!("{what}{place}{encoded}"), again: false });
            }
            let again = states > 1;
            self.hits.iter_mut().skip(before).for_each(|hit| hit.again = again);
        }
    }

    /// A state that nothing names.
    fn bare(&mut self, text: &str, place: &str, encoded: &str) {
        for word in text.split(|c: char| !u8::try_from(c).is_ok_and(in_base64url)) {
            if word.len() > SHORTEST && starts_like_one(word.as_bytes()) {
                let place = format!("as text that starts like a state{place}{encoded}");
                self.hits.push(Hit { state: word.to_owned(), place, again: false });
            }
        }
    }

    fn result(self, given: &str) -> Result<Found, NotFound> {
        let (ours, others): (Vec<Hit>, Vec<Hit>) = self.hits.into_iter().partition(Hit::is_ours);
        let hits = if ours.is_empty() { others } else { ours };
        if hits.iter().any(|hit| hit.again) {
            return Err(NotFound::Duplicate);
        }
        let mut different: Vec<Hit> = Vec::new();
        for hit in hits.into_iter().filter(|hit| !hit.state.is_empty()) {
            if !different.iter().any(|other| other.state == hit.state) {
                different.push(hit);
            }
        }
        // The same login, cut off in one place.
        let is_beginning = |hit: &Hit, of: &Hit| hit.state.len() < of.state.len() && of.state.starts_with(&hit.state);
        let whole: Vec<bool> = different
            .iter()
            .map(|hit| hit.state.len() <= SHORTEST || !different.iter().take(MOST).any(|of| is_beginning(hit, of)))
            .collect();
        let mut whole = whole.into_iter();
        different.retain(|_| whole.next().unwrap_or(true));
        match different.len() {
            0 if given.contains('?') || given.contains("://") || given.contains("state=") => Err(NotFound::Missing),
            0 => Err(NotFound::Nothing),
            1 => different
                .pop()
                .map(|hit| Found {
                    cut_off: is_cut_off(given, &hit.state),
                    state: hit.state,
                    place: harmless(&hit.place),
                })
                .ok_or(NotFound::Nothing),
            _ => Err(NotFound::Several(different.into_iter().map(|hit| harmless(&hit.place)).collect())),
        }
    }
}

/// The path comes from the input, which may be anything.
fn field(path: &str, in_line: &str) -> String {
    const LONGEST: usize = 80;
    let shown: String = path.chars().take(LONGEST).collect();
    format!("in the JSON field {shown}{in_line}")
}

#[cfg(test)]
mod tests;
