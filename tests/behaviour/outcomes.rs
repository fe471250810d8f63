//! The outcomes of a login: a code and its token request, a step-up that needs proof, a denial that may restart, and a
//! return without a code.

use http::HeaderMap;
use oauth_state::outcome::{Nonce, StepUp};
use oauth_state::provider::ResponseMode;
use oauth_state::testing::{TestBrowser, block_on};
use oauth_state::{
    Authorized, Callback, Expect, FinishError, Flow, FlowBuilder, Login, LoginOutcome, Provider, Purpose, ReturnTo,
};
use support::shop::{NOW, Shop, authorized, callback, session, shop, shop_with};

fn finished(shop: &Shop, purpose: Purpose, callback: Callback) -> Result<LoginOutcome<()>, FinishError> {
    let binding = session().for_user(b"user-42").unwrap();
    block_on(shop.flow.finish(binding, Expect::provider("google").purpose(purpose), callback))
}

/// A shop with every purpose, and one custom purpose without a code.
fn with_purposes() -> Shop {
    shop_with(|builder| {
        let google = Provider::google().client_id("client").redirect_uri("https://shop.example/auth/google/callback");
        let google = google.end_session_endpoint("https://accounts.google.example/logout");
        let purposes = [Purpose::Login, Purpose::Reauthenticate, Purpose::Logout];
        let builder = purposes.into_iter().fold(builder.provider(google), FlowBuilder::purpose);
        builder.purpose_without_code(Purpose::Custom("install"))
    })
}

fn step_up(shop: &Shop) -> StepUp<()> {
    let headers: HeaderMap = [("host", "shop.example"), ("origin", "https://shop.example")]
        .into_iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    let headers: HeaderMap = headers.into_iter().filter_map(|(name, value)| Some((name?, value))).collect();
    let binding = session().for_user(b"user-42").unwrap().with_headers(&headers);
    let login = Login::with("google").purpose(Purpose::Reauthenticate);
    let state = shop.flow.begin(binding, login).unwrap().state;
    match finished(shop, Purpose::Reauthenticate, callback(&state)).unwrap() {
        LoginOutcome::SteppedUp(login) => login,
        other => panic!("{other:?}"),
    }
}

/// If the provider answered a step-up from an old session, an attacker at an unlocked computer would pass.
#[test]
fn a_step_up_needs_a_time_after_it_started() {
    let shop = with_purposes();
    let skew = 60;
    for (auth_time, is_fresh) in [
        (Some(NOW + 5), true),
        (Some(NOW + skew), true),
        (Some(NOW + skew + 1), false),
        (Some((NOW - 3 * 86_400) * 1_000), false), // three days old, in milliseconds
        (Some(NOW), true),
        (Some(NOW - skew), true),
        (Some(NOW - skew - 1), false),
        (Some(0), false),
        (None, false),
        (Some(u64::MAX), false),
    ] {
        assert_eq!(step_up(&shop).confirm(auth_time).is_ok(), is_fresh, "{auth_time:?}");
    }
    let login = step_up(&shop);
    assert!(login.token_form().contains(&("code", login.code().secret())) && login.nonce().is_some());
    assert_eq!(login.dangerously_confirm_without_auth_time().origin.purpose, Purpose::Reauthenticate);
}

fn form<T>(login: &Authorized<T>) -> Vec<(&str, &str)> {
    login.token_form().into_iter().collect()
}

/// RFC 6749 section 4.1.3: with several redirect_uris, only the state knows which one the token request must repeat.
#[test]
fn the_token_request_repeats_what_the_login_started_with() {
    let shop = shop_with(|builder| {
        let uris = ["web", "admin"].map(|id| (id, format!("https://shop.example/{id}/auth/google/callback")));
        let google = Provider::google().client_id("client");
        builder.provider(uris.iter().fold(google, |google, (id, uri)| google.named_redirect_uri(id, uri)))
    });
    let begun = shop.flow.begin(session(), Login::with("google").redirect("admin")).unwrap();
    let sent = begun.redirect_uri().map(str::to_owned);
    assert_eq!(sent.as_deref(), Some("https://shop.example/admin/auth/google/callback"));
    let expect = Expect::provider("google").redirect("admin");
    let login = authorized(block_on(shop.flow.finish(session(), expect, callback(&begun.state))).unwrap());
    let verifier = login.code_verifier.as_ref().unwrap().secret();
    let redirect_uri = sent.as_deref().unwrap();
    let expected = [
        ("grant_type", "authorization_code"),
        ("code", "code"),
        ("redirect_uri", redirect_uri),
        ("client_id", "client"),
        ("code_verifier", verifier),
    ];
    assert_eq!(form(&login), expected);
    assert_eq!(login.redirect_uri(), Some(redirect_uri));
}

/// Comparing a nonce that was never sent would refuse every ID token, or none.
#[test]
fn there_is_a_nonce_where_an_id_token_is_asked_for_and_nowhere_else() {
    let shop = shop_with(|builder| {
        let github = Provider::github().client_id("c").redirect_uri("https://shop.example/github/callback");
        let google = Provider::google().client_id("c").redirect_uri("https://shop.example/google/callback");
        let acme = Provider::custom("acme").unwrap().authorization_endpoint("https://acme.example/authorize");
        let acme = acme.client_id("c").redirect_uri("https://shop.example/acme/callback").scopes(["openid"]);
        builder.provider(github).provider(google).provider(acme)
    });
    for (provider, has_nonce) in [("github", false), ("google", true), ("acme", true)] {
        let begun = shop.flow.begin(session(), Login::with(provider)).unwrap();
        assert_eq!(begun.url().unwrap().to_string().contains("&nonce="), has_nonce, "{provider}");
        assert_eq!(begun.nonce.is_some(), has_nonce, "{provider}");
        let finished = block_on(shop.flow.finish(session(), Expect::provider(provider), callback(&begun.state)));
        let nonce = authorized(finished.unwrap()).nonce;
        assert_eq!(nonce.as_ref().map(Nonce::secret), begun.nonce.as_deref(), "{provider}");
    }
}

/// A temporarily denied login restarts with all its data, once by itself.
#[test]
fn a_denied_login_may_start_again() {
    let shop = shop();
    let login = Login::with("github").return_to("/cart".parse::<ReturnTo>().unwrap());
    let browser = TestBrowser::follow(&shop.flow.begin(TestBrowser::default().binding(), login).unwrap());
    let deny = |browser: &TestBrowser| {
        let callback = browser.callback_with([("error", "temporarily_unavailable")]);
        let outcome = block_on(shop.flow.finish(browser.binding(), Expect::provider("github"), callback));
        let Ok(LoginOutcome::Denied(denied)) = outcome else { panic!("not denied") };
        denied
    };
    let restart = deny(&browser).restart;
    assert!(restart.is_automatic());
    let second = TestBrowser::follow(&shop.flow.begin(browser.binding(), restart.login()).unwrap());
    let denied = deny(&second);
    assert_eq!((denied.origin.restarts, denied.origin.return_to.unwrap().as_str()), (1, "/cart"));
    assert!(!denied.restart.is_automatic(), "a loop between two servers must end");
}

/// A page that grants nothing sends the user back with neither code nor error; every other callback without them is
/// refused.
#[test]
fn only_a_purpose_without_a_code_returns_without_one() {
    let shop = with_purposes();
    let bare = |state: &str| Callback::from_pairs([("state", state), ("installation_id", "7")]).unwrap();
    for purpose in [Purpose::Logout, Purpose::Custom("install")] {
        let state = shop.flow.begin(session(), Login::with("google").purpose(purpose)).unwrap().state;
        let expect = Expect::provider("google").purpose(purpose);
        let outcome = block_on(shop.flow.finish(session(), expect, bare(&state)));
        let Ok(LoginOutcome::Returned(back)) = outcome else { panic!("not returned") };
        assert_eq!((back.origin.purpose, back.parameters.get("installation_id")), (purpose, Some("7")));
        let again = block_on(shop.flow.finish(session(), expect, bare(&state))).unwrap_err();
        assert_eq!(again.code(), "already_used");
    }
    let state = shop.flow.begin(session(), Login::with("google")).unwrap().state;
    assert_eq!(finished(&shop, Purpose::Login, bare(&state)).unwrap_err().code(), "code_missing");
    assert!(block_on(shop.flow.finish(session(), Expect::provider("google"), callback(&state))).is_ok(), "not used up");
    // The state is checked first, so that a made-up request reveals nothing about the accepted purposes.
    let plain = support::shop::shop();
    let check = |flow: &Flow, state| flow.check(session(), Expect::provider("google"), bare(state)).unwrap_err().code();
    assert_eq!((check(&plain.flow, "no state"), check(&shop.flow, "no state")), ("malformed", "malformed"));
    assert_eq!(check(&plain.flow, &plain.flow.begin(session(), Login::with("google")).unwrap().state), "code_missing");
}

#[test]
fn a_logout_leads_to_the_end_session_endpoint() {
    let shop = with_purposes();
    let begun = shop.flow.begin(session(), Login::with("google").purpose(Purpose::Logout)).unwrap();
    let url = begun.end_session_url("id-token").unwrap().to_string();
    let (endpoint, query) = url.split_once('?').unwrap();
    assert_eq!(endpoint, "https://accounts.google.example/logout");
    for part in [&*format!("state={}", begun.state), "id_token_hint=id-token", "post_logout_redirect_uri=https%3A"] {
        assert!(query.contains(part), "{part} in {query}");
    }
    assert!(!query.contains("response_type") && !query.contains("code_challenge"));
}

/// GitHub sends a code with an installation if the application asks for one: it is still a login's code.
#[test]
fn a_code_is_never_dropped() {
    let shop = with_purposes();
    let purpose = Purpose::Custom("install");
    let state = shop.flow.begin(session(), Login::with("google").purpose(purpose)).unwrap().state;
    let login = authorized(finished(&shop, purpose, callback(&state)).unwrap());
    assert_eq!((login.code.secret(), login.origin.purpose), ("code", purpose));
}

/// A logout sent no `code_challenge`: nothing ties a code in its callback to this browser.
#[test]
fn a_logout_brings_no_code() {
    let shop = with_purposes();
    let state = shop.flow.begin(session(), Login::with("google").purpose(Purpose::Logout)).unwrap().state;
    let expect = Expect::provider("google").purpose(Purpose::Logout);
    let refused = block_on(shop.flow.finish(session(), expect, callback(&state))).unwrap_err();
    assert_eq!(refused.code(), "malformed");
}

/// A logout returns by GET with only the state, even from a provider that posts its authorization responses and names
/// itself.
#[test]
fn a_logout_returns_without_iss_and_by_get() {
    let shop = shop_with(|builder| {
        let issuer = "https://login.acme.example";
        let acme = Provider::custom("acme").unwrap().requires_iss(issuer).response_mode(ResponseMode::FormPost);
        builder.provider(acme.post_only()).purpose(Purpose::Login).purpose(Purpose::Logout)
    });
    let state = shop.flow.begin(session(), Login::with("acme").purpose(Purpose::Logout)).unwrap().state;
    let expect = Expect::provider("acme").purpose(Purpose::Logout);
    let answer = |iss: Option<&str>| {
        let query = iss.map_or_else(|| format!("state={state}"), |iss| format!("state={state}&iss={iss}"));
        block_on(shop.flow.finish(session(), expect, Callback::from_query(&query).unwrap()))
    };
    assert_eq!(answer(Some("https://evil.example")).unwrap_err().code(), "issuer_mismatch");
    assert!(matches!(answer(None), Ok(LoginOutcome::Returned(_))));
}
