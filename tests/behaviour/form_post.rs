//! A provider's response is a cross-site POST, without the login's SameSite=Lax cookie: this site's page posts it
//! again, once, and only for a state of this service.

use std::time::Duration;

use oauth_state::error::FinishErrorKind;
use oauth_state::provider::ResponseMode;
use oauth_state::{Binding, Callback, Expect, FinishError, Login, LoginOutcome, Provider};
use support::shop::{Browser, Shop, authorized, block_on, shop_with};

fn shop() -> Shop {
    let by_form = Provider::custom("acme").unwrap().response_mode(ResponseMode::FormPostReposted);
    shop_with(|builder| builder.provider(by_form).provider(Provider::google()))
}

/// The form that a provider's page sends: state, code, and a parameter of the provider.
fn form(state: &str) -> String {
    let user = r#"{"name":{"firstName":"Ann \"<b>\" & Bob's"}}"#;
    form_urlencoded::Serializer::new(String::new())
        .append_pair("state", state)
        .append_pair("code", "a code & more+")
        .append_pair("user", user)
        .finish()
}

/// A POST without the cookies that browsers withhold from other sites.
fn cross_site(shop: &Shop, form: &str) -> Result<LoginOutcome<()>, FinishError> {
    post(shop, &Browser::default(), form)
}

fn post(shop: &Shop, browser: &Browser, form: &str) -> Result<LoginOutcome<()>, FinishError> {
    let headers = browser.headers();
    let callback = Callback::from_form(form.as_bytes())?;
    block_on(shop.flow.finish(Binding::cookies(&headers), Expect::provider("acme"), callback))
}

/// The form of a page as a browser submits it.
fn submit(html: &str) -> String {
    let unescape = |text: &str| {
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
        text.replace("&#13;", "\r").replace("&#10;", "\n").replace("&amp;", "&")
    };
    let mut form = form_urlencoded::Serializer::new(String::new());
    for input in html.split("<input type=\"hidden\" name=\"").skip(1) {
        let (name, rest) = input.split_once("\" value=\"").unwrap();
        // As a browser parses it: up to the next quote, whatever follows.
        let (value, _) = rest.split_once('"').unwrap();
        form.append_pair(&unescape(name), &unescape(value));
    }
    form.finish()
}

#[test]
fn the_page_posts_every_field_once_more_and_the_login_finishes() {
    let shop = shop();
    let mut browser = Browser::default();
    let begun = browser.begin(&shop, Login::with("acme"));
    assert!(begun.set_cookie.as_ref().unwrap().contains("SameSite=Lax"));

    let needed = cross_site(&shop, &form(&begun.state)).unwrap_err();
    assert_eq!((needed.kind(), needed.status()), (FinishErrorKind::RepostNeeded, 200));
    assert_eq!(shop.guard.calls(), 0, "nothing is used up");
    let response = needed.to_response();
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(
        (&response.headers()["cache-control"], &response.headers()["referrer-policy"]),
        (&"no-store".parse().unwrap(), &"no-referrer".parse().unwrap())
    );
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    let nonce = policy.split_once("'nonce-").unwrap().1.split_once('\'').unwrap().0;
    assert!(nonce.len() == 22 && response.body().contains(&format!("<script nonce=\"{nonce}\">")));
    assert!(response.body().contains("<button>"));
    assert!(!response.body().contains("action="), "to its own address");

    let login = authorized(post(&shop, &browser, &submit(response.body())).unwrap());
    assert_eq!(login.code.secret(), "a code & more+");
    assert_eq!(login.parameters.get("user"), Some(r#"{"name":{"firstName":"Ann \"<b>\" & Bob's"}}"#));
    assert_eq!(login.parameters.get("oauth_state_reposted"), None);
}

/// Two sites that post in a circle.
#[test]
fn there_is_no_second_page() {
    let shop = shop();
    let begun = Browser::default().begin(&shop, Login::with("acme"));
    let needed = cross_site(&shop, &form(&begun.state)).unwrap_err();
    let refused = cross_site(&shop, &submit(needed.repost().unwrap().html())).unwrap_err();
    assert_eq!(refused.kind(), FinishErrorKind::CookieMissing);
    assert!(refused.repost().is_none());
    // The flag has no other effect, because anyone can write it.
    let flagged = format!("{}&oauth_state_reposted=1", form(&begun.state));
    assert_eq!(cross_site(&shop, &flagged).unwrap_err().kind(), FinishErrorKind::CookieMissing);
}

/// Login CSRF: the page sends the attacker's state with the victim's cookie, which does not fit it.
#[test]
fn a_foreign_state_is_refused_after_the_page_as_it_is_without() {
    let shop = shop();
    let (mut victim, mut attacker) = (Browser::default(), Browser::default());
    let _ = victim.begin(&shop, Login::with("acme"));
    let foreign = attacker.begin(&shop, Login::with("acme"));
    let needed = cross_site(&shop, &form(&foreign.state)).unwrap_err();
    let refused = post(&shop, &victim, &submit(needed.repost().unwrap().html())).unwrap_err();
    assert_eq!(refused.kind(), FinishErrorKind::OtherBrowser);
    assert_eq!(shop.guard.calls(), 0);
}

/// A page that reflects any POST would be a tool for attackers: it needs an authentic, live state of this callback.
#[test]
fn nothing_but_a_live_state_of_this_callback_gets_a_page() {
    let shop = shop();
    let mut browser = Browser::default();
    let begun = browser.begin(&shop, Login::with("acme"));
    let other = browser.begin(&shop, Login::with("google"));
    let last = begun.state.chars().last().unwrap();
    let forged = format!("{}{}", &begun.state[..begun.state.len() - 1], if last == 'A' { 'Q' } else { 'A' });
    for (state, kind) in [
        ("nothing", FinishErrorKind::Malformed),
        (forged.as_str(), FinishErrorKind::Forged),
        (other.state.as_str(), FinishErrorKind::WrongProvider),
    ] {
        let refused = cross_site(&shop, &form(state)).unwrap_err();
        assert_eq!((refused.kind(), refused.repost().is_none()), (kind, true));
    }
    // With GET, a Lax cookie is sent if there is one, so it is really missing.
    let query = Callback::from_query(&form(&begun.state)).unwrap();
    let headers = Browser::default().headers();
    let refused = shop.flow.check(Binding::cookies(&headers), Expect::provider("acme"), query).unwrap_err();
    assert_eq!(refused.kind(), FinishErrorKind::CookieMissing);
    // A session that does not fit is not about cookies.
    let posted = Callback::from_form(form(&begun.state).as_bytes()).unwrap();
    let session = Binding::session(&[8; 16]).unwrap();
    let refused = shop.flow.check(session, Expect::provider("acme"), posted).unwrap_err();
    assert_eq!(refused.kind(), FinishErrorKind::OtherSession);

    shop.clock.advance(Duration::from_secs(700));
    let refused = cross_site(&shop, &form(&begun.state)).unwrap_err();
    assert_eq!((refused.kind(), refused.repost().is_none()), (FinishErrorKind::Expired, true));
}

/// An attacker who changes the request to `response_mode=query` brings the code back into URLs, histories and logs.
#[test]
fn a_provider_that_posts_only_is_not_answered_by_get() {
    for (mode, refused) in
        [(ResponseMode::FormPost, true), (ResponseMode::FormPostReposted, true), (ResponseMode::FormPost, false)]
    {
        let provider = Provider::custom("acme").unwrap().response_mode(mode);
        let shop = shop_with(|builder| builder.provider(if refused { provider.post_only() } else { provider }));
        let mut browser = Browser::default();
        let begun = browser.begin(&shop, Login::with("acme"));
        let headers = browser.headers();
        for late in [false, true] {
            let query = Callback::from_query(&form(&begun.state)).unwrap();
            let checked = shop.flow.check(Binding::cookies(&headers), Expect::provider("acme"), query);
            let expected = match (refused, late) {
                (true, false) => "wrong_response_mode",
                (_, true) => "expired",
                (false, false) => "passed",
            };
            let restarts = checked.as_ref().err().is_some_and(|error| error.restart().is_some());
            assert_eq!((support::shop::outcome(checked), restarts), (expected, late && !refused));
            if !late {
                assert!(post(&shop, &browser, &form(&begun.state)).is_ok());
                shop.clock.advance(Duration::from_secs(700));
            }
        }
    }
}

#[test]
fn a_provider_that_is_not_declared_so_gets_no_page() {
    for mode in [ResponseMode::Query, ResponseMode::FormPost] {
        let provider = Provider::custom("acme").unwrap().response_mode(mode);
        let shop = shop_with(|builder| builder.provider(provider));
        let begun = Browser::default().begin(&shop, Login::with("acme"));
        assert_eq!(cross_site(&shop, &form(&begun.state)).unwrap_err().kind(), FinishErrorKind::CookieMissing);
    }
}

/// The provider's refusal is re-posted like its code.
#[test]
fn an_error_is_posted_once_more_as_well() {
    let shop = shop();
    let mut browser = Browser::default();
    let begun = browser.begin(&shop, Login::with("acme"));
    let denied = format!("state={}&error=access_denied&iss=https%3A%2F%2Facme.example", begun.state);
    let needed = cross_site(&shop, &denied).unwrap_err();
    let LoginOutcome::Denied(refusal) = post(&shop, &browser, &submit(needed.repost().unwrap().html())).unwrap() else {
        panic!("a code")
    };
    assert_eq!(refusal.error.as_str(), "access_denied");
}

/// A field named `submit` hides the form's function of that name.
#[test]
fn the_page_submits_itself_whatever_its_field_names() {
    let shop = shop();
    let begun = Browser::default().begin(&shop, Login::with("acme"));
    let needed = cross_site(&shop, &format!("{}&submit=Continue", form(&begun.state))).unwrap_err();
    let page = needed.repost().unwrap().html().to_owned();
    assert!(page.contains("name=\"submit\"") && !page.contains("].submit("), "{page}");
}

/// The callback that our page made longer must be accepted.
#[test]
fn a_form_of_the_most_parameters_comes_back() {
    let shop = shop();
    let mut ann = Browser::default();
    let begun = ann.begin(&shop, Login::with("acme"));
    let form = (0..62).fold(format!("code=c&state={}", begun.state), |form, number| format!("{form}&f{number}=1"));
    let needed = cross_site(&shop, &form).unwrap_err();
    assert!(post(&shop, &ann, &submit(needed.repost().unwrap().html())).is_ok());
    assert_eq!(cross_site(&shop, &format!("{form}&one=more")).unwrap_err().kind(), FinishErrorKind::TooLong);
}
