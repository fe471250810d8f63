//! A state that a terminal or a mail broke over lines.

use oauth_state::inspect::StateForm;
use zeroize::Zeroizing;

use super::looks::{SHORTEST, in_base64url, starts_like_one};

/// A line that is shorter was not broken.
const NARROWEST: usize = 40;

/// A line without the marks of a quotation in a mail.
pub fn unquoted(line: &str) -> &str {
    line.trim_matches(|c: char| c == '>' || c.is_whitespace())
}

pub fn is_state(text: &str) -> bool {
    StateForm::read(text).is_ok()
}

/// Whether the state is in the text as it is, rather than as the beginning of a longer one.
pub fn has_word(text: &str, state: &str) -> bool {
    text.match_indices(state).any(|(at, _)| {
        !text.get(at..).and_then(|rest| rest.as_bytes().get(state.len())).copied().is_some_and(in_base64url)
    })
}

/// The lines as one, if they look like one word of which each line but the last is filled, perhaps quoted in a mail.
pub fn joined(given: &str) -> Option<Zeroizing<String>> {
    let lines: Vec<&str> = given.trim().lines().map(unquoted).collect();
    let (first, rest) = lines.split_first()?;
    let (last, filled) = rest.split_last()?;
    let begins_anew =
        |line: &&str| line.contains("://") || line.starts_with(['/', '{']) || starts_like_one(line.as_bytes());
    let is_one = first.len() >= SHORTEST
        && last.len() <= first.len()
        && filled.iter().all(|line| line.len() == first.len())
        && !rest.iter().any(begins_anew)
        && !lines.iter().any(|line| line.contains(char::is_whitespace))
        // The soft line ends of quoted-printable.
        && !first.ends_with('=');
    let one = Zeroizing::new(lines.concat());
    (is_one && one.matches("state=").count() < 2).then_some(one)
}

/// The text in which each state at the end of a line goes on with the next line, where that looks like more of it.
pub fn rejoined(given: &str) -> Option<Zeroizing<String>> {
    let lines: Vec<&str> = given.lines().collect();
    let widest = lines.iter().map(|line| line.trim_end().len()).max().unwrap_or_default();
    let mut text = Zeroizing::new(String::with_capacity(given.len()));
    let (mut rest, mut changed) = (lines.as_slice(), false);
    while let Some((line, following)) = rest.split_first() {
        rest = following;
        let mut begun = begun_in(line).map(|state| Zeroizing::new(state.to_owned()));
        // Lines of one width in a row were broken there.
        let (mut width, mut is_filled) = (unquoted(line).len(), false);
        text.push_str(line.trim_end_matches(['\r', ' ']));
        while let (Some(state), Some((next, following))) = (&mut begun, rest.split_first()) {
            let word = unquoted(next);
            let more = word.bytes().take_while(|byte| in_base64url(*byte)).count();
            let (Some(more), Some(after)) = (word.get(..more), word.get(more..)) else { break };
            let alone = !after.contains(char::is_whitespace);
            let looks_like_more = is_filled || is_random(more);
            let fits = width >= NARROWEST
                && !more.is_empty()
                && !more.starts_with("--")
                && !after.starts_with([':', '=', '/', '.'])
                && !starts_like_one(more.as_bytes());
            // Behind a whole state, no word of a sentence and no time of a next line.
            let goes_on = match is_state(state) {
                true => alone && width.saturating_add(4) >= widest && looks_like_more,
                false => alone || looks_like_more,
            };
            if !fits || !goes_on {
                break;
            }
            state.push_str(more);
            text.push_str(word);
            (rest, changed, is_filled, width) = (following, true, word.len().abs_diff(width) <= 1, word.len());
            if !after.is_empty() {
                break;
            }
        }
        text.push('\n');
    }
    changed.then_some(text)
}

/// The state that goes on to the end of the line.
fn begun_in(line: &str) -> Option<&str> {
    let line = line.trim_end();
    let value = line.rsplit(|c: char| c.is_whitespace() || "\"'`<>(&?=".contains(c)).next()?;
    // The break may be in the first characters.
    let barely = || value.len() < 5 && "ost1".starts_with(value) && line.ends_with(&format!("state={value}"));
    let begins = starts_like_one(value.as_bytes()) || barely();
    (begins && value.bytes().all(in_base64url)).then_some(value)
}

/// Whether it looks like a part of a state, and not like a word.
fn is_random(text: &str) -> bool {
    let letters = text.as_bytes();
    letters.iter().any(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
        || letters.windows(2).any(|pair| matches!(pair, [b'a'..=b'z', b'A'..=b'Z']))
}
