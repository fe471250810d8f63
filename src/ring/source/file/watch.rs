//! File change notifications from the operating system.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use crate::future::BoxFuture;

/// The time for a writer to finish, so that one change is read once.
const SETTLE: Duration = Duration::from_millis(20);
/// The link that Kubernetes renames into place when a mounted secret changes; then no event names the file itself.
const KUBERNETES_DATA: &str = "..data";

/// A watch on the folder of a file. The file itself cannot be watched, because a rename replaces it.
#[derive(Debug)]
pub(super) struct Watch {
    folder: PathBuf,
    file: PathBuf,
    heard: Arc<Notify>,
    /// Made on first use, and again if the folder has been replaced.
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    watcher: Option<RecommendedWatcher>,
    folder: Option<FolderIdentity>,
    /// The warning is logged once, not at every refresh.
    warned: bool,
}

/// Distinguishes a folder from another one that took its name.
type FolderIdentity = (u64, u64);

fn identity(folder: &Path) -> Option<FolderIdentity> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(folder).ok().map(|metadata| (metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        folder.is_dir().then_some((0, 0))
    }
}

impl Watch {
    pub(super) fn new(path: &Path) -> Self {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        Self { folder, file: path.to_owned(), heard: Arc::default(), running: Mutex::default() }
    }

    pub(super) fn changed(&self, source_name: &str) -> BoxFuture<'_, ()> {
        self.start(source_name);
        Box::pin(async {
            self.heard.notified().await;
            tokio::time::sleep(SETTLE).await;
        })
    }

    /// Watches the folder unless it is watched already. After a failure the refresh interval remains, and watching is tried again.
    fn start(&self, source_name: &str) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = identity(&self.folder);
        if running.watcher.is_some() && folder.is_some() && running.folder == folder {
            return;
        }
        let had_none = running.folder.is_none();
        running.watcher = None;
        match self.watcher() {
            Ok(watcher) => {
                *running = Running { watcher: Some(watcher), folder, warned: false };
                // Another folder took this one's place: changes in between went unnoticed.
                if !had_none {
                    self.heard.notify_one();
                }
            }
            Err(error) => {
                if !running.warned {
                    tracing::warn!(source = source_name, %error, "failed to watch the folder; the file is read at every refresh");
                    running.warned = true;
                }
            }
        }
    }

    fn watcher(&self) -> notify::Result<RecommendedWatcher> {
        let (heard, file) = (Arc::clone(&self.heard), self.file.file_name().map(ToOwned::to_owned));
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let concerns = |event: &Event| {
                let named = |path: &PathBuf| {
                    path.file_name().is_some_and(|name| Some(name) == file.as_deref() || name == KUBERNETES_DATA)
                };
                is_change(event.kind) && (event.paths.is_empty() || event.paths.iter().any(named))
            };
            // After an error, events may be missing.
            if event.as_ref().map_or(true, |event| event.need_rescan() || concerns(event)) {
                heard.notify_one();
            }
        })?;
        watcher.watch(&self.folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    }
}

/// Reading the file causes events as well; treating them as changes would never end.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) => true,
        EventKind::Any | EventKind::Other => true,
    }
}
