//! Poisoning a login (RFC 9700 section 4.2.4: a state is void after its first use, which must be its owner's): the
//! attacker uses up another user's state.
//!
//! With another order of checks, the guard is asked before the binding: an attacker who saw a state in an address, a
//! log or a `Referer` makes its owner's callback fail.

use oauth_state::guard::{GuardErrorKind, Marked};
use oauth_state::testing::{block_on, mark};
use oauth_state::{Binding, Callback, Expect, Login, Purpose, ReplayGuard, SingleProcessGuard, Tenant};
use std::time::{Duration, UNIX_EPOCH};
use support::shop::{Browser, callback, callback_of_issuer, outcome, session, shop};

/// Everything that an attacker can do with a state that they have read.
#[test]
fn nothing_that_an_attacker_sends_uses_up_a_login() {
    let shop = shop();
    let (mut victim, mut attacker) = (Browser::default(), Browser::default());
    let hers = victim.begin(&shop, Login::with("github"));
    let _ = attacker.begin(&shop, Login::with("github"));
    let (his, none) = (attacker.headers(), Browser::default().headers());
    let tenant = Tenant::from([1; 16]);
    let github = || Expect::provider("github");
    let error = || Callback::from_query(&format!("error=access_denied&state={}", hers.state)).unwrap();
    let attempts = [
        (Binding::cookies(&his), github(), callback(&hers.state)),
        (Binding::cookies(&his), github(), error()),
        (Binding::cookies(&none), github(), callback(&hers.state)),
        (session(), github(), callback(&hers.state)),
        (Binding::new_login_secret(), github(), callback(&hers.state)),
        (Binding::dangerously_unbound(), github(), callback(&hers.state)),
        (Binding::cookies(&his), Expect::provider("google"), callback(&hers.state)),
        (Binding::cookies(&his), github().tenant(&tenant), callback(&hers.state)),
        (Binding::cookies(&his), github().redirect("app"), callback(&hers.state)),
        (Binding::cookies(&his), github().purpose(Purpose::Link), callback(&hers.state)),
    ];
    for (number, (binding, expect, callback)) in attempts.into_iter().enumerate() {
        let attempt = outcome(block_on(shop.flow.finish(binding, expect, callback)));
        assert_ne!(attempt, "passed", "attempt {number}");
        assert_eq!(shop.guard.calls(), 0, "attempt {number} asked the guard");
    }
    assert!(victim.finish(&shop, "github", &hers.state).is_ok());
}

/// A link leads the owner's browser to the wrong address: the guard is not asked either.
#[test]
fn a_detour_in_the_owner_s_browser_uses_nothing_up() {
    let shop = shop();
    let mut victim = Browser::default();
    let hers = victim.begin(&shop, Login::with("google"));
    let headers = victim.headers();
    let tenant = Tenant::from([1; 16]);
    let google = || Expect::provider("google");
    let with_iss = callback_of_issuer(&hers.state, "https://evil.example");
    for (expect, callback, code) in [
        (Expect::provider("github"), callback(&hers.state), "wrong_provider"),
        (google().tenant(&tenant), callback(&hers.state), "wrong_tenant"),
        (google().redirect("app"), callback(&hers.state), "wrong_redirect"),
        (google().purpose(Purpose::Link), callback(&hers.state), "wrong_purpose"),
        (google(), with_iss, "issuer_mismatch"),
    ] {
        assert_eq!(outcome(block_on(shop.flow.finish(Binding::cookies(&headers), expect, callback))), code);
    }
    assert_eq!(shop.guard.calls(), 0);
    assert!(victim.finish(&shop, "google", &hers.state).is_ok());
}

/// A mail scanner, a prefetch or a prerender follows the link before the user.
#[test]
fn head_and_speculative_loads_never_consume() {
    let shop = shop();
    let mut browser = Browser::default();
    let begun = browser.begin(&shop, Login::with("github"));
    let uri = format!("/login/github/callback?code=code&state={}", begun.state);
    let head = http::Request::head(uri).body(()).unwrap().into_parts().0;
    assert_eq!(outcome(Callback::from_parts(&head, b"")), "not_consumed");
    for (name, value) in [("sec-purpose", "prefetch;prerender"), ("purpose", "prefetch")] {
        let mut headers = browser.headers();
        headers.insert(name, value.parse().unwrap());
        let refused = shop.flow.check(Binding::cookies(&headers), Expect::provider("github"), callback(&begun.state));
        assert_eq!(refused.unwrap_err().code(), "not_consumed");
    }
    assert_eq!(shop.guard.calls(), 0);
    assert!(browser.finish(&shop, "github", &begun.state).is_ok());
}

/// A bot that finishes its own logins fills a guard: callbacks get an error, and no mark is dropped.
#[test]
fn a_flood_of_logins_drops_no_mark() {
    let guard = SingleProcessGuard::with_capacity(100);
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let claim = |id: u32, claimant: u8| {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&id.to_be_bytes());
        block_on(guard.mark_used(&mark(bytes, [claimant; 8], now, now + Duration::from_secs(600))))
    };
    assert_eq!(claim(0, 1).unwrap(), Marked::First);
    let answers: Vec<_> = (1..1_000).map(|id| claim(id, 1)).collect();
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Ok(Marked::First))).count(), 99);
    let full = |answer: &Result<Marked, oauth_state::guard::GuardError>| {
        answer.as_ref().err().is_some_and(|error| error.kind() == GuardErrorKind::Full)
    };
    assert_eq!(answers.iter().filter(|answer| full(answer)).count(), 900);
    assert!(matches!(claim(0, 2).unwrap(), Marked::AlreadyUsed { .. }), "the very first mark is still there");
}
