//! File change notifications from the operating system.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::explain::folder_of;
use crate::future::BoxFuture;
use crate::ring::source::background::Background;

/// The time for a writer to finish, so that one change is read once.
const SETTLE: Duration = Duration::from_millis(20);
/// The link that Kubernetes renames into place when a mounted secret changes; then no event names the file itself.
const KUBERNETES_DATA: &str = "..data";

/// A watch on the folder of a file, and on that of a file in another folder to which it links. The file itself cannot be watched, because
/// a rename replaces it.
#[derive(Debug)]
pub(super) struct Watch {
    starts: Background,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: PathBuf,
    heard: Arc<Notify>,
    /// Made on first use, and again if a folder has been replaced.
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    watcher: Option<RecommendedWatcher>,
    folders: Vec<Option<FolderIdentity>>,
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
        let inner = Inner { file: path.to_owned(), heard: Arc::default(), running: Mutex::default() };
        Self { starts: Background::default(), inner: Arc::new(inner) }
    }

    pub(super) fn changed(&self, source_name: &str) -> BoxFuture<'_, ()> {
        let (inner, name) = (Arc::clone(&self.inner), source_name.to_owned());
        // On a thread: looking at a folder of a dead mount never returns.
        if let Err(error) = self.starts.start_if_idle(move || inner.start(&name)) {
            tracing::warn!(source = source_name, %error, "failed to watch the folder; the file is read at every refresh");
        }
        Box::pin(async {
            self.inner.heard.notified().await;
            tokio::time::sleep(SETTLE).await;
        })
    }
}

impl Inner {
    /// Watches the folders unless they are watched already. After a failure the refresh interval remains, and watching is tried again.
    fn start(&self, source_name: &str) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let places = self.places();
        let folders: Vec<_> = places.iter().map(|(folder, _)| identity(folder)).collect();
        if running.watcher.is_some() && folders.first().is_some_and(Option::is_some) && running.folders == folders {
            return;
        }
        let had_none = running.folders.is_empty();
        running.watcher = None;
        match self.watcher(&places) {
            Ok(watcher) => {
                *running = Running { watcher: Some(watcher), folders, warned: false };
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

    /// The folder of the path, and, for a link into another folder, that of its final target; each with the file's name there.
    fn places(&self) -> Vec<(PathBuf, Option<OsString>)> {
        let name = |path: &Path| path.file_name().map(ToOwned::to_owned);
        let named = folder_of(&self.file);
        let mut places = vec![(named.to_owned(), name(&self.file))];
        if let (Ok(target), Ok(named)) = (std::fs::canonicalize(&self.file), std::fs::canonicalize(named)) {
            // Below the named folder are the versions of a Kubernetes secret, each of which is written once.
            if let Some(folder) = target.parent().filter(|folder| !folder.starts_with(&named)) {
                places.push((folder.to_owned(), name(&target)));
            }
        }
        places
    }

    fn watcher(&self, places: &[(PathBuf, Option<OsString>)]) -> notify::Result<RecommendedWatcher> {
        let heard = Arc::clone(&self.heard);
        let names: Vec<OsString> = places.iter().filter_map(|(_, name)| name.clone()).collect();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let concerns = |event: &Event| {
                let named = |path: &PathBuf| {
                    path.file_name()
                        .is_some_and(|name| names.iter().any(|ours| ours == name) || name == KUBERNETES_DATA)
                };
                is_change(event.kind) && (event.paths.is_empty() || event.paths.iter().any(named))
            };
            // After an error, events may be missing.
            if event.as_ref().map_or(true, |event| event.need_rescan() || concerns(event)) {
                heard.notify_one();
            }
        })?;
        for (folder, _) in places {
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
        }
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
