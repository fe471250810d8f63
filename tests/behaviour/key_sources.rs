//! Sources of the core under the suite for all sources, and files that change in all possible ways.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use oauth_state::error::BoxError;
use oauth_state::ring::source::{
    EnvSource, Fetched, FileSource, KeySource, SourceError, SourceErrorKind, WritableSource, source_fn,
};
use oauth_state::ring::{KeyRingDocument, Refresh, RingError, RingTiming};
use oauth_state::testing::{SourceStage, SourceTrouble, source_suite, writable_source_suite};
use oauth_state::{BoxFuture, KeyRing, LiveKeyRing};

/// With its clock enabled.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

struct FileStage(PathBuf);

impl SourceStage for FileStage {
    fn publish<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<bool, BoxError>> {
        Box::pin(async move { Ok(fs::write(&self.0, text).map(|()| true)?) })
    }

    fn begin(&self, trouble: SourceTrouble) -> BoxFuture<'_, Result<bool, BoxError>> {
        Box::pin(async move {
            match trouble {
                SourceTrouble::Deleted => Ok(fs::remove_file(&self.0).map(|()| true)?),
                // This test may run as root, who can read everything.
                _ => Ok(false),
            }
        })
    }

    fn end(&self, _: SourceTrouble) -> BoxFuture<'_, Result<bool, BoxError>> {
        Box::pin(async { Ok(true) })
    }
}

#[test]
fn a_file_passes_the_suites() {
    let folder = tempfile::tempdir().unwrap();
    for (name, watched) in [("polled.json", false), ("watched.json", true)] {
        let path = folder.path().join(name);
        let source = if watched { FileSource::new(&path).watch() } else { FileSource::new(&path) };
        let report = runtime().block_on(source_suite(source, &FileStage(path))).unwrap();
        assert_eq!(report.troubles, [SourceTrouble::Deleted]);
    }
    let written = FileSource::new(folder.path().join("written.json"));
    runtime().block_on(writable_source_suite(&written)).unwrap();
}

/// In place of the caller's client: a text, or its current trouble.
#[derive(Clone)]
struct OwnClient(Arc<Mutex<Result<String, SourceTrouble>>>);

impl OwnClient {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Err(SourceTrouble::Deleted))))
    }
}

impl SourceStage for OwnClient {
    fn publish<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<bool, BoxError>> {
        *self.0.lock().unwrap() = Ok(text.to_owned());
        Box::pin(async { Ok(true) })
    }

    fn begin(&self, trouble: SourceTrouble) -> BoxFuture<'_, Result<bool, BoxError>> {
        *self.0.lock().unwrap() = Err(trouble);
        Box::pin(async { Ok(true) })
    }

    fn end(&self, _: SourceTrouble) -> BoxFuture<'_, Result<bool, BoxError>> {
        Box::pin(async { Ok(true) })
    }
}

#[test]
fn a_closure_over_the_caller_s_own_client_passes_the_suite() {
    let client = OwnClient::new();
    let stage = client.clone();
    let source = source_fn("our vault", move || {
        let answer = client.0.lock().unwrap().clone();
        async move {
            answer.map_err(|trouble| match trouble {
                SourceTrouble::Deleted => SourceError::new("our vault", SourceErrorKind::Missing, "no such row").into(),
                SourceTrouble::Denied => SourceError::new("our vault", SourceErrorKind::Denied, "403").into(),
                _ => std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into(),
            })
        }
    });
    let report = runtime().block_on(source_suite(source, &stage)).unwrap();
    assert_eq!(report.troubles.len(), 3);
}

/// The suite can fail: a source with a stale cache looks good until a document changes.
#[test]
fn the_suite_finds_a_source_that_answers_from_a_cache() {
    let client = OwnClient::new();
    let stage = client.clone();
    let cached = Mutex::new(None);
    let source = source_fn("a cache", move || {
        let mut cached = cached.lock().unwrap();
        let text = cached.get_or_insert_with(|| client.0.lock().unwrap().clone().unwrap()).clone();
        async move { Ok(text) }
    });
    let fault = runtime().block_on(source_suite(source, &stage)).unwrap_err();
    assert!(fault.to_string().contains("a new document came as Unchanged"), "{fault}");
}

fn first() -> KeyRingDocument {
    KeyRingDocument::first(RingTiming::default(), SystemTime::now()).unwrap()
}

fn next(document: &KeyRingDocument) -> KeyRingDocument {
    // One day per step, so that keys retire and the document stays small.
    let day = Duration::from_secs(86_400) * u32::try_from(document.serial()).unwrap();
    document.rotate(SystemTime::now() + day).unwrap().document
}

/// The time until a change is in use; the one-minute interval plays no role.
async fn in_use(keys: &LiveKeyRing, document: &KeyRingDocument) -> Duration {
    let (started, expected) = (Instant::now(), document.ring().fingerprint());
    while keys.fingerprint() != expected {
        assert!(started.elapsed() < Duration::from_secs(20), "not seen: {:?}", keys.status());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    started.elapsed()
}

async fn watched(path: &Path, clock_day: &oauth_state::testing::ManualClock) -> LiveKeyRing {
    let refresh = Refresh::every(Duration::from_secs(60)).clock(clock_day.clone());
    let (keys, refresher) = LiveKeyRing::load(FileSource::new(path).watch(), refresh).await.unwrap();
    tokio::spawn(refresher.run());
    tokio::time::sleep(Duration::from_millis(50)).await;
    keys
}

fn clock() -> oauth_state::testing::ManualClock {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    oauth_state::testing::ManualClock::at(now)
}

/// Changes the file with `change` a few times and waits for each to be in use.
fn every_change_is_seen(path: &Path, prepare: impl Fn(&str), change: impl Fn(&str)) {
    runtime().block_on(async {
        let mut document = first();
        prepare(document.to_secret_text().expose());
        let clock = clock();
        let keys = watched(path, &clock).await;
        for _ in 0..10 {
            document = next(&document);
            clock.advance(Duration::from_secs(86_400));
            change(document.to_secret_text().expose());
            in_use(&keys, &document).await;
        }
    });
}

#[test]
fn a_rename_into_place_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (path, beside) = (folder.path().join("ring.json"), folder.path().join("ring.json.new"));
    let write = |text: &str| {
        fs::write(&beside, text).unwrap();
        fs::rename(&beside, &path).unwrap();
    };
    every_change_is_seen(&path, write, write);
}

/// A half-written file is refused, and read again when it is complete.
#[test]
fn a_write_in_place_is_seen_whole() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.json");
    let write = |text: &str| {
        let (one, other) = text.split_at(text.len() / 2);
        let mut file = fs::File::create(&path).unwrap();
        file.write_all(one.as_bytes()).unwrap();
        file.flush().unwrap();
        std::thread::sleep(Duration::from_millis(30));
        file.write_all(other.as_bytes()).unwrap();
    };
    every_change_is_seen(&path, write, write);
}

/// How the kubelet changes a mounted secret: a new folder, and the link `..data` renamed onto the old one. No event
/// names the file.
#[test]
fn a_kubernetes_swap_is_seen() {
    let volume = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    let swap = |text: &str| {
        count.set(count.get() + 1);
        let version = format!("..2026_11_24_12_00_00.{}", count.get());
        fs::create_dir(volume.path().join(&version)).unwrap();
        fs::write(volume.path().join(&version).join("ring.json"), text).unwrap();
        symlink(&version, volume.path().join("..data_tmp")).unwrap();
        let old = fs::read_link(volume.path().join("..data")).ok();
        fs::rename(volume.path().join("..data_tmp"), volume.path().join("..data")).unwrap();
        if let Some(old) = old {
            fs::remove_dir_all(volume.path().join(old)).unwrap();
        }
    };
    let prepare = |text: &str| {
        swap(text);
        symlink("..data/ring.json", volume.path().join("ring.json")).unwrap();
    };
    every_change_is_seen(&volume.path().join("ring.json"), prepare, swap);
}

/// A deployment that replaces the whole folder.
#[test]
fn a_folder_that_is_replaced_is_watched_anew() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("secrets");
    fs::create_dir(&folder).unwrap();
    let path = folder.join("ring.json");
    runtime().block_on(async {
        let mut document = first();
        fs::write(&path, document.to_secret_text().expose()).unwrap();
        let clock = clock();
        let keys = watched(&path, &clock).await;
        fs::rename(&folder, parent.path().join("old")).unwrap();
        fs::create_dir(&folder).unwrap();
        document = next(&document);
        clock.advance(Duration::from_secs(86_400));
        fs::write(&path, document.to_secret_text().expose()).unwrap();
        // There is no event; the next refresh finds it, and the new folder is watched from then on.
        keys.reload_now();
        in_use(&keys, &document).await;
        document = next(&document);
        clock.advance(Duration::from_secs(86_400));
        fs::write(&path, document.to_secret_text().expose()).unwrap();
        in_use(&keys, &document).await;
    });
}

/// A link into another folder, such as one of a volume: only the folder of the link was watched.
#[test]
fn a_change_behind_a_link_into_another_folder_is_seen() {
    let (folder, volume) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (link, target) = (folder.path().join("ring.json"), volume.path().join("current.json"));
    symlink(&target, &link).unwrap();
    let beside = volume.path().join("current.json.new");
    let write = |text: &str| {
        fs::write(&beside, text).unwrap();
        fs::rename(&beside, &target).unwrap();
    };
    every_change_is_seen(&link, write, write);
}

/// The start timed out, printed nothing, and the process never ended: the runtime waited for the read.
#[test]
fn a_service_whose_ring_is_a_fifo_says_so_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.json");
    mkfifo(&path);
    let started = Instant::now();
    let runtime = runtime();
    let error = runtime.block_on(LiveKeyRing::load(FileSource::new(&path).watch(), Refresh::default())).unwrap_err();
    drop(runtime);
    assert_eq!(error.kind(), SourceErrorKind::Misconfigured);
    assert!(error.to_string().contains("it is a FIFO (a named pipe), not a regular file"), "{error}");
    assert!(KeyRing::from_file(&path).is_err() && KeyRing::from_file("/dev/zero").is_err());
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

/// A running service leaked one blocked thread with every refresh.
#[test]
fn a_file_that_becomes_a_fifo_costs_no_thread_and_the_ring_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.json");
    let document = first();
    fs::write(&path, document.to_secret_text().expose()).unwrap();
    let threads = || {
        fs::read_dir("/proc/self/task").unwrap().flatten().filter(|task| name_of(&task.path()) == FILE_THREAD).count()
    };
    let runtime = runtime();
    runtime.block_on(async {
        let (keys, mut refresher) = LiveKeyRing::load(FileSource::new(&path), Refresh::default()).await.unwrap();
        fs::remove_file(&path).unwrap();
        mkfifo(&path);
        for _ in 0..50 {
            let error = refresher.refresh().await.unwrap_err();
            assert!(error.to_string().contains("FIFO"), "{error}");
        }
        assert_eq!((keys.fingerprint(), keys.status().failed), (document.ring().fingerprint(), 50));
        // Other tests read files at the same time.
        assert!(threads() < 25, "{} threads", threads());
        fs::remove_file(&path).unwrap();
        fs::write(&path, document.to_secret_text().expose()).unwrap();
        assert!(refresher.refresh().await.is_ok());
    });
}

/// As the kernel shows it, cut off after 15 characters.
const FILE_THREAD: &str = "oauth-state-fil";

fn name_of(task: &Path) -> String {
    fs::read_to_string(task.join("comm")).unwrap_or_default().trim().to_owned()
}

fn mkfifo(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Many writes to other files in the folder must not make the task read all the time.
#[test]
fn what_happens_to_other_files_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.json");
    fs::write(&path, first().to_secret_text().expose()).unwrap();
    runtime().block_on(async {
        let source = FileSource::new(&path).watch();
        let mut changed = source.changed();
        for number in 0..50 {
            fs::write(folder.path().join(format!("other-{number}")), "x").unwrap();
            fs::read(&path).unwrap();
        }
        let heard = tokio::time::timeout(Duration::from_millis(300), &mut changed).await;
        assert!(heard.is_err(), "reading the file, or another file, is no change");
        fs::write(&path, "y").unwrap();
        assert!(tokio::time::timeout(Duration::from_secs(5), &mut changed).await.is_ok());
    });
}

/// Readers while a writer replaces the file as fast as it can: none of them ever sees half a document.
#[test]
fn a_file_that_is_replaced_under_load_is_never_seen_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.json");
    runtime().block_on(async {
        let writer = FileSource::new(&path);
        let mut document = first();
        let mut version = writer.store(&document.to_secret_text(), None).await.unwrap();
        let clock = clock();
        let keys = watched(&path, &clock).await;
        for _ in 0..200 {
            document = next(&document);
            clock.advance(Duration::from_secs(86_400));
            version = writer.store(&document.to_secret_text(), version.as_deref()).await.unwrap();
            assert!(KeyRing::from_file(&path).is_ok());
            tokio::task::yield_now().await;
        }
        in_use(&keys, &document).await;
        assert_eq!(keys.status().refused, 0, "{:?}", keys.status());
    });
}

/// The content of an error: which source, its response, and what to do.
#[test]
fn an_error_of_a_file_says_which_why_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let error = runtime().block_on(FileSource::new(folder.path()).fetch(None)).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Misconfigured);
    let missing = folder.path().join("none.json");
    let error = runtime().block_on(FileSource::new(&missing).fetch(None)).unwrap_err().to_string();
    assert!(error.starts_with(&format!("the file {}: there is no such file (", missing.display())), "{error}");
    assert!(error.contains("oauth-state keys generate"), "{error}");
}

/// A document that revokes a leaked key, in forms that do not parse.
fn revoking(document: &KeyRingDocument) -> Vec<(&'static str, Vec<u8>)> {
    let (leaked, _) = document.ring().roles(SystemTime::now()).next().unwrap();
    let next = document.revoke(leaked, SystemTime::now()).unwrap().document.with_note(leaked, "it was NAMED").unwrap();
    let text = next.to_secret_text().expose().to_owned();
    let (before, after) = text.split_at(text.find("NAMED").unwrap());
    let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let last = text.replacen("\"revoked\"", "\"revokd\"", 1);
    let late =
        format!("{}{}, \"revoked\": [\"{leaked}\"]}}", last.trim_end().trim_end_matches('}'), " ".repeat(70_000));
    vec![
        ("in Latin-1", [before.as_bytes(), b"gel\xf6scht ", after.as_bytes()].concat()),
        ("in UTF-16 with a mark", [&[0xff, 0xfe][..], &utf_16].concat()),
        ("in UTF-16", utf_16),
        ("cut off", before.as_bytes().to_vec()),
        ("too long", format!("{text}{}", " ".repeat(70_000)).into_bytes()),
        ("too long, with its list at the end", late.into_bytes()),
        ("cut off inside a character of a long note", format!("{before}{}", "\u{20ac}".repeat(400_000)).into_bytes()),
    ]
}

#[test]
fn a_file_that_is_refused_revokes_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.json");
    let document = first();
    for (name, bytes) in revoking(&document) {
        fs::write(&path, document.to_secret_text().expose()).unwrap();
        runtime().block_on(async {
            let (keys, mut refresher) = LiveKeyRing::load(FileSource::new(&path), Refresh::default()).await.unwrap();
            fs::write(&path, bytes).unwrap();
            let error = refresher.refresh().await.unwrap_err();
            assert_eq!(error.kind(), SourceErrorKind::Document, "{name}: {error}");
            let status = keys.status();
            assert_eq!((status.revoked, status.refused, status.failed), (1, 1, 0), "{name}: {error}");
            assert!(status.last_error.is_some_and(|said| !said.contains("osk1")), "{name}");
        });
    }
}

/// A file whose note names the active key, and that is refused for its encoding, fails no login.
#[test]
fn a_file_that_is_refused_and_revokes_nothing_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.json");
    let document = first();
    let (active, _) = document.ring().roles(SystemTime::now()).next().unwrap();
    let noted = document.clone().with_note(active, &format!("revoked: NAMED, not {active}")).unwrap().to_secret_text();
    let (before, after) = noted.expose().split_at(noted.expose().find("NAMED").unwrap());
    fs::write(&path, document.to_secret_text().expose()).unwrap();
    runtime().block_on(async {
        let (keys, mut refresher) = LiveKeyRing::load(FileSource::new(&path), Refresh::default()).await.unwrap();
        fs::write(&path, [before.as_bytes(), b"\xfc ", after.as_bytes()].concat()).unwrap();
        assert!(refresher.refresh().await.is_err());
        assert_eq!((keys.status().revoked, keys.status().refused), (0, 1));
    });
}

/// The variable of a child process, because this process's own cannot be set safely while other tests run.
#[test]
fn a_variable_that_is_no_text_tells_what_it_revokes() {
    use std::os::unix::ffi::OsStrExt;
    const VARIABLE: &str = "OAUTH_STATE_TEST_NO_TEXT";
    if std::env::var_os(VARIABLE).is_some() {
        let error = runtime().block_on(EnvSource::variable(VARIABLE).fetch(None)).unwrap_err();
        assert_eq!((error.kind(), error.revoked().len()), (SourceErrorKind::Document, 1), "{error}");
        assert!(matches!(KeyRing::from_variable(VARIABLE), Err(RingError::NotUtf8)));
        return;
    }
    let (_, latin_1) = revoking(&first()).swap_remove(0);
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "key_sources::a_variable_that_is_no_text_tells_what_it_revokes"])
        .env(VARIABLE, std::ffi::OsStr::from_bytes(&latin_1))
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert!(String::from_utf8_lossy(&child.stdout).contains("1 passed"));
}

/// A client that returns bytes, and a closure over it.
#[test]
fn a_closure_that_refuses_bytes_passes_their_revocations_on() {
    let document = first();
    let text = document.to_secret_text().expose().to_owned();
    let answers = Mutex::new(vec![revoking(&document).swap_remove(0).1, text.into_bytes()]);
    let source = source_fn("our vault", move || {
        let bytes = answers.lock().unwrap().pop().unwrap();
        async move {
            match Fetched::from_bytes("our vault", bytes, None)? {
                Fetched::Document { text, .. } => Ok(text.expose().to_owned()),
                _ => Err("nothing".into()),
            }
        }
    });
    runtime().block_on(async {
        let (keys, mut refresher) = LiveKeyRing::load(source, Refresh::default()).await.unwrap();
        assert!(refresher.refresh().await.unwrap_err().to_string().contains("not UTF-8"));
        assert_eq!(keys.status().revoked, 1);
    });
}

/// As docs/sources/first-ring.md shows it: insert unless present, then read back.
#[test]
fn servers_that_create_the_first_ring_at_once_share_one() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ring.json");
        let together = std::sync::Barrier::new(8);
        let boot = || {
            let source = FileSource::new(&path);
            together.wait();
            runtime().block_on(async {
                let stored = source.store(&first().to_secret_text(), None).await;
                let created =
                    stored.map_or_else(|error| (error.kind() == SourceErrorKind::Conflict).then_some(0), |_| Some(1));
                // The loser may find the winner still writing.
                let loaded = loop {
                    match LiveKeyRing::load(FileSource::new(&path), Refresh::default()).await {
                        Ok((keys, _)) => break keys.fingerprint(),
                        Err(error) if error.kind() == SourceErrorKind::Missing => {
                            tokio::time::sleep(Duration::from_millis(1)).await;
                        }
                        Err(error) => panic!("{error}"),
                    }
                };
                (created.unwrap(), loaded)
            })
        };
        let booted: Vec<(usize, String)> = std::thread::scope(|scope| {
            let servers: Vec<_> = (0..8).map(|_| scope.spawn(boot)).collect();
            servers.into_iter().map(|server| server.join().unwrap()).collect()
        });
        assert_eq!(booted.iter().map(|(created, _)| created).sum::<usize>(), 1);
        assert!(booted.iter().all(|(_, fingerprint)| *fingerprint == booted[0].1));
    }
}

/// The condition prevents this: the first server keeps a ring that no other one has, and refuses the one in the store.
#[test]
fn a_first_ring_that_overwrites_another_splits_the_servers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.json");
    let boot = |document: &KeyRingDocument| {
        fs::write(&path, document.to_secret_text().expose()).unwrap();
        runtime().block_on(LiveKeyRing::load(FileSource::new(&path), Refresh::default())).unwrap()
    };
    let ((one, mut refresher), (two, _)) = (boot(&first()), boot(&first()));
    let refused = runtime().block_on(refresher.refresh()).unwrap_err();
    assert!(std::error::Error::source(&refused).is_some_and(|cause| cause.to_string().contains("serial")), "{refused}");
    assert_ne!(one.fingerprint(), two.fingerprint());
}
