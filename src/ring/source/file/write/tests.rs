use super::*;

fn text(content: &str) -> SecretString {
    SecretString::from(content.to_owned())
}

#[test]
fn only_the_expected_version_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.json");
    let first = replace(&path, &text("one"), None).ok().unwrap();
    assert!(matches!(replace(&path, &text("two"), None), Err(Refused::OtherVersion)));
    assert!(matches!(replace(&path, &text("two"), Some("0123456789abcdef")), Err(Refused::OtherVersion)));
    let second = replace(&path, &text("two"), Some(&first)).ok().unwrap();
    assert_ne!(first, second);
    assert_eq!(fs::read_to_string(&path).unwrap(), "two");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "neither a lock nor a second copy is left");
}

#[test]
fn a_writer_that_is_at_work_is_not_disturbed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.json");
    let lock = Lock::take(&folder.path().join(".ring.json.lock")).ok().unwrap();
    fs::write(folder.path().join(".ring.json.new"), "").unwrap();
    assert_eq!(leftovers(&path), [""; 0].map(PathBuf::from));
    let refused = replace(&path, &text("one"), None).err().unwrap();
    assert!(!path.exists());
    let said = refused.explained("the file ring.json").to_string();
    assert!(said.contains("another writer holds the lock"), "{said}");
    drop(lock);
    assert_eq!(replace(&path, &text("one"), None).ok(), Some(version(b"one")));
}

/// A kill left a lock that refused every later rotation, and a copy of the keys that no command named.
#[test]
fn what_a_killed_writer_leaves_is_named_and_does_not_stop_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.json");
    let [lock, copy] =
        [".ring.json.lock", ".ring.json.new"].map(|name| folder.path().canonicalize().unwrap().join(name));
    let first = replace(&path, &text("one"), None).ok().unwrap();
    fs::write(&lock, "").unwrap();
    fs::write(&copy, "half of tw").unwrap();
    assert_eq!(leftovers(&path), [lock, copy]);
    replace(&path, &text("two"), Some(&first)).ok().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "two");
    assert_eq!(leftovers(&path), [""; 0].map(PathBuf::from));
}

#[cfg(unix)]
#[test]
fn keys_are_for_their_owner_alone_and_a_mode_that_was_set_stays() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.json");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let first = replace(&path, &text("one"), None).ok().unwrap();
    assert_eq!(mode(&path), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    replace(&path, &text("two"), Some(&first)).ok().unwrap();
    assert_eq!(mode(&path), 0o640);
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("real.json"), folder.path().join("ring.json"));
    let first = replace(&path, &text("one"), None).ok().unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    replace(&link, &text("two"), Some(&first)).ok().unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&path).unwrap(), "two");
}
