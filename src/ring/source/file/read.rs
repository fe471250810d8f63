//! Reading a document's file.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::path::Path;
use std::{fmt, fs, io};

use zeroize::Zeroizing;

use crate::ring::source::bytes;
use crate::ring::source::document::MOST_SCANNED;

/// The bytes of the file, up to the limit of the revocation scan: a document that is too long is refused, but its revocations still count.
pub(super) fn document(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    bytes::read(open(path)?, MOST_SCANNED)
}

fn open(path: &Path) -> io::Result<File> {
    // Before it is opened: opening a FIFO waits for a writer, and opening a device may do anything.
    must_be_regular(&fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    without_waiting(&mut options, false);
    let file = options.open(path)?;
    // Another file may have taken its place.
    must_be_regular(&file.metadata()?)?;
    Ok(file)
}

/// Opening never waits, and never makes a terminal the one of this process; with `no_link`, it does not follow a symbolic link either.
#[cfg(unix)]
pub(super) fn without_waiting(options: &mut OpenOptions, no_link: bool) {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    if no_link {
        flags |= OFlags::NOFOLLOW;
    }
    options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
}

pub(super) fn must_be_regular(metadata: &Metadata) -> io::Result<()> {
    match metadata.is_file() {
        true => Ok(()),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, NotRegular(kind(metadata.file_type())))),
    }
}

/// The path leads to something else than a regular file.
#[derive(Debug)]
pub(super) struct NotRegular(pub(super) &'static str);

impl fmt::Display for NotRegular {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it is {}, not a regular file", self.0)
    }
}

impl std::error::Error for NotRegular {}

fn kind(file_type: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if file_type.is_fifo() {
            return "a FIFO (a named pipe)";
        }
        if file_type.is_socket() {
            return "a socket";
        }
        if file_type.is_char_device() || file_type.is_block_device() {
            return "a device";
        }
    }
    if file_type.is_dir() { "a folder" } else { "of an unknown type" }
}
