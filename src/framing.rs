//! Length prefixes: `lp(x)` of the design, so that no two lists of fields have one byte string.

/// Appends the length of `bytes` as 16 bits, big-endian, then `bytes`.
///
/// Callers bound what they pass; something longer than 65535 bytes is cut, length and bytes alike, and could collide
/// only with its own prefix.
pub(crate) fn length_prefixed(bytes: &[u8], out: &mut Vec<u8>) {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend(bytes.iter().take(usize::from(length)));
}
