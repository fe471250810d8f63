//! Names what a text is that is neither a root key nor a ring document.

use super::RingError;

/// Beginnings of files in which a document may be packed.
const BEGINNINGS: [(&[u8], &str); 13] = [
    (b"\x1f\x8b", "compressed data (gzip)"),
    (b"BZh", "compressed data (bzip2)"),
    (b"\xfd7zXZ\0", "compressed data (xz)"),
    (b"\x28\xb5\x2f\xfd", "compressed data (zstd)"),
    (b"PK\x03\x04", "an archive (zip)"),
    (b"\xef\xbb\xbf", "text with a byte order mark (BOM)"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"age-encryption.org/", "an encrypted file (age)"),
    (b"-----BEGIN AGE", "an encrypted file (age)"),
    (b"-----BEGIN PGP", "an encrypted file (OpenPGP)"),
    (b"-----BEGIN", "a PEM file"),
    (b"<", "HTML or XML"),
];

/// The error for these bytes, if they are empty or of a format that is known; otherwise the caller's own error says more.
pub(super) fn foreign(bytes: &[u8]) -> Option<RingError> {
    let text = bytes.trim_ascii();
    if text.iter().all(|byte| *byte == 0) {
        return Some(RingError::Empty);
    }
    // An ASCII character of UTF-16 without a mark.
    if let [0, 1..=127, ..] | [1..=127, 0, ..] = text {
        return Some(RingError::OtherFormat("UTF-16 text"));
    }
    if let Some((_, format)) = BEGINNINGS.iter().find(|(beginning, _)| text.starts_with(beginning)) {
        return Some(RingError::OtherFormat(format));
    }
    is_base64(text).then_some(RingError::OtherFormat("base64"))
}

/// `b3NrMS` and `ey` or `ew` are the beginnings of `osk1.` and `{` in base64, as secrets of Kubernetes have it.
fn is_base64(text: &[u8]) -> bool {
    let of_the_alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_\r\n".contains(byte);
    [b"b3NrMS".as_slice(), b"ey", b"ew", b"Cn"].iter().any(|beginning| text.starts_with(beginning))
        && text.len() > 40
        && text.iter().all(of_the_alphabet)
}

#[cfg(test)]
mod tests;
