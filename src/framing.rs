//! Length prefixes: `lp(x)` of the design, so that two different lists of fields never have the same bytes.

/// Appends the length of `bytes` as 16 bits, big-endian, then `bytes`.
///
/// Callers bound the input. Bytes beyond 65535 are cut and the length with them, so a longer input could collide only with its own prefix.
pub(crate) fn length_prefixed(bytes: &[u8], out: &mut Vec<u8>) {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend(bytes.iter().take(usize::from(length)));
}
