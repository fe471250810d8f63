//! Callbacks as providers really send them: other names, additional parameters, and missing promises.

use http::{HeaderMap, HeaderValue};
use oauth_state::outcome::AuthorizationError;
use oauth_state::testing::{TestBrowser, block_on, ring};
use oauth_state::{
    Binding, Callback, ConfigError, Denied, Expect, Flow, FlowBuilder, Login, LoginOutcome, Provider,
    SingleProcessGuard,
};
use support::shop::{Shop, app, authorized, session, shop, shop_with};

fn builder() -> FlowBuilder<()> {
    Flow::builder(app(), ring(), SingleProcessGuard::with_capacity(1))
}

fn acme(configure: impl FnOnce(Provider) -> Provider) -> Shop {
    shop_with(|builder| builder.provider(configure(Provider::custom("acme").unwrap())))
}

fn answered(shop: &Shop, expect: Expect<'_>, query: &str) -> Result<LoginOutcome<()>, &'static str> {
    let state = shop.flow.begin(session(), Login::with("acme")).unwrap().state;
    let callback = Callback::from_query(&query.replace("STATE", &state)).map_err(|refused| refused.code())?;
    block_on(shop.flow.finish(session(), expect, callback)).map_err(|refused| refused.code())
}

fn denied(shop: &Shop, query: &str) -> Denied<()> {
    match answered(shop, Expect::provider("acme"), query) {
        Ok(LoginOutcome::Denied(denied)) => denied,
        other => panic!("{:?}", other.map(|_| "another ending")),
    }
}

/// If a denial were not recognized as a response, its state would stay unused, and the page would report an error of
/// ours.
#[test]
fn a_denial_in_other_words_is_a_denial() {
    let shop = acme(|provider| provider);
    let facebook = denied(&shop, "error_code=901&error_message=App+not+set+up&state=STATE");
    assert_eq!((facebook.error.as_str(), facebook.parameters.get("error_message")), ("901", Some("App not set up")));
    let reason = denied(&shop, "error_reason=user_denied&error_description=x&state=STATE");
    assert_eq!(reason.error, AuthorizationError::AccessDenied);
    assert_eq!(denied(&shop, "error=login_required&error_code=5&state=STATE").error, AuthorizationError::LoginRequired);
    // A code stays a code, and a request without a response stays none.
    assert!(answered(&shop, Expect::provider("acme"), "code=c&error_code=0&state=STATE").is_ok());
    assert_eq!(answered(&shop, Expect::provider("acme"), "error_code=&state=STATE").unwrap_err(), "code_missing");
    assert_eq!(answered(&shop, Expect::provider("acme"), "error_code=%00&state=STATE").unwrap_err(), "malformed");
}

#[test]
fn a_code_under_another_name_is_the_code_of_that_provider_alone() {
    let amazon = acme(|provider| provider.code_parameter("spapi_oauth_code"));
    let query = "spapi_oauth_code=the-code&state=STATE&selling_partner_id=A";
    let login = authorized(answered(&amazon, Expect::provider("acme"), query).unwrap());
    assert_eq!((login.code.secret(), login.parameters.get("selling_partner_id")), ("the-code", Some("A")));
    assert_eq!(login.parameters.get("spapi_oauth_code"), None, "a code must not be logged as a parameter");
    for (query, code) in [
        ("spapi_oauth_code=a&code=b&state=STATE", "code_and_error"),
        ("spapi_oauth_code=a&error=access_denied&state=STATE", "code_and_error"),
        ("spapi_oauth_code=a&spapi_oauth_code=b&state=STATE", "duplicate_parameter"),
        ("spapi_oauth_code=%0a&state=STATE", "malformed"),
        ("spapi_oauth_code=&state=STATE", "code_missing"),
    ] {
        assert_eq!(answered(&amazon, Expect::provider("acme"), query).unwrap_err(), code, "{query}");
    }
    let other = acme(|provider| provider);
    assert_eq!(answered(&other, Expect::provider("acme"), query).unwrap_err(), "code_missing");
    let taken = Provider::custom("acme").unwrap().code_parameter("state");
    assert!(matches!(builder().provider(taken).build(), Err(ConfigError::CodeParameter(_))));
}

/// RFC 9207: if `iss` is dropped, its reader cannot detect a mix-up.
#[test]
fn iss_reaches_the_caller_unless_it_was_compared() {
    const ISSUER: &str = "https://login.acme.example";
    let query = "code=c&state=STATE&iss=https%3A%2F%2Flogin.acme.example";
    let unknown = acme(|provider| provider);
    let login = authorized(answered(&unknown, Expect::provider("acme"), query).unwrap());
    assert_eq!(login.parameters.get("iss"), Some(ISSUER));
    let known = acme(|provider| provider.issuer(ISSUER));
    let login = authorized(answered(&known, Expect::provider("acme"), query).unwrap());
    assert_eq!(login.parameters.get("iss"), None);

    // This login's issuer, named by the caller.
    let of_login = |issuer| Expect::provider("acme").issuer(issuer);
    assert!(answered(&unknown, of_login(ISSUER), query).is_ok());
    assert!(answered(&unknown, of_login(ISSUER), "code=c&state=STATE").is_ok());
    assert_eq!(answered(&unknown, of_login("https://other.example"), query).unwrap_err(), "issuer_mismatch");
    assert_eq!(answered(&known, of_login("https://other.example"), query).unwrap_err(), "issuer_mismatch");
    let promised = acme(|provider| provider.requires_iss("https://template.example"));
    assert!(answered(&promised, of_login(ISSUER), query).is_ok());
    assert_eq!(answered(&promised, of_login(ISSUER), "code=c&state=STATE").unwrap_err(), "issuer_missing");
}

#[test]
fn an_issuer_that_differs_in_a_slash_is_named_as_such() {
    let shop = acme(|provider| provider.issuer("https://login.acme.example"));
    let state = shop.flow.begin(session(), Login::with("acme")).unwrap().state;
    let callback =
        Callback::from_pairs([("state", &*state), ("code", "c"), ("iss", "https://login.acme.example/")]).unwrap();
    let refused = shop.flow.check(session(), Expect::provider("acme"), callback).unwrap_err();
    assert_eq!(refused.code(), "issuer_mismatch");
    assert!(refused.diagnosis().contains("slash at their end"), "{}", refused.diagnosis());
    let url = |issuer| {
        Provider::auth0(issuer).map(|provider| provider.client_id("c").redirect_uri("https://shop.example/cb"))
    };
    for issuer in ["https://shop.eu.auth0.com", "https://shop.eu.auth0.com/"] {
        let shop = shop_with(|builder| builder.provider(url(issuer).unwrap()));
        let state = shop.flow.begin(session(), Login::with("auth0")).unwrap().state;
        let answer = [("state", &*state), ("code", "c"), ("iss", "https://shop.eu.auth0.com/")];
        let checked = shop.flow.check(session(), Expect::provider("auth0"), Callback::from_pairs(answer).unwrap());
        assert!(checked.is_ok(), "{issuer}");
    }
}

/// Operators see which error a provider sends without a state; the user does not, and text from outside is not shown.
#[test]
fn an_error_without_a_state_is_named_if_it_is_registered() {
    let refused = |query| Callback::from_query(query).unwrap_err();
    let named = refused("error=invalid_scope&error_description=hello");
    assert_eq!(named.code(), "missing_state");
    assert!(named.diagnosis().contains("the error invalid_scope") && !named.diagnosis().contains("hello"));
    assert!(!named.public_text().contains("invalid_scope"));
    let other = refused("error=%3Cscript%3E");
    assert_eq!(other.diagnosis(), refused("code=c").diagnosis());
}

/// Browsers keep no `Secure` cookie over plain http: every login of such a configuration would end as `cookie_missing`.
#[test]
fn a_callback_over_plain_http_does_not_build() {
    let build = |uri: &str, plain: bool| {
        let builder = builder().provider(Provider::github().redirect_uri(uri));
        if plain { builder.dangerously_allow_plain_http().build() } else { builder.build() }
    };
    for uri in ["http://192.168.1.5:8080/auth/github/callback", "http://shop.example/auth/github/callback"] {
        let refused = build(uri, false).unwrap_err();
        assert!(matches!(refused, ConfigError::PlainHttp(_)), "{uri}");
        assert!(refused.to_string().contains("dangerously_allow_plain_http"));
        assert!(build(uri, true).is_ok(), "{uri}");
    }
    for uri in
        ["http://localhost:8080/cb", "http://127.0.0.1/cb", "http://[::1]/cb", "http://app.localhost/cb", "app:/cb"]
    {
        assert!(build(uri, false).is_ok(), "{uri}");
    }
}

/// Safari silently drops the cookie of http://localhost.
#[test]
fn a_missing_cookie_on_localhost_names_the_browsers_that_drop_it() {
    let diagnosis = |uri: &str, loopback: bool| {
        let shop = shop_with(|flow| {
            let flow = flow.provider(Provider::github().redirect_uri(uri));
            if loopback { flow.allow_plain_http_on_loopback() } else { flow }
        });
        let browser =
            TestBrowser::follow(&shop.flow.begin(TestBrowser::default().binding(), Login::with("github")).unwrap());
        let headers = HeaderMap::new();
        let refused = shop.flow.check(Binding::cookies(&headers), Expect::provider("github"), browser.callback());
        refused.unwrap_err().diagnosis()
    };
    assert!(diagnosis("http://localhost:8080/cb", false).contains("allow_plain_http_on_loopback"));
    assert!(!diagnosis("http://localhost:8080/cb", true).contains("allow_plain_http_on_loopback"));
    assert!(!diagnosis("https://shop.example/cb", false).contains("localhost"));
}

#[test]
fn a_missing_cookie_names_plain_http_commas_and_proxies() {
    let shop = shop();
    let browser =
        TestBrowser::follow(&shop.flow.begin(TestBrowser::default().binding(), Login::with("github")).unwrap());
    let cookie = browser.headers()["cookie"].to_str().unwrap().to_owned();
    let diagnosis = |headers: &[(&'static str, &str)]| {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect();
        let refused =
            shop.flow.check(Binding::cookies(&headers), Expect::provider("github"), browser.callback()).unwrap_err();
        assert_eq!(refused.code(), "cookie_missing");
        refused.diagnosis()
    };
    assert!(diagnosis(&[("x-forwarded-proto", "http")]).contains("plain http"));
    assert!(diagnosis(&[("cookie", &format!("theme=dark, {cookie}"))]).contains("commas"));
    assert!(diagnosis(&[("cookie", &format!("{cookie}, theme=dark"))]).contains("commas"));
    assert!(!diagnosis(&[("cookie", "theme=a,b; x=y")]).contains("commas"));
    assert!(diagnosis(&[]).contains("a proxy strips them"));
    assert!(diagnosis(&[("cookie", "theme=dark")]).contains("a proxy passes only"));
}
