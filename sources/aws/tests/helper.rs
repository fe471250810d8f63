//! The helper program, as the command line calls it, and the settings from the environment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![cfg(feature = "environment")]

mod common;

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::{FIRST, SECOND, SECRET};
use serde_json::{Value, json};
use servers::moto::{Fault, Moto, REGION};

fn helper(moto: &Moto, location: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oauth-state-source-aws"));
    let (id, key) = moto.access_key();
    command.env_clear().arg(location).env("AWS_REGION", REGION).env("AWS_ENDPOINT_URL", moto.url());
    command.env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", key).env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

fn run(command: &mut Command, request: &Value) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the helper");
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
    let moto = Moto::start();
    let created =
        reply(&mut helper(&moto, SECRET), &json!({ "request": "store", "document": FIRST, "expected_version": null }));
    let read = reply(&mut helper(&moto, SECRET), &json!({ "request": "fetch" }));
    assert_eq!((&read["document"], &read["version"]), (&json!(FIRST), &created["version"]));
    let replace = json!({ "request": "store", "document": SECOND, "expected_version": created["version"] });
    let replaced = reply(&mut helper(&moto, SECRET), &replace);
    assert!(replaced["error"].is_null(), "{replaced}");
    assert_eq!(reply(&mut helper(&moto, SECRET), &replace)["error"]["kind"], "conflict");
    let previous = reply(&mut helper(&moto, &format!("{SECRET}#AWSPREVIOUS")), &json!({ "request": "fetch" }));
    assert_eq!(previous["document"], FIRST);
}

#[test]
fn without_credentials_it_says_what_to_set() {
    let moto = Moto::start();
    let mut command = helper(&moto, SECRET);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let error = reply(&mut command, &json!({ "request": "fetch" }))["error"].clone();
    assert_eq!(error["kind"], "denied", "{error}");
    assert!(error["to_do"].as_str().unwrap().contains("AWS_ACCESS_KEY_ID"));
}

#[test]
fn without_a_region_it_says_what_to_set() {
    let moto = Moto::start();
    let error = reply(helper(&moto, SECRET).env_remove("AWS_REGION"), &json!({ "request": "fetch" }))["error"].clone();
    assert_eq!(error["kind"], "misconfigured", "{error}");
    assert!(error["to_do"].as_str().unwrap().contains("AWS_REGION"));
}

#[test]
fn a_server_that_says_nothing_is_given_up_within_ten_seconds() {
    let moto = Moto::start();
    moto.fault(Fault::Silence);
    let start = Instant::now();
    let error = reply(&mut helper(&moto, SECRET), &json!({ "request": "fetch" }))["error"].clone();
    assert_eq!(error["kind"], "unavailable", "{error}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn it_explains_itself() {
    let moto = Moto::start();
    let help = run(&mut helper(&moto, "--help"), &json!({}));
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("SECRET[#LABEL]"));
    assert_eq!(run(helper(&moto, SECRET).arg("another"), &json!({})).status.code(), Some(2));
}
