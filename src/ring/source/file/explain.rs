//! Errors of the file system in words of files: a path, a disk, an owner; and not of a store's credentials and network.

use std::borrow::Cow;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::read::NotRegular;
use crate::ring::source::{SourceError, SourceErrorKind};

/// The step that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Read,
    /// Taking the lock for writers.
    Lock,
    /// Writing the new file next to the old one.
    Write,
    /// Giving the new file the owner and the mode of the old one.
    Own,
    /// Renaming the new file into place.
    Rename,
}

impl Step {
    const fn words(self) -> &'static str {
        match self {
            Self::Read => "failed to read the file",
            Self::Lock => "failed to lock it for writing",
            Self::Write => "failed to write the new file next to it",
            Self::Own => "failed to give the new file the owner and the mode of the old one",
            Self::Rename => "failed to rename the new file into place",
        }
    }

    const fn writes(self) -> bool {
        !matches!(self, Self::Read)
    }
}

pub(super) fn error(name: &str, path: &Path, step: Step, cause: io::Error) -> SourceError {
    let (kind, words, remedy) = explain(path, step, &cause);
    let words: Cow<'static, str> = if step.writes() { format!("{}: {words}", step.words()).into() } else { words };
    let error = SourceError::new(name, kind, &cause).in_words(words).because(cause);
    match remedy {
        Some(remedy) => error.with_remedy(remedy),
        None => error,
    }
}

type Explained = (SourceErrorKind, Cow<'static, str>, Option<Cow<'static, str>>);

fn explain(path: &Path, step: Step, cause: &io::Error) -> Explained {
    use SourceErrorKind as Kind;
    let folder = folder_of(path).display();
    let said = |kind, words: &'static str, remedy: &'static str| (kind, words.into(), Some(remedy.into()));
    if cause.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<NotRegular>) {
        let remedy = "give the path of a regular file; the command line reads a pipe as `-`, from standard input";
        return said(Kind::Misconfigured, "it cannot hold a ring", remedy);
    }
    if is_loop(cause) {
        return said(Kind::Misconfigured, "its symbolic links lead in a circle", "fix the links");
    }
    match cause.kind() {
        ErrorKind::NotFound => missing(path, step),
        ErrorKind::NotADirectory => said(Kind::Missing, "a part of its path is a file, not a folder", "fix the path"),
        ErrorKind::PermissionDenied => (Kind::Denied, denied(path, step), Some(allow(path, step))),
        ErrorKind::ReadOnlyFilesystem => said(
            Kind::Denied,
            "the file system is read-only",
            "write the ring where it is mounted for writing, or take the new document with --out -",
        ),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (
            Kind::Unavailable,
            "the disk, or this user's share of it, is full".into(),
            Some(format!("free some space in {folder}; the ring is as it was").into()),
        ),
        _ if step.writes() => {
            let remedy = format!("check the file system of {folder}; the ring is as it was");
            (Kind::Unavailable, "an input or output error".into(), Some(remedy.into()))
        }
        _ => {
            let remedy = format!("it is tried again; if this persists, check the disk or the mount of {folder}");
            (Kind::Unavailable, "an input or output error".into(), Some(remedy.into()))
        }
    }
}

fn missing(path: &Path, step: Step) -> Explained {
    let folder = folder_of(path);
    if !folder.exists() {
        let words = format!("its folder {} does not exist", folder.display());
        return (
            SourceErrorKind::Missing,
            words.into(),
            Some("fix the path, or check that the volume is mounted".into()),
        );
    }
    if let Ok(target) = std::fs::read_link(path) {
        let words = format!("it is a symbolic link to {}, which does not exist", target.display());
        return (SourceErrorKind::Missing, words.into(), Some("fix the link, or write a ring where it leads".into()));
    }
    let remedy = match step {
        Step::Read => "write a ring there (oauth-state keys generate), or fix the path",
        _ => "another process removed a file here meanwhile; run it again",
    };
    (SourceErrorKind::Missing, "there is no such file".into(), Some(remedy.into()))
}

/// Names the two users and the mode, because those are what an operator compares.
#[cfg(unix)]
fn denied(path: &Path, step: Step) -> Cow<'static, str> {
    use std::os::unix::fs::MetadataExt;
    let user = rustix::process::geteuid().as_raw();
    let of_file = matches!(step, Step::Read | Step::Own);
    let looked_at = if of_file { path } else { folder_of(path) };
    match std::fs::metadata(looked_at) {
        Ok(metadata) => {
            let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
            let what = if of_file { "the file" } else { "the folder" };
            format!("permission denied: this process runs as user {user}, and {what} belongs to user {owner} with mode {mode:04o}")
                .into()
        }
        Err(_) => format!("permission denied: this process runs as user {user}, which cannot enter the folder").into(),
    }
}

#[cfg(not(unix))]
fn denied(_: &Path, _: Step) -> Cow<'static, str> {
    "permission denied".into()
}

fn allow(path: &Path, step: Step) -> Cow<'static, str> {
    match step {
        Step::Read => "give this user the right to read the file and to enter its folder".into(),
        Step::Own => "run this as root or as the owner of the file".into(),
        Step::Lock => format!(
            "give this user the right to write in {}; if a lock file of another user is left there, remove it",
            folder_of(path).display()
        )
        .into(),
        Step::Write | Step::Rename => {
            format!("give this user the right to write in {}", folder_of(path).display()).into()
        }
    }
}

#[cfg(unix)]
fn is_loop(cause: &io::Error) -> bool {
    cause.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_loop(_: &io::Error) -> bool {
    false
}

pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
