//! The allocations of one login: one for each string that it returns, and one more.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail and print")]

use allocation_counter::{AllocationInfo, measure};
use oauth_state::{
    App, Binding, Callback, Expect, Flow, Login, LoginOutcome, Provider, SingleProcessGuard, VerifiedCallback, testing,
};

/// Measures `work` without dropping its result.
fn counted<R>(work: impl FnOnce() -> R) -> (R, AllocationInfo) {
    let mut result = None;
    let info = measure(|| result = Some(work()));
    (result.unwrap(), info)
}

#[test]
fn a_begin_and_a_finish_allocate_what_they_return_and_once_more() {
    // With an ID token, so that there is also a nonce.
    let guard = SingleProcessGuard::with_capacity(1_000);
    let flow = Flow::builder(App::new("shop", "test").unwrap(), testing::ring(), guard).provider(Provider::google());
    let flow = flow.build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let session = || Binding::session(&[7; 16]).unwrap();
    // Make one-time allocations before counting: the runtime's, and the record of this thread as a reader of the keys.
    runtime.block_on(async {});
    let _ = flow.begin(session(), Login::with("google")).unwrap();
    let login = Login::with("google");
    let (begun, begin) = counted(|| flow.begin(session(), login).unwrap());
    println!("begin with a session:      {} allocations, {} bytes", begin.count_total, begin.bytes_total);
    // state, code_challenge and nonce.
    assert_eq!(begin.count_total, 3 + 1);

    let query = format!("state={}&code=the-code", begun.state);
    let (callback, parsed) = counted(|| Callback::from_query(&query).unwrap());
    let (bound, checked) = counted(|| flow.check(session(), Expect::provider("google"), callback).unwrap());
    println!("callback from a query:     {} allocations, {} bytes", parsed.count_total, parsed.bytes_total);
    println!("check:                     {} allocations, {} bytes", checked.count_total, checked.bytes_total);
    // The state and the code; then the provider's id, the code_verifier and the nonce. The code moves on to the result,
    // so four strings are returned, and the state is one more.
    assert_eq!(parsed.count_total + checked.count_total, 4 + 1);
    let (finished, marked) = counted(|| runtime.block_on(VerifiedCallback::mark_used(bound)).unwrap());
    println!("mark used (memory guard):  {} allocations, {} bytes", marked.count_total, marked.bytes_total);
    // The first mark allocates the guard's first table.
    assert!(marked.count_total <= 2);
    let LoginOutcome::Authorized(login) = finished else { panic!("a code") };
    assert_eq!(login.code.secret(), "the-code");
}
