//! Key rotation through the environment: servers start one after the other with the next document, and users in the
//! middle of a login notice nothing.

use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth_state::ring::{KeyRingDocument, RingTiming};
use oauth_state::testing::ManualClock;
use oauth_state::{Flow, KeyRing, Login, Provider, SingleProcessGuard};
use support::shop::{app, block_on, callback, session};

/// The variable that `KeyRing::from_env` reads.
const KEYS: &str = "OAUTH_STATE_KEYS";
/// This process's task for its parent: `begin`, or the state to finish.
const ORDER: &str = "OAUTH_STATE_TEST_ORDER";
/// The time of its clock, in Unix seconds.
const TIME: &str = "OAUTH_STATE_TEST_TIME";
const TEST: &str = "keys_from_the_environment::a_rotation_through_the_environment_fails_no_login";

/// A separate server process for each request, because the environment of a process is fixed when it starts.
fn server(document: &KeyRingDocument, at: SystemTime, order: &str) -> String {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(KEYS, document.to_secret_text().expose())
        .env(TIME, at.duration_since(UNIX_EPOCH).unwrap().as_secs().to_string())
        .env(ORDER, order)
        .output()
        .unwrap();
    let said = String::from_utf8(child.stdout).unwrap();
    let answer =
        said.lines().find_map(|line| line.split_once("answer=")).unwrap_or_else(|| panic!("no answer: {said}"));
    answer.1.split_whitespace().next().unwrap().to_owned()
}

fn serve(order: &str) -> String {
    let clock = ManualClock::at(std::env::var(TIME).unwrap().parse().unwrap());
    let guard = SingleProcessGuard::with_capacity(10);
    let flow = Flow::builder(app(), KeyRing::from_env().unwrap(), guard).clock(clock).provider(Provider::github());
    let flow = flow.build().unwrap();
    if order == "begin" {
        return flow.begin(session(), Login::with("github")).unwrap().state;
    }
    let finished = block_on(flow.finish(session(), oauth_state::Expect::provider("github"), callback(order)));
    finished.map_or_else(|error| error.code().to_owned(), |_| "finished".to_owned())
}

/// A deployment that breaks logins in progress, or an old key that opens for ever.
#[test]
fn a_rotation_through_the_environment_fails_no_login() {
    if let Ok(order) = std::env::var(ORDER) {
        println!("answer={} ", serve(&order));
        return;
    }
    let start = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let timing = RingTiming::default();
    let old = KeyRingDocument::first(timing, start).unwrap();
    let new = old.rotate(start).unwrap().document;
    let later = start + timing.propagation + timing.skew + Duration::from_secs(1);

    // While the servers restart one by one, old and new servers finish each other's logins, and all seal with the key
    // that all have.
    let half_way = start + timing.propagation / 2;
    for (begins, finishes) in [(&old, &new), (&new, &old), (&new, &new)] {
        let state = server(begins, half_way, "begin");
        assert_eq!(server(finishes, half_way, &state), "finished");
    }
    // Then the new key seals, and recent states of the old one still finish.
    let before = server(&new, later - Duration::from_secs(60), "begin");
    let after = server(&new, later, "begin");
    assert_eq!(server(&new, later, &before), "finished");
    assert_eq!(server(&new, later, &after), "finished");
    // A server that missed the deployment does not know the new key; in the end, an updated server opens nothing of the
    // old one.
    assert_eq!(server(&old, later, &after), "unknown_key");
    let in_the_end = later + Duration::from_secs(86_400);
    let late = server(&old, in_the_end, "begin");
    assert_eq!(server(&new, in_the_end, &late), "unknown_key");
}
