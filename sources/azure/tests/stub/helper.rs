//! The program `oauth-state-source-azure`.

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn run(location: &str, credential: &str) -> Output {
    let mut helper = Command::new(env!("CARGO_BIN_EXE_oauth-state-source-azure"))
        .arg(location)
        .env("AZURE_TOKEN_CREDENTIALS", credential)
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
    assert!(String::from_utf8(output.stdout).unwrap().contains("https://VAULT.vault.azure.net/secrets/NAME"));
}

#[test]
fn what_cannot_be_used_is_named() {
    for (location, credential, says) in [
        ("oauth-state", "", "use https://VAULT"),
        ("https://shop.vault.azure.net/keys/k", "", "use https://VAULT"),
        ("https://shop.vault.azure.net/secrets/s", "Wishful", "AZURE_TOKEN_CREDENTIALS is Wishful"),
    ] {
        let output = run(location, credential);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(says), "{said}");
    }
}

/// Over TLS, which needs an installed cryptography provider, or the client would panic.
#[test]
fn a_vault_that_is_not_reached_is_answered_as_json() {
    let output = run("https://127.0.0.1:9/secrets/oauth-state", "AzureCliCredential");
    assert!(output.status.success(), "{output:?}");
    let reply = String::from_utf8(output.stdout).unwrap();
    assert!(reply.contains("\"unavailable\"") && reply.contains("Connection refused"), "{reply}");
}
