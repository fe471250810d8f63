//! Planted parameters (RFC 6749 section 10.12, RFC 9700 section 4.4): a refused callback passes the attacker's name or
//! address to the application as the user's own.
//!
//! Apple sends the user's name once, so a refusal keeps it for the next callback. Without checking whose callback it
//! was, the name in an attacker's link goes into the account of the user who opened it.

use oauth_state::payload::HandleKind;
use oauth_state::ring::{KeyRingDocument, RingTiming};
use oauth_state::testing::ManualClock;
use oauth_state::{
    Binding, Callback, Expect, FinishError, Flow, FlowBuilder, LiveKeyRing, Login, Provider, Purpose,
    SingleProcessGuard,
};
use std::time::{Duration, UNIX_EPOCH};
use support::shop::{Browser, NOW, anything, app, block_on, session, shop, shop_built, shop_with};

const LATE: Duration = Duration::from_secs(700);

/// The form that Apple's page posts on the first login.
fn form(state: &str) -> Callback {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("state", state)
        .append_pair("code", "code")
        .append_pair("user", r#"{"name":{"firstName":"Mallory"}}"#)
        .finish();
    Callback::from_form(form.as_bytes()).unwrap()
}

fn keeps(refused: &FinishError) -> (&'static str, bool) {
    (refused.code(), refused.own_parameters().is_some())
}

/// The attacker's link has the attacker's state and any text that the attacker chooses.
#[test]
fn another_browser_and_one_without_the_cookie_keep_none() {
    let shop = shop();
    let (mut owner, mut other) = (Browser::default(), Browser::default());
    let begun = owner.begin(&shop, Login::with("apple"));
    let _ = other.begin(&shop, Login::with("apple"));
    let mut cross_site = Browser::default().headers();
    cross_site.insert("origin", "https://appleid.apple.com".parse().unwrap());
    cross_site.insert("sec-fetch-site", "cross-site".parse().unwrap());
    let finish = |headers: &http::HeaderMap| {
        let finished = shop.flow.finish(Binding::cookies(headers), anything("apple"), form(&begun.state));
        keeps(&block_on(finished).unwrap_err())
    };
    let strangers = [
        (other.headers(), "other_browser"),
        (Browser::default().headers(), "cookie_missing"),
        (cross_site, "cookie_missing"),
    ];
    for (headers, code) in &strangers {
        assert_eq!(finish(headers), (*code, false));
    }
    shop.clock.advance(LATE);
    for (headers, _) in &strangers {
        assert_eq!(finish(headers), ("expired", false));
        let opened = shop.flow.open(form(&begun.state)).unwrap_err();
        assert_eq!(keeps(&opened), ("expired", false), "before the browser is verified");
        assert_eq!(keeps(&opened.seen_by(&Binding::cookies(headers), anything("apple"))), ("expired", false));
    }
    assert_eq!(finish(&owner.headers()), ("expired", true));
}

/// The page that re-posts a form sends the cookie of its own browser.
#[test]
fn a_form_that_was_posted_once_more_by_another_browser_keeps_none() {
    let by_form = Provider::apple().response_mode(oauth_state::provider::ResponseMode::FormPostReposted);
    let shop = shop_with(|builder| builder.provider(by_form));
    let (mut owner, mut victim) = (Browser::default(), Browser::default());
    let begun = owner.begin(&shop, Login::with("apple"));
    let _ = victim.begin(&shop, Login::with("apple"));
    let reposted = || {
        let form = format!("state={}&code=c&user=mallory&oauth_state_reposted=1", begun.state);
        Callback::from_form(form.as_bytes()).unwrap()
    };
    let finish = |browser: &Browser, callback: Callback| {
        let headers = browser.headers();
        keeps(&block_on(shop.flow.finish(Binding::cookies(&headers), anything("apple"), callback)).unwrap_err())
    };
    assert_eq!(finish(&Browser::default(), form(&begun.state)), ("repost_needed", false));
    assert_eq!(finish(&Browser::default(), reposted()), ("cookie_missing", false));
    assert_eq!(finish(&victim, reposted()), ("other_browser", false));
    shop.clock.advance(LATE);
    assert_eq!(finish(&Browser::default(), reposted()), ("expired", false));
    assert_eq!(finish(&victim, reposted()), ("expired", false));
    assert_eq!(finish(&owner, reposted()), ("expired", true));
}

/// An unbound login belongs to every browser: the attacker's link finishes in the victim's.
#[test]
fn an_unbound_login_keeps_none() {
    let unbound = Binding::dangerously_unbound;
    for (binding, keeps_them) in [(unbound as fn() -> Binding<'static>, false), (session, true)] {
        let with = |builder: FlowBuilder<()>| builder.carrying::<String>().provider(Provider::apple());
        let shop = shop_with(with);
        let begin = || shop.flow.begin(binding(), Login::with("apple").data("x".to_owned())).unwrap().state;
        let check = |state: &str| shop.flow.check(binding(), anything("apple"), form(state));
        let finish =
            |state: &str| keeps(&block_on(shop.flow.finish(binding(), anything("apple"), form(state))).unwrap_err());
        let state = begin();
        // A deployment that changed the type of the data.
        let other = shop_with(|builder| builder.carrying::<u8>().provider(Provider::apple()));
        let unread = other.flow.check(binding(), anything("apple"), form(&state)).unwrap_err();
        assert_eq!(keeps(&unread), ("data", keeps_them));

        assert!(block_on(check(&state).unwrap().mark_used()).is_ok());
        assert_eq!(finish(&state), ("already_used", keeps_them));
        let full = Flow::builder(app(), oauth_state::testing::ring(), SingleProcessGuard::with_capacity(0));
        let full = with(full).clock(shop.clock.clone()).build().unwrap();
        let refused = block_on(full.finish(binding(), anything("apple"), form(&state))).unwrap_err();
        assert_eq!(keeps(&refused), ("guard_full", keeps_them));

        let held_back = check(&begin()).unwrap();
        shop.clock.advance(LATE);
        assert_eq!(keeps(&block_on(held_back.mark_used()).unwrap_err()), ("expired", keeps_them));
        assert_eq!(finish(&state), ("expired", keeps_them));
        let opened = shop.flow.open(form(&state)).unwrap_err();
        assert_eq!(keeps(&opened.seen_by(&binding(), anything("apple"))), ("expired", keeps_them));
    }
}

/// Another signed-in user, provider or issuer: a callback that would also have been refused in time, and comes late.
#[test]
fn a_late_callback_that_would_have_been_refused_in_time_keeps_none() {
    let shop = shop_with(|builder| {
        let builder = builder.purpose(Purpose::Login).purpose(Purpose::Link);
        builder.provider(Provider::google()).provider(Provider::github())
    });
    let user = |id: &'static [u8]| session().for_user(id).unwrap().dangerously_assume_same_origin();
    let begin = |purpose: Purpose| shop.flow.begin(user(b"ann"), Login::with("google").purpose(purpose)).unwrap().state;
    let (login, link) = (begin(Purpose::Login), begin(Purpose::Link));
    let query = |state: &str, rest: &str| Callback::from_query(&format!("state={state}&user=x{rest}")).unwrap();
    let check = |id: &'static [u8], expect: Expect<'_>, callback: Callback| {
        keeps(&shop.flow.check(user(id), expect, callback).unwrap_err())
    };
    let (google, github) = (|| Expect::provider("google"), || Expect::provider("github"));
    let foreign = "&code=c&iss=https://evil.example";
    for (code, in_time) in [("issuer_mismatch", true), ("expired", false)] {
        assert_eq!(check(b"ann", google(), query(&login, foreign)), (code, false));
        let expected = if in_time { "wrong_provider" } else { "expired" };
        assert_eq!(check(b"ann", github(), query(&login, "&code=c")), (expected, false));
        let expected = if in_time { "wrong_purpose" } else { "expired" };
        assert_eq!(check(b"ann", google(), query(&link, "&code=c")), (expected, false));
        let expected = if in_time { "other_user" } else { "expired" };
        assert_eq!(check(b"eve", google().purpose(Purpose::Link), query(&link, "&code=c")), (expected, false));
        let expected = if in_time { "code_missing" } else { "expired" };
        assert_eq!(check(b"ann", google(), query(&login, "")), (expected, false));
        shop.clock.advance(LATE);
    }
    assert_eq!(check(b"ann", google(), query(&login, "&code=c")), ("expired", true));
    assert_eq!(check(b"ann", google().purpose(Purpose::Link), query(&link, "&code=c")), ("expired", true));
}

/// A leaked key, or an attacker with write access to the store: the binding matched, but the refusal indicates an
/// attack.
#[test]
fn a_revoked_key_and_a_changed_payload_keep_none() {
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    let timing = RingTiming {
        propagation: Duration::from_secs(300),
        skew: Duration::from_secs(60),
        lifetime_cap: Duration::from_secs(600),
    };
    let document = KeyRingDocument::first(timing, now).unwrap();
    let keys = LiveKeyRing::from(document.ring().clone());
    let flow = Flow::builder(app(), keys.clone(), SingleProcessGuard::with_capacity(10));
    let flow = flow.clock(ManualClock::at(NOW)).provider(Provider::apple()).build().unwrap();
    let state = flow.begin(session(), Login::with("apple")).unwrap().state;
    let checked = flow.check(session(), anything("apple"), form(&state)).unwrap();
    let (id, _) = document.ring().roles(now).next().unwrap();
    keys.offer(&document.revoke(id, now).unwrap().document.to_secret_text(), now).unwrap();
    assert_eq!(keeps(&block_on(checked.mark_used()).unwrap_err()), ("key_revoked", false));

    let shop = shop_built(|builder| builder.provider(Provider::apple()).build_handles(HandleKind::MEMORY));
    for (stored, expected) in [(Some(vec![0; 30]), ("forged", false)), (None, ("not_stored", true))] {
        let begun = shop.flow.begin_and_store(session(), Login::with("apple"), 7, |_| async { Ok(()) });
        let state = block_on(begun).unwrap().state;
        let checked = shop.flow.check(session(), anything("apple"), form(&state)).unwrap();
        let fetched = checked.mark_used_and_fetch::<u8, _>(|_| async { Ok(stored) });
        assert_eq!(keeps(&block_on(fetched).unwrap_err()), expected);
    }
}
