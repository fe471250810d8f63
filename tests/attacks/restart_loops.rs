//! Restart loops (RFC 9110 section 15.4 on cyclical redirections): a login that restarts for ever, or for another user.
//!
//! Without the counter, a provider that never asks the user and a lost cookie cause a redirect loop. Without checking
//! whose login it was, a victim's restart takes a path that the attacker chose.

use oauth_state::error::FinishErrorKind;
use oauth_state::{Binding, Callback, Expect, Login, LoginOutcome, Provider, Purpose, Restart, ReturnTo, Tenant};
use std::time::Duration;
use support::shop::{Browser, NOW, anything, block_on, callback, session, shop, shop_with};

fn login() -> Login {
    Login::with("github").tenant([9; 16]).redirect("web").return_to("/cart".parse::<ReturnTo>().unwrap())
}

#[test]
fn an_expired_login_restarts_once_and_then_asks() {
    let shop = shop();
    let mut browser = Browser::default();
    let first = browser.begin(&shop, login());
    shop.clock.advance(Duration::from_secs(700));
    let refused = browser.finish(&shop, "github", &first.state).unwrap_err();
    assert_eq!(refused.kind(), FinishErrorKind::Expired);
    let restart = refused.restart().unwrap();
    assert!(restart.is_automatic());
    assert_eq!((restart.provider(), restart.redirect()), ("github", Some("web")));
    assert_eq!(restart.return_to().unwrap().as_str(), "/cart");
    assert_eq!(restart.tenant().unwrap().as_bytes(), [9; 16]);

    let second = browser.begin(&shop, Login::with("github").restarting(restart));
    shop.clock.advance(Duration::from_secs(700));
    let refused = browser.finish(&shop, "github", &second.state).unwrap_err();
    assert_eq!(refused.kind(), FinishErrorKind::Expired);
    assert!(!refused.restart().unwrap().is_automatic());
    assert_eq!(refused.restart().unwrap().return_to().unwrap().as_str(), "/cart");
}

#[test]
fn another_browser_never_restarts_and_never_learns_the_path() {
    let shop = shop();
    let (mut owner, mut other) = (Browser::default(), Browser::default());
    let begun = owner.begin(&shop, login());
    let _ = other.begin(&shop, login());
    for expected in [FinishErrorKind::OtherBrowser, FinishErrorKind::Expired] {
        let refused = other.finish(&shop, "github", &begun.state).unwrap_err();
        assert_eq!(refused.kind(), expected);
        let restart = refused.restart().unwrap();
        assert!(!restart.is_automatic() && restart.return_to().is_none());
        shop.clock.advance(Duration::from_secs(700));
    }
}

#[test]
fn a_browser_without_any_cookie_restarts_once_and_does_not_loop() {
    let shop = shop();
    let begun = Browser::default().begin(&shop, login());
    let refused = Browser::default().finish(&shop, "github", &begun.state).unwrap_err();
    assert_eq!(refused.kind(), FinishErrorKind::CookieMissing);
    let restart = refused.restart().unwrap();
    assert!(restart.is_automatic());
    assert!(restart.return_to().is_none(), "nothing shows that this browser chose the path");
    let again = Browser::default().begin(&shop, Login::with("github").restarting(restart));
    // An expired state in such a browser behaves the same.
    shop.clock.advance(Duration::from_secs(700));
    let late = Browser::default().finish(&shop, "github", &begun.state).unwrap_err();
    assert_eq!(late.kind(), FinishErrorKind::Expired);
    assert!(late.restart().unwrap().is_automatic() && late.restart().unwrap().return_to().is_none());
    shop.clock.set(NOW);
    let refused = Browser::default().finish(&shop, "github", &again.state).unwrap_err();
    assert!(!refused.restart().unwrap().is_automatic());
}

#[test]
fn a_sign_of_an_attack_offers_no_restart() {
    let shop = shop();
    let mut browser = Browser::default();
    let begun = browser.begin(&shop, login());
    assert!(browser.finish(&shop, "google", &begun.state).unwrap_err().restart().is_none());
    let forged = format!("{}AAAA", begun.state);
    assert!(browser.finish(&shop, "github", &forged).unwrap_err().restart().is_none());
    shop.clock.advance(Duration::from_secs(700));
    assert!(browser.finish(&shop, "google", &begun.state).unwrap_err().restart().is_none());
}

/// An expired state of another tenant, address or purpose would not have been accepted in time either.
#[test]
fn an_expired_state_that_does_not_belong_here_offers_no_restart() {
    let shop = shop();
    let begun = shop.flow.begin(session(), login()).unwrap();
    shop.clock.advance(Duration::from_secs(700));
    let restart = |expect: Expect<'_>| {
        let refused = shop.flow.check(session(), expect, callback(&begun.state)).unwrap_err();
        assert_eq!(refused.kind(), FinishErrorKind::Expired);
        refused.restart().is_some()
    };
    let (own, other) = (Tenant::from([9; 16]), Tenant::from([8; 16]));
    let github = || Expect::provider("github");
    assert!(restart(github().tenant(&own).redirect("web").purpose(Purpose::Login)));
    assert!(!restart(github().tenant(&other)));
    assert!(!restart(github().redirect("app")));
    assert!(!restart(github().purpose(Purpose::Link)));
}

/// The address of a refused callback stays in a browser's history and in server logs.
#[test]
fn a_state_restarts_until_lifetime_cap_after_its_expiry_and_not_later() {
    let shop = shop();
    let mut browser = Browser::default();
    let begun = browser.begin(&shop, login());
    let (own, none) = (browser.headers(), Browser::default().headers());
    for (seconds, offered) in [(0, true), (600 + 3_599, true), (600 + 3_600, false), (5 * 86_400, false)] {
        shop.clock.set(NOW + seconds);
        for headers in [&own, &none] {
            let restart = shop.flow.restart(&begun.state, &Binding::cookies(headers), anything("github"));
            assert_eq!(restart.is_some(), offered, "after {seconds} s");
            if seconds > 660 {
                let late = shop.flow.check(Binding::cookies(headers), anything("github"), callback(&begun.state));
                let late = late.unwrap_err();
                assert_eq!((late.code(), late.restart().is_some()), ("expired", offered), "after {seconds} s");
            }
        }
    }
}

/// The same for a callback that was verified in time and then held back: not a second longer.
#[test]
fn a_verified_callback_restarts_as_long_as_its_state_does() {
    for (seconds, offered) in [(600 + 3_599, true), (600 + 3_600, false)] {
        let shop = shop();
        let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
        let verified = shop.flow.check(session(), anything("github"), callback(&begun.state)).unwrap();
        shop.clock.set(NOW + seconds);
        let late = block_on(verified.mark_used()).unwrap_err();
        assert_eq!((late.code(), late.restart().is_some()), ("expired", offered), "after {seconds} s");
    }
}

/// An attacker's state at a login start: the attacker's choices must not enter the victim's next login.
#[test]
fn a_restart_carries_nothing_but_the_provider_for_a_browser_that_may_be_another() {
    let shop = shop();
    let mut attacker = Browser::default();
    let begun = attacker.begin(&shop, login());
    let mut other = Browser::default();
    let _ = other.begin(&shop, login());
    let headers = other.headers();
    let restart = shop.flow.restart(&begun.state, &Binding::cookies(&headers), anything("github"));
    assert!(restart.is_none(), "a browser with a login of its own");
    for (browser, is_own) in [(&attacker, true), (&Browser::default(), false)] {
        let headers = browser.headers();
        let restart = shop.flow.restart(&begun.state, &Binding::cookies(&headers), anything("github")).unwrap();
        assert_eq!((restart.provider(), restart.token()), ("github", begun.state.as_str()));
        let carried = [restart.tenant().is_some(), restart.redirect().is_some(), restart.return_to().is_some()];
        assert_eq!(carried, [is_own; 3]);
        // The login start keeps what it knows from its own request.
        let restarted = shop.flow.begin(session(), Login::with("github").tenant([3; 16]).restarting(&restart)).unwrap();
        let expected = Tenant::from([if is_own { 9 } else { 3 }; 16]);
        let expect = anything("github").tenant(&expected);
        assert!(shop.flow.check(session(), expect, callback(&restarted.state)).is_ok());
    }
    // A state of another callback or tenant, and texts that are no state.
    let (headers, tenant) = (attacker.headers(), Tenant::from([8; 16]));
    let offered =
        |token: &str, expect: Expect<'_>| shop.flow.restart(token, &Binding::cookies(&headers), expect).is_some();
    assert!(!offered(&begun.state, anything("google")));
    assert!(!offered(&begun.state, anything("github").tenant(&tenant)));
    assert!(!offered(&begun.state, anything("github").purpose(Purpose::Link)));
    assert!(!offered(&format!("{}AAAA", begun.state), anything("github")));
}

/// An unbound login is not certainly this browser's: an attacker's choices must not continue in a victim's browser.
#[test]
fn an_unbound_login_restarts_without_what_its_starter_chose() {
    let shop = shop_with(|builder| builder.carrying::<String>().provider(Provider::github()));
    let unbound = Binding::dangerously_unbound;
    let login = || Login::with("github").tenant([9; 16]).return_to("/mallory".parse::<ReturnTo>().unwrap());
    let begun = shop.flow.begin(unbound(), login().data("mallory".to_owned())).unwrap();
    let finish = || block_on(shop.flow.finish(unbound(), anything("github"), callback(&begun.state)));
    let carried = |restart: &Restart| {
        (restart.return_to().is_some(), restart.tenant().is_some(), restart.data::<String>().is_some())
    };
    // A deployment that changed the type of the data.
    let other = shop_with(|builder| builder.carrying::<u8>().provider(Provider::github()));
    let unread = other.flow.check(unbound(), anything("github"), callback(&begun.state)).unwrap_err();
    assert_eq!((unread.code(), carried(unread.restart().unwrap())), ("data", (false, false, false)));
    assert!(finish().is_ok());
    let used = finish().unwrap_err();
    assert_eq!((used.code(), carried(used.restart().unwrap())), ("already_used", (false, false, false)));
    shop.clock.advance(Duration::from_secs(700));
    let late = finish().unwrap_err();
    assert_eq!((late.code(), carried(late.restart().unwrap())), ("expired", (false, false, false)));
    let token = shop.flow.restart(&begun.state, &unbound(), anything("github")).unwrap();
    assert_eq!(carried(&token), (false, false, false));
}

/// A machine slept between the check and the mark.
#[test]
fn a_callback_that_is_marked_much_too_late_offers_no_restart() {
    let shop = shop();
    for (seconds, offered) in [(700, true), (20 * 3_600, false)] {
        shop.clock.set(NOW);
        let begun = shop.flow.begin(session(), login()).unwrap();
        let bound = shop.flow.check(session(), anything("github"), callback(&begun.state)).unwrap();
        shop.clock.advance(Duration::from_secs(seconds));
        let late = block_on(bound.mark_used()).unwrap_err();
        assert_eq!((late.code(), late.restart().is_some()), ("expired", offered));
    }
}

/// A login start continues only a plain login: starts of other purposes have their own checks.
#[test]
fn a_token_of_another_purpose_continues_nothing() {
    const BANK: Purpose = Purpose::Custom("connect-bank");
    let shop = shop_with(|builder| builder.purpose(Purpose::Login).purpose(BANK).provider(Provider::github()));
    let begun = shop.flow.begin(session(), Login::with("github").purpose(BANK)).unwrap();
    let offered = |expect: Expect<'_>| shop.flow.restart(&begun.state, &session(), expect).is_some();
    assert!(!offered(Expect::provider("github")));
    assert!(!offered(Expect::provider("github").purpose(BANK)), "only a login restarts automatically");
}

/// A login's data is returned only to the browser that started it, not to anyone else who has the state.
#[test]
fn data_goes_on_with_its_own_browser_alone() {
    let shop = shop_with(|builder| builder.carrying::<String>().provider(Provider::github()));
    let other = || Binding::session(b"another user's session").unwrap();
    let begin = || shop.flow.begin(session(), Login::with("github").data("invitation 7".to_owned())).unwrap();
    let restart_data = |binding: Binding<'_>, state: &str| {
        let refused = block_on(shop.flow.finish(binding, Expect::provider("github"), callback(state))).unwrap_err();
        (refused.code(), refused.restart().and_then(Restart::data::<String>))
    };
    let own = Some("invitation 7".to_owned());
    let begun = begin();
    assert_eq!(restart_data(other(), &begun.state), ("other_session", None));
    assert!(block_on(shop.flow.finish(session(), Expect::provider("github"), callback(&begun.state))).is_ok());
    assert_eq!(restart_data(session(), &begun.state), ("already_used", own.clone()));
    let begun = begin();
    shop.clock.advance(Duration::from_secs(700));
    assert_eq!(restart_data(session(), &begun.state), ("expired", own));
    assert_eq!(restart_data(other(), &begun.state), ("expired", None));
    assert_eq!(restart_data(Binding::cookie_headers([]), &begun.state), ("expired", None));
}

/// An unbound login is not tied to the victim's browser: neither a denial nor a refusal may put the attacker's data
/// into the victim's next login.
#[test]
fn a_denied_login_that_nothing_binds_gives_no_data() {
    let shop = shop_with(|builder| builder.carrying::<String>().provider(Provider::github()));
    let begin = |binding: Binding<'_>| {
        let login = Login::with("github").data("the attacker's invitation".to_owned());
        shop.flow.begin(binding, login.return_to("/attacker".parse().unwrap())).unwrap().state
    };
    let deny = |binding: Binding<'_>, state: &str| {
        let callback = Callback::from_pairs([("state", state), ("error", "access_denied")]).unwrap();
        let outcome = block_on(shop.flow.finish(binding, anything("github"), callback));
        let Ok(LoginOutcome::Denied(denied)) = outcome else { panic!("not denied") };
        (denied.restart.data::<String>(), denied.restart.return_to().is_some())
    };
    let state = begin(Binding::dangerously_unbound());
    assert_eq!(deny(Binding::dangerously_unbound(), &state), (None, false));
    let state = begin(session());
    assert_eq!(deny(session(), &state), (Some("the attacker's invitation".to_owned()), true), "its own browser");
}

/// A form from another site, without a cookie: the page asks first, because another site's form could start login after
/// login. Either the form itself or the page that re-posts it shows where it came from.
#[test]
fn a_posted_callback_without_a_cookie_never_restarts_by_itself() {
    let shop = shop_with(|builder| builder.provider(Provider::apple()));
    let state = shop.flow.begin(Binding::cookie_headers([]), Login::with("apple")).unwrap().state;
    let restarts = |headers: &[(&'static str, &str)], form: &str| {
        let mut sent = Browser::default().headers();
        for (name, value) in headers {
            sent.insert(*name, value.parse().unwrap());
        }
        let callback = Callback::from_form(form.as_bytes()).unwrap();
        let refused = block_on(shop.flow.finish(Binding::cookies(&sent), anything("apple"), callback)).unwrap_err();
        assert_eq!(refused.kind(), FinishErrorKind::CookieMissing);
        refused.restart().unwrap().is_automatic()
    };
    let form = format!("state={state}&code=code");
    assert!(!restarts(&[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")], &form));
    assert!(!restarts(&[("origin", "null")], &form));
    assert!(!restarts(&[], &form), "a proxy has removed Origin and Sec-Fetch-Site");
    assert!(restarts(&[("origin", "https://shop.example"), ("sec-fetch-site", "same-origin")], &form));
}
