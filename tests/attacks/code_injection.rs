//! Code injection (RFC 9700 section 4.5, RFC 7636 section 1): an attacker puts a stolen code into their own login.
//!
//! Without a code_verifier that belongs to this login alone, the attacker's callback exchanges the victim's code and
//! signs the attacker in as the victim.

use oauth_state::error::FinishErrorKind;
use oauth_state::{AuthorizationRequest, Binding, Callback, Expect, Login};
use support::shop::{Browser, authorized, block_on, shop};

/// The authorization server's check at the token endpoint for a code issued for `begun` (RFC 7636 section 4.6).
fn token_endpoint_takes(begun: &AuthorizationRequest, code_verifier: &str) -> bool {
    let verifier = oauth2::PkceCodeVerifier::new(code_verifier.to_owned());
    oauth2::PkceCodeChallenge::from_code_verifier_sha256(&verifier).as_str() == begun.code_challenge.as_deref().unwrap()
}

#[test]
fn a_stolen_code_does_not_fit_the_attacker_s_login() {
    let shop = shop();
    let (mut victim, mut thief) = (Browser::default(), Browser::default());
    let hers = victim.begin(&shop, Login::with("google"));
    let his = thief.begin(&shop, Login::with("google"));
    let finished = authorized(thief.finish(&shop, "google", &his.state).unwrap());
    assert!(
        !token_endpoint_takes(&hers, finished.code_verifier.as_ref().unwrap().secret()),
        "the victim's code with the attacker's code_verifier"
    );
    assert!(
        !finished.nonce.as_ref().unwrap().matches(hers.nonce.as_ref().unwrap()),
        "the victim's ID token with the attacker's nonce"
    );
    let (nonce, sent) = (finished.nonce.unwrap(), his.nonce.unwrap());
    assert!(nonce.matches(&sent));
    assert!(!nonce.matches("") && !nonce.matches(&sent[..21]));
    let finished = authorized(victim.finish(&shop, "google", &hers.state).unwrap());
    assert!(token_endpoint_takes(&hers, finished.code_verifier.as_ref().unwrap().secret()));
}

/// Two logins in one browser: a code of one does not fit the other, although the cookie is the same.
#[test]
fn a_code_does_not_fit_another_login_of_the_same_browser() {
    let shop = shop();
    let mut browser = Browser::default();
    let (one, other) = (browser.begin(&shop, Login::with("google")), browser.begin(&shop, Login::with("google")));
    assert_ne!(one.code_challenge, other.code_challenge);
    assert_ne!(one.nonce, other.nonce);
    assert_ne!(one.state, other.state);
    let finished = authorized(browser.finish(&shop, "google", &other.state).unwrap());
    assert!(token_endpoint_takes(&other, finished.code_verifier.as_ref().unwrap().secret()));
    assert!(!token_endpoint_takes(&one, finished.code_verifier.as_ref().unwrap().secret()));
}

/// The attacker also has the victim's state, from a leaked address: it does not open in the attacker's browser,
/// whatever code comes with it.
#[test]
fn a_stolen_state_gives_its_verifier_to_its_own_browser_alone() {
    let shop = shop();
    let (mut victim, mut thief) = (Browser::default(), Browser::default());
    let hers = victim.begin(&shop, Login::with("google"));
    let _ = thief.begin(&shop, Login::with("google"));
    let refused = thief.finish(&shop, "google", &hers.state).unwrap_err();
    assert_eq!(refused.kind(), FinishErrorKind::OtherBrowser);
    let headers = victim.headers();
    let query = format!("state={}&code=a-code-of-the-thief", hers.state);
    let callback = Callback::from_query(&query).unwrap();
    let finished = block_on(shop.flow.finish(Binding::cookies(&headers), Expect::provider("google"), callback));
    let login = authorized(finished.unwrap());
    assert!(
        token_endpoint_takes(&hers, login.code_verifier.as_ref().unwrap().secret()),
        "and not the challenge of the attacker's login"
    );
}

/// 43 characters of 256 bits cannot be guessed, and RFC 7636 section 4.1 allows none that is shorter.
#[test]
fn a_verifier_has_the_length_and_the_characters_of_the_standard() {
    let shop = shop();
    let mut browser = Browser::default();
    let begun = browser.begin(&shop, Login::with("google"));
    let login = authorized(browser.finish(&shop, "google", &begun.state).unwrap());
    let verifier = login.code_verifier.as_ref().unwrap().secret();
    assert_eq!(verifier.len(), 43);
    assert!(verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
}
