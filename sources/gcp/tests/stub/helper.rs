//! The program `oauth-state-source-gcp`.

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn run(location: &str, credentials: &str) -> Output {
    let mut helper = Command::new(env!("CARGO_BIN_EXE_oauth-state-source-gcp"))
        .arg(location)
        .env("GOOGLE_APPLICATION_CREDENTIALS", credentials)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = helper.stdin.take().unwrap().write_all(b"{\"request\": \"fetch\"}");
    helper.wait_with_output().unwrap()
}

#[test]
fn help_says_what_a_location_is() {
    let output = run("--help", "");
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("projects/PROJECT/secrets/SECRET"));
}

#[test]
fn a_file_of_credentials_that_is_not_there_is_named() {
    let output = run("projects/shop/secrets/oauth-state", "/no/such/file");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("/no/such/file") && said.contains("GOOGLE_APPLICATION_CREDENTIALS"), "{said}");
}

#[test]
fn credentials_that_cannot_be_read_are_not_quoted() {
    let file = std::env::temp_dir().join(format!("oauth-state-gcp-{}.json", std::process::id()));
    std::fs::write(&file, "{\"type\": \"authorized_user\", \"refresh_token\": 17, \"client_secret\": \"hidden\"}")
        .unwrap();
    let output = run("projects/shop/secrets/oauth-state", file.to_str().unwrap());
    std::fs::remove_file(&file).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("the credentials file is invalid") && !said.contains("hidden"), "{said}");
}

/// A reply also shows that the client was built, which panics without a cryptography provider.
#[test]
fn a_location_that_is_none_is_answered_as_json() {
    let file = std::env::temp_dir().join(format!("oauth-state-gcp-user-{}.json", std::process::id()));
    std::fs::write(
        &file,
        "{\"type\": \"authorized_user\", \"refresh_token\": \"r\", \"client_id\": \"i\", \"client_secret\": \"s\"}",
    )
    .unwrap();
    let output = run("nonsense", file.to_str().unwrap());
    std::fs::remove_file(&file).unwrap();
    assert!(output.status.success(), "{output:?}");
    let reply = String::from_utf8(output.stdout).unwrap();
    assert!(reply.contains("\"misconfigured\"") && reply.contains("the Google secret nonsense"), "{reply}");
}
