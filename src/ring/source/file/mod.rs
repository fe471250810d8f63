//! A key ring from a file.

mod explain;
mod lock;
mod read;
#[cfg(feature = "watch")]
mod watch;
mod write;

use std::path::{Path, PathBuf};

use super::background::Background;
use super::document::{RingError, text_of};
use super::{Fetched, KeySource, SourceError, SourceErrorKind, WritableSource};
use crate::future::BoxFuture;
use crate::ring::key::KeyRing;
use crate::secret::SecretString;

/// A file with a bare root key or a ring document: on a disk, or a secret that Kubernetes mounts.
///
/// It is read again at every refresh. With the feature `watch` and `FileSource::watch`, a change is also noticed within a fraction of a
/// second. A half-written file is refused, the last good ring stays, and the file is read again a second later; writers should rename a
/// complete file into place, as [`WritableSource::store`] does.
///
/// Only a regular file is read; a FIFO, a device or a folder is an error. Reads run one at a time on a thread that nothing waits for, so
/// that a dead network mount neither blocks a task, nor the end of the process, nor takes a second thread.
///
/// # Security
///
/// Give the file mode 0400 or 0600, owned by the service's user.
#[derive(Debug)]
pub struct FileSource {
    path: PathBuf,
    name: String,
    reads: Background,
    writes: Background,
    #[cfg(feature = "watch")]
    watch: Option<watch::Watch>,
}

impl FileSource {
    /// The file at `path`, which need not exist yet; until it does, [`KeySource::fetch`] fails with [`SourceErrorKind::Missing`].
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self {
            name: format!("the file {}", path.display()),
            path,
            reads: Background::default(),
            writes: Background::default(),
            #[cfg(feature = "watch")]
            watch: None,
        }
    }

    /// Watches the file's folder, so that a change is read at once: a rename into place, a write in place, or the swap of `..data` by which
    /// Kubernetes changes a mounted secret. If the path is a symbolic link into another folder, the folder of its final target is watched,
    /// too. If the system cannot watch the folder, a warning says so, and the file is read at the refresh interval.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::LiveKeyRing;
    /// use oauth_state::ring::Refresh;
    /// use oauth_state::ring::source::{FileSource, SourceError};
    ///
    /// async fn start() -> Result<LiveKeyRing, SourceError> {
    ///     let source = FileSource::new("/run/secrets/oauth-state/ring.json").watch();
    ///     let (keys, refresher) = LiveKeyRing::load(source, Refresh::default()).await?;
    ///     tokio::spawn(refresher.run());
    ///     Ok(keys)
    /// }
    /// ```
    #[cfg(feature = "watch")]
    #[must_use]
    pub fn watch(mut self) -> Self {
        self.watch = Some(watch::Watch::new(&self.path));
        self
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files next to the ring that a killed writer left: a lock that no process holds, and a copy, which contains keys. Empty while
    /// a writer is at work. The next [`WritableSource::store`] removes them, too.
    ///
    /// It reads the folder and blocks while it does.
    #[must_use]
    pub fn leftovers(&self) -> Vec<PathBuf> {
        write::leftovers(&self.path)
    }

    fn no_thread(&self, cause: std::io::Error) -> SourceError {
        SourceError::new(&self.name, SourceErrorKind::Unavailable, &cause)
            .in_words("the system gave no thread to work on the file")
            .because(cause)
    }
}

impl KeySource for FileSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn fetch<'a>(&'a self, known_version: Option<&'a str>) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        Box::pin(async move {
            let (name, path) = (self.name.clone(), self.path.clone());
            let read = move || {
                Ok(read::document(&path).map_err(|cause| explain::error(&name, &path, explain::Step::Read, cause)))
            };
            let mut bytes = self.reads.run(read).await.map_err(|cause| self.no_thread(cause))??;
            let version = write::version(&bytes);
            if known_version == Some(version.as_str()) {
                return Ok(Fetched::Unchanged);
            }
            Fetched::from_bytes(&self.name, std::mem::take(&mut *bytes), Some(version))
        })
    }

    #[cfg(feature = "watch")]
    fn changed(&self) -> BoxFuture<'_, ()> {
        match &self.watch {
            Some(watch) => watch.changed(&self.name),
            None => Box::pin(std::future::pending()),
        }
    }
}

impl WritableSource for FileSource {
    /// Writes a new file of mode 0600 in the same folder, with the old file's owner and mode if there is one, and renames it into place, so
    /// that no reader ever sees half a document. A symbolic link stays, and its target is replaced.
    ///
    /// Writers exclude each other by a lock on `.NAME.lock`, which ends with its process. A second writer waits for up to two seconds, and
    /// is then refused with [`SourceErrorKind::Conflict`].
    fn store<'a>(
        &'a self,
        document: &'a SecretString,
        expected_version: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<String>, SourceError>> {
        Box::pin(async move {
            let (name, path, document) = (self.name.clone(), self.path.clone(), document.clone());
            let expected = expected_version.map(ToOwned::to_owned);
            let write = move || {
                Ok(write::replace(&path, &document, expected.as_deref()).map_err(|refused| refused.explained(&name)))
            };
            self.writes.run(write).await.map_err(|cause| self.no_thread(cause))?.map(Some)
        })
    }
}

impl KeyRing {
    /// Reads the ring from a file with a bare root key or a ring document.
    ///
    /// # Security
    ///
    /// Give the file mode 0400 or 0600, owned by the service's user.
    ///
    /// # Errors
    ///
    /// [`RingError`] says what is missing or wrong.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::RootKey;
    /// use oauth_state::KeyRing;
    ///
    /// let path = std::env::temp_dir().join(format!("ring-{}", std::process::id()));
    /// std::fs::write(&path, RootKey::generate()?.to_secret_text().expose())?;
    /// assert_eq!(KeyRing::from_file(&path)?.serial(), 0);
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, RingError> {
        let path = path.as_ref();
        let bytes = read::document(path).map_err(|source| RingError::File { path: path.to_owned(), source })?;
        text_of(&bytes)?.parse()
    }
}
