//! Ready-made values for examples and for an application's tests.

use std::time::SystemTime;

use crate::binding::Binding;
use crate::callback::Callback;
use crate::claims::ReturnTo;
use crate::clock::{from_unix_seconds, unix_seconds};
use crate::flow::{Denied, Expect, Flow, FlowBuilder, Login, LoginOutcome, VerifiedCallback};
use crate::guard::{Mark, Sealed, SingleProcessGuard};
use crate::name::App;
use crate::payload::{HandleKind, Payload};
use crate::provider::Provider;
use crate::refusal::Restart;
use crate::ring::key::material::{RootKey, SAMPLE_KEYS};
use crate::ring::key::ring::{DEFAULT_SKEW, KeyRing};
use crate::unverified::UnverifiedParameters;

const SESSION: [u8; 16] = [7; 16];

/// A ring with one key that is printed in the documentation; every call returns the same one, as on every server.
///
/// # Security
///
/// Anyone can forge states under it.
#[must_use]
pub fn ring() -> KeyRing {
    let [first, _] = SAMPLE_KEYS;
    KeyRing::from(RootKey::from_public_bytes(first))
}

/// A flow with [`ring`], GitHub and an in-process guard, for `App::new("shop", "test")`.
///
/// # Panics
///
/// Never: its configuration is valid.
#[must_use]
pub fn flow() -> Flow<()> {
    flow_carrying()
}

/// The same as [`flow`], but it carries data.
///
/// # Panics
///
/// Never: its configuration is valid.
#[must_use]
#[expect(clippy::expect_used, reason = "constant arguments that every test run checks")]
pub fn flow_carrying<T>() -> Flow<T> {
    builder().carrying().build().expect("a configuration that builds")
}

#[expect(clippy::expect_used, reason = "constant arguments that every test run checks")]
fn builder() -> FlowBuilder<()> {
    let app = App::new("shop", "test").expect("a name");
    Flow::builder(app, ring(), SingleProcessGuard::with_capacity(1_000)).provider(Provider::github())
}

/// A row of a store with the JSON of `"a sample"`; different at every call.
///
/// # Panics
///
/// Never: its configuration is valid.
#[must_use]
#[expect(clippy::expect_used, reason = "constant arguments that every test run checks")]
pub fn sample_row() -> Payload {
    let binding = Binding::session(&SESSION).expect("a session id");
    let flow = builder().build_handles(HandleKind::MEMORY).expect("a configuration that builds");
    let (_, row) = flow.seal_beside(binding, &Login::with("github"), &"a sample").expect("a row");
    row
}

#[expect(clippy::expect_used, reason = "constant arguments that every test run checks")]
fn check(answer: &str) -> VerifiedCallback<()> {
    let flow = flow();
    let binding = || Binding::session(&SESSION).expect("a session id");
    let login = Login::with("github").return_to("/home".parse::<ReturnTo>().expect("a path"));
    let begun = flow.begin(binding(), login).expect("a login that begins");
    let callback = Callback::from_query(&format!("state={}&{answer}", begun.state)).expect("a callback");
    flow.check(binding(), Expect::provider("github"), callback).expect("a login that passes")
}

/// A login at GitHub that finished with the code `code` and returns to `/home`.
///
/// # Panics
///
/// Never: see [`flow`].
pub fn finished() -> LoginOutcome<()> {
    check("code=code&user=%7B%7D").into_outcome_without_the_guard()
}

/// A login at GitHub that the provider refused with `access_denied`.
///
/// # Panics
///
/// Never: see [`flow`].
#[must_use]
#[expect(clippy::panic, reason = "constant arguments that every test run checks")]
pub fn provider_refusal() -> Denied<()> {
    match check("error=access_denied").into_outcome_without_the_guard() {
        LoginOutcome::Denied(refusal) => refusal,
        _ => panic!("an error was sent"),
    }
}

/// The parameters of a callback other than `state` and `code`: `user={}`.
///
/// # Panics
///
/// Never: see [`flow`].
#[must_use]
#[expect(clippy::panic, reason = "constant arguments that every test run checks")]
pub fn sample_parameters() -> UnverifiedParameters {
    match finished() {
        LoginOutcome::Authorized(login) => login.parameters,
        _ => panic!("a code was sent"),
    }
}

/// An automatic restart, as a refused callback offers it to its own browser: at GitHub, with the return path `/home`.
///
/// # Panics
///
/// Never: see [`flow`].
#[must_use]
#[expect(clippy::expect_used, reason = "constant arguments that every test run checks")]
pub fn sample_restart() -> Restart {
    let flow = flow();
    let binding = || Binding::session(&SESSION).expect("a session id");
    let login = Login::with("github").return_to("/home".parse::<ReturnTo>().expect("a path"));
    let begun = flow.begin(binding(), login).expect("a login that begins");
    flow.restart(&begun.state, &binding(), Expect::provider("github")).expect("a restart")
}

/// A mark to pass to a guard, for a state that was issued at `now` under a ring with a skew of 60 s.
#[must_use]
pub fn mark(id: [u8; 16], claimant: [u8; 8], now: SystemTime, expires_at: SystemTime) -> Mark {
    let (now, expires_at) = (unix_seconds(now), unix_seconds(expires_at));
    Mark::new(id, claimant, now, Sealed { issued_at: now, expires_at }, DEFAULT_SKEW)
}

/// A mark of a state that lives for ten minutes. A guard stores it for 780 s: three times the skew is added.
#[must_use]
pub fn sample_mark() -> Mark {
    mark([1; 16], [2; 8], from_unix_seconds(1_800_000_000), from_unix_seconds(1_800_000_600))
}
