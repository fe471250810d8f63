//! Reading a document's bytes from a file or a program.

use std::io::{self, Read};

use zeroize::Zeroizing;

use super::document::LARGEST;

/// Reads the first `most` bytes. A growing buffer would leave copies of the keys behind, so a full small one is replaced by one of full
/// size.
pub(super) fn read(from: impl Read, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let first = LARGEST.saturating_add(1).min(most);
    let mut from = from.take(first as u64);
    let mut bytes = Zeroizing::new(Vec::with_capacity(first));
    from.read_to_end(&mut bytes)?;
    if bytes.len() == first && first < most {
        let mut all = Zeroizing::new(Vec::with_capacity(most));
        all.extend_from_slice(&bytes);
        from.set_limit(most.saturating_sub(first) as u64);
        from.read_to_end(&mut all)?;
        bytes = all;
    }
    Ok(bytes)
}
