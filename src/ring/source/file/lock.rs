//! A lock between writers that ends with its process, however the process ends.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{io, thread};

/// How long a writer waits for another one: two seconds in all, where a write takes milliseconds.
const PAUSES: usize = 100;
const PAUSE: Duration = Duration::from_millis(20);

/// Why the lock was not taken.
pub(super) enum NotLocked {
    /// Another process holds it, and did not free it within [`PAUSES`].
    Held,
    Io(io::Error),
}

impl From<io::Error> for NotLocked {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A locked file. The file is removed when the lock is freed; after a kill it is still there, and locks nothing.
pub(super) struct Lock {
    path: PathBuf,
    file: Option<File>,
}

impl Lock {
    pub(super) fn take(path: &Path) -> Result<Self, NotLocked> {
        for _ in 0..PAUSES {
            if let Some(file) = try_once(path)? {
                return Ok(Self { path: path.to_owned(), file: Some(file) });
            }
            thread::sleep(PAUSE);
        }
        Err(NotLocked::Held)
    }

    /// Whether a process holds the lock. One that this user may not open counts as free, so that it is named.
    pub(super) fn is_held(path: &Path) -> bool {
        open(path, false).is_ok_and(|file| match file {
            Some(file) => !locked(&file).unwrap_or(false),
            None => true,
        })
    }
}

fn try_once(path: &Path) -> io::Result<Option<File>> {
    let Some(file) = open(path, true)? else { return Ok(None) };
    // The holder before removes the file, and a lock on a file without a name excludes no one.
    Ok((locked(&file)? && is_still(path, &file)).then_some(file))
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Windows removes no open file.
        #[cfg(not(unix))]
        drop(self.file.take());
        // Before it is closed, so that it is this process's own.
        let _ = fs::remove_file(&self.path);
        drop(self.file.take());
    }
}

#[cfg(unix)]
fn open(path: &Path, create: bool) -> io::Result<Option<File>> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.write(true).create(create).truncate(false).mode(0o600);
    // Where others may write in the folder, the name may be a link or a FIFO of theirs.
    super::read::without_waiting(&mut options, true);
    let file = options.open(path)?;
    super::read::must_be_regular(&file.metadata()?)?;
    Ok(Some(file))
}

#[cfg(unix)]
fn locked(file: &File) -> io::Result<bool> {
    use rustix::fs::{FlockOperation, flock};
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(unix)]
fn is_still(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (fs::symlink_metadata(path).map(identity), file.metadata().map(identity)) {
        (Ok(named), Ok(locked)) => named == locked,
        _ => false,
    }
}

/// Windows: no other process can open the file meanwhile.
#[cfg(windows)]
fn open(path: &Path, create: bool) -> io::Result<Option<File>> {
    use std::os::windows::fs::OpenOptionsExt;
    /// ERROR_SHARING_VIOLATION.
    const SHARED: i32 = 32;
    match OpenOptions::new().write(true).create(create).truncate(false).share_mode(0).open(path) {
        Err(error) if error.raw_os_error() == Some(SHARED) => Ok(None),
        opened => opened.map(Some),
    }
}

/// Elsewhere a file that exists is the lock.
#[cfg(not(any(unix, windows)))]
fn open(path: &Path, create: bool) -> io::Result<Option<File>> {
    match OpenOptions::new().write(true).create_new(create).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        opened => opened.map(Some),
    }
}

#[cfg(not(unix))]
fn locked(_: &File) -> io::Result<bool> {
    Ok(true)
}

#[cfg(not(unix))]
fn is_still(_: &Path, _: &File) -> bool {
    true
}

#[cfg(test)]
mod tests;
