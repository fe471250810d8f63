//! What a deploy may change: each test starts a login with the build before and finishes it with the build after. docs/deploys.md has a row
//! for each, and the steps by which no login fails.

use std::time::Duration;

use oauth_state::provider::ResponseMode;
use oauth_state::ring::{KeyRingDocument, RingError, RingTiming};
use oauth_state::testing::{ManualClock, TestBrowser, block_on, ring};
use oauth_state::{
    App, Authorized, Expect, FinishError, Flow, FlowBuilder, KeyRing, LiveKeyRing, Login, LoginOutcome, Provider,
    Purpose,
};
use serde::{Deserialize, Serialize};
use support::shop::{CountingGuard, NOW, app, callback, session};

const OLD_URI: &str = "https://shop.example/auth/github/callback";
const NEW_URI: &str = "https://shop.example/login/github";

/// What the two builds share: the ring, the guard's store and the time.
struct Deploy {
    guard: CountingGuard,
    clock: ManualClock,
    ring: KeyRing,
}

impl Deploy {
    fn new() -> Self {
        Self { guard: CountingGuard::new(), clock: ManualClock::at(NOW), ring: ring() }
    }

    fn of_app(&self, app: App) -> FlowBuilder<()> {
        Flow::builder(app, self.ring.clone(), self.guard.clone()).clock(self.clock.clone())
    }

    fn build(&self, configure: impl FnOnce(FlowBuilder<()>) -> FlowBuilder<()>) -> Flow {
        configure(self.of_app(app())).build().unwrap()
    }

    fn github(&self) -> Flow {
        self.build(|builder| builder.provider(Provider::github()))
    }
}

fn started(before: &Flow, login: Login) -> String {
    before.begin(session(), login).unwrap().state
}

fn finish(after: &Flow, expect: Expect<'_>, state: &str) -> Result<Authorized<()>, FinishError> {
    match block_on(after.finish(session(), expect, callback(state)))? {
        LoginOutcome::Authorized(login) => Ok(login),
        other => panic!("{other:?}"),
    }
}

fn code<T>(finished: Result<T, FinishError>) -> &'static str {
    finished.map_or_else(|refused| refused.code(), |_| "ok")
}

#[test]
fn nothing_but_a_restart_fails_no_login() {
    let deploy = Deploy::new();
    let state = started(&deploy.github(), Login::with("github"));
    assert_eq!(code(finish(&deploy.github(), Expect::provider("github"), &state)), "ok");
}

/// The rings are equal, so the diagnosis must not only ask to compare them.
#[test]
fn an_application_or_environment_that_is_renamed_refuses_logins_in_progress_and_says_so() {
    for renamed in [App::new("store", "test").unwrap(), App::new("shop", "production").unwrap()] {
        let deploy = Deploy::new();
        let after = deploy.of_app(renamed).provider(Provider::github()).build().unwrap();
        let state = started(&deploy.github(), Login::with("github"));
        let refused = finish(&after, Expect::provider("github"), &state).unwrap_err();
        assert_eq!(refused.code(), "unknown_key");
        let diagnosis = refused.diagnosis();
        assert!(diagnosis.contains("another application or environment"), "{diagnosis}");
        assert!(diagnosis.contains("docs/deploys.md"), "the two deploys of behaviour::renaming: {diagnosis}");
        // The name of the cookie depends on both names, too, but the state is opened first.
        let begun = deploy.github().begin(TestBrowser::default().binding(), Login::with("github")).unwrap();
        let browser = TestBrowser::follow(&begun);
        let refused = after.check(browser.binding(), Expect::provider("github"), browser.callback()).unwrap_err();
        assert_eq!(refused.code(), "unknown_key");
    }
}

#[test]
fn a_provider_id_is_changed_by_having_both_for_a_lifetime() {
    let deploy = Deploy::new();
    let renamed = || Provider::custom("gh").unwrap();
    let state = started(&deploy.github(), Login::with("github"));
    // At once: the callback's address names a provider that the state does not.
    let after = deploy.build(|builder| builder.provider(renamed()));
    assert_eq!(code(finish(&after, Expect::provider("gh"), &state)), "wrong_provider");
    assert_eq!(code(finish(&after, Expect::provider("github"), &state)), "wrong_provider");
    // With both, at two addresses: the old one finishes what it started.
    let both = deploy.build(|builder| builder.provider(Provider::github()).provider(renamed()));
    assert_eq!(code(finish(&both, Expect::provider("github"), &state)), "ok");
    assert_eq!(code(finish(&after, Expect::provider("gh"), &started(&both, Login::with("gh")))), "ok");
}

/// `ok`, and then `invalid_grant`: the token request repeats a redirect_uri that the authorization request did not have.
#[test]
fn a_redirect_uri_is_changed_under_a_new_redirect_id() {
    let deploy = Deploy::new();
    let with = |uri| deploy.build(|builder| builder.provider(Provider::github().client_id("c").redirect_uri(uri)));
    let state = started(&with(OLD_URI), Login::with("github"));
    let login = finish(&with(NEW_URI), Expect::provider("github"), &state).unwrap();
    assert_eq!(login.redirect_uri(), Some(NEW_URI), "the provider answers invalid_grant");

    let both = deploy.build(|builder| {
        let github = Provider::github().client_id("c").redirect_uri(OLD_URI).named_redirect_uri("v2", NEW_URI);
        builder.provider(github)
    });
    let state = started(&with(OLD_URI), Login::with("github"));
    let login = finish(&both, Expect::provider("github"), &state).unwrap();
    assert_eq!(login.redirect_uri(), Some(OLD_URI));
    let state = started(&both, Login::with("github").redirect("v2"));
    // Not before every server has both: one without the new address sends no redirect_uri at all.
    let login = finish(&with(OLD_URI), Expect::provider("github").redirect("v2"), &state).unwrap();
    assert_eq!(login.redirect_uri(), None, "the provider answers invalid_grant");
    let state = started(&both, Login::with("github").redirect("v2"));
    let login = finish(&both, Expect::provider("github").redirect("v2"), &state).unwrap();
    assert_eq!(login.redirect_uri(), Some(NEW_URI));
}

#[test]
fn a_purpose_is_accepted_everywhere_before_any_login_starts_with_it() {
    let deploy = Deploy::new();
    let signup = Purpose::Custom("signup");
    let [before, after] = [vec![Purpose::Login], vec![Purpose::Login, signup]].map(|purposes| {
        deploy.build(|builder| purposes.into_iter().fold(builder.provider(Provider::github()), FlowBuilder::purpose))
    });
    // A server with the build after starts it, one with the build before gets the callback; the same when a purpose is removed.
    let state = started(&after, Login::with("github").purpose(signup));
    let refused = finish(&before, Expect::provider("github").any_purpose(), &state).unwrap_err();
    assert!(["unknown_key", "wrong_purpose"].contains(&refused.code()), "{}", refused.code());
    assert_eq!(code(finish(&after, Expect::provider("github").purpose(signup), &state)), "ok");
    let state = started(&before, Login::with("github"));
    assert_eq!(code(finish(&after, Expect::provider("github"), &state)), "ok");
}

/// `oauth_state_store::Migration` accepts both, each by its own flow.
#[test]
fn another_form_refuses_logins_in_progress() {
    let deploy = Deploy::new();
    let signed = deploy.of_app(app()).provider(Provider::github()).build_signed_not_encrypted().unwrap();
    let state = started(&deploy.github(), Login::with("github"));
    let refused = finish(&signed, Expect::provider("github"), &state).unwrap_err();
    assert_eq!(refused.code(), "malformed");
    assert!(refused.diagnosis().contains("signed"), "{}", refused.diagnosis());
}

#[derive(Serialize, Deserialize)]
struct Basket {
    campaign: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct LargerBasket {
    campaign: String,
    seats: u32,
}

#[derive(Serialize, Deserialize)]
struct TolerantBasket {
    campaign: String,
    #[serde(default)]
    seats: u32,
}

#[test]
fn a_new_field_of_the_data_needs_a_default() {
    let deploy = Deploy::new();
    let before = deploy.of_app(app()).provider(Provider::github()).carrying::<Basket>().build().unwrap();
    let hasty = deploy.of_app(app()).provider(Provider::github()).carrying::<LargerBasket>().build().unwrap();
    let tolerant = deploy.of_app(app()).provider(Provider::github()).carrying::<TolerantBasket>().build().unwrap();
    let login = || Login::with("github").data(Basket { campaign: "7".to_owned() });
    let state = before.begin(session(), login()).unwrap().state;
    let refused = block_on(hasty.finish(session(), Expect::provider("github"), callback(&state))).unwrap_err();
    assert_eq!(refused.code(), "data");
    // It was not used up.
    assert!(block_on(tolerant.finish(session(), Expect::provider("github"), callback(&state))).is_ok());
    // A server with the build before ignores a field that it does not know.
    let login = Login::with("github").data(TolerantBasket { campaign: "7".to_owned(), seats: 3 });
    let state = tolerant.begin(session(), login).unwrap().state;
    assert!(block_on(before.finish(session(), Expect::provider("github"), callback(&state))).is_ok());
}

/// The state has its own end; only `lifetime_cap` of the ring limits it.
#[test]
fn a_shorter_lifetime_holds_for_new_logins_alone() {
    let deploy = Deploy::new();
    let lasting = |minutes: u64| {
        deploy.build(|builder| builder.provider(Provider::github()).lifetime(Duration::from_secs(60 * minutes)))
    };
    let state = started(&lasting(10), Login::with("github"));
    deploy.clock.advance(Duration::from_secs(9 * 60));
    assert_eq!(code(finish(&lasting(5), Expect::provider("github"), &state)), "ok");
    let state = started(&lasting(5), Login::with("github"));
    deploy.clock.advance(Duration::from_secs(9 * 60));
    assert_eq!(code(finish(&lasting(10), Expect::provider("github"), &state)), "expired");
}

/// A server whose flows could not seal under the ring refuses it, and works on with the one it has.
#[test]
fn a_lower_lifetime_cap_needs_shorter_lifetimes_first() {
    let deploy = Deploy::new();
    let now = deploy.clock_now();
    let ten = RingTiming { lifetime_cap: Duration::from_secs(600), ..RingTiming::default() };
    let current = KeyRingDocument::first(ten, now).unwrap();
    let five = RingTiming { lifetime_cap: Duration::from_secs(300), ..ten };
    let lower = current.with_times(five, now).unwrap().document;
    let server = |minutes: u64| {
        let keys = LiveKeyRing::from(current.ring().clone());
        let builder = Flow::builder(app(), keys.clone(), deploy.guard.clone()).clock(deploy.clock.clone());
        let flow = builder.provider(Provider::github()).lifetime(Duration::from_secs(60 * minutes)).build().unwrap();
        (flow, keys)
    };
    let ((before, refuses), (after, accepts)) = (server(10), server(5));
    let state = started(&before, Login::with("github"));
    let refused = refuses.offer(&lower.to_secret_text(), now).unwrap_err();
    assert!(matches!(refused, RingError::LifetimeCap { cap: 300, lifetime: 600 }), "{refused}");
    accepts.offer(&lower.to_secret_text(), now).unwrap();
    // A login that started before keeps the end that is sealed in its state.
    deploy.clock.advance(Duration::from_secs(9 * 60));
    assert_eq!(code(finish(&after, Expect::provider("github"), &state)), "ok");
    assert_eq!(code(finish(&before, Expect::provider("github"), &started(&after, Login::with("github")))), "ok");
}

/// The kind of a binding comes from the callback, never from the state.
#[test]
fn another_kind_of_binding_refuses_logins_in_progress() {
    let deploy = Deploy::new();
    let begun = deploy.github().begin(TestBrowser::default().binding(), Login::with("github")).unwrap();
    let refused = deploy.github().check(session(), Expect::provider("github"), callback(&begun.state)).unwrap_err();
    assert_eq!(refused.code(), "other_session");
    let state = started(&deploy.github(), Login::with("github"));
    let browser = TestBrowser::default();
    let refused = deploy.github().check(browser.binding(), Expect::provider("github"), callback(&state)).unwrap_err();
    assert_eq!(refused.code(), "cookie_missing");
}

/// The provider answers as the authorization request asked, and the cookie was set for that.
#[test]
fn another_response_mode_refuses_logins_in_progress() {
    let deploy = Deploy::new();
    let apple = |mode| deploy.build(|builder| builder.provider(Provider::apple().response_mode(mode)));
    let (query, post) = (apple(ResponseMode::Query), apple(ResponseMode::FormPost));
    let begun = query.begin(TestBrowser::default().binding(), Login::with("apple")).unwrap();
    let browser = TestBrowser::follow(&begun);
    let refused = post.check(browser.binding(), Expect::provider("apple"), browser.callback()).unwrap_err();
    assert_eq!(refused.code(), "cookie_missing");
    let both = deploy.build(|builder| {
        let new = Provider::custom("apple-post").unwrap().response_mode(ResponseMode::FormPost);
        builder.provider(Provider::apple().response_mode(ResponseMode::Query)).provider(new)
    });
    assert_eq!(code(both.check(browser.binding(), Expect::provider("apple"), browser.callback())), "ok");
}

/// `ok`, and then `invalid_grant`: the provider issued the code to the client that the authorization request named. The client secret is no
/// part of a flow, so the same holds for it.
#[test]
fn another_client_id_passes_the_callback_and_fails_at_the_provider() {
    let deploy = Deploy::new();
    let client = |id| deploy.build(|builder| builder.provider(Provider::github().client_id(id).redirect_uri(OLD_URI)));
    let (before, after) = (client("old"), client("new"));
    let client_of = |login: &Authorized<()>| {
        login.token_form().into_iter().find(|(name, _)| *name == "client_id").unwrap().1.to_owned()
    };
    let login = finish(&after, Expect::provider("github"), &started(&before, Login::with("github"))).unwrap();
    assert_eq!(client_of(&login), "new", "the provider answers invalid_grant");
    // A second provider id for the new client, at a callback address of its own.
    let both = deploy.build(|builder| {
        let new = Provider::custom("github-2").unwrap().client_id("new").redirect_uri(NEW_URI);
        builder.provider(Provider::github().client_id("old").redirect_uri(OLD_URI)).provider(new)
    });
    let login = finish(&both, Expect::provider("github"), &started(&before, Login::with("github"))).unwrap();
    assert_eq!(client_of(&login), "old");
    let login = finish(&both, Expect::provider("github-2"), &started(&both, Login::with("github-2"))).unwrap();
    assert_eq!(client_of(&login), "new");
}

#[test]
fn another_cookie_name_or_host_refuses_logins_in_progress() {
    let deploy = Deploy::new();
    let named = |name: Option<&str>| {
        deploy.build(|builder| {
            let builder = builder.provider(Provider::github());
            match name {
                Some(name) => builder.dangerously_name_cookie(name),
                None => builder,
            }
        })
    };
    let check = |flow: &Flow, browser: &TestBrowser| {
        code(flow.check(browser.binding(), Expect::provider("github"), browser.callback()))
    };
    for (old, new) in [(None, Some("__session")), (Some("__session"), None), (Some("__session"), Some("session"))] {
        let (before, after) = (named(old), named(new));
        let begun = before.begin(TestBrowser::default().binding(), Login::with("github")).unwrap();
        let browser = TestBrowser::follow(&begun);
        assert_eq!(check(&after, &browser), "cookie_missing", "{old:?} {new:?}");
        assert_eq!(check(&before, &browser), "ok", "it was not used up");
    }

    // The browser sends the cookie to the old host alone, which can still finish what it started.
    let at = |host: &str| {
        let uri = format!("https://{host}/auth/github/callback");
        deploy.build(|builder| {
            builder.public_hosts([host]).provider(Provider::github().client_id("c").redirect_uri(&uri))
        })
    };
    let (before, after) = (at("shop.example"), at("store.example"));
    let begun = before.begin(TestBrowser::default().binding(), Login::with("github")).unwrap();
    let at_new_host = after.check(TestBrowser::default().binding(), Expect::provider("github"), callback(&begun.state));
    assert_eq!(code(at_new_host), "cookie_missing");
    assert_eq!(check(&before, &TestBrowser::follow(&begun)), "ok");
}

#[test]
fn an_issuer_is_required_only_once_the_provider_sends_it() {
    let deploy = Deploy::new();
    let state = started(&deploy.github(), Login::with("github"));
    let strict = deploy.build(|builder| builder.provider(Provider::github().requires_iss("https://github.com")));
    assert_eq!(code(finish(&strict, Expect::provider("github"), &state)), "issuer_missing");
}

/// A guard over another store, prefix or table does not know what was used.
#[test]
fn another_guard_lets_a_used_state_through_to_the_provider_once() {
    let deploy = Deploy::new();
    let state = started(&deploy.github(), Login::with("github"));
    assert_eq!(code(finish(&deploy.github(), Expect::provider("github"), &state)), "ok");
    assert_eq!(code(finish(&deploy.github(), Expect::provider("github"), &state)), "already_used");
    let other = Deploy { guard: CountingGuard::new(), ..deploy };
    assert_eq!(code(finish(&other.github(), Expect::provider("github"), &state)), "ok");
    assert_eq!(code(finish(&other.github(), Expect::provider("github"), &state)), "already_used");
}

#[test]
fn a_ring_that_replaces_another_refuses_logins_in_progress_and_a_rotation_none() {
    let deploy = Deploy::new();
    let now = deploy.clock_now();
    let first = KeyRingDocument::first(RingTiming::default(), now).unwrap();
    let rotated = first.rotate(now).unwrap().document;
    let replaced = KeyRingDocument::first(RingTiming::default(), now).unwrap();
    let with = |document: &KeyRingDocument| {
        let deploy = Deploy { ring: document.ring().clone(), clock: deploy.clock.clone(), guard: deploy.guard.clone() };
        deploy.github()
    };
    let state = started(&with(&first), Login::with("github"));
    assert_eq!(code(finish(&with(&replaced), Expect::provider("github"), &state)), "unknown_key");
    assert_eq!(code(finish(&with(&rotated), Expect::provider("github"), &state)), "ok");
}

impl Deploy {
    fn clock_now(&self) -> std::time::SystemTime {
        use oauth_state::Clock;
        self.clock.now()
    }
}
