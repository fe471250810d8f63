//! Operations that go wrong: wrong clocks, repeated jobs, kills, pipes and hanging helpers.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::folder::{Folder, Told};

/// The command line by a clock that is wrong by this much, such as `+400d`.
fn by_clock(folder: &Folder, offset: &str, command: &str) -> Told {
    folder.run(&format!("faketime -f {offset} oauth-state {command}"))
}

/// Whether clocks can be faked here.
fn faketime() -> bool {
    let there = Command::new("faketime").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !there {
        println!("skipped: faketime not found; `scripts/test keys` installs it");
    }
    there
}

fn ring(folder: &Folder) -> serde_json::Value {
    folder.run("oauth-state keys list ring.json --json").value()
}

/// After one rotation on a computer 400 days ahead, later ones scheduled their keys 400 days ahead as well, with exit code 0.
#[test]
fn a_rotation_after_one_by_a_clock_ahead_is_refused() {
    if !faketime() {
        return;
    }
    for offset in ["+400d", "+10m", "+3h"] {
        let folder = Folder::new();
        folder.run("oauth-state keys generate --out ring.json");
        assert_eq!(by_clock(&folder, offset, "keys rotate ring.json").exit, 0, "nothing to compare with yet");
        let before = fs::read(folder.path("ring.json")).unwrap();
        for command in
            ["keys rotate ring.json", "keys rotate ring.json --dry-run", "keys rotate ring.json --if-older-than 30d"]
        {
            let told = folder.run(&format!("oauth-state {command}"));
            assert_eq!(told.exit, 6, "{offset}: {}", told.output);
            assert!(
                told.output.contains("was published in") && told.output.contains("--trust-this-clock"),
                "{}",
                told.output
            );
        }
        assert_eq!(fs::read(folder.path("ring.json")).unwrap(), before, "{offset}");
        let checked = folder.run("oauth-state keys check ring.json --deny-warnings");
        assert!(checked.exit == 1 && checked.output.contains("published_in_future"), "{offset}: {}", checked.output);
        // The named remedy works: the key is withdrawn, and the next rotation is scheduled by this clock.
        let id = ring(&folder)["keys"][1]["id"].as_str().unwrap().to_owned();
        assert_eq!(folder.run(&format!("oauth-state keys revoke ring.json {id}")).exit, 0);
        assert_eq!(folder.run("oauth-state keys rotate ring.json").exit, 0);
        assert_eq!(folder.run("oauth-state keys check ring.json --deny-warnings").exit, 0);
    }
}

#[test]
fn a_clock_that_is_right_after_all_can_be_trusted_by_name() {
    if !faketime() {
        return;
    }
    let folder = Folder::new();
    folder.run("oauth-state keys generate --out ring.json");
    by_clock(&folder, "+400d", "keys rotate ring.json");
    assert_eq!(folder.run("oauth-state keys rotate ring.json --trust-this-clock").exit, 0);
    assert_eq!(ring(&folder)["keys"].as_array().unwrap().len(), 3);
}

/// The new key sealed at once, before any other server had it, and `check` said that all is well.
#[test]
fn a_rotation_by_a_clock_behind_is_refused_or_found() {
    if !faketime() {
        return;
    }
    for offset in ["-10m", "-3h", "-2d"] {
        let folder = Folder::new();
        folder.run("oauth-state keys generate --out ring.json");
        for command in ["keys rotate ring.json", "keys revoke ring.json --all", "keys times ring.json --propagation 1h"]
        {
            let told = by_clock(&folder, offset, command);
            assert_eq!(told.exit, 6, "{offset}, {command}: {}", told.output);
        }
        let checked = by_clock(&folder, offset, "keys check ring.json --deny-warnings");
        assert!(checked.exit == 1 && checked.output.contains("published_in_future"), "{}", checked.output);
        // Forced, it is found by a right clock.
        assert_eq!(by_clock(&folder, offset, "keys rotate ring.json --trust-this-clock").exit, 0);
        let checked = folder.run("oauth-state keys check ring.json --deny-warnings");
        assert!(checked.exit == 1 && checked.output.contains("seals_too_soon"), "{offset}: {}", checked.output);
    }
}

/// A helper over HTTP passes the `Date` of the response on.
#[test]
fn the_clock_of_a_source_is_compared_with_this_one() {
    let folder = Folder::new();
    folder.run("oauth-state keys generate --out demo:prod");
    let with_date = |offset: i64| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().cast_signed();
        folder.run(&format!("SERVER_TIME={} oauth-state keys rotate demo:prod --dry-run", now + offset))
    };
    assert_eq!(with_date(0).exit, 0);
    assert_eq!(with_date(50).exit, 0, "within the skew");
    for (offset, word) in [(600, "behind"), (-600, "ahead"), (-86_400 * 400, "ahead")] {
        let told = with_date(offset);
        assert!(told.exit == 6 && told.output.contains(word) && told.output.contains("demo:prod"), "{}", told.output);
    }
}

/// Sixteen retries of a job made fourteen pending keys.
#[test]
fn a_rotation_that_is_repeated_can_do_nothing() {
    let folder = Folder::new();
    folder.run("oauth-state keys generate --out ring.json");
    let told = folder.run("oauth-state keys rotate ring.json --if-older-than 30d");
    assert!(told.exit == 0 && told.output.contains("nothing to do"), "{}", told.output);
    assert_eq!(ring(&folder)["serial"], 1);
    for _ in 0..16 {
        assert_eq!(folder.run("oauth-state keys rotate old.json --if-older-than 30d").exit, 0);
    }
    let listed = folder.run("oauth-state keys list old.json --json").value();
    assert_eq!(listed["keys"].as_array().unwrap().iter().filter(|key| key["role"] == "pending").count(), 1);
    // A key is needed at any age.
    let id = ring(&folder)["keys"][0]["id"].as_str().unwrap().to_owned();
    let text = fs::read_to_string(folder.path("ring.json")).unwrap();
    fs::write(folder.path("ring.json"), text.replace("\"revoked\": []", &format!("\"revoked\": [\"{id}\"]"))).unwrap();
    assert_eq!(folder.run("oauth-state keys rotate ring.json --if-older-than 30d").exit, 0);
    assert_eq!(ring(&folder)["keys"].as_array().unwrap().len(), 2);
}

/// It advised to drop retired keys, though there was none.
#[test]
fn a_refusal_counts_the_keys_that_are_there() {
    let folder = Folder::new();
    folder.run("oauth-state keys generate --out ring.json");
    let mut told = folder.run("oauth-state keys rotate ring.json");
    assert!(!told.output.contains("one is enough"), "{}", told.output);
    told = folder.run("oauth-state keys rotate ring.json");
    assert!(told.output.contains("2 keys are now pending"), "{}", told.output);
    while told.exit == 0 {
        told = folder.run("oauth-state keys rotate ring.json");
    }
    assert_eq!(told.exit, 4);
    assert!(told.output.contains("the ring has 15 keys (14 pending, 1 active)"), "{}", told.output);
    assert!(told.output.contains("withdraw 13 of the 14 pending keys") && !told.output.contains("retired ones"));
    assert!(folder.run("oauth-state keys check ring.json").output.contains("several_pending: 14 keys are pending"));
}

/// The id and the fingerprint of a dry run belong to a key that is never made.
#[test]
fn a_dry_run_shows_no_id_that_will_never_exist() {
    let folder = Folder::new();
    let ids = |value: &serde_json::Value| {
        let keys = value["keys"].as_array().unwrap().iter();
        keys.map(|key| key["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for command in ["keys rotate shop.json", "keys revoke shop.json --all"] {
        let known = ids(&folder.run("oauth-state keys list shop.json --json").value());
        for output in ["", " --json"] {
            let told = folder.run(&format!("oauth-state {command} --dry-run{output}")).output;
            let digits = told.split(|c: char| !c.is_ascii_hexdigit()).filter(|word| word.len() == 16);
            for id in digits {
                assert!(known.iter().any(|known| known == id), "{command}: {id} in {told}");
            }
        }
    }
}

/// A writer that is killed leaves the ring whole, and nothing that stops the next one.
#[test]
fn a_killed_writer_leaves_the_ring_whole_and_the_next_one_works_at_once() {
    let folder = Folder::new();
    folder.run("oauth-state keys generate --out ring.json");
    let (mut killed, mut serial) = (0, 1);
    for round in 0..60_u64 {
        let mut writer = Command::new(env!("CARGO_BIN_EXE_oauth-state"))
            .args(["keys", "times", "ring.json", "--propagation"])
            .arg(format!("{}s", 300 + round))
            .current_dir(folder.path("."))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // From before it reads to after it has written.
        std::thread::sleep(Duration::from_micros(round * 250));
        writer.kill().unwrap();
        killed += usize::from(!writer.wait().unwrap().success());
        let now = ring(&folder)["serial"].as_u64().unwrap();
        assert!(now == serial || now == serial + 1, "{now} after {serial}");
        let started = Instant::now();
        let told = folder.run(&format!("oauth-state keys times ring.json --propagation {}s", 1_000 + round));
        assert!(told.exit == 0 && started.elapsed() < Duration::from_secs(5), "{}", told.output);
        serial = ring(&folder)["serial"].as_u64().unwrap();
        assert_eq!(hidden(&folder), [""; 0], "the next writer clears up");
    }
    assert!(killed > 2, "{killed} of 60 were killed at work");
}

fn hidden(folder: &Folder) -> Vec<String> {
    let names = fs::read_dir(folder.path(".")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with('.')).collect()
}

/// Each of these blocked for ever.
#[test]
fn no_command_waits_for_ever() {
    let folder = Folder::new();
    folder.run("mkfifo fifo.json");
    fs::write(folder.path("bin/oauth-state-source-hanging"), "#!/bin/sh\nexec sleep 60\n").unwrap();
    fs::write(folder.path("bin/oauth-state-source-deaf"), "#!/bin/sh\nprintf '{}'\nexec sleep 60\n").unwrap();
    folder.run("chmod 755 bin/*");
    for (command, at_once, word) in [
        ("keys list fifo.json", true, "a FIFO"),
        ("keys check fifo.json", true, "a FIFO"),
        ("keys rotate fifo.json", true, "a FIFO"),
        ("keys generate --out fifo.json", true, "a FIFO"),
        ("keys list /dev/zero", true, "a device"),
        ("inspect --keys fifo.json --app shop --environment production < callback.txt", true, "a FIFO"),
        ("keys list hanging:x --time-limit 1s", false, "did not reply within"),
        ("keys rotate hanging:x --time-limit 1s", false, "did not reply within"),
        ("keys generate --out hanging:x --time-limit 1s", false, "did not reply within"),
        ("keys list deaf:x --time-limit 1s", false, "did not reply within"),
        ("keys list - --time-limit 1s < open.fifo", false, "standard input: not done within 1 s"),
        ("inspect --time-limit 1s < open.fifo", false, "standard input: not done within 1 s"),
    ] {
        let started = Instant::now();
        // A pipe that another process keeps open and writes nothing into.
        let told = folder.run(&format!(
            "rm -f open.fifo; mkfifo open.fifo; sleep 30 <> open.fifo & holder=$!; oauth-state {command}; exit=$?; kill $holder; exit $exit"
        ));
        let limit = if at_once { Duration::from_secs(1) } else { Duration::from_secs(4) };
        assert!(matches!(told.exit, 3 | 5) && told.output.contains(word), "{command}: {}", told.output);
        assert!(started.elapsed() < limit, "{command}: {:?}", started.elapsed());
    }
    assert!(!Path::new("/proc").exists() || !running("oauth-state-source-hanging"), "the helper was stopped");
}

fn running(program: &str) -> bool {
    let processes =
        fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    processes.into_iter().any(|line| String::from_utf8_lossy(&line).contains(program))
}

#[test]
fn the_default_limit_of_a_command_is_ten_seconds() {
    let folder = Folder::new();
    fs::write(folder.path("bin/oauth-state-source-hanging"), "#!/bin/sh\nexec sleep 60\n").unwrap();
    folder.run("chmod 755 bin/*");
    let started = Instant::now();
    assert_eq!(folder.run("oauth-state keys list hanging:x").exit, 3);
    assert!((9..13).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

/// They spoke of networks and credentials.
#[test]
fn errors_of_files_speak_of_files() {
    let folder = Folder::new();
    folder.run("ln -s loop-b loop-a; ln -s loop-a loop-b; ln -s nowhere dangling; mkdir dir; touch empty");
    folder.run("printf '\\357\\273\\277{}' > bom; gzip -c shop.json > shop.json.gz; iconv -f UTF-8 -t UTF-16 shop.json > utf16; base64 shop.json > base64");
    for (name, words) in [
        ("loop-a", "its symbolic links lead in a circle"),
        ("dangling", "it is a symbolic link to nowhere, which does not exist"),
        ("dir", "it is a folder"),
        ("shop.json/ring.json", "a part of its path is a file"),
        ("no/such/ring.json", "its folder no/such does not exist"),
        ("empty", "the key ring is empty"),
        ("bom", "byte order mark"),
        ("shop.json.gz", "gzip"),
        ("utf16", "UTF-16"),
        ("base64", "base64"),
    ] {
        let told = folder.run(&format!("oauth-state keys list {name}"));
        assert!(told.exit == 3 || told.exit == 4, "{name}");
        assert!(told.output.contains(words), "{name}: {}", told.output);
        for word in ["network", "credential", "secret is", "identity"] {
            assert!(!told.output.contains(word), "{name}: {}", told.output);
        }
    }
}

/// A full disk, a read-only mount and another user; as root alone, who can make them.
#[test]
fn a_disk_that_takes_nothing_is_named_and_the_ring_stays() {
    let folder = Folder::new();
    let mount = "set -e; mkdir small; mount -t tmpfs -o size=64k tmpfs small";
    if folder.run(mount).exit != 0 {
        println!("not root, or no right to mount: skipped");
        return;
    }
    // Unmounted whatever happens.
    let script = "cp shop.json small/ring.json; before=$(sha256sum < small/ring.json)
dd if=/dev/zero of=small/rest bs=1k count=100 2> /dev/null
oauth-state keys rotate small/ring.json; echo full $?
rm small/rest; mount -o remount,ro small
oauth-state keys rotate small/ring.json; echo read-only $?
mount -o remount,rw small; chmod 711 . ; chmod 755 small; chmod 600 small/ring.json
setpriv --reuid 65534 --clear-groups oauth-state keys list small/ring.json; echo other $?
chmod 644 small/ring.json
setpriv --reuid 65534 --clear-groups oauth-state keys rotate small/ring.json; echo write $?
[ \"$before\" = \"$(sha256sum < small/ring.json)\" ] && echo same; ls -A small; umount small";
    let told = folder.run(script).output;
    for words in [
        "the disk, or this user's share of it, is full",
        "full 3",
        "the file system is read-only",
        "read-only 3",
        "permission denied: this process runs as user 65534, and the file belongs to user 0 with mode 0600",
        "other 3",
        "the folder belongs to user 0 with mode 0755",
        "write 3",
        "same\nring.json",
    ] {
        assert!(told.contains(words), "{words}:\n{told}");
    }
    assert!(!told.contains("network") && !told.contains("credential"), "{told}");
}

/// Support pastes what it has, and keys must not be among it.
#[test]
fn inspect_warns_of_a_pasted_key_and_shows_nothing_of_it() {
    let folder = Folder::new();
    for line in ["cat shop.json callback.txt", "sed 's/osk1\\./osk1%2E/' shop.json", "base64 -w0 shop.json"] {
        let told = folder.run(&format!("{line} | oauth-state inspect"));
        assert!(told.output.contains("note: the input contains a root key"), "{line}: {}", told.output);
    }
    let told = folder
        .run("cat shop.json callback.txt | oauth-state inspect --keys shop.json --app shop --environment production");
    assert!(told.exit == 0 && told.output.contains("found"), "{}", told.output);
}
