//! The application's data, as JSON (RFC 8259).

/// Writes JSON, and nothing for `()` or any other value that is `null` in JSON.
pub(crate) fn write<T: serde::Serialize>(data: &T, bytes: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let start = bytes.len();
    serde_json::to_writer(&mut *bytes, data)?;
    if bytes.get(start..) == Some(b"null") {
        bytes.truncate(start);
    }
    Ok(())
}

/// Reads the output of [`write`].
pub(crate) fn read<T: serde::de::DeserializeOwned>(data: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(if data.is_empty() { b"null" } else { data })
}
