//! What a state looks like, before anything is decoded.

/// The shortest text after the prefix that is taken for a state where nothing else names it.
pub const SHORTEST: usize = 20;

/// `ost1`, `oss1` and the other forms.
pub fn starts_like_one(text: &[u8]) -> bool {
    matches!(text, [b'o', b's', b'a'..=b'z', b'1', ..]) && !text.starts_with(b"osk1")
}

pub const fn in_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}
