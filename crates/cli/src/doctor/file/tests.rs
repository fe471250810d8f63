use super::*;
use crate::doctor::Level;

const WELL: Facts = Facts { mode: 0o600, owner: 1000, folder_mode: Some(0o755), user: Some(1000) };

fn judged(facts: &Facts) -> Vec<(&'static str, Level)> {
    facts.judge(Path::new("ring.json")).iter().map(|check| (check.name, check.level)).collect()
}

#[test]
fn keys_are_for_their_owner_and_a_group_that_reads() {
    for (mode, level) in [
        (0o400, Level::Ok),
        (0o600, Level::Ok),
        (0o440, Level::Ok),
        (0o640, Level::Ok),
        (0o604, Level::Warning),
        (0o644, Level::Warning),
        (0o620, Level::Error),
        (0o602, Level::Error),
        (0o666, Level::Error),
    ] {
        assert_eq!(judged(&Facts { mode, ..WELL }), [("file_mode", level)], "{mode:o}");
    }
}

#[test]
fn a_file_of_another_user_is_told_unless_one_of_the_two_is_root() {
    let owned = |owner, user| judged(&Facts { owner, user, ..WELL }).len() == 2;
    assert!(owned(1001, Some(1000)));
    assert!(!owned(0, Some(1000)) && !owned(1001, Some(0)) && !owned(1000, Some(1000)) && !owned(1001, None));
}

#[test]
fn a_folder_in_which_others_rename_is_told() {
    let told = |mode| judged(&Facts { folder_mode: Some(mode), ..WELL }).contains(&("folder_mode", Level::Warning));
    assert!(told(0o777) && told(0o775) && told(0o757));
    assert!(!told(0o755) && !told(0o1777));
}

/// An attacker who can replace the link chooses the ring.
#[cfg(unix)]
#[test]
fn a_link_in_a_folder_in_which_others_rename_is_told() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let [open, closed] = ["open", "closed"].map(|name| folder.path().join(name));
    for (path, mode) in [(&open, 0o777), (&closed, 0o700)] {
        std::fs::create_dir(path).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    std::fs::write(closed.join("ring.json"), "").unwrap();
    symlink(closed.join("ring.json"), open.join("ring.json")).unwrap();
    let told = |path: &Path| file(path).iter().any(|check| check.name == "folder_mode");
    assert!(told(&open.join("ring.json")) && !told(&closed.join("ring.json")));
}

/// The source reports a missing file.
#[test]
fn no_file_has_no_mode() {
    assert!(file(Path::new("/no/such/ring.json")).is_empty());
}
