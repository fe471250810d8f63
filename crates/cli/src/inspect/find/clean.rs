//! The input as text: in any encoding, and without the characters that a terminal obeys.

use zeroize::Zeroizing;

/// UTF-8 with bytes of other encodings in between, as access logs have them, or UTF-16, as redirections of `PowerShell` write it.
pub fn cleaned(bytes: &[u8]) -> Zeroizing<String> {
    let text = Zeroizing::new(match bytes {
        [0xff, 0xfe, rest @ ..] if rest.contains(&0) => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] if rest.contains(&0) => utf16(rest, u16::from_be_bytes),
        [1..=255, 0, 1..=255, 0, ..] => utf16(bytes, u16::from_le_bytes),
        [0, 1..=255, 0, 1..=255, ..] => utf16(bytes, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    });
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            // A color: ESC, `[`, parameters and a letter.
            '\u{1b}' if characters.next_if_eq(&'[').is_some() => {
                while characters.next_if(|c| matches!(c, ' '..='?')).is_some() {}
                characters.next_if(char::is_ascii);
            }
            '\0' | '\u{1b}' => plain.push(' '),
            // Soft hyphens, and spaces without a width, where a line may be broken.
            '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => {}
            other => plain.push(other),
        }
    }
    plain
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok().map(unit));
    char::decode_utf16(units).map(|character| character.unwrap_or('\u{fffd}')).collect()
}
