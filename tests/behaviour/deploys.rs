//! A login that starts with the build before a deploy and finishes with the build after it: what docs/deploys.md says of each
//! change.

use std::time::Duration;

use oauth_state::testing::{ManualClock, ring};
use oauth_state::{App, Expect, Flow, FlowBuilder, Login, LoginOutcome, Provider, Purpose, SingleProcessGuard};
use support::shop::{NOW, app, block_on, callback, outcome, session};

const ADMIN: Purpose = Purpose::Custom("admin");

/// The builds of one service, over one ring and one guard.
struct Service(SingleProcessGuard);

impl Service {
    fn new() -> Self {
        Self(SingleProcessGuard::with_capacity(10))
    }

    fn builder(&self, app: App) -> FlowBuilder<()> {
        Flow::builder(app, ring(), self.0.clone()).clock(ManualClock::at(NOW))
    }

    fn usual(&self) -> Flow {
        self.builder(app()).provider(Provider::github()).build().unwrap()
    }
}

/// The result of a login that starts before a change and comes back after it.
fn across(before: &Flow, login: Login, after: &Flow, expect: Expect<'_>) -> &'static str {
    let begun = before.begin(session(), login).unwrap();
    outcome(block_on(after.finish(session(), expect, callback(&begun.state))))
}

/// The same for a login with GitHub.
fn at_github(before: &Flow, after: &Flow) -> &'static str {
    across(before, Login::with("github"), after, Expect::provider("github"))
}

/// Support reads this diagnosis, and compares fingerprints that are equal.
#[test]
fn another_name_of_the_application_or_the_environment_refuses_logins_in_flight_and_says_so() {
    let service = Service::new();
    for renamed in [App::new("store", "test"), App::new("shop", "staging")] {
        let after = service.builder(renamed.unwrap()).provider(Provider::github()).build().unwrap();
        let begun = service.usual().begin(session(), Login::with("github")).unwrap();
        let error = block_on(after.finish(session(), Expect::provider("github"), callback(&begun.state))).unwrap_err();
        assert_eq!(error.code(), "unknown_key");
        assert!(error.diagnosis().contains("the application or the environment has another name"), "{error}");
        assert_eq!(service.usual().fingerprint(), after.fingerprint());
    }
}

#[test]
fn another_id_of_a_provider_refuses_logins_in_flight_unless_the_old_one_stays_for_a_while() {
    let service = Service::new();
    let new = || Provider::custom("github-2").unwrap();
    let after = service.builder(app()).provider(new()).build().unwrap();
    assert_eq!(across(&service.usual(), Login::with("github"), &after, Expect::provider("github-2")), "wrong_provider");
    let both = service.builder(app()).provider(Provider::github()).provider(new()).build().unwrap();
    assert_eq!(at_github(&service.usual(), &both), "passed");
}

/// The callback passes, and the provider then refuses the exchange (`invalid_grant`): the code belongs to the old address.
#[test]
fn another_redirect_uri_passes_and_names_the_new_one_for_the_exchange() {
    let service = Service::new();
    let at = |uri: &str| {
        let github = Provider::github().client_id("id").redirect_uri(uri);
        service.builder(app()).provider(github).build().unwrap()
    };
    let (before, after) = (at("https://shop.example/callback"), at("https://shop.example/auth/callback"));
    let begun = before.begin(session(), Login::with("github")).unwrap();
    let finished = block_on(after.finish(session(), Expect::provider("github"), callback(&begun.state))).unwrap();
    let LoginOutcome::Authorized(login) = finished else { panic!("a code") };
    assert_eq!(login.redirect_uri(), Some("https://shop.example/auth/callback"));
}

#[test]
fn a_purpose_that_was_removed_is_unknown_and_a_new_one_changes_nothing() {
    let service = Service::new();
    let with_admin = || service.builder(app()).purpose(Purpose::Login).purpose(ADMIN).provider(Provider::github());
    let expect = || Expect::provider("github").any_purpose();
    let (before, after) = (with_admin().build().unwrap(), service.usual());
    assert_eq!(across(&before, Login::with("github").purpose(ADMIN), &after, expect()), "unknown_key");
    assert_eq!(at_github(&service.usual(), &with_admin().build().unwrap()), "passed");
}

#[test]
fn another_form_refuses_logins_in_flight() {
    let service = Service::new();
    let signed = service.builder(app()).provider(Provider::github()).build_signed_not_encrypted().unwrap();
    assert_eq!(at_github(&service.usual(), &signed), "malformed");
    assert_eq!(at_github(&signed, &service.usual()), "malformed");
}

#[test]
fn another_lifetime_holds_for_new_logins_alone() {
    let service = Service::new();
    let minute = Duration::from_secs(60);
    let after = service.builder(app()).lifetime(minute).provider(Provider::github()).build().unwrap();
    assert_eq!(at_github(&service.usual(), &after), "passed");
    assert_eq!(at_github(&after, &service.usual()), "passed");
}

/// Data that is carried now and was not before, or the other way round: only a type that parses the old data accepts it.
#[test]
fn another_type_of_data_refuses_logins_in_flight_unless_it_parses_the_old_one() {
    let service = Service::new();
    let carrying = |builder: FlowBuilder<()>| builder.carrying::<Option<u32>>().provider(Provider::github());
    let after = carrying(service.builder(app())).build().unwrap();
    let begun = service.usual().begin(session(), Login::with("github")).unwrap();
    let finished = block_on(after.finish(session(), Expect::provider("github"), callback(&begun.state)));
    assert_eq!(outcome(finished), "passed");
    let strict = service.builder(app()).carrying::<u32>().provider(Provider::github()).build().unwrap();
    let begun = service.usual().begin(session(), Login::with("github")).unwrap();
    let finished = block_on(strict.finish(session(), Expect::provider("github"), callback(&begun.state)));
    assert_eq!(outcome(finished), "data");
}
