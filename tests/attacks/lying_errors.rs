//! Error callbacks that lie (RFC 6749 section 4.1.2.1, RFC 9207 section 2): an attacker can send a browser to a
//! callback with `error=`.
//!
//! Without the checks, a link from another site ends a victim's login, shows the attacker's text on the service's page,
//! or convinces the service that its provider refused.

use oauth_state::error::FinishErrorKind;
use oauth_state::outcome::AuthorizationError;
use oauth_state::{Binding, Callback, Expect, Login, LoginOutcome};
use support::shop::{Browser, authorized, block_on, outcome, session, shop};

fn error(state: &str, more: &str) -> Callback {
    Callback::from_query(&format!("error=access_denied&state={state}{more}")).unwrap()
}

#[test]
fn an_error_without_an_authentic_state_says_nothing() {
    let shop = shop();
    assert_eq!(outcome(Callback::from_query("error=access_denied")), "missing_state");
    for state in ["x", "ost1", &"A".repeat(120)] {
        let refused = shop.flow.check(session(), Expect::provider("github"), error(state, ""));
        assert!(["malformed", "unknown_key", "forged"].contains(&outcome(refused)), "{state}");
    }
    // A genuine state with one changed character in its tag.
    let mut state = shop.flow.begin(session(), Login::with("github")).unwrap().state.into_bytes();
    let place = state.len() - 5;
    state[place] = if state[place] == b'A' { b'B' } else { b'A' };
    let state = String::from_utf8(state).unwrap();
    assert_eq!(outcome(shop.flow.check(session(), Expect::provider("github"), error(&state, ""))), "forged");
    assert_eq!(shop.guard.calls(), 0);
}

/// The victim's state leaked; the attacker sends an error for it from their own browser.
#[test]
fn an_error_from_another_browser_ends_no_login() {
    let shop = shop();
    let (mut victim, mut attacker) = (Browser::default(), Browser::default());
    let hers = victim.begin(&shop, Login::with("github"));
    let _ = attacker.begin(&shop, Login::with("github"));
    let headers = attacker.headers();
    let lie =
        block_on(shop.flow.finish(Binding::cookies(&headers), Expect::provider("github"), error(&hers.state, "")));
    assert_eq!(outcome(lie), "other_browser");
    assert_eq!(shop.guard.calls(), 0);
    assert!(victim.finish(&shop, "github", &hers.state).is_ok());
}

/// A provider's refusal also ends a login: its state must not be accepted again.
#[test]
fn a_refusal_by_the_provider_consumes_and_is_attributed_only_with_iss() {
    let shop = shop();
    let refused = |provider: &str, iss: &str| {
        let begun = shop.flow.begin(session(), Login::with(provider)).unwrap();
        let query = format!("error=access_denied&error_description=no&state={}{iss}", begun.state);
        let finish = || {
            let callback = Callback::from_query(&query).unwrap();
            block_on(shop.flow.finish(session(), Expect::provider(provider), callback))
        };
        let Ok(LoginOutcome::Denied(refusal)) = finish() else { panic!("refused") };
        assert_eq!(finish().unwrap_err().code(), "already_used");
        assert_eq!(refusal.error, AuthorizationError::AccessDenied);
        assert_eq!(refusal.parameters.get("error_description"), Some("no"));
        refusal.attributed_to
    };
    assert_eq!(refused("github", ""), None);
    assert_eq!(refused("github", "&iss=https://github.com"), None);
    assert_eq!(refused("google", ""), None);
    assert_eq!(refused("google", "&iss=https://accounts.google.com").as_deref(), Some("google"));
}

/// One provider's error under another's name (mix-up of refusals).
#[test]
fn an_error_with_another_issuer_is_refused() {
    let shop = shop();
    let begun = shop.flow.begin(session(), Login::with("google")).unwrap();
    let lie = error(&begun.state, "&iss=https://evil.example");
    assert_eq!(outcome(shop.flow.check(session(), Expect::provider("google"), lie)), "issuer_mismatch");
    assert_eq!(shop.guard.calls(), 0);
}

/// An error's text must not appear on a page: it is bounded, plain, and hidden from `Debug`; unknown codes are kept
/// apart.
#[test]
fn a_text_in_place_of_an_error_code_is_no_message() {
    let query = |error: &str| Callback::from_query(&format!("state=s&error={error}"));
    assert_eq!(outcome(query(&"e".repeat(201))), "too_long");
    for lie in ["%0d%0aSet-Cookie:a", "%00", "%e2%80%aecall+us", "%c3%a9", "%7f"] {
        assert_eq!(outcome(query(lie)), "malformed", "{lie}");
    }
    let shop = shop();
    let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
    let callback = Callback::from_query(&format!("state={}&error=Call+0800+for+help", begun.state)).unwrap();
    let finished = block_on(shop.flow.finish(session(), Expect::provider("github"), callback)).unwrap();
    let LoginOutcome::Denied(refusal) = finished else { panic!("no code came") };
    assert_eq!(refusal.error, AuthorizationError::Other("Call 0800 for help".to_owned()));
    assert!(!format!("{refusal:?}").contains("0800"));
}

/// A real response after a refusal is not accepted, because the state is used up.
#[test]
fn a_code_after_an_error_is_refused_and_an_error_after_a_code_too() {
    let shop = shop();
    let answers = |first: &dyn Fn(&str) -> Callback, second: &dyn Fn(&str) -> Callback| {
        let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
        let finish = |callback| block_on(shop.flow.finish(session(), Expect::provider("github"), callback));
        let first = finish(first(&begun.state)).unwrap();
        assert_eq!(finish(second(&begun.state)).unwrap_err().kind(), FinishErrorKind::AlreadyUsed);
        first
    };
    let code = |state: &str| support::shop::callback(state);
    let refused = |state: &str| error(state, "");
    assert!(matches!(answers(&refused, &code), LoginOutcome::Denied(_)));
    assert_eq!(authorized(answers(&code, &refused)).code.secret(), "code");
}
