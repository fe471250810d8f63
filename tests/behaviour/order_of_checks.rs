//! Neither a malformed callback nor another user's reaches the guard; each refusal has its own code.

use oauth_state::error::FinishErrorKind;
use oauth_state::guard::{GuardError, Mark, MarkFuture};
use oauth_state::{Binding, Callback, Expect, Login, Provider, ReplayGuard, ReturnTo, Tenant};
use std::time::{Duration, UNIX_EPOCH};
use support::shop::{NOW, anything, authorized, block_on, callback, session, shop, shop_with};

#[test]
fn an_honest_login_comes_back_whole() {
    let shop = shop();
    let login = Login::with("google").tenant([9; 16]).redirect("web").return_to("/a?b#c".parse::<ReturnTo>().unwrap());
    let begun = shop.flow.begin(session(), login).unwrap();
    assert_eq!(begun.expires_at, UNIX_EPOCH + Duration::from_secs(NOW + 600));
    assert!(begun.set_cookie.is_none() && begun.login_secret.is_none());
    let query = format!("code=the%2Bcode&state={}&scope=openid", begun.state);
    let callback = Callback::from_query(&query).unwrap();
    let login = authorized(block_on(shop.flow.finish(session(), anything("google"), callback)).unwrap());
    assert_eq!(login.code.secret(), "the+code");
    assert_eq!(login.origin.tenant, Some(Tenant::from([9; 16])));
    assert_eq!(login.origin.redirect.as_deref(), Some("web"));
    assert_eq!(login.origin.return_to.unwrap().as_str(), "/a?b#c");
    assert_eq!(login.origin.issued_at, UNIX_EPOCH + Duration::from_secs(NOW));
    assert_eq!(login.parameters.get("scope"), Some("openid"));
    assert_eq!(login.nonce.unwrap().secret(), begun.nonce.unwrap());
    let challenge = oauth2::PkceCodeChallenge::from_code_verifier_sha256(&login.code_verifier.unwrap().into());
    assert_eq!(challenge.as_str(), begun.code_challenge.unwrap());
    assert_eq!(shop.guard.calls(), 1);
}

#[test]
fn context_is_named_or_accepted_by_name_and_never_guessed() {
    let shop = shop();
    let tenant = Tenant::from([9; 16]);
    let other = Tenant::from([8; 16]);
    let login = || Login::with("github").tenant(tenant.clone()).redirect("web");
    let code = |login: Login, expect: Expect<'_>| {
        let begun = shop.flow.begin(session(), login).unwrap();
        shop.flow.check(session(), expect, callback(&begun.state)).map_or_else(|error| error.code(), |_| "passed")
    };
    let github = || Expect::provider("github");
    assert_eq!(code(login(), anything("github")), "passed");
    assert_eq!(code(login(), github()), "wrong_redirect");
    assert_eq!(code(login(), github().any_redirect()), "wrong_tenant");
    assert_eq!(code(login(), github().any_tenant()), "wrong_redirect");
    assert_eq!(code(login(), github().tenant(&tenant).redirect("web")), "passed");
    assert_eq!(code(login(), Expect::provider("google")), "wrong_provider");
    assert_eq!(code(login(), Expect::provider("nobody")), "wrong_provider");
    assert_eq!(code(login(), Expect::any_provider()), "wrong_provider");
    assert_eq!(code(login(), github().redirect("web").tenant(&other)), "wrong_tenant");
    assert_eq!(code(login(), github().redirect("app")), "wrong_redirect");
    assert_eq!(code(Login::with("github"), github().tenant(&tenant)), "wrong_tenant");
    assert_eq!(code(Login::with("github"), github().redirect("web")), "wrong_redirect");
    assert_eq!(shop.guard.calls(), 0);
}

/// The first failing check gives the code: a state that is wrong in every way is refused for the earliest reason.
#[test]
fn the_checks_run_in_the_order_of_the_design() {
    let shop = shop();
    let begun = shop.flow.begin(session(), Login::with("google")).unwrap();
    let other = || Binding::session(b"another user's session").unwrap();
    let github = || Expect::provider("github");
    let code = |query: &str, binding: Binding<'_>, expect: Expect<'_>| {
        let checked = Callback::from_query(query).and_then(|callback| shop.flow.check(binding, expect, callback));
        checked.map_or_else(|error| error.code(), |_| "passed")
    };
    let query = |state: &str| format!("state={state}&code=c&iss=https://evil.example");
    let mut forged = begun.state.clone();
    forged.replace_range(60..61, if &forged[60..61] == "A" { "B" } else { "A" });

    assert_eq!(code(&format!("{}&state=x", query(&forged)), other(), github()), "duplicate_parameter");
    assert_eq!(code(&query(&"A".repeat(2049)), other(), github()), "too_long");
    assert_eq!(code(&query("not base64url!"), other(), github()), "malformed");
    shop.clock.advance(Duration::from_secs(1000));
    assert_eq!(code(&query(&forged), other(), github()), "forged");
    assert_eq!(code(&query(&begun.state), other(), github()), "expired");
    shop.clock.set(NOW);
    assert_eq!(code(&query(&begun.state), other(), github()), "wrong_provider");
    assert_eq!(code(&query(&begun.state), other(), Expect::provider("google")), "other_session");
    assert_eq!(code(&query(&begun.state), session(), Expect::provider("google")), "issuer_mismatch");
    assert_eq!(shop.guard.calls(), 0);
}

#[test]
fn a_state_is_used_once_and_the_duplicate_learns_when() {
    let shop = shop();
    let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
    let finish = || block_on(shop.flow.finish(session(), Expect::provider("github"), callback(&begun.state)));
    assert!(finish().is_ok());
    shop.clock.advance(Duration::from_secs(3));
    let again = finish().unwrap_err();
    assert_eq!(again.kind(), FinishErrorKind::AlreadyUsed);
    assert_eq!(again.first_used_at(), Some(UNIX_EPOCH + Duration::from_secs(NOW)));
    assert!(again.restart().unwrap().is_automatic());
}

#[test]
fn a_guard_that_cannot_answer_refuses() {
    struct Broken(fn() -> GuardError);
    impl ReplayGuard for Broken {
        fn mark_used<'a>(&'a self, _: &'a Mark) -> MarkFuture<'a> {
            MarkFuture::ready(Err(self.0()))
        }
    }
    for (error, code, retry) in [
        ((|| GuardError::unavailable("down")) as fn() -> _, "guard_unavailable", true),
        (|| GuardError::overloaded("pool timed out"), "guard_unavailable", true),
        (|| GuardError::outcome_unknown("reset"), "guard_outcome_unknown", false),
        (GuardError::full, "guard_full", true),
        (|| GuardError::misconfigured("replica"), "guard_unavailable", true),
    ] {
        let flow = oauth_state::Flow::builder(support::shop::app(), oauth_state::testing::ring(), Broken(error))
            .provider(Provider::github())
            .build()
            .unwrap();
        let begun = flow.begin(session(), Login::with("github")).unwrap();
        let refused = block_on(flow.finish(session(), Expect::provider("github"), callback(&begun.state))).unwrap_err();
        assert_eq!((refused.code(), refused.status(), refused.retry_after().is_some()), (code, 503, retry));
        assert!(std::error::Error::source(&refused).is_some());
        // The same callback may work later; a second login would only add to the load.
        assert!(!refused.restart().unwrap().is_automatic());
        // An attacker may have chosen the path of an unbound login.
        let login = Login::with("github").return_to("/mallory".parse::<ReturnTo>().unwrap());
        let begun = flow.begin(Binding::dangerously_unbound(), login).unwrap();
        let finished = flow.finish(Binding::dangerously_unbound(), Expect::provider("github"), callback(&begun.state));
        let refused = block_on(finished).unwrap_err();
        assert_eq!((refused.code(), refused.restart().unwrap().return_to()), (code, None));
    }
}

#[test]
fn data_travels_and_data_of_another_shape_is_refused_before_the_guard() {
    #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
    struct Plan {
        seats: u32,
    }
    let old = shop_with(|builder| builder.carrying::<Plan>().provider(Provider::github()));
    let new = shop_with(|builder| builder.carrying::<String>().provider(Provider::github()));
    let begun = old.flow.begin(session(), Login::with("github").data(Plan { seats: 3 })).unwrap();
    let refused = new.flow.check(session(), Expect::provider("github"), callback(&begun.state)).unwrap_err();
    assert_eq!(refused.kind(), FinishErrorKind::Data);
    assert!(refused.restart().unwrap().is_automatic());
    assert_eq!(new.guard.calls(), 0);
    let finished = block_on(old.flow.finish(session(), Expect::provider("github"), callback(&begun.state))).unwrap();
    assert_eq!(authorized(finished).data, Plan { seats: 3 });

    let optional = shop_with(|builder| builder.carrying::<Option<u8>>().provider(Provider::github()));
    for data in [None, Some(7)] {
        let begun = optional.flow.begin(session(), Login::with("github").data(data)).unwrap();
        let finished = block_on(optional.flow.finish(session(), Expect::provider("github"), callback(&begun.state)));
        assert_eq!(authorized(finished.unwrap()).data, data);
    }
}

#[test]
fn a_redirect_id_that_is_configured_no_more_is_refused() {
    let with = |id: &'static str| {
        shop_with(|builder| {
            builder.provider(Provider::github().named_redirect_uri(id, "https://shop.example/callback"))
        })
    };
    let begun = with("old").flow.begin(session(), Login::with("github").redirect("old")).unwrap();
    let refused = with("new").flow.check(session(), Expect::provider("github"), callback(&begun.state)).unwrap_err();
    assert_eq!(refused.code(), "wrong_redirect");
}
