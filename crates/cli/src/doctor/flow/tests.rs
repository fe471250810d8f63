//! Checks of whole configurations.

use super::*;
use crate::doctor::Level;
use oauth_state::ring::RingTiming;

fn service(origin: &str, providers: &[&str]) -> Service {
    Service {
        app: App::new("shop", "production").unwrap(),
        origin: origin.parse().unwrap(),
        purposes: Vec::new(),
        providers: providers.iter().map(|spec| spec.parse().unwrap()).collect(),
        lifetime: Duration::from_secs(600),
        shared_callback: false,
        plain_http: false,
        signed: false,
        bound_by: BoundBy::Cookie,
        sizes: Sizes::default(),
    }
}

fn document() -> KeyRingDocument {
    KeyRingDocument::first(RingTiming::default(), SystemTime::now()).unwrap()
}

/// Name, level and subject of every problem.
fn wrong(service: &Service) -> Vec<(&'static str, Level, String)> {
    let checks = service.examine(Some(&document()), SystemTime::now());
    let wrong = checks.into_iter().filter(|check| check.level > Level::Ok);
    wrong.map(|check| (check.name, check.level, check.about.unwrap_or_default())).collect()
}

fn error(name: &'static str, about: &str) -> (&'static str, Level, String) {
    (name, Level::Error, about.to_owned())
}

#[test]
fn a_usual_service_is_well_and_every_provider_is_looked_at() {
    let service = service("https://shop.example", &["github", "apple", "x", "entra"]);
    assert_eq!(wrong(&service), []);
    let checks = service.examine(None, SystemTime::now());
    for (name, number) in [("cookie", 4), ("state_size", 4), ("configuration", 1)] {
        assert_eq!(checks.iter().filter(|check| check.name == name).count(), number, "{name}");
    }
    assert!(checks.iter().any(|check| check.found.starts_with("a state for github has 108 characters")), "{checks:?}");
}

/// `SameSite=None` without https: every Apple login would end as `cookie_missing`.
#[test]
fn form_post_over_plain_http_is_an_error_each_way_it_is_built() {
    let mut service = service("http://shop.example", &["apple"]);
    assert_eq!(wrong(&service), [error("cookie", "apple")]);
    service.plain_http = true;
    assert_eq!(wrong(&service), [error("configuration", "apple")]);
    service.plain_http = false;
    for local in ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"] {
        service.origin = local.parse().unwrap();
        assert_eq!(wrong(&service), [], "{local}");
    }
}

#[test]
fn one_provider_that_cannot_work_hides_no_other() {
    let wrong = wrong(&service(
        "https://shop.example",
        &["github,redirect_uri=https://other.example/cb", "gitlub", "google,redirect_uri=http://shop.example/cb"],
    ));
    let expected = [
        error("configuration", "github"),
        error("unknown_provider", "gitlub"),
        error("redirect_uri", "google"),
        error("configuration", "google"),
    ];
    assert_eq!(wrong, expected);
}

#[test]
fn what_providers_do_to_each_other_is_told_of_none_alone() {
    let mut service = service("https://shop.example", &["github", "google"]);
    service.shared_callback = true;
    assert_eq!(wrong(&service), [error("configuration", "")]);
    service.shared_callback = false;
    service.lifetime = Duration::from_secs(3601);
    assert_eq!(wrong(&service), [error("configuration", "")]);
}

#[test]
fn a_state_is_as_long_as_the_largest_login_makes_it() {
    let mut service = service("https://shop.example", &["x", "acme,custom,max_state_chars=255"]);
    service.sizes = Sizes { tenant: 16, return_to: 60, data: 0 };
    assert_eq!(wrong(&service), []);
    let longest = |service: &Service| {
        let checks = service.examine(None, SystemTime::now());
        let of_x = checks.iter().find(|check| check.name == "state_size").unwrap();
        of_x.found.split(' ').find_map(|word| word.parse::<usize>().ok()).unwrap()
    };
    let before = longest(&service);
    // A state for `link` also contains the user.
    service.purposes = vec![Purpose::Login, Purpose::Link];
    assert!(matches!(longest(&service) - before, 21 | 22));
    service.sizes.data = 100;
    assert_eq!(wrong(&service), [error("state_size", "acme")]);
    service.sizes.data = 3_000;
    assert_eq!(wrong(&service).len(), 2);
}

/// Measured as the other form, a release whose logins fail would pass.
#[test]
fn a_signed_state_is_measured_as_what_it_is() {
    let mut service = service("https://shop.example", &["acme,custom,max_state_chars=120"]);
    assert_eq!(wrong(&service), []);
    service.signed = true;
    assert_eq!(wrong(&service), [error("state_size", "acme")]);
}

#[test]
fn a_login_that_no_cookie_holds_is_held_to_none() {
    let mut native = service("https://shop.example", &["acme,custom,redirect_uri=http://127.0.0.1:8000/cb"]);
    assert_eq!(wrong(&native).len(), 2);
    native.bound_by = BoundBy::LoginSecret;
    assert_eq!(wrong(&native), []);
    let mut service = service("http://shop.example", &["apple"]);
    for (bound_by, wrongs) in
        [(BoundBy::Cookie, vec![error("cookie", "apple")]), (BoundBy::Session, vec![]), (BoundBy::LoginSecret, vec![])]
    {
        service.bound_by = bound_by;
        assert_eq!(wrong(&service), wrongs, "{bound_by:?}");
        service.purposes = vec![Purpose::Link];
        assert_eq!(wrong(&service), wrongs, "{bound_by:?}, for a user");
        service.purposes.clear();
    }
}

/// A ring that does not seal yet is a separate finding; the configuration is still checked.
#[test]
fn a_ring_that_seals_nothing_hides_no_configuration() {
    let later = KeyRingDocument::first(RingTiming::default(), SystemTime::now() + Duration::from_secs(86_400)).unwrap();
    let checks = service("https://shop.example", &["github"]).examine(Some(&later), SystemTime::now());
    assert!(checks.iter().all(|check| check.level == Level::Ok), "{checks:?}");
}
