//! The helper program, as the command line calls it, and the settings from the environment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use common::{FIRST, SECOND};
use serde_json::{Value, json};
use servers::openbao::{OpenBao, PATH};

fn helper(location: &str, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oauth-state-source-vault"));
    command.env_clear().arg(location).envs(environment.iter().copied());
    command
}

fn run(command: &mut Command, request: &Value) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the helper");
    // A program that gives up at once does not read it.
    let _ = child.stdin.take().unwrap().write_all(request.to_string().as_bytes());
    child.wait_with_output().unwrap()
}

fn reply(command: &mut Command, request: &Value) -> Value {
    let output = run(command, request);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_ring_is_created_read_and_replaced() {
    let bao = OpenBao::start();
    let (address, token) = (bao.url(), bao.token(&["writer"], "1h"));
    let location = format!("secret/{PATH}");
    let environment = [("VAULT_ADDR", &*address), ("VAULT_TOKEN", &*token)];
    let first = json!({ "request": "store", "document": FIRST, "expected_version": null });
    assert_eq!(reply(&mut helper(&location, &environment), &first)["version"], "1");
    let read = reply(&mut helper(&location, &environment), &json!({ "request": "fetch" }));
    assert_eq!((&read["document"], &read["version"]), (&json!(FIRST), &json!("1")));
    let second = json!({ "request": "store", "document": SECOND, "expected_version": "1" });
    assert_eq!(reply(&mut helper(&location, &environment), &second)["version"], "2");
    assert_eq!(reply(&mut helper(&location, &environment), &second)["error"]["kind"], "conflict");

    // OpenBao's own names have precedence, and the token may be in the home folder.
    let home = std::env::temp_dir().join(format!("oauth-state-vault-home-{}", std::process::id()));
    std::fs::create_dir_all(&home).unwrap();
    std::fs::write(home.join(".vault-token"), format!("{token}\n")).unwrap();
    let environment =
        [("BAO_ADDR", &*address), ("VAULT_ADDR", "https://nowhere.invalid"), ("HOME", home.to_str().unwrap())];
    let read = reply(&mut helper(&format!("secret//{PATH}#ring"), &environment), &json!({ "request": "fetch" }));
    assert_eq!(read["document"], SECOND);
    std::fs::remove_dir_all(&home).unwrap();
}

#[test]
fn what_cannot_work_is_said_before_anything_is_sent() {
    let fetch = json!({ "request": "fetch" });
    for (location, environment, words) in [
        ("secret/shop", &[][..], "set VAULT_ADDR"),
        ("secret/shop", &[("VAULT_ADDR", "http://vault.internal:8200")], "use https://"),
        ("secret/shop", &[("VAULT_ADDR", "https://me:hidden@vault")], "the address is invalid"),
        ("secret/shop", &[("VAULT_ADDR", "https://vault"), ("VAULT_CACERT", "/no/such/file")], "correct VAULT_CACERT"),
        ("secret", &[], "MOUNT/PATH[#FIELD]"),
    ] {
        let output = run(&mut helper(location, environment), &fetch);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(words), "`{words}` is not in: {told}");
        assert!(output.stdout.is_empty() && !told.contains("hidden"));
    }
    let help = run(&mut helper("--help", &[]), &fetch);
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("VAULT_ADDR"));
}
