//! Renaming an application in two deploys: no login fails, and nothing of the other name works after its time. docs/deploys.md has the steps;
//! tests/attacks/cross_environment.rs has the attacks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth_state::payload::{HandleKind, MemoryPayloadStore, PayloadStore};
use oauth_state::ring::{KeyRingDocument, KeyRole, RingTiming};
use oauth_state::testing::{ManualClock, TestBrowser, block_on};
use oauth_state::{
    App, Binding, ConfigError, Expect, FinishError, Flow, FlowBuilder, LiveKeyRing, Login, LoginOutcome, Provider,
    Purpose,
};
use support::shop::{Browser, CountingGuard, NOW, callback, outcome, session};

const UNTIL: u64 = NOW + 3_600;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn app(name: &str) -> App {
    App::new(name, "test").unwrap()
}

/// What the builds share: the keys, the guard's store and the time.
struct Renaming {
    guard: CountingGuard,
    clock: ManualClock,
    keys: LiveKeyRing,
    document: KeyRingDocument,
}

impl Renaming {
    fn new() -> Self {
        let timing = RingTiming { propagation: Duration::from_secs(300), ..RingTiming::default() };
        let document = KeyRingDocument::first(timing, at(NOW)).unwrap();
        let keys = LiveKeyRing::from(document.ring().clone());
        Self { guard: CountingGuard::new(), clock: ManualClock::at(NOW), keys, document }
    }

    fn builder(&self, name: &str) -> FlowBuilder<()> {
        let builder = Flow::builder(app(name), self.keys.clone(), self.guard.clone()).clock(self.clock.clone());
        builder.provider(Provider::github())
    }

    fn accepting(&self, name: &str, other: &str) -> FlowBuilder<()> {
        self.builder(name).accept_app(app(other), at(UNTIL))
    }

    /// The builds in the order of their deploys: each runs together with the next one.
    fn builds(&self) -> [FlowBuilder<()>; 4] {
        [self.builder("shop"), self.accepting("shop", "store"), self.accepting("store", "shop"), self.builder("store")]
    }

    /// The builds of the second deploy.
    fn both(&self) -> [Flow; 2] {
        [("shop", "store"), ("store", "shop")].map(|(name, other)| self.accepting(name, other).build().unwrap())
    }

    fn put_into_use(&self, document: &KeyRingDocument) {
        use oauth_state::Clock;
        self.keys.offer(&document.to_secret_text(), self.clock.now()).unwrap();
    }
}

fn started(flow: &Flow) -> String {
    flow.begin(session(), Login::with("github")).unwrap().state
}

fn finished(flow: &Flow, binding: Binding<'_>, state: &str) -> &'static str {
    outcome(block_on(flow.finish(binding, Expect::provider("github"), callback(state))))
}

/// Two builds run at the same time in every deploy, and each gets the callbacks of the other.
#[test]
fn no_login_fails_while_two_builds_of_a_renaming_run() {
    type Build = fn(FlowBuilder<()>) -> Flow;
    let forms: [Build; 3] = [
        |builder| builder.provider(Provider::apple()).build().unwrap(),
        |builder| builder.provider(Provider::apple()).build_signed_not_encrypted().unwrap(),
        |builder| builder.dangerously_name_cookie("__session").build().unwrap(),
    ];
    for build in forms {
        let renaming = Renaming::new();
        let builds = renaming.builds().map(build);
        // One browser keeps its cookies over the whole renaming.
        let mut browser = Browser::default();
        for two in builds.windows(2) {
            for (begin, finish) in [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(begin, finish)| (&two[begin], &two[finish])) {
                assert_eq!(finished(finish, session(), &started(begin)), "passed");

                let new =
                    TestBrowser::follow(&begin.begin(TestBrowser::default().binding(), Login::with("github")).unwrap());
                let ended = block_on(finish.finish(new.binding(), Expect::provider("github"), new.callback()));
                assert_eq!(outcome(ended), "passed");

                let begun = begin.begin(Binding::cookies(&browser.headers()), Login::with("github")).unwrap();
                browser.take(&begun);
                assert_eq!(finished(finish, Binding::cookies(&browser.headers()), &begun.state), "passed");
                // Apple posts its callback, so its cookie is of another kind.
                if !begun.cookie_pair().unwrap().starts_with("__session") {
                    let begun = begin.begin(Binding::cookies(&browser.headers()), Login::with("apple")).unwrap();
                    browser.take(&begun);
                    let headers = browser.headers();
                    let ended =
                        finish.finish(Binding::cookies(&headers), Expect::provider("apple"), callback(&begun.state));
                    assert_eq!(outcome(block_on(ended)), "passed");
                }

                let begun = begin.begin(Binding::new_login_secret(), Login::with("github")).unwrap();
                let secret = Binding::login_secret(begun.login_secret.as_deref().unwrap()).unwrap();
                assert_eq!(finished(finish, secret, &begun.state), "passed");
            }
        }
        // Two builds that never run together.
        assert_eq!(finished(&builds[3], session(), &started(&builds[0])), "unknown_key");
        assert_eq!(finished(&builds[0], session(), &started(&builds[3])), "unknown_key");
    }
}

/// A flow that started a login under the other name would be refused by the servers of the build before it accepted that name.
#[test]
fn logins_start_under_the_own_name_alone() {
    let renaming = Renaming::new();
    let [before, first, second, after] = renaming.builds().map(|builder| builder.build().unwrap());
    let cookie = |flow: &Flow| {
        let begun = flow.begin(TestBrowser::default().binding(), Login::with("github")).unwrap();
        begun.cookie_pair().unwrap()[..15].to_owned()
    };
    for (own, accepts) in [(&before, &first), (&after, &second)] {
        assert_eq!(finished(own, session(), &started(accepts)), "passed");
        assert_eq!(cookie(own), cookie(accepts));
    }
    assert_ne!(cookie(&first), cookie(&second));
}

/// The setting would otherwise be permanent.
#[test]
fn from_its_time_on_the_other_name_is_unknown() {
    let renaming = Renaming::new();
    let [first, second] = renaming.both();
    renaming.clock.set(UNTIL - 1);
    let expect = || Expect::provider("github");
    let [opened, checked, late, other_purpose] = [(); 4].map(|()| started(&second));
    assert_eq!(finished(&first, session(), &started(&second)), "passed");
    let opened = first.open(callback(&opened)).unwrap();
    let checked = first.check(session(), expect(), callback(&checked)).unwrap();
    let link = renaming.builder("store").purpose(Purpose::Link).build().unwrap();
    let linked = link.begin(session().for_user(b"7").unwrap().dangerously_assume_same_origin(), Login::with("github"));
    let linked = linked.unwrap().state;
    assert_eq!(finished(&first, session(), &linked), "wrong_purpose");

    renaming.clock.set(UNTIL);
    assert_eq!(finished(&first, session(), &late), "unknown_key");
    assert_eq!(finished(&first, session(), &linked), "unknown_key", "as if the name had never been accepted");
    assert_eq!(outcome(opened.verify(session(), expect())), "unknown_key");
    assert_eq!(outcome(block_on(checked.mark_used())), "unknown_key");
    assert!(first.restart(&late, &session(), expect()).is_none());
    // A server that starts later accepts the configuration, and nothing of the other name.
    let [first, second] = renaming.both();
    assert_eq!(finished(&first, session(), &other_purpose), "unknown_key");
    assert_eq!(finished(&second, session(), &other_purpose), "passed", "its own name");
}

/// A ring that is swapped derives the keys of both names anew.
#[test]
fn keys_rotate_and_are_revoked_during_a_renaming() {
    let renaming = Renaming::new();
    let [first, second] = renaming.both();
    let state = started(&second);
    let rotated = renaming.document.rotate(at(NOW)).unwrap().document;
    renaming.put_into_use(&rotated);
    assert_eq!(finished(&first, session(), &state), "passed");
    renaming.clock.set(NOW + 1_000);
    let (by_new_key, checked) = (started(&second), started(&second));
    assert_ne!(by_new_key[..12], state[..12], "another key");
    assert_eq!(finished(&first, session(), &by_new_key), "passed");

    let checked = first.check(session(), Expect::provider("github"), callback(&checked)).unwrap();
    let under_new_key = started(&second);
    let newest = rotated.ring().roles(at(NOW + 1_000)).find(|(_, role)| *role == KeyRole::Active).unwrap().0;
    renaming.put_into_use(&rotated.revoke(newest, at(NOW + 1_000)).unwrap().document);
    assert_eq!(finished(&first, session(), &under_new_key), "key_revoked");
    assert_eq!(outcome(block_on(checked.mark_used())), "key_revoked");
}

/// The tags of the user and of a loaded provider are made with the keys of the name that the login started under.
#[test]
fn links_and_loaded_providers_finish_under_the_other_name() {
    let renaming = Renaming::new();
    let [first, second] = [("shop", "store"), ("store", "shop")].map(|(name, other)| {
        renaming.accepting(name, other).purpose(Purpose::Login).purpose(Purpose::Link).build().unwrap()
    });
    for (begin, finish) in [(&first, &second), (&second, &first)] {
        let user = |id| session().for_user(id).unwrap().dangerously_assume_same_origin();
        let state = begin.begin(user(b"42"), Login::with("github").purpose(Purpose::Link)).unwrap().state;
        let link = || Expect::provider("github").purpose(Purpose::Link);
        assert_eq!(outcome(finish.check(user(b"43"), link(), callback(&state))), "other_user");
        assert_eq!(outcome(finish.check(session(), Expect::provider("github"), callback(&state))), "wrong_purpose");
        assert_eq!(outcome(block_on(finish.finish(user(b"42"), link(), callback(&state)))), "passed");

        let loaded = |client: &str| {
            let acme = Provider::oidc("acme", "https://login.acme.example").unwrap().client_id(client);
            acme.redirect_uri("https://shop.example/auth/acme/callback")
        };
        let state = begin.begin(session(), Login::with(&loaded("7"))).unwrap().state;
        let arrived = || callback(&state).arrived_at("/auth/acme/callback");
        let (same, edited) = (loaded("7"), loaded("8"));
        assert_eq!(outcome(finish.check(session(), Expect::connection(&edited), arrived())), "connection_changed");
        let opened = finish.open(arrived()).unwrap();
        assert!(opened.is_connection() && opened.provider() == "acme");
        let verified = opened.verify(session(), Expect::connection(&same)).unwrap();
        assert_eq!(outcome(block_on(verified.mark_used())), "passed");
    }
}

/// The row is sealed with the names that its login started under.
#[test]
fn a_stored_payload_is_fetched_under_the_other_name() {
    let renaming = Renaming::new();
    let rows = &MemoryPayloadStore::with_capacity(10);
    let [first, second] = [("shop", "store"), ("store", "shop")]
        .map(|(name, other)| renaming.accepting(name, other).build_handles(HandleKind::MEMORY).unwrap());
    for (begin, finish) in [(&first, &second), (&second, &first)] {
        let login = Login::with("github");
        let begun = begin.begin_and_store(session(), login, 7_u32, |row| async move { rows.put(&row).await });
        let begun = block_on(begun).unwrap();
        let verified = finish.check(session(), Expect::provider("github"), callback(&begun.state)).unwrap();
        let fetched = verified.mark_used_and_fetch::<u32, _>(|id| async move { rows.get(&id).await });
        let Ok(LoginOutcome::Authorized(login)) = block_on(fetched) else { panic!("refused") };
        assert_eq!(login.data.1, 7);
    }
}

/// An expired login starts again by itself in its own browser, under the name of the build that answers.
#[test]
fn an_expired_login_restarts_under_the_other_name() {
    let renaming = Renaming::new();
    let [first, second] = renaming.both();
    let mut browser = Browser::default();
    let begun = first.begin(Binding::cookies(&browser.headers()), Login::with("github")).unwrap();
    browser.take(&begun);
    renaming.clock.set(NOW + 700);
    let headers = browser.headers();
    let binding = || Binding::cookies(&headers);
    let expect = || Expect::provider("github");
    let late: FinishError = block_on(second.finish(binding(), expect(), callback(&begun.state))).unwrap_err();
    assert_eq!(late.code(), "expired");
    assert!(late.restart().is_some_and(oauth_state::Restart::is_automatic));
    let late = second.open(callback(&begun.state)).unwrap_err().seen_by(&binding(), expect());
    let restart = late.restart().unwrap();
    let restart = second.restart(restart.token(), &binding(), expect()).unwrap();
    let again = second.begin(binding(), Login::with("github").restarting(&restart)).unwrap();
    browser.take(&again);
    assert_eq!(finished(&first, Binding::cookies(&browser.headers()), &again.state), "passed");
    // Another browser is offered none.
    let mut stranger = Browser::default();
    stranger.take(&first.begin(TestBrowser::default().binding(), Login::with("github")).unwrap());
    let stranger = stranger.headers();
    let stranger = Binding::cookies(&stranger);
    let late = second.open(callback(&begun.state)).unwrap_err().seen_by(&stranger, expect());
    assert!(!late.restart().is_some_and(oauth_state::Restart::is_automatic));
}

/// Another name's cookies may bind logins in progress, so they are neither counted nor deleted.
#[test]
fn surplus_cookies_are_those_of_the_own_name() {
    let renaming = Renaming::new();
    let [first, second] = renaming.both();
    let mut browser = Browser::default();
    let states: Vec<_> = (0..12)
        .map(|_| {
            // Tabs that a browser restores at the same moment send no cookie yet.
            let begun = first.begin(TestBrowser::default().binding(), Login::with("github")).unwrap();
            browser.take(&begun);
            begun.state
        })
        .collect();
    let headers = browser.headers();
    assert_eq!(first.surplus_cookies(&Binding::cookies(&headers)).len(), 4);
    assert!(second.surplus_cookies(&Binding::cookies(&headers)).is_empty());
    let begun = second.begin(Binding::cookies(&headers), Login::with("github")).unwrap();
    assert!(begun.surplus_cookies.is_empty());
    browser.take(&begun);
    for state in &states {
        assert_eq!(finished(&second, Binding::cookies(&browser.headers()), state), "passed");
    }
}

/// The diagnosis looks for the cookies of the name that the login started under.
#[test]
fn a_cookie_of_the_other_name_that_a_proxy_joined_by_commas_is_named() {
    let renaming = Renaming::new();
    let [first, second] = renaming.both();
    let begun = first.begin(TestBrowser::default().binding(), Login::with("github")).unwrap();
    let mut headers = http::HeaderMap::new();
    headers.insert("cookie", format!("a=b, {}", begun.cookie_pair().unwrap()).parse().unwrap());
    let refused = second.check(Binding::cookies(&headers), Expect::provider("github"), callback(&begun.state));
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), "cookie_missing");
    assert!(refused.diagnosis().contains("comma"), "{}", refused.diagnosis());
}

/// A slip in the configuration must not weaken a service for longer than a renaming takes.
#[test]
fn a_configuration_that_is_no_renaming_is_refused() {
    let renaming = Renaming::new();
    let day = NOW + 24 * 60 * 60;
    let built = |other: &App, until| renaming.builder("shop").accept_app(other.clone(), until).build().map(|_| ());
    let (store, own) = (app("store"), app("shop"));
    assert_eq!(built(&store, at(day)), Ok(()));
    let just_over = at(day) + Duration::from_nanos(1);
    assert_eq!(built(&store, just_over), Err(ConfigError::AcceptsTooLong("store".to_owned())));
    assert_eq!(built(&store, at(NOW)), Ok(()), "passed, so that a server can restart");
    assert_eq!(built(&store, UNIX_EPOCH), Ok(()));
    assert_eq!(built(&own, at(UNTIL)), Err(ConfigError::AcceptsItself("shop".to_owned())));
    assert_eq!(built(&own, UNIX_EPOCH), Err(ConfigError::AcceptsItself("shop".to_owned())));
    let twice = renaming.accepting("shop", "store").accept_app(app("bazaar"), at(UNTIL)).build();
    assert_eq!(twice.map(|_| ()), Err(ConfigError::AcceptsSeveral));
    let (error, remedy) =
        (ConfigError::AcceptsOtherEnvironment("production".to_owned()), "dangerously_accept_other_environment");
    assert!(error.to_string().contains(remedy), "{error}");
}
