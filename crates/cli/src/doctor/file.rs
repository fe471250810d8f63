//! Who can read, change or replace a ring's file.

use std::path::Path;

use super::check::Check;

/// The file's mode and owner, and its folder's mode; none if the system has no modes, or the file does not exist.
#[must_use]
pub fn file(path: &Path) -> Vec<Check> {
    facts(path).map_or_else(Vec::new, |facts| facts.judge(path))
}

struct Facts {
    mode: u32,
    owner: u32,
    /// The folder of the file behind all links, or the named folder: the worse of the two.
    folder_mode: Option<u32>,
    /// The user of this process, if known.
    user: Option<u32>,
}

#[cfg(unix)]
fn facts(path: &Path) -> Option<Facts> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    let named = path.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let behind = std::fs::canonicalize(path).ok().and_then(|path| path.parent().map(Path::to_owned));
    let folders = [named.map(Path::to_owned), behind].into_iter().flatten();
    let modes: Vec<u32> = folders.filter_map(|folder| Some(std::fs::metadata(folder).ok()?.mode() & 0o7777)).collect();
    Some(Facts {
        mode: metadata.mode() & 0o7777,
        owner: metadata.uid(),
        folder_mode: modes.iter().copied().find(|mode| others_rename(*mode)).or(modes.first().copied()),
        user: std::fs::metadata("/proc/self").ok().map(|process| process.uid()),
    })
}

#[cfg(not(unix))]
fn facts(_: &Path) -> Option<Facts> {
    None
}

/// With the sticky bit, only its owner can rename a file.
fn others_rename(folder_mode: u32) -> bool {
    folder_mode & 0o022 != 0 && folder_mode & 0o1000 == 0
}

impl Facts {
    fn judge(&self, path: &Path) -> Vec<Check> {
        let Self { mode, owner, .. } = *self;
        let private = format!("chmod 600 {}", path.display());
        let mut checks = vec![if mode & 0o022 != 0 {
            let found = format!("the file has mode {mode:04o}: others than its owner can change the keys");
            Check::error("file_mode", found, private)
        } else if mode & 0o007 != 0 {
            let found = format!("the file has mode {mode:04o}: every user of this machine can reach the keys");
            Check::warning("file_mode", found, format!("chmod o-rwx {}", path.display()))
        } else if mode & 0o040 != 0 {
            // A separate writing user, and the service's group: docs/sources/file.md.
            Check::ok("file_mode", format!("the file has mode {mode:04o}: its owner and its group read it"))
        } else {
            Check::ok("file_mode", format!("the file has mode {mode:04o}"))
        }];
        // Root may manage the files of every user.
        if let Some(user) = self.user.filter(|user| *user != 0 && owner != 0 && *user != owner) {
            checks.push(Check::warning(
                "file_owner",
                format!("the file belongs to user {owner}, who can change the keys, and this runs as user {user}"),
                format!("run this as the service's user, or: chown {user} {}", path.display()),
            ));
        }
        if let Some(folder) = self.folder_mode.filter(|folder| others_rename(*folder)) {
            checks.push(Check::warning(
                "folder_mode",
                format!(
                    "the folder has mode {folder:04o}: others than its owner can put another file in the ring's place"
                ),
                "take their right to write away: chmod go-w on the folder",
            ));
        }
        checks
    }
}

#[cfg(test)]
mod tests;
