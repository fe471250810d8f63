//! Account-link fixation (RFC 9700 section 4.7, RFC 6749 section 10.12): an attacker links their identity to the
//! account of another user.
//!
//! Without the user in the state, the attacker's identity is linked to the account of any user who opens the attacker's
//! link, and can sign in there from then on.

use http::HeaderMap;
use oauth_state::{BeginError, Binding, Expect, FlowBuilder, Login, Provider, Purpose};
use support::shop::{Browser, Shop, anything, callback, session, shop_with};

fn shop() -> Shop {
    shop_with(|builder| {
        let builder = builder.purpose(Purpose::Login).purpose(Purpose::Link).purpose(Purpose::Reauthenticate);
        builder.provider(Provider::github())
    })
}

/// The headers of a POST from the shop's own page.
fn own_page() -> HeaderMap {
    let pairs = [("host", "shop.example"), ("origin", "https://shop.example")];
    pairs.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

/// The browser also sends a session cookie when another site starts a link on the user's behalf.
#[test]
fn a_link_by_session_shows_that_the_site_s_own_page_began_it_or_says_that_it_need_not() {
    let shop = shop();
    let ann = || session().for_user(b"ann").unwrap();
    let begin = |binding: Binding<'_>| {
        let begun = shop.flow.begin(binding, Login::with("github").purpose(Purpose::Link));
        begun.map(|_| ()).map_err(|error| matches!(error, BeginError::NotSameOrigin(Purpose::Link)))
    };
    let (own, mut cross) = (own_page(), own_page());
    cross.insert("origin", "https://evil.example".parse().unwrap());
    assert_eq!(begin(ann()), Err(true));
    assert_eq!(begin(ann().with_headers(&cross)), Err(true));
    assert_eq!(begin(ann().with_headers(&own)), Ok(()));
    assert_eq!(begin(ann().dangerously_assume_same_origin()), Ok(()));
    let by_client = || Binding::new_login_secret().for_user(b"ann").unwrap();
    assert_eq!(begin(by_client()), Err(true));
    assert_eq!(begin(by_client().dangerously_assume_same_origin()), Ok(()));
}

/// `Sec-Fetch-Site` says that a page of this site sent the request, and `Origin` names another site. If a browser, an
/// extension or a proxy gets one of them wrong, that one must not decide alone.
#[test]
fn an_origin_of_another_site_starts_no_link_whatever_sec_fetch_site_says() {
    let shop = shop();
    let begins = |origin: &str, site: Option<&str>| {
        let mut headers = own_page();
        headers.insert("origin", origin.parse().unwrap());
        site.into_iter().for_each(|site| drop(headers.insert("sec-fetch-site", site.parse().unwrap())));
        let binding = session().with_headers(&headers).for_user(b"ann").unwrap();
        shop.flow.begin(binding, Login::with("github").purpose(Purpose::Link)).is_ok()
    };
    for origin in [
        "https://evil.example",
        "https://shop.example.evil.example",
        "http://shop.example",
        "https://shop.example:444",
        "",
    ] {
        assert!(!begins(origin, Some("same-origin")), "{origin}");
    }
    assert!(begins("https://shop.example", Some("same-origin")));
    // A page with `Referrer-Policy: no-referrer`.
    assert!(begins("null", Some("same-origin")) && !begins("null", None));
    for site in ["cross-site", "same-site", "none", ""] {
        assert!(!begins("https://shop.example", Some(site)) && !begins("null", Some(site)), "{site}");
    }
}

/// Connecting a calendar changes an account as much as a link.
#[test]
fn a_purpose_of_the_caller_s_own_can_have_the_rules_of_link() {
    const CALENDAR: Purpose = Purpose::Custom("calendar");
    let guarded = |builder: FlowBuilder<()>| {
        builder.purpose(Purpose::Login).purpose_for_user(CALENDAR).provider(Provider::github())
    };
    let shop = shop_with(guarded);
    let own = own_page();
    let user = |id: &'static [u8]| session().with_headers(&own).for_user(id).unwrap();
    let login = || Login::with("github").purpose(CALENDAR);
    let code = |binding: Binding<'_>| shop.flow.begin(binding, login()).map_or_else(|error| error.code(), |_| "begins");
    assert_eq!(code(session()), "user_required");
    assert_eq!(code(session().for_user(b"ann").unwrap()), "not_same_origin");
    assert_eq!(code(Binding::dangerously_unbound().for_user(b"ann").unwrap()), "unbound_not_allowed");
    let begun = shop.flow.begin(user(b"ann"), login()).unwrap();
    let finish =
        |binding, state: &str| support::shop::outcome(shop.flow.check(binding, anything("github"), callback(state)));
    assert_eq!(finish(user(b"ann"), &begun.state), "passed");
    assert_eq!((finish(user(b"bob"), &begun.state), finish(session(), &begun.state)), ("other_user", "other_user"));
    // A server of the previous release, where the purpose had no such rule, sealed a state without a user.
    let before = shop_with(|builder| builder.purpose(Purpose::Login).purpose(CALENDAR).provider(Provider::github()));
    let begun = before.flow.begin(session(), login()).unwrap();
    assert_eq!(finish(user(b"ann"), &begun.state), "other_user");
    assert_eq!(finish(session(), &begun.state), "other_user");
}

#[test]
fn a_link_belongs_to_the_user_that_began_it() {
    let shop = shop();
    let headers = own_page();
    let user = |id: &'static [u8]| session().with_headers(&headers).for_user(id).unwrap();
    for purpose in [Purpose::Link, Purpose::Reauthenticate] {
        let begun = shop.flow.begin(user(b"ann"), Login::with("github").purpose(purpose)).unwrap();
        let code = |binding: Binding<'_>| {
            let checked = shop.flow.check(binding, anything("github"), callback(&begun.state));
            checked.map_or_else(|error| (error.code(), error.restart().is_some()), |_| ("passed", false))
        };
        assert_eq!(code(user(b"ann")), ("passed", false));
        assert_eq!(code(user(b"bob")), ("other_user", false));
        assert_eq!(code(session()), ("other_user", false));
    }
    assert_eq!(shop.guard.calls(), 0);
}

#[test]
fn a_login_of_a_signed_in_user_needs_no_user_and_keeps_one_that_is_named() {
    let shop = shop();
    let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
    let with_user = session().for_user(b"ann").unwrap();
    assert!(shop.flow.check(with_user.clone(), Expect::provider("github"), callback(&begun.state)).is_ok());
    let begun = shop.flow.begin(with_user, Login::with("github")).unwrap();
    let refused = shop.flow.check(session(), Expect::provider("github"), callback(&begun.state)).unwrap_err();
    assert_eq!(refused.code(), "other_user");
}

#[test]
fn a_link_is_never_unbound_and_never_without_a_user() {
    let shop = shop();
    let link = || Login::with("github").purpose(Purpose::Link);
    let unbound = Binding::dangerously_unbound().for_user(b"ann").unwrap();
    assert!(matches!(shop.flow.begin(unbound, link()), Err(BeginError::UnboundNotAllowed(Purpose::Link))));
    assert!(matches!(shop.flow.begin(session(), link()), Err(BeginError::UserRequired(Purpose::Link))));
}

#[test]
fn a_link_by_cookie_begins_from_a_post_of_the_site_s_own_pages_alone() {
    let shop = shop();
    let begins = |pairs: &[(&'static str, &str)]| {
        let mut headers = HeaderMap::new();
        headers.insert("host", "shop.example".parse().unwrap());
        pairs.iter().for_each(|(name, value)| {
            headers.insert(*name, value.parse().unwrap());
        });
        let binding = Binding::cookies(&headers).for_user(b"ann").unwrap();
        match shop.flow.begin(binding, Login::with("github").purpose(Purpose::Link)) {
            Ok(_) => true,
            Err(BeginError::NotSameOrigin(Purpose::Link)) => false,
            Err(other) => panic!("{other}"),
        }
    };
    let own = ("origin", "https://shop.example");
    assert!(begins(&[own]));
    assert!(begins(&[own, ("sec-fetch-site", "same-origin")]));
    // A page with `Referrer-Policy: no-referrer`, as this crate's own responses have.
    assert!(begins(&[("origin", "null"), ("sec-fetch-site", "same-origin")]));
    assert!(!begins(&[("origin", "null"), ("sec-fetch-site", "cross-site")]));
    assert!(!begins(&[("origin", "null"), ("sec-fetch-site", "none")]));
    assert!(!begins(&[]), "a GET navigation sends no Origin");
    assert!(!begins(&[("sec-fetch-site", "same-origin")]));
    assert!(!begins(&[own, ("sec-fetch-site", "same-site")]));
    assert!(!begins(&[own, ("sec-fetch-site", "cross-site")]));
    for origin in [
        "https://evil.example",
        "http://shop.example",
        "null",
        "https://shop.example.evil.example",
        "https://shop.example:8443",
        "",
    ] {
        assert!(!begins(&[("origin", origin)]), "{origin}");
    }
}

#[test]
fn a_link_never_restarts_by_itself() {
    let shop = shop();
    let mut browser = Browser::default();
    let mut headers = browser.headers();
    headers.insert("origin", "https://shop.example".parse().unwrap());
    let binding = Binding::cookies(&headers).for_user(b"ann").unwrap();
    let begun = shop.flow.begin(binding, Login::with("github").purpose(Purpose::Link)).unwrap();
    browser.take(&begun);
    shop.clock.advance(std::time::Duration::from_secs(700));
    let headers = browser.headers();
    let binding = Binding::cookies(&headers).for_user(b"ann").unwrap();
    let refused = shop.flow.check(binding, anything("github"), callback(&begun.state)).unwrap_err();
    assert_eq!(refused.code(), "expired");
    assert!(!refused.restart().unwrap().is_automatic());
}

/// The expired link of one user, opened by the next user of the same machine.
#[test]
fn an_expired_link_of_another_user_offers_nothing() {
    let shop = shop();
    let headers = own_page();
    let user = |id: &'static [u8]| session().with_headers(&headers).for_user(id).unwrap();
    let begun = shop.flow.begin(user(b"ann"), Login::with("github")).unwrap();
    shop.clock.advance(std::time::Duration::from_secs(700));
    let restart = |id| {
        let refused = shop.flow.check(user(id), Expect::provider("github"), callback(&begun.state)).unwrap_err();
        assert_eq!(refused.code(), "expired");
        refused.restart().is_some()
    };
    assert!(restart(b"ann"));
    assert!(!restart(b"bob"));
}

/// Over plain http, anyone on the network can pose as the site, except on the developer's own machine.
#[test]
fn a_page_over_plain_http_begins_no_link_but_on_this_machine() {
    let shop = shop();
    let begins = |host: &str, origin: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("host", host.parse().unwrap());
        headers.insert("origin", origin.parse().unwrap());
        let binding = session().with_headers(&headers).for_user(b"ann").unwrap();
        shop.flow.begin(binding, Login::with("github").purpose(Purpose::Link)).is_ok()
    };
    assert!(begins("localhost:3000", "http://localhost:3000"));
    assert!(begins("127.0.0.1:3000", "http://127.0.0.1:3000"));
    assert!(!begins("localhost:3000", "ftp://localhost:3000"));
    assert!(!begins("localhost:3000", "http://localhost:3001"));
    assert!(!begins("shop.example", "http://shop.example"));
    assert!(!begins("localhost.example", "http://localhost.example"));
    assert!(begins("shop.example", "https://shop.example"));
}
