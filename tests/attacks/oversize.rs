//! Oversize (RFC 6819 section 4.4.1.11, resource exhaustion): states, callbacks, cookies and paths of any length.
//!
//! Without the limits, one request makes a server decode, hold or compare megabytes. With a limit that is checked too
//! late, a sealed state cannot come back, because a proxy or the provider has its own limit.

use oauth_state::error::ReturnToError;
use oauth_state::{BeginError, Binding, Callback, Expect, Login, Provider, ReturnTo};
use support::shop::{Browser, callback, outcome, session, shop, shop_with};

#[test]
fn a_state_beyond_2048_characters_is_refused_unread() {
    let shop = shop();
    let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
    for (length, code) in [(2048, "forged"), (2049, "too_long"), (1_000_000, "too_long")] {
        let state = format!("{}{}", begun.state, "A".repeat(length - begun.state.len()));
        let checked = Callback::from_pairs([("code", "code"), ("state", &state)])
            .and_then(|callback| shop.flow.check(session(), Expect::provider("github"), callback));
        assert_eq!(outcome(checked), code, "{length}");
    }
    assert_eq!(shop.guard.calls(), 0);
}

#[test]
fn a_callback_beyond_32_kilobytes_or_64_parameters_is_refused_unread() {
    let query = |filler: String| outcome(Callback::from_query(&format!("state=s&code=c{filler}")));
    assert_eq!(query(format!("&x={}", "x".repeat(32_768 - 17))), "passed");
    assert_eq!(query(format!("&x={}", "x".repeat(32_768 - 16))), "too_long");
    let many = |count: usize| (0..count).map(|number| format!("&p{number}=1")).collect::<String>();
    assert_eq!(query(many(62)), "passed");
    assert_eq!(query(many(63)), "too_long");
    assert_eq!(query("&".repeat(30_000)), "passed", "empty pairs do not count");
    let pairs = |code: usize| outcome(Callback::from_pairs([("state", "s"), ("code", &"c".repeat(code))]));
    let names_and_state = "state".len() + "s".len() + "code".len();
    assert_eq!((pairs(32_768 - names_and_state), pairs(32_769 - names_and_state)), ("passed", "too_long"));
}

/// A jar full of cookies with our name: 64 are tried, in an order that does not depend on their position.
#[test]
fn of_many_cookies_of_our_name_64_are_tried() {
    let shop = shop();
    let mut browser = Browser::default();
    let begun = browser.begin(&shop, Login::with("github"));
    let (name, value) = browser.jar()[0].clone();
    let (stem, suffix) = name.split_at(name.len() - 8);
    let jar = |others: usize, suffixes: char| {
        let mut line = String::new();
        for number in 0..others {
            line.push_str(&format!("{stem}{suffixes}{number:07}={}; ", "A".repeat(43)));
        }
        line + &format!("{stem}{suffix}={value}")
    };
    let checked = |line: String| {
        let binding = Binding::cookie_headers([line.as_bytes()]);
        outcome(shop.flow.check(binding, Expect::provider("github"), callback(&begun.state)))
    };
    assert_eq!(checked(jar(63, 'z')), "passed");
    // `-` sorts before every other character of a suffix.
    assert_eq!(checked(jar(64, '-')), "other_browser");
    assert_eq!(checked(jar(5_000, '-')), "other_browser");
}

#[test]
fn what_would_not_come_back_is_refused_at_begin() {
    assert!(format!("/{}", "a".repeat(1023)).parse::<ReturnTo>().is_ok());
    assert_eq!(format!("/{}", "a".repeat(1024)).parse::<ReturnTo>(), Err(ReturnToError::TooLong));
    let shop = shop_with(|builder| builder.carrying::<String>().provider(Provider::custom("acme").unwrap()));
    let begin = |length: usize| shop.flow.begin(session(), Login::with("acme").data("x".repeat(length)));
    let longest = (0..2_048).rev().find(|length| begin(*length).is_ok()).unwrap();
    let state = begin(longest).unwrap().state;
    assert!((2045..=2048).contains(&state.len()), "{}", state.len());
    assert!(matches!(begin(longest + 1), Err(BeginError::StateTooLong { limit: 2048, .. })));
    let finished = shop.flow.check(session(), Expect::provider("acme"), callback(&state));
    assert_eq!(outcome(finished), "passed", "the longest one opens");
}
