//! Tests that need access to internals: the calls to the operating system's randomness.

use super::*;
use crate::binding::Binding;
use crate::callback::Callback;
use crate::random::{self, RandomnessError};
use crate::testing;
use std::cell::Cell;

thread_local! {
    static CALLS: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

fn counting(bytes: &mut [u8]) -> Result<(), RandomnessError> {
    CALLS.with(|calls| calls.set((calls.get().0 + 1, calls.get().1 + bytes.len())));
    random::operating_system(bytes)
}

/// The calls and bytes that `work` asked for.
fn counted<R>(work: impl FnOnce() -> R) -> (R, (usize, usize)) {
    CALLS.with(|calls| calls.set((0, 0)));
    let result = work();
    (result, CALLS.with(Cell::get))
}

/// A provider that rejects PKCE would refuse every login, and every exchange, that uses it.
#[test]
fn a_provider_that_rejects_pkce_gets_none() {
    let github = Provider::github().without_pkce().client_id("client").redirect_uri("https://shop.example/cb");
    let app = App::new("shop", "test").unwrap();
    let flow = Flow::builder(app, testing::ring(), crate::SingleProcessGuard::with_capacity(10)).provider(github);
    let flow = flow.build().unwrap();
    let browser = testing::TestBrowser::default();
    let begun = flow.begin(browser.binding(), Login::with("github")).unwrap();
    assert!(begun.code_challenge.is_none() && !begun.url().unwrap().to_string().contains("code_challenge"));
    let browser = testing::TestBrowser::follow(&begun);
    let finish = flow.finish(browser.binding(), Expect::provider("github"), browser.callback());
    let Ok(LoginOutcome::Authorized(login)) = testing::block_on(finish) else { panic!("refused") };
    assert!(login.code_verifier.is_none());
    assert!(login.token_form().iter().all(|(name, _)| *name != "code_verifier"));
}

/// A handler that loads data between open and verify may take longer than the login has left.
#[test]
fn a_state_that_expires_between_open_and_verify_is_expired() {
    let clock = testing::ManualClock::at(1_800_000_000);
    let flow =
        Flow::builder(App::new("shop", "test").unwrap(), testing::ring(), crate::SingleProcessGuard::with_capacity(10));
    let flow = flow.provider(Provider::github()).clock(clock.clone()).build().unwrap();
    let binding = |id: u8| Binding::session(&[id; 16]).unwrap();
    let refused = |asks: u8| {
        let begun = flow.begin(binding(7), Login::with("github")).unwrap();
        let opened =
            flow.open(Callback::from_pairs([("state", begun.state.as_str()), ("code", "code")]).unwrap()).unwrap();
        clock.advance(std::time::Duration::from_secs(1_000));
        opened.verify(binding(asks), Expect::provider("github")).unwrap_err()
    };
    let own = refused(7);
    assert_eq!((own.code(), own.restart().is_some_and(crate::Restart::is_automatic)), ("expired", true));
    let other = refused(8);
    assert_eq!((other.code(), other.restart().is_some_and(crate::Restart::is_automatic)), ("expired", false));
}

/// A prefetch carries the same cookie and the same query; only its headers differ, and `open` does not see them.
#[cfg(feature = "http")]
#[test]
fn verify_looks_at_the_request_as_finish_does() {
    let flow = testing::flow();
    let begun = flow.begin(Binding::session(&[7; 16]).unwrap(), Login::with("github")).unwrap();
    let verified = |headers: &[(&'static str, &str)], expect| {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let callback = Callback::from_pairs([("state", begun.state.as_str()), ("code", "code")]).unwrap();
        let opened = flow.open(callback).unwrap();
        opened
            .verify(Binding::session(&[7; 16]).unwrap().with_headers(&headers), expect)
            .map_err(|refused| refused.code())
    };
    let github = Expect::provider("github");
    assert_eq!(verified(&[("sec-purpose", "prefetch")], github).unwrap_err(), "not_consumed");
    assert_eq!(verified(&[], Expect::any_provider()).unwrap_err(), "wrong_provider");
    assert!(verified(&[], github).is_ok());
}

#[test]
fn one_call_to_the_operating_system_per_begin() {
    let flow = testing::flow().with_randomness(counting);
    let begin = |binding| counted(|| flow.begin(binding, Login::with("github")).unwrap());
    let (begun, calls) = begin(Binding::cookie_headers([]));
    assert_eq!(calls, (1, 24 + 32 + 6));
    let cookie = begun.cookie_pair().unwrap();
    assert_eq!(begin(Binding::cookie_headers([cookie.as_bytes()])).1, (1, 24));
    assert_eq!(begin(Binding::session(&[7; 16]).unwrap()).1, (1, 24));
    assert_eq!(begin(Binding::new_login_secret()).1, (1, 24 + 32));
}

/// A fallback could repeat a nonce; an error cannot.
#[test]
fn without_randomness_nothing_is_sealed_and_nothing_is_marked() {
    let no_randomness: Randomness = |_| Err(RandomnessError::simulated());
    let refused =
        testing::flow().with_randomness(no_randomness).begin(Binding::cookie_headers([]), Login::with("github"));
    assert!(matches!(refused, Err(BeginError::Randomness(_))));

    let session = || Binding::session(&[7; 16]).unwrap();
    let begun = testing::flow().begin(session(), Login::with("github")).unwrap();
    let callback = Callback::from_pairs([("code", "code"), ("state", &begun.state)]).unwrap();
    let bound = testing::flow().with_randomness(no_randomness).check(session(), Expect::provider("github"), callback);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let refused = runtime.block_on(bound.unwrap().mark_used()).unwrap_err();
    assert_eq!(refused.code(), "guard_unavailable");
}
