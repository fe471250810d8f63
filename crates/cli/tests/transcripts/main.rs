//! The command line, by transcripts: each `.transcript` of this folder, and the blocks of docs/.

#![allow(unreachable_pub, reason = "a test binary has no public items")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::must_use_candidate,
    clippy::missing_errors_doc,
    reason = "whatever is unexpected fails the test"
)]

mod compare;
mod folder;
mod operators;
mod secrets;

use std::fs;
use std::path::Path;

use folder::Folder;

fn repository(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

fn transcript(name: &str) {
    Folder::new().follow(&repository(&format!("crates/cli/tests/transcripts/{name}.transcript")), name);
}

#[test]
fn a_ring_is_made_rotated_and_listed() {
    transcript("rotate");
}

#[test]
fn a_leaked_key_is_revoked_and_its_states_are_refused() {
    transcript("revoke");
}

#[test]
fn a_leaked_document_is_revoked_as_a_whole_and_an_old_one_is_found() {
    transcript("leaked");
}

#[test]
fn times_change_while_there_is_one_key() {
    transcript("times");
}

#[test]
fn a_check_finds_what_a_pipeline_must_stop_for() {
    transcript("check");
}

#[test]
fn a_state_is_told_apart_by_what_is_wrong_with_it() {
    transcript("inspect");
}

#[test]
fn a_deployment_that_cannot_work_is_told_what_to_change() {
    transcript("doctor");
}

#[test]
fn every_exit_code_has_its_reason() {
    transcript("exit-codes");
}

#[test]
fn a_program_reads_the_same_as_json() {
    transcript("json");
}

#[test]
fn sources_are_files_variables_pipes_and_helpers() {
    transcript("sources");
}

#[test]
fn completions_manual_and_schema_are_printed() {
    transcript("manual");
}

#[test]
fn what_the_pages_show_is_what_happens() {
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            let shown = page(&format!("docs/{name}"));
            assert!(name != "command-line.md" || shown > 5, "{shown}");
        }
    }
}

/// The page of the package on its registry.
#[test]
fn every_command_that_the_package_s_page_names_is_there() {
    let page = repository("crates/cli/README.md");
    let folder = Folder::new();
    let lines = page.lines().flat_map(|line| line.split('`')).filter_map(|part| part.strip_prefix("oauth-state "));
    let commands: Vec<String> = lines
        .map(|rest| rest.split(' ').take_while(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())))
        .map(|words| words.collect::<Vec<_>>().join(" "))
        .collect();
    assert!(commands.len() >= 4, "{commands:?}");
    for command in commands {
        assert_eq!(folder.run(&format!("oauth-state {command} --help")).exit, 0, "{command}");
    }
}

/// Runs a page's sessions as one, and counts its blocks.
fn page(name: &str) -> usize {
    let blocks = console_blocks(&repository(name));
    Folder::new().follow(&blocks.join("\n"), name);
    blocks.len()
}

/// The blocks of a page that use the command line.
fn console_blocks(page: &str) -> Vec<String> {
    let blocks = page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    let ours = |block: &&str| ["$ oauth-state ", folder::BY_CARGO].iter().any(|begin| block.starts_with(begin));
    blocks.filter(ours).map(ToOwned::to_owned).collect()
}

#[test]
fn a_dry_run_and_every_refusal_leave_the_file_as_it_is() {
    let folder = Folder::new();
    let before = fs::read(folder.path("old.json")).unwrap();
    let id = folder.run("oauth-state keys list old.json --json").value()["keys"][1]["id"].as_str().unwrap().to_owned();
    for (command, exit) in [
        ("keys rotate old.json --dry-run".to_owned(), 0),
        ("keys prune old.json --dry-run".to_owned(), 0),
        (format!("keys revoke old.json {id} --dry-run --json"), 0),
        ("keys revoke old.json 0".to_owned(), 2),
        ("keys generate --out old.json".to_owned(), 5),
        ("keys generate --bare --out old.json".to_owned(), 5),
        ("keys check old.json --deny-warnings".to_owned(), 1),
        ("keys rotate old.json --out - > /dev/null".to_owned(), 0),
    ] {
        assert_eq!(folder.run(&format!("oauth-state {command}")).exit, exit, "{command}");
        assert_eq!(fs::read(folder.path("old.json")).unwrap(), before, "{command}");
    }
    let left: Vec<_> = fs::read_dir(folder.path(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with('.')), "{left:?}");
}

/// Two rotations at once must not lose one of the two.
#[test]
fn of_eight_rotations_at_once_each_that_reports_success_is_in_the_file() {
    let folder = Folder::new();
    folder.run("oauth-state keys generate --out ring.json");
    let rotate = || folder.run("oauth-state keys rotate ring.json");
    let exits: Vec<i32> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..8).map(|_| scope.spawn(rotate)).collect();
        running.into_iter().map(|one| one.join().unwrap().exit).collect()
    });
    let done = exits.iter().filter(|exit| **exit == 0).count();
    assert!(done >= 1 && exits.iter().all(|exit| matches!(exit, 0 | 5)), "{exits:?}");
    let listed = folder.run("oauth-state keys list ring.json --json").value();
    assert_eq!(
        (listed["serial"].as_u64(), listed["keys"].as_array().map(Vec::len)),
        (Some(1 + done as u64), Some(1 + done))
    );
}

#[test]
fn a_fingerprint_is_the_one_that_servers_show() {
    let folder = Folder::new();
    folder.run("oauth-state keys generate --bare --out bare.key");
    for name in ["shop.json", "old.json", "bare.key"] {
        let server = oauth_state::KeyRing::from_file(folder.path(name)).unwrap().fingerprint();
        assert_eq!(folder.run(&format!("oauth-state fingerprint {name}")).output.trim(), server, "{name}");
        assert_eq!(
            folder.run(&format!("oauth-state keys list {name} --json")).value()["fingerprint"],
            *server,
            "{name}"
        );
    }
}

/// A reader that closes the pipe, such as `head`, is not an error.
#[test]
fn a_closed_pipe_ends_quietly() {
    let folder = Folder::new();
    let told = folder.run("(oauth-state man; echo exit $? >&2) | true");
    assert_eq!(told.output, "exit 0\n");
}

#[cfg(unix)]
#[test]
fn a_written_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.run("umask 000; oauth-state keys generate --out ring.json && oauth-state keys rotate ring.json");
    folder.run("umask 000; oauth-state keys generate --bare --out bare.key");
    for name in ["ring.json", "bare.key"] {
        assert_eq!(fs::metadata(folder.path(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
}
