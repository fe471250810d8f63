//! Reading a document's file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::secret::SecretText;
use crate::source::document;

/// The text of the file, up to one byte more than a document may have, which tells one that is too large from one that just
/// fits. The capacity is there from the start, so that a growing buffer leaves no copy of the keys behind.
pub(super) fn document(path: &Path) -> io::Result<SecretText> {
    let most = document::LARGEST.saturating_add(1);
    let mut text = zeroize::Zeroizing::new(String::with_capacity(most));
    File::open(path)?.take(most as u64).read_to_string(&mut text)?;
    Ok(SecretText::from(std::mem::take(&mut *text)))
}

/// The same without holding up the task that asks: a network file system may take its time, or for ever.
pub(super) async fn in_background(path: &Path) -> io::Result<SecretText> {
    #[cfg(feature = "refresh")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let path = path.to_owned();
        return runtime.spawn_blocking(move || document(&path)).await.map_err(io::Error::other)?;
    }
    document(path)
}
