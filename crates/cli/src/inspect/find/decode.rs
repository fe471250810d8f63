//! Escapes around a URL: those of HTML, JSON, logs and mail.

/// The names of characters that a URL or markup around it may have.
const HTML: [(&str, char); 18] = [
    ("amp", '&'),
    ("quot", '"'),
    ("apos", '\''),
    ("lt", '<'),
    ("gt", '>'),
    ("equals", '='),
    ("quest", '?'),
    ("colon", ':'),
    ("sol", '/'),
    ("num", '#'),
    ("percnt", '%'),
    ("period", '.'),
    ("lowbar", '_'),
    ("UnderBar", '_'),
    ("hyphen", '-'),
    ("dash", '-'),
    ("nbsp", ' '),
    ("NewLine", '\n'),
];
/// `&#x0000026;`.
const LONGEST: usize = 10;

/// The text without HTML's escapes, if it has some. Each is decoded once.
pub fn unescaped_html(text: &str) -> Option<String> {
    let (mut rest, mut plain) = (text, String::with_capacity(text.len()));
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let end = after.bytes().take(LONGEST).position(|byte| byte == b';');
        let escape =
            end.and_then(|end| Some((html_character(after.get(..end)?)?, after.get(end.saturating_add(1)..)?)));
        let (character, following) = escape.unwrap_or(('&', after));
        plain.push(character);
        rest = following;
    }
    plain.push_str(rest);
    (plain.len() != text.len()).then_some(plain)
}

fn html_character(name: &str) -> Option<char> {
    match name.strip_prefix('#') {
        Some(number) => {
            let hexadecimal = number.strip_prefix(['x', 'X']).map(|digits| u32::from_str_radix(digits, 16));
            char::from_u32(hexadecimal.unwrap_or_else(|| number.parse()).ok()?)
        }
        None => HTML.iter().find(|(known, _)| *known == name).map(|(_, character)| *character),
    }
}

/// The text without the backslashes of Markdown or a shell, if it has some.
pub fn unescaped_backslashes(text: &str) -> Option<String> {
    const ESCAPED: [&str; 8] = ["\\_", "\\-", "\\&", "\\=", "\\?", "\\.", "\\*", "\\~"];
    if !ESCAPED.iter().any(|escape| text.contains(escape)) {
        return None;
    }
    Some(ESCAPED.iter().fold(text.to_owned(), |text, escape| text.replace(escape, escape.trim_start_matches('\\'))))
}

/// The text without `\u0026`, `\/` and `\"`, if it has some: JSON inside of a text.
pub fn unescaped_json(text: &str) -> Option<String> {
    if !["\\u00", "\\x", "\\\"", "\\/", "\\\\"].iter().any(|escape| text.contains(escape)) {
        return None;
    }
    let mut rest = text;
    let mut plain = String::with_capacity(text.len());
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        // In access logs of nginx and Apache: \x26.
        let unicode = after.strip_prefix('u').and_then(|digits| code(digits, 4));
        let byte = after.strip_prefix('x').and_then(|digits| code(digits, 2));
        match unicode.or(byte) {
            Some((character, following)) => {
                plain.push(character);
                rest = following;
            }
            None => {
                let mut characters = after.chars();
                plain.extend(characters.next());
                rest = characters.as_str();
            }
        }
    }
    plain.push_str(rest);
    Some(plain)
}

fn code(digits: &str, length: usize) -> Option<(char, &str)> {
    let (number, rest) = digits.split_at_checked(length)?;
    Some((char::from_u32(u32::from_str_radix(number, 16).ok()?)?, rest))
}

/// The text without the line ends and escapes of mail, if it has some.
pub fn quoted_printable(text: &str) -> Option<String> {
    let joined = text.replace("=\r\n", "").replace("=\n", "");
    let (mut rest, mut plain) = (joined.as_str(), String::with_capacity(joined.len()));
    while let Some((before, after)) = rest.split_once('=') {
        plain.push_str(before);
        let (character, following) = code(after, 2).filter(|(c, _)| c.is_ascii()).unwrap_or(('=', after));
        plain.push(character);
        rest = following;
    }
    plain.push_str(rest);
    (plain != text).then_some(plain)
}

/// The same for a text with lines that end in `=`, perhaps quoted in another mail.
pub fn soft_breaks(text: &str) -> Option<String> {
    let is_soft = |line: &str| line.trim_end().ends_with('=');
    if !(text.contains("=3D") || text.contains("=3d")) || !text.lines().any(is_soft) {
        return None;
    }
    let unquoted =
        |line| if is_soft(line) { super::lines::unquoted(line) } else { line.trim_start_matches(['>', ' ']) };
    quoted_printable(&text.lines().map(unquoted).collect::<Vec<_>>().join("\n"))
}
