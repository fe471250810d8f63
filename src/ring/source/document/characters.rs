//! The characters of a document in an unknown encoding, for the revocation scan (docs/key-ring.md).

use crate::ring::key::RootKeyId;
use zeroize::Zeroizing;

/// The most documents that one may be embedded in.
pub(super) const DEEPEST: usize = 3;
/// The field with the ids.
pub(super) const REVOKED: &[u8] = b"revoked";

/// Any character that only separates words: white space, a control character, anything outside ASCII.
pub(super) const BLANK: u8 = b' ';
/// A line end, which is a blank as well.
pub(super) const LINE_END: u8 = b'\n';
/// `\"`: in a document that a shell has escaped, these are the quotation marks.
pub(super) const ESCAPED_MARK: u8 = 0x80;

/// The characters of the document, one byte each. The copy contains keys, so it is zeroized and never grows.
pub(super) fn characters(document: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(document.len()));
    decode(trim_end(document, 0), &mut text);
    text
}

/// The same for a document that is a string in another document.
pub(super) fn embedded(document: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(document.bytes().map(|byte| character(byte.into())).collect())
}

/// The document in quotation marks that is escaped once more than a document is, even if its end is missing: `KEYS="{\"version\": 1`.
/// `None` if the text is not like that.
pub(super) fn unwrapped(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mark = text.iter().position(|character| *character == b'"')?;
    let (before, inner) = (text.get(..mark)?, text.get(mark.checked_add(1)?..)?);
    let brace = inner.iter().position(|character| *character == b'{')?;
    let (between, document) = (inner.get(..brace)?, inner.get(brace..)?);
    let next = document.iter().position(|character| *character == b'"')?;
    let is_escaped = document.get(next.checked_sub(1)?) == Some(&b'\\');
    let is_between = |character: &u8| is_blank(*character) || matches!(character, b'\\' | b'"' | b'n' | b'r' | b't');
    if before.contains(&b'{') || before.last() == Some(&b'\\') || !between.iter().all(is_between) || !is_escaped {
        return None;
    }
    let (mut out, mut rest) = (Zeroizing::new(Vec::with_capacity(inner.len())), inner);
    loop {
        let (character, length) = match rest {
            [] | [b'"', ..] => return Some(out),
            [b'\\', b'n' | b'r', ..] => (LINE_END, 2),
            [b'\\', b't' | b'b' | b'f', ..] => (BLANK, 2),
            [b'\\', b'u', digits @ ..] => match digits.get(..4).and_then(code_point) {
                Some(code) => (u16::try_from(code).map_or(BLANK, character), 6),
                None => (BLANK, 1),
            },
            [b'\\', escaped, ..] => (*escaped, 2),
            [b'\\'] => (BLANK, 1),
            [other, ..] => (*other, 1),
        };
        out.push(character);
        rest = rest.get(length..).unwrap_or_default();
    }
}

pub(super) fn is_blank(character: u8) -> bool {
    matches!(character, BLANK | LINE_END)
}

pub(super) fn is_of_word(character: u8) -> bool {
    character.is_ascii_alphanumeric() || character == b'_'
}

fn trim_end(bytes: &[u8], byte: u8) -> &[u8] {
    let end = bytes.iter().rposition(|other| *other != byte).map_or(0, |last| last.saturating_add(1));
    bytes.get(..end).unwrap_or_default()
}

fn decode(bytes: &[u8], text: &mut Vec<u8>) {
    let Some((little, start, end)) = utf16(bytes) else {
        return text.extend(of_bytes(bytes));
    };
    let (head, tail) = (bytes.get(..start).unwrap_or_default(), bytes.get(end..).unwrap_or_default());
    text.extend(of_bytes(head));
    let mut rest = bytes.get(start..end).unwrap_or_default();
    let unit = |pair: &[u8]| {
        let pair = [pair.first().copied().unwrap_or_default(), pair.get(1).copied().unwrap_or_default()];
        if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }
    };
    while !rest.is_empty() {
        // Three characters that make sense with their bytes swapped: a byte is missing, or there is one too many.
        let is_shifted = |pair: &[u8]| matches!(character(unit(pair).swap_bytes()), LINE_END | b'!'..=b'~');
        if rest.chunks_exact(2).take(3).filter(|pair| is_shifted(pair)).count() == 3 {
            rest = rest.get(1..).unwrap_or_default();
        }
        let length = rest.len().min(2);
        match unit(rest.get(..length).unwrap_or_default()) {
            0 => {}
            unit => text.push(character(unit)),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    text.extend(of_bytes(tail));
}

fn of_bytes(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.iter().filter(|byte| **byte != 0).map(|byte| character((*byte).into()))
}

/// Whether the bytes are UTF-16 with the lower byte first, and the range of that text.
fn utf16(bytes: &[u8]) -> Option<(bool, usize, usize)> {
    let (mut nuls, mut others, mut at) = ([0_usize; 2], 0_usize, 0_usize);
    for run in bytes.chunk_by(|one, other| (*one == 0) == (*other == 0)) {
        let odd = (at.saturating_add(run.len()) / 2).saturating_sub(at / 2);
        // A run of four or more NULs is a hole.
        match run {
            [0, _, _, _, ..] => {}
            [0, ..] => {
                let [evens, odds] = &mut nuls;
                *odds = odds.saturating_add(odd);
                *evens = evens.saturating_add(run.len().saturating_sub(odd));
            }
            _ => others = others.saturating_add(run.len()),
        }
        at = at.saturating_add(run.len());
    }
    let [even, odd] = nuls;
    let nuls = even.saturating_add(odd);
    let little = bytes.starts_with(&[0xff, 0xfe]);
    let big = bytes.starts_with(&[0xfe, 0xff]);
    if nuls == 0 || !(little || big || nuls >= nuls.saturating_add(others).div_ceil(4)) {
        return None;
    }
    let little = little || !big && odd >= even;
    let (first, last) = (bytes.iter().position(|byte| *byte == 0)?, bytes.iter().rposition(|byte| *byte == 0)?);
    // Before the first NUL and after the last there may be text from another program.
    let start = if little { first.saturating_sub(1) } else { first };
    let end = last.saturating_add(if little { 1 } else { 2 }).min(bytes.len());
    Some((little, start, end))
}

fn character(unit: u16) -> u8 {
    match u8::try_from(unit) {
        Ok(b'\n' | b'\r') => LINE_END,
        Ok(visible @ b'!'..=b'~') => visible,
        _ => BLANK,
    }
}

/// Replaces each escape by one character, and drops blanks at the end. An escaped bracket or quotation mark is part of a string, and must
/// not look like an unescaped one.
pub(super) fn unescape(text: &mut Vec<u8>) {
    // The document is escaped only if the first mark is an escaped one. Anywhere else such a mark is part of a note.
    let first = text.iter().position(|character| *character == b'"');
    let is_escaped = first.and_then(|mark| text.get(mark.checked_sub(1)?)) == Some(&b'\\');
    let (mut from, mut to) = (0_usize, 0_usize);
    while let Some(&character) = text.get(from) {
        let (character, length) = match character {
            b'\\' => escaped(text.get(from.saturating_add(1)..).unwrap_or_default()),
            character => (Some(character), 1),
        };
        let character = if character == Some(ESCAPED_MARK) && !is_escaped { Some(BLANK) } else { character };
        if let (Some(character), Some(place)) = (character, text.get_mut(to)) {
            *place = character;
            to = to.saturating_add(1);
        }
        from = from.saturating_add(length);
    }
    // The rest after the end is zeroized with the rest of the capacity.
    text.truncate(to);
    while text.last().is_some_and(|last| is_blank(*last)) {
        text.pop();
    }
}

/// The replacement of a backslash and the text after it, and the number of characters replaced.
fn escaped(after: &[u8]) -> (Option<u8>, usize) {
    match after {
        [] => (None, 1),
        [b'"', ..] => (Some(ESCAPED_MARK), 2),
        [b'u', digits @ ..] => match digits.get(..4).and_then(code_point) {
            Some(code) => (Some(u8::try_from(code).ok().filter(|code| is_of_word(*code)).unwrap_or(BLANK)), 6),
            None => (Some(BLANK), 1),
        },
        [b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => (Some(BLANK), 2),
        // Not an escape: the next character stands for itself.
        _ => (Some(BLANK), 1),
    }
}

fn code_point(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |code, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(code.saturating_mul(16).saturating_add(digit))
    })
}

/// An id in lower case or in capitals.
pub(super) fn id(word: &[u8]) -> Option<RootKeyId> {
    let word = std::str::from_utf8(word).ok().filter(|word| word.len() == 16)?;
    word.to_ascii_lowercase().parse().ok()
}

#[cfg(test)]
mod tests;
