//! Log leakage (RFC 6819 section 4.6.7): secrets in a `Debug`, a `Display` or a chain of errors.
//!
//! Without redaction, the log of a failed login holds a live state with its cookie and code, and logs have many
//! readers.

use oauth_state::error::FinishErrorKind;
use oauth_state::guard::{GuardError, Mark, MarkFuture};
use oauth_state::ring::RootKey;
use oauth_state::{Binding, Callback, Expect, Flow, KeyRing, LiveKeyRing, Login, LoginOutcome, Provider, ReplayGuard};
use std::fmt::Debug;
use support::shop::{Browser, app, block_on, callback, session, shop, shop_with};

/// The secrets of a login.
struct Secrets(Vec<String>);

impl Secrets {
    fn check(&self, shown: &str) {
        for secret in &self.0 {
            assert!(!shown.contains(secret.as_str()), "a secret is shown");
            // Nor a large part of it.
            assert!(secret.len() < 30 || !shown.contains(&secret[8..24]), "part of a secret is shown");
        }
    }

    fn debug(&self, value: &dyn Debug) {
        let shown = format!("{value:?}");
        assert!(!shown.is_empty(), "and something is shown");
        self.check(&shown);
        self.check(&format!("{value:#?}"));
    }

    fn error(&self, error: &(dyn std::error::Error + 'static)) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.check(&format!("{error} {error:?} {error:#?}"));
            next = error.source();
        }
    }
}

#[test]
fn every_public_value_of_a_login_hides_what_it_holds() {
    let key = RootKey::generate().unwrap();
    let text = key.to_secret_text();
    let ring = text.expose().parse::<KeyRing>().unwrap();
    let guard = oauth_state::SingleProcessGuard::with_capacity(10);
    let flow = Flow::builder(app(), ring.clone(), guard.clone()).carrying::<String>().provider(Provider::google());
    let flow = flow.build().unwrap();
    let session_id = "sentinel-session-0123456789";
    let binding = || Binding::session(session_id.as_bytes()).unwrap().for_user(b"sentinel-user-42").unwrap();
    let begun = flow.begin(binding(), Login::with("google").data("x".to_owned())).unwrap();
    let by_client = flow.begin(Binding::new_login_secret(), Login::with("google").data("x".to_owned())).unwrap();
    let by_cookie = flow.begin(Binding::cookie_headers([]), Login::with("google").data("x".to_owned())).unwrap();
    let cookie = by_cookie.set_cookie.clone().unwrap();
    let cookie_value = by_cookie.cookie_pair().unwrap().split_once('=').unwrap().1.to_owned();
    let query = format!("state={}&code=sentinel-code-0123456789abcdef&user=sentinel-parameter", begun.state);
    let callback = || Callback::from_query(&query).unwrap();
    let opened_debug = format!("{:?}", flow.open(callback()).unwrap());
    let bound = flow.check(binding(), Expect::provider("google"), callback()).unwrap();
    let bound_debug = format!("{bound:?}");
    let LoginOutcome::Authorized(login) = block_on(bound.mark_used()).unwrap() else { panic!("a code") };

    let secrets = Secrets(
        [
            text.expose().to_owned(),
            begun.state.clone(),
            begun.code_challenge.clone().unwrap(),
            by_client.login_secret.clone().unwrap(),
            cookie_value.clone(),
            session_id.to_owned(),
            "sentinel-user-42".to_owned(),
            "sentinel-code-0123456789abcdef".to_owned(),
            "sentinel-parameter".to_owned(),
            login.code_verifier.as_ref().unwrap().secret().to_owned(),
            login.nonce.as_ref().unwrap().secret().to_owned(),
        ]
        .into(),
    );
    assert!(opened_debug.contains("OpenedCallback"));
    secrets.check(&opened_debug);
    assert!(bound_debug.contains("VerifiedCallback"));
    secrets.check(&bound_debug);
    let headers: http::HeaderMap = [(http::header::COOKIE, cookie.parse().unwrap())].into_iter().collect();
    let client_secret = Binding::login_secret(by_client.login_secret.as_ref().unwrap()).unwrap();
    let values: [&dyn Debug; 17] = [
        &key,
        &text,
        &ring,
        &LiveKeyRing::from(ring.clone()),
        &flow,
        &guard,
        &begun,
        &by_client,
        &by_cookie,
        &binding(),
        &client_secret,
        &Binding::cookies(&headers),
        &callback(),
        &login.code,
        &login.code_verifier,
        &login.parameters,
        &login,
    ];
    values.iter().for_each(|value| secrets.debug(value));
    let again = block_on(flow.finish(binding(), Expect::provider("google"), callback())).unwrap_err();
    secrets.error(&again);
    secrets.debug(again.restart().unwrap());
}

#[test]
fn every_refusal_hides_what_came() {
    let shop = shop();
    let mut browser = Browser::default();
    let begun = browser.begin(&shop, Login::with("github"));
    let cookie = browser.jar()[0].1.clone();
    let sentinel = "sentinel-of-an-attacker-0123456789";
    let secrets = Secrets(vec![begun.state.clone(), cookie, sentinel.to_owned()]);
    for query in [
        format!("state={sentinel}&code={sentinel}"),
        format!("state={}&state={}&code=c", begun.state, begun.state),
        format!("error={sentinel}"),
        format!("state={}&code={sentinel}&error={sentinel}", begun.state),
        format!("state={}&code={sentinel}", &begun.state[..40]),
        format!("state={}&code={sentinel}%00", begun.state),
        format!("state={}x&code={sentinel}", begun.state),
    ] {
        let headers = browser.headers();
        let refused = Callback::from_query(&query)
            .and_then(|callback| shop.flow.check(Binding::cookies(&headers), Expect::provider("github"), callback))
            .unwrap_err();
        secrets.error(&refused);
        secrets.check(refused.diagnosis());
    }
    for binding in [Binding::session(sentinel.as_bytes()).unwrap(), Binding::cookie_headers([sentinel.as_bytes()])] {
        let refused = shop.flow.check(binding, Expect::provider("github"), callback(&begun.state)).unwrap_err();
        secrets.error(&refused);
    }
    secrets.error(&Binding::login_secret(sentinel).unwrap_err());
    secrets.error(&sentinel.parse::<RootKey>().unwrap_err());
    secrets.error(&sentinel.parse::<KeyRing>().unwrap_err());
    secrets.error(&shop.flow.begin(session(), Login::with(sentinel)).unwrap_err());
}

/// Text from an attacker must not reach a log through a `Debug`, and neither must the redirect's state and cookie.
#[test]
fn a_refusal_by_the_provider_and_the_redirect_show_nothing() {
    let shop = shop();
    let begun = shop.flow.begin(Binding::cookie_headers([]), Login::with("github")).unwrap();
    let cookie = begun.set_cookie.clone().unwrap().split_once('=').unwrap().1[..43].to_owned();
    let sentinel = "sentinel-error-0123456789";
    let secrets = Secrets(vec![begun.state.clone(), cookie, sentinel.to_owned()]);
    let url = format!("https://idp.example/authorize?state={}", begun.state);
    secrets.debug(&oauth_state::http::redirect(&begun, &url).unwrap());

    let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
    let query = format!("state={}&error={sentinel}&error_description={sentinel}", begun.state);
    let callback = Callback::from_query(&query).unwrap();
    let finished = block_on(shop.flow.finish(session(), Expect::provider("github"), callback)).unwrap();
    secrets.debug(&finished);
    let long = format!("state=s&error={}", "e".repeat(201));
    assert_eq!(Callback::from_query(&long).unwrap_err().kind(), FinishErrorKind::TooLong);
}

/// The caller's data may be private, but `serde_json` quotes text that it cannot parse.
#[test]
fn data_that_does_not_read_is_not_quoted() {
    let sentinel = "sentinel-data-0123456789";
    let old = shop_with(|builder| builder.carrying::<String>().provider(Provider::github()));
    let new = shop_with(|builder| builder.carrying::<u32>().provider(Provider::github()));
    let begun = old.flow.begin(session(), Login::with("github").data(sentinel.to_owned())).unwrap();
    let refused = new.flow.check(session(), Expect::provider("github"), callback(&begun.state)).unwrap_err();
    assert_eq!(refused.kind(), FinishErrorKind::Data);
    Secrets(vec![sentinel.to_owned()]).error(&refused);
}

/// A guard receives the id of a login, which leads to its mark; the `Debug` of a mark hides it.
#[test]
fn a_mark_hides_its_id() {
    struct Shows;
    impl ReplayGuard for Shows {
        fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
            let shown = format!("{mark:?}");
            assert!(!shown.contains(&format!("{:?}", mark.id())) && !shown.contains(&mark.value()));
            assert!(shown.contains("expires_at"), "{shown}");
            let answer = MarkFuture::ready(Err(GuardError::full()));
            assert!(format!("{answer:?}").contains("MarkFuture"));
            answer
        }
    }
    let flow = Flow::builder(app(), oauth_state::testing::ring(), Shows).provider(Provider::github()).build().unwrap();
    let begun = flow.begin(session(), Login::with("github")).unwrap();
    let refused = block_on(flow.finish(session(), Expect::provider("github"), callback(&begun.state))).unwrap_err();
    assert_eq!(refused.kind(), FinishErrorKind::GuardFull);
}
