//! Ready-made values, for examples and for tests of an application's own.

use std::sync::Arc;
use std::time::SystemTime;

use crate::binding::Binding;
use crate::callback::{Callback, UnverifiedParameters};
use crate::claims::{Origin, ReturnTo};
use crate::clock::{from_unix_seconds, unix_seconds};
use crate::flow::{Denied, Expect, Flow, FlowBuilder, Login, LoginOutcome, Stored, VerifiedCallback};
use crate::guard::{Mark, Sealed, SingleProcessGuard};
use crate::name::App;
use crate::payload::{MemoryPayloadStore, Payload};
use crate::provider::Provider;
use crate::refusal::{RepostPage, Restart, SCRIPT_NONCE_BYTES};
use crate::ring::key::material::{RootKey, SAMPLE_KEYS};
use crate::ring::key::ring::{DEFAULT_SKEW, KeyRing};

const SESSION: [u8; 16] = [7; 16];

/// A ring of one key that is printed in the documentation; the same at every call, as on every server.
///
/// # Security
///
/// Anybody can forge states under it.
///
/// # Examples
///
/// ```
/// use oauth_state::testing::ring;
/// assert_eq!(ring().fingerprint(), ring().fingerprint());
/// ```
#[must_use]
pub fn ring() -> KeyRing {
    let [first, _] = SAMPLE_KEYS;
    KeyRing::from(RootKey::from_public_bytes(first))
}

/// A flow over [`ring`] with GitHub and a guard of this process.
///
/// # Panics
///
/// Never: its configuration is one that builds.
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, Binding, Login};
/// let begun = testing::flow().begin(Binding::session(&[7; 16])?, Login::with("github"))?;
/// assert!(begun.state.starts_with("ost1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn flow() -> Flow<()> {
    flow_carrying()
}

/// The same, for a flow that carries data.
///
/// # Panics
///
/// Never: its configuration is one that builds.
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, Binding, Login};
/// let flow = testing::flow_carrying::<u32>();
/// assert!(flow.begin(Binding::session(&[7; 16])?, Login::with("github").data(42)).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

/// The page that posts a callback once more.
///
/// # Examples
///
/// ```
/// use oauth_state::testing;
/// assert!(testing::sample_repost_page().html().starts_with("<!doctype html>"));
/// ```
#[must_use]
pub fn sample_repost_page() -> RepostPage {
    RepostPage::new([("state", "ost1..."), ("code", "abc")], [7; SCRIPT_NONCE_BYTES])
}

/// A row of a store, which holds the JSON of `"a sample"`; another at every call.
///
/// # Panics
///
/// Never: its configuration is one that builds.
///
/// # Examples
///
/// ```
/// use oauth_state::testing;
/// assert_ne!(testing::sample_row().id(), testing::sample_row().id());
/// ```
#[must_use]
#[expect(clippy::expect_used, reason = "constant arguments that every test run checks")]
pub fn sample_row() -> Payload {
    let binding = Binding::session(&SESSION).expect("a session id");
    let stored =
        Stored::new(builder(), Arc::new(MemoryPayloadStore::with_capacity(1))).expect("a configuration that builds");
    let (_, row) = stored.seal(binding, Login::with("github").data("a sample")).expect("a row");
    row
}

#[expect(clippy::expect_used, reason = "constant arguments that every test run checks")]
fn check(answer: &str) -> VerifiedCallback<()> {
    let flow = flow();
    let binding = || Binding::session(&SESSION).expect("a session id");
    let login = Login::with("github").return_to(ReturnTo::parse("/home").expect("a path"));
    let begun = flow.begin(binding(), login).expect("a login that begins");
    let callback = Callback::from_query(&format!("state={}&{answer}", begun.state)).expect("a callback");
    flow.check(binding(), Expect::provider("github"), callback).expect("a login that passes")
}

/// A login at GitHub that finished with the code `code` and leads to `/home`.
///
/// # Panics
///
/// Never: see [`flow`].
///
/// # Examples
///
/// ```
/// use oauth_state::{testing, LoginOutcome};
/// assert!(matches!(testing::finished(), LoginOutcome::Authorized(_)));
/// ```
pub fn finished() -> LoginOutcome<()> {
    check("code=code&user=%7B%7D").into_outcome_without_the_guard()
}

/// The origin of [`finished`].
///
/// # Panics
///
/// Never: see [`flow`].
///
/// # Examples
///
/// ```
/// assert_eq!(oauth_state::testing::finished_origin().provider, "github");
/// ```
#[must_use]
pub fn finished_origin() -> Origin {
    match finished() {
        LoginOutcome::Authorized(login) => login.origin,
        LoginOutcome::Denied(refusal) => refusal.origin,
    }
}

/// A login at GitHub that the provider refused with `access_denied`.
///
/// # Panics
///
/// Never: see [`flow`].
///
/// # Examples
///
/// ```
/// use oauth_state::outcome::AuthorizationError;
/// use oauth_state::testing;
/// assert_eq!(testing::provider_refusal().error, AuthorizationError::AccessDenied);
/// ```
#[must_use]
#[expect(clippy::panic, reason = "constant arguments that every test run checks")]
pub fn provider_refusal() -> Denied<()> {
    match check("error=access_denied").into_outcome_without_the_guard() {
        LoginOutcome::Denied(refusal) => refusal,
        LoginOutcome::Authorized(_) => panic!("an error was sent"),
    }
}

/// What a callback brought beside `state` and `code`: `user={}`.
///
/// # Panics
///
/// Never: see [`flow`].
///
/// # Examples
///
/// ```
/// assert_eq!(oauth_state::testing::sample_parameters().get("user"), Some("{}"));
/// ```
#[must_use]
pub fn sample_parameters() -> UnverifiedParameters {
    match finished() {
        LoginOutcome::Authorized(login) => login.parameters,
        LoginOutcome::Denied(refusal) => refusal.parameters,
    }
}

/// What a refused callback of the same browser offers.
///
/// # Panics
///
/// Never: see [`flow`].
///
/// # Examples
///
/// ```
/// assert!(oauth_state::testing::sample_restart().is_automatic());
/// ```
#[must_use]
#[expect(clippy::expect_used, reason = "constant arguments that every test run checks")]
pub fn sample_restart() -> Restart {
    let flow = flow();
    let binding = || Binding::session(&SESSION).expect("a session id");
    let login = Login::with("github").return_to(ReturnTo::parse("/home").expect("a path"));
    let begun = flow.begin(binding(), login).expect("a login that begins");
    flow.restart(&begun.state, &binding(), Expect::provider("github")).expect("a restart")
}

/// A mark to ask a guard with, of a state that was begun at `now` under a ring with a skew of 60 s.
///
/// # Examples
///
/// ```
/// use oauth_state::testing::mark;
/// use std::time::{Duration, SystemTime};
/// let now = SystemTime::now();
/// assert_eq!(mark([1; 16], [2; 8], now, now + Duration::from_secs(600)).id(), &[1; 16]);
/// ```
#[must_use]
pub fn mark(id: [u8; 16], claimant: [u8; 8], now: SystemTime, expires_at: SystemTime) -> Mark {
    let (now, expires_at) = (unix_seconds(now), unix_seconds(expires_at));
    Mark::new(id, claimant, now, Sealed { issued_at: now, expires_at }, DEFAULT_SKEW)
}

/// One mark, of a state that lives for ten minutes.
///
/// # Examples
///
/// ```
/// assert_eq!(oauth_state::testing::sample_mark().keep_for().as_secs(), 780);
/// ```
#[must_use]
pub fn sample_mark() -> Mark {
    mark([1; 16], [2; 8], from_unix_seconds(1_800_000_000), from_unix_seconds(1_800_000_600))
}
