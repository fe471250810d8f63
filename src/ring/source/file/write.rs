//! Atomic replacement of a document's file, and only of the version that the writer has read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::explain::{self, Step, folder_of};
use super::lock::{Lock, NotLocked};
use super::read;
use crate::ring::source::{SourceError, SourceErrorKind};
use crate::secret::SecretString;

/// Why nothing was written.
pub(super) enum Refused {
    /// The file has another version.
    OtherVersion,
    /// Another writer holds this lock file.
    Locked(PathBuf),
    Io(Step, PathBuf, io::Error),
}

impl Refused {
    pub(super) fn explained(self, name: &str) -> SourceError {
        match self {
            Self::OtherVersion => {
                SourceError::new(name, SourceErrorKind::Conflict, "the file has changed in the meantime")
            }
            Self::Locked(lock) => SourceError::new(name, SourceErrorKind::Conflict, lock.display())
                .in_words("another writer holds the lock")
                .with_remedy(
                    "nothing was written; run it again when the other writer has ended, which frees the lock (fuser, with its path, \
                     names a writer that hangs)",
                ),
            Self::Io(step, path, cause) => explain::error(name, &path, step, cause),
        }
    }
}

/// A file's version is a hash of its bytes, which says nothing about the 32 random bytes of each key.
pub(super) fn version(bytes: &[u8]) -> String {
    let mut hash = Sha256::new_with_prefix(b"oauth-state/v1/file-version");
    hash.update(bytes);
    let digest: [u8; 32] = hash.finalize().into();
    digest.iter().take(8).fold(String::with_capacity(16), |text, byte| text + &format!("{byte:02x}"))
}

/// Replaces the file if it still has the expected version, and returns the new one.
pub(super) fn replace(path: &Path, document: &SecretString, expected: Option<&str>) -> Result<String, Refused> {
    // Follows a symbolic link to its target; a file that does not exist yet has no canonical name.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let failed = |(step, cause)| Refused::Io(step, path.clone(), cause);
    let lock = sibling(&path, ".lock");
    let _lock = match Lock::take(&lock) {
        Ok(taken) => taken,
        Err(NotLocked::Held) => return Err(Refused::Locked(lock)),
        Err(NotLocked::Io(cause)) => return Err(failed((Step::Lock, cause))),
    };
    let present = match read::document(&path) {
        Ok(bytes) => Some(version(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(cause) => return Err(failed((Step::Read, cause))),
    };
    if present.as_deref() != expected {
        return Err(Refused::OtherVersion);
    }
    let beside = sibling(&path, ".new");
    // Opened before anything is written, so that an error leaves everything unchanged. Some systems have no handle for a folder.
    let folder = File::open(folder_of(&path)).ok();
    let renamed = |()| fs::rename(&beside, &path).map_err(|cause| (Step::Rename, cause));
    if let Err(error) = write_beside(&beside, document, &path).and_then(renamed) {
        // The remains contain keys.
        let _ = fs::remove_file(&beside);
        return Err(failed(error));
    }
    // The rename is durable only after the folder is synced; it is already done, so errors are ignored.
    let _ = folder.map(|folder| folder.sync_all());
    Ok(version(document.expose().as_bytes()))
}

fn write_beside(beside: &Path, document: &SecretString, original: &Path) -> Result<(), (Step, io::Error)> {
    let writing = |cause| (Step::Write, cause);
    // The remains of a killed writer.
    match fs::remove_file(beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(writing(error)),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(beside).map_err(writing)?;
    if let Ok(old) = fs::metadata(original) {
        own(&file, &old).map_err(|cause| (Step::Own, cause))?;
    }
    file.write_all(document.expose().as_bytes()).and_then(|()| file.sync_all()).map_err(writing)
}

/// The service's user must be able to read the operator's file.
fn own(file: &File, old: &fs::Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if file.metadata().is_ok_and(|new| (new.uid(), new.gid()) != (old.uid(), old.gid())) {
            std::os::unix::fs::fchown(file, Some(old.uid()), Some(old.gid()))?;
        }
    }
    file.set_permissions(old.permissions())
}

/// The files that a killed writer left; none while a writer is at work.
pub(super) fn leftovers(path: &Path) -> Vec<PathBuf> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (lock, beside) = (sibling(&path, ".lock"), sibling(&path, ".new"));
    let exists = |path: &PathBuf| fs::symlink_metadata(path).is_ok();
    if exists(&lock) && Lock::is_held(&lock) {
        return Vec::new();
    }
    [lock, beside].into_iter().filter(exists).collect()
}

/// `.ring.json.new` for `ring.json`: in the same folder, so that it can be renamed, and hidden from `*.json`.
fn sibling(path: &Path, ending: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(ending);
    path.with_file_name(name)
}

#[cfg(test)]
mod tests;
