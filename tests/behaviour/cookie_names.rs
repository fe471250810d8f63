//! Cookies with another name: `__Host-Http-`, and the application's own name for a host that passes no other.

use oauth_state::provider::ResponseMode;
use oauth_state::{Binding, ConfigError, Flow, Login, Provider, SingleProcessGuard, testing};
use support::shop::{Browser, Shop, app, shop_with};

fn named(name: &str) -> Shop {
    shop_with(|flow| flow.dangerously_name_cookie(name).provider(Provider::github()).provider(Provider::google()))
}

fn build(name: &str, provider: Provider) -> Result<Flow, ConfigError> {
    let flow = Flow::builder(app(), testing::ring(), SingleProcessGuard::with_capacity(100));
    flow.dangerously_name_cookie(name).provider(provider).build()
}

#[test]
fn a_cookie_with_an_own_name_serves_every_login() {
    let (shop, mut browser) = (named("__session"), Browser::default());
    let first = browser.begin(&shop, Login::with("github"));
    let second = browser.begin(&shop, Login::with("google"));
    let header = first.set_cookie.as_deref().unwrap();
    assert!(
        header.starts_with("__session=") && header.ends_with("; Path=/; HttpOnly; Secure; SameSite=Lax"),
        "{header}"
    );
    assert_eq!((browser.jar().len(), &first.set_cookie), (1, &second.set_cookie));
    assert!(browser.finish(&shop, "google", &second.state).is_ok());
    assert!(browser.finish(&shop, "github", &first.state).is_ok());
}

/// Login CSRF: the name protects nothing, so the value must.
#[test]
fn a_browser_with_another_value_finishes_nothing() {
    let (shop, mut owner, mut other) = (named("__session"), Browser::default(), Browser::default());
    let begun = owner.begin(&shop, Login::with("github"));
    let _ = other.begin(&shop, Login::with("github"));
    assert_eq!(other.finish(&shop, "github", &begun.state).unwrap_err().code(), "other_browser");
    assert_eq!(Browser::default().finish(&shop, "github", &begun.state).unwrap_err().code(), "cookie_missing");
}

/// The application's own cookie, or one added by a sibling domain, must not hide the login's.
#[test]
fn neighbours_of_the_same_name_are_tried_as_well() {
    let (shop, mut browser) = (named("__session"), Browser::default());
    browser.put("__session", "of the application");
    browser.put("__session", &"A".repeat(43));
    let begun = shop.flow.begin(Binding::cookies(&Browser::default().headers()), Login::with("github")).unwrap();
    let value = begun.cookie_pair().unwrap().split_once('=').unwrap().1;
    browser.put("__session", value);
    assert!(browser.finish(&shop, "github", &begun.state).is_ok());
    assert!(shop.flow.surplus_cookies(&Binding::cookies(&browser.headers())).is_empty());
}

#[test]
fn a_name_that_browsers_refuse_does_not_build() {
    for name in [
        "",
        "a b",
        "a=b",
        "a;b",
        "é",
        "a\r\nb",
        "a,b",
        "(a)",
        "oauth-state-started",
        "__Host-oauth-state-started",
        &"a".repeat(65),
    ] {
        assert!(matches!(build(name, Provider::github()), Err(ConfigError::CookieName)), "{name:?}");
    }
    for name in ["__session", "a", "__Host-login", "__Secure-login", &"a".repeat(64)] {
        assert!(build(name, Provider::github()).is_ok(), "{name:?}");
    }
    // Without `Secure`, a browser drops a cookie with a prefix, in any case of its letters.
    for name in ["__Host-login", "__host-login", "__SECURE-login", "__Http-login"] {
        let flow = Flow::builder(app(), testing::ring(), SingleProcessGuard::with_capacity(100));
        let flow = flow.dangerously_allow_plain_http().dangerously_name_cookie(name).provider(Provider::github());
        assert!(matches!(flow.build(), Err(ConfigError::CookieName)), "{name}");
    }
    let flow = Flow::builder(app(), testing::ring(), SingleProcessGuard::with_capacity(100));
    let plain = flow.dangerously_allow_plain_http().host_http_cookies().provider(Provider::github()).build();
    assert!(matches!(plain, Err(ConfigError::CookieName)));
}

/// A login by form_post needs `SameSite=None`, and would overwrite the cookie of a login by query.
#[test]
fn form_post_needs_a_cookie_of_its_own() {
    assert!(
        matches!(build("__session", Provider::apple()), Err(ConfigError::FormPostWithOneCookie(id)) if id == "apple")
    );
    assert!(build("__session", Provider::apple().response_mode(ResponseMode::FormPostReposted)).is_ok());
    // Also a provider that is loaded at run time.
    let flow = Flow::builder(app(), testing::ring(), SingleProcessGuard::with_capacity(100));
    let flow = flow.dangerously_name_cookie("__session").loads_providers().build().unwrap();
    let loaded = Provider::custom("acme").unwrap().response_mode(ResponseMode::FormPost);
    let loaded = loaded.redirect_uri("https://shop.example/auth/acme/callback");
    assert_eq!(flow.begin(Binding::cookie_headers([]), Login::with(&loaded)).unwrap_err().code(), "connection");
}

#[test]
fn the_prefix_that_scripts_cannot_set_keeps_everything_else() {
    let shop = shop_with(|flow| flow.host_http_cookies().provider(Provider::github()).provider(Provider::apple()));
    let mut browser = Browser::default();
    let (github, apple) = (browser.begin(&shop, Login::with("github")), browser.begin(&shop, Login::with("apple")));
    let header = github.set_cookie.as_deref().unwrap();
    assert!(header.starts_with("__Host-Http-") && header.contains("; Path=/; HttpOnly; Secure"), "{header}");
    assert!(browser.finish(&shop, "apple", &apple.state).is_ok());
    assert!(browser.finish(&shop, "github", &github.state).is_ok());
}
