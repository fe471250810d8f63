//! Escapes around a URL: those of HTML, JSON, logs and mail.

/// The characters that HTML escapes in a URL, with and without the name.
const HTML: [(&str, &str); 12] = [
    ("&quot;", "\""),
    ("&#34;", "\""),
    ("&#x22;", "\""),
    ("&#39;", "'"),
    ("&#x27;", "'"),
    ("&apos;", "'"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&#61;", "="),
    ("&#x3d;", "="),
    ("&equals;", "="),
    // Last, so that nothing is decoded twice.
    ("&amp;", "&"),
];

/// The text without HTML's escapes, if it has some.
pub fn unescaped_html(text: &str) -> Option<String> {
    // The numbers of `&`, and hexadecimal digits in either case.
    let mut unescaped = text.replace("&#X", "&#x").replace("&#x3D;", "&#x3d;");
    unescaped = unescaped.replace("&#38;", "&amp;").replace("&#x26;", "&amp;").replace("&#038;", "&amp;");
    for (escape, character) in HTML {
        unescaped = unescaped.replace(escape, character);
    }
    (unescaped != text).then_some(unescaped)
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
    let plain = joined.replace("=3D", "=").replace("=3d", "=").replace("=26", "&").replace("=3F", "?");
    (plain != text).then_some(plain)
}
