//! Login CSRF (RFC 6749 section 10.12, RFC 9700 section 4.7): the attacker starts a login, authorizes as themselves,
//! and leads the victim to the callback.
//!
//! Without the binding, the victim is signed in to the attacker's account and enters their payment and personal data
//! there.

use oauth_state::error::FinishErrorKind;
use oauth_state::{Binding, Expect, Login};
use support::shop::{Browser, callback, shop};

/// RFC 6749 section 10.12: the attacker starts a login, authorizes as themselves, and leads the victim to the callback.
#[test]
fn another_browser_is_refused_and_cannot_use_up_the_owner_s_login() {
    let shop = shop();
    let (mut attacker, mut victim) = (Browser::default(), Browser::default());
    let planted = attacker.begin(&shop, Login::with("github"));
    let refused = victim.finish(&shop, "github", &planted.state).unwrap_err();
    assert_eq!(refused.kind(), FinishErrorKind::CookieMissing);
    let own = victim.begin(&shop, Login::with("github"));
    let refused = victim.finish(&shop, "github", &planted.state).unwrap_err();
    assert_eq!(refused.kind(), FinishErrorKind::OtherBrowser);
    assert!(!refused.restart().unwrap().is_automatic());
    assert_eq!(shop.guard.calls(), 0);
    assert!(attacker.finish(&shop, "github", &planted.state).is_ok());
    assert!(victim.finish(&shop, "github", &own.state).is_ok());
}

#[test]
fn each_kind_of_binding_refuses_another_holder_and_another_kind() {
    let shop = shop();
    let github = || Expect::provider("github");
    let session = |fill: u8| Binding::session(&[fill; 16]).unwrap();
    let code = |binding: Binding<'_>, state: &str| {
        shop.flow.check(binding, github(), callback(state)).map_or_else(|error| error.code(), |_| "passed")
    };

    let by_session = shop.flow.begin(session(1), Login::with("github")).unwrap();
    assert_eq!(code(session(1), &by_session.state), "passed");
    assert_eq!(code(session(2), &by_session.state), "other_session");
    assert_eq!(code(Binding::dangerously_unbound(), &by_session.state), "other_browser");
    assert_eq!(code(Binding::cookie_headers([]), &by_session.state), "cookie_missing");

    let by_client = shop.flow.begin(Binding::new_login_secret(), Login::with("github")).unwrap();
    let secret = by_client.login_secret.unwrap();
    assert_eq!(code(Binding::login_secret(&secret).unwrap(), &by_client.state), "passed");
    assert_eq!(code(Binding::login_secret(&"A".repeat(43)).unwrap(), &by_client.state), "other_client");
    assert_eq!(code(Binding::new_login_secret(), &by_client.state), "other_client");
    assert_eq!(code(session(1), &by_client.state), "other_session");

    // A caller's mistake is reported as one; another login's state is not.
    let diagnosis =
        |binding: Binding<'_>| shop.flow.check(binding, github(), callback(&by_session.state)).unwrap_err().diagnosis();
    assert!(diagnosis(Binding::dangerously_unbound()).contains("different kinds of Binding"));
    assert!(!diagnosis(session(2)).contains("different kinds of Binding"));

    let unbound = shop.flow.begin(Binding::dangerously_unbound(), Login::with("github")).unwrap();
    assert_eq!(code(Binding::dangerously_unbound(), &unbound.state), "passed");
    assert_eq!(code(Binding::login_secret(&"A".repeat(43)).unwrap(), &unbound.state), "other_client");
    assert_eq!(code(session(1), &unbound.state), "other_session");
}
