//! The characters of a document in an unknown encoding, as the scan for revocations reads them (docs/key-ring.md).

use zeroize::Zeroizing;

/// Any character that separates words and means nothing else: white space, a control character, anything outside ASCII.
pub(super) const BLANK: u8 = b' ';
/// A line end, which is a blank as well.
pub(super) const LINE_END: u8 = b'\n';
/// `\"`: in a document that a shell has escaped, these are the quotation marks.
pub(super) const ESCAPED_MARK: u8 = 0x80;

/// The characters of the document, one byte each. The copy holds keys, so it is zeroized and never grows.
pub(super) fn characters(document: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(document.len()));
    decode(trim_end(document, 0), &mut text);
    unescape(&mut text);
    while text.last().is_some_and(|last| is_blank(*last)) {
        text.pop();
    }
    text
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
    let nuls = |parity| bytes.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (nuls(0), nuls(1));
    let little = bytes.starts_with(&[0xff, 0xfe]);
    let big = bytes.starts_with(&[0xfe, 0xff]);
    let is_utf16 = little || big || (even.saturating_add(odd) >= bytes.len().div_ceil(4) && !bytes.is_empty());
    if !is_utf16 {
        return text.extend(bytes.iter().filter(|byte| **byte != 0).map(|byte| character((*byte).into())));
    }
    let little = little || !big && odd >= even;
    for pair in bytes.chunks(2) {
        let pair = [pair.first().copied().unwrap_or_default(), pair.get(1).copied().unwrap_or_default()];
        match if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) } {
            0 => {}
            unit => text.push(character(unit)),
        }
    }
}

fn character(unit: u16) -> u8 {
    match u8::try_from(unit) {
        Ok(b'\n' | b'\r') => LINE_END,
        Ok(visible @ b'!'..=b'~') => visible,
        _ => BLANK,
    }
}

/// Replaces each escape by one character. An escaped bracket or quotation mark is part of a string, and must not look like one that
/// is not escaped.
fn unescape(text: &mut Vec<u8>) {
    let (mut from, mut to) = (0_usize, 0_usize);
    while let Some(&character) = text.get(from) {
        let (character, length) = match character {
            b'\\' => escaped(text.get(from.saturating_add(1)..).unwrap_or_default()),
            character => (Some(character), 1),
        };
        if let (Some(character), Some(place)) = (character, text.get_mut(to)) {
            *place = character;
            to = to.saturating_add(1);
        }
        from = from.saturating_add(length);
    }
    // What is left behind the end is zeroized with the rest of the capacity.
    text.truncate(to);
}

/// What stands for a backslash and what follows it, and how many characters those are.
fn escaped(after: &[u8]) -> (Option<u8>, usize) {
    match after {
        [] => (None, 1),
        [b'"', ..] => (Some(ESCAPED_MARK), 2),
        [b'u', digits @ ..] => match digits.get(..4).and_then(code_point) {
            Some(code) => (Some(u8::try_from(code).ok().filter(|code| is_of_word(*code)).unwrap_or(BLANK)), 6),
            None => (Some(BLANK), 1),
        },
        [b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => (Some(BLANK), 2),
        // No escape: what follows stands for itself.
        _ => (Some(BLANK), 1),
    }
}

fn code_point(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |code, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(code.saturating_mul(16).saturating_add(digit))
    })
}

#[cfg(test)]
#[path = "characters_tests.rs"]
mod tests;
