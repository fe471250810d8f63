//! Atomic replacement of a document's file, and only of the version that the writer has read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::read;
use crate::secret::SecretString;

/// Why nothing was written.
pub(super) enum Refused {
    /// The file has another version.
    OtherVersion,
    /// Another writer has this lock file.
    Locked(PathBuf),
    Io(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
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
    let _lock = Lock::take(&path)?;
    let present = match read::document(&path) {
        Ok(bytes) => Some(version(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    if present.as_deref() != expected {
        return Err(Refused::OtherVersion);
    }
    let beside = sibling(&path, ".new");
    // Opened before anything is written, so that an error leaves everything unchanged. Some systems have no handle for a folder.
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).and_then(|folder| File::open(folder).ok());
    let written = write_beside(&beside, document, &path).and_then(|()| fs::rename(&beside, &path));
    if let Err(error) = written {
        // The remains contain keys.
        let _ = fs::remove_file(&beside);
        return Err(error.into());
    }
    // The rename is durable only after the folder is synced; it is already done, so errors are ignored.
    let _ = folder.map(|folder| folder.sync_all());
    Ok(version(document.expose().as_bytes()))
}

fn write_beside(beside: &Path, document: &SecretString, original: &Path) -> io::Result<()> {
    // The remains of a killed writer.
    match fs::remove_file(beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(beside)?;
    if let Ok(old) = fs::metadata(original) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            // The service's user must be able to read the operator's file.
            if file.metadata().is_ok_and(|new| (new.uid(), new.gid()) != (old.uid(), old.gid())) {
                std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()))?;
            }
        }
        file.set_permissions(old.permissions())?;
    }
    file.write_all(document.expose().as_bytes())?;
    file.sync_all()
}

/// `.ring.json.new` for `ring.json`: in the same folder, so that it can be renamed, and hidden from `*.json`.
fn sibling(path: &Path, ending: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(ending);
    path.with_file_name(name)
}

/// A lock file, which exists while a writer is running.
struct Lock(PathBuf);

impl Lock {
    fn take(path: &Path) -> Result<Self, Refused> {
        let lock = sibling(path, ".lock");
        match OpenOptions::new().write(true).create_new(true).open(&lock) {
            Ok(_) => Ok(Self(lock)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Refused::Locked(lock)),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests;
