//! Reading a document's file.

use std::fs::File;
use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use crate::ring::source::bytes;
use crate::ring::source::document::MOST_SCANNED;

/// The bytes of the file, up to the limit of the revocation scan: a document that is too long is refused, but its revocations still count.
pub(super) fn document(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    bytes::read(File::open(path)?, MOST_SCANNED)
}

/// The same without blocking the calling task: a network file system may be slow, or hang forever.
pub(super) async fn in_background(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    #[cfg(feature = "refresh")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let path = path.to_owned();
        return runtime.spawn_blocking(move || document(&path)).await.map_err(io::Error::other)?;
    }
    document(path)
}
