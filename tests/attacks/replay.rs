//! Replay (RFC 9700 section 4.2.4: a state and a code are for one use): an attacker opens a callback's address a second
//! time.
//!
//! Without the guard, an attacker who finds the address in a history, with the browser's cookie, sends the login again.
//! At a provider that accepts a code twice (RFC 6749 section 10.5 forbids it, but some do) they are signed in.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use oauth_state::error::FinishErrorKind;
use oauth_state::testing::{ManualClock, ring};
use oauth_state::{Binding, Callback, Expect, Flow, Login, Provider, ReplayGuard, SingleProcessGuard};
use support::shop::{Browser, CountingGuard, NOW, app, block_on, callback, outcome, session, shop};

/// One of the servers of a service.
fn server(guard: impl ReplayGuard) -> Flow {
    Flow::builder(app(), ring(), guard).clock(ManualClock::at(NOW)).provider(Provider::github()).build().unwrap()
}

fn finish(server: &Flow, state: &str) -> &'static str {
    outcome(block_on(server.finish(session(), Expect::provider("github"), callback(state))))
}

#[test]
fn on_the_same_server_it_is_refused_and_says_since_when() {
    let shop = shop();
    let mut browser = Browser::default();
    let begun = browser.begin(&shop, Login::with("github"));
    assert!(browser.finish(&shop, "github", &begun.state).is_ok());
    shop.clock.advance(Duration::from_secs(3));
    let again = browser.finish(&shop, "github", &begun.state).unwrap_err();
    assert_eq!(again.kind(), FinishErrorKind::AlreadyUsed);
    assert_eq!(again.first_used_at(), Some(UNIX_EPOCH + Duration::from_secs(NOW)));
}

/// The same state with another code, another order of parameters, by POST, or as an error.
#[test]
fn with_other_parameters_it_is_refused_as_well() {
    let shop = shop();
    let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
    assert_eq!(finish(&shop.flow, &begun.state), "passed");
    let state = &begun.state;
    for dress in [
        format!("state={state}&code=another"),
        format!("scope=x&code=code&state={state}&session_state=y"),
        format!("error=access_denied&state={state}"),
        format!("state={}&code=code", state.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>()),
    ] {
        for callback in [Callback::from_query(&dress).unwrap(), Callback::from_form(dress.as_bytes()).unwrap()] {
            let again = block_on(shop.flow.finish(session(), Expect::provider("github"), callback));
            assert_eq!(outcome(again), "already_used");
        }
    }
}

#[test]
fn on_another_server_it_is_refused_where_both_ask_one_guard() {
    let guard = CountingGuard::new();
    let (one, other) = (server(guard.clone()), server(guard));
    let begun = one.begin(session(), Login::with("github")).unwrap();
    assert_eq!(finish(&other, &begun.state), "passed");
    assert_eq!(finish(&one, &begun.state), "already_used");
    assert_eq!(finish(&other, &begun.state), "already_used");
}

/// A process that remembers nothing of its predecessor refuses states of that time, if configured to.
#[test]
fn after_a_restart_it_is_refused_where_the_guard_outlives_the_server_or_refuses_older_states() {
    let guard = CountingGuard::new();
    let before = server(guard.clone());
    let begun = before.begin(session(), Login::with("github")).unwrap();
    assert_eq!(finish(&before, &begun.state), "passed");
    drop(before);
    assert_eq!(finish(&server(guard), &begun.state), "already_used");

    let start = UNIX_EPOCH + Duration::from_secs(NOW);
    let alone = SingleProcessGuard::with_capacity(10).refuse_states_begun_until(start);
    assert_eq!(finish(&server(alone), &begun.state), "already_used");
    // Not promised (SECURITY.md): without either, a new process accepts it once more, in the same browser.
    assert_eq!(finish(&server(SingleProcessGuard::with_capacity(10)), &begun.state), "passed");
}

/// Eight servers at once, many times: exactly one accepts each login.
#[test]
fn at_the_same_moment_exactly_one_server_lets_it_in() {
    const SERVERS: usize = 8;
    let guard = SingleProcessGuard::with_capacity(1_000_000);
    let servers: Vec<_> = (0..SERVERS).map(|_| server(guard.clone())).collect();
    for _ in 0..50 {
        let begun = servers[0].begin(session(), Login::with("github")).unwrap();
        let (barrier, passed) = (Barrier::new(SERVERS), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for server in &servers {
                scope.spawn(|| {
                    let checked = server.check(session(), Expect::provider("github"), callback(&begun.state)).unwrap();
                    barrier.wait();
                    match outcome(block_on(checked.mark_used())) {
                        "passed" => _ = passed.fetch_add(1, Ordering::SeqCst),
                        code => assert_eq!(code, "already_used"),
                    }
                });
            }
        });
        assert_eq!(passed.into_inner(), 1);
    }
}

/// An unbound state is single-use as well.
#[test]
fn a_state_that_is_bound_to_nothing_is_used_once() {
    let flow = server(SingleProcessGuard::with_capacity(10));
    let unbound = Binding::dangerously_unbound;
    let begun = flow.begin(unbound(), Login::with("github")).unwrap();
    let finish = || outcome(block_on(flow.finish(unbound(), Expect::provider("github"), callback(&begun.state))));
    assert_eq!((finish(), finish()), ("passed", "already_used"));
}
