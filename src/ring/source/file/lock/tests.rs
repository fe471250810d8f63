use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::*;

#[test]
fn of_many_writers_one_holds_the_lock_at_a_time_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".ring.json.lock");
    let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let lock = Lock::take(&path).ok().unwrap();
                    most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
                    thread::yield_now();
                    inside.fetch_sub(1, SeqCst);
                    drop(lock);
                }
            });
        }
    });
    assert_eq!((most.load(SeqCst), path.exists()), (1, false));
}

/// A second rotation was refused at once, although the first one takes milliseconds.
#[test]
fn a_writer_waits_for_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".ring.json.lock");
    let first = Lock::take(&path).ok().unwrap();
    assert!(Lock::is_held(&path));
    thread::scope(|scope| {
        let second = scope.spawn(|| Lock::take(&path).is_ok());
        thread::sleep(PAUSE);
        drop(first);
        assert!(second.join().unwrap());
    });
}

#[test]
fn a_lock_that_is_held_is_waited_for_briefly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".ring.json.lock");
    let _first = Lock::take(&path).ok().unwrap();
    let asked = std::time::Instant::now();
    assert!(matches!(Lock::take(&path), Err(NotLocked::Held)));
    assert!((2..6).contains(&asked.elapsed().as_secs()), "{:?}", asked.elapsed());
}

/// The file of a killed writer, or of an older release, locks nothing.
#[test]
fn a_lock_file_without_a_process_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".ring.json.lock");
    fs::write(&path, "").unwrap();
    assert!(!Lock::is_held(&path));
    drop(Lock::take(&path).ok().unwrap());
    assert!(!path.exists());
}

/// Where others may write in the folder, they choose what has that name.
#[cfg(unix)]
#[test]
fn a_lock_that_is_a_link_or_a_fifo_is_refused_and_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".ring.json.lock");
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &path).unwrap();
    assert!(matches!(Lock::take(&path), Err(NotLocked::Io(_))));
    assert!(!folder.path().join("elsewhere").exists());
    fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    assert!(matches!(Lock::take(&path), Err(NotLocked::Io(_))));
}
