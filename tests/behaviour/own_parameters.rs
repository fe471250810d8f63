//! Apple sends the user's name once: a callback that is refused in the browser that started the login keeps it.

use std::time::Duration;

use oauth_state::guard::{GuardError, Mark, MarkFuture};
use oauth_state::payload::{HandleKind, StoreError};
use oauth_state::{Binding, Callback, Expect, FinishError, Flow, Login, Provider, ReplayGuard};
use support::shop::{Browser, app, block_on, session, shop, shop_built, shop_with};

const USER: &str = r#"{"name":{"firstName":"Ann"},"email":"ann@example.com"}"#;

fn with_user(state: &str) -> Callback {
    Callback::from_pairs([("state", state), ("code", "code"), ("user", USER)]).unwrap()
}

/// The code, and the user kept by the refusal.
fn kept(refused: &FinishError) -> (&'static str, Option<&str>) {
    (refused.code(), refused.own_parameters().and_then(|parameters| parameters.get("user")))
}

#[test]
fn a_form_of_apple_s_that_comes_late_or_twice_keeps_the_user() {
    let shop = shop();
    let mut browser = Browser::default();
    let begun = browser.begin(&shop, Login::with("apple"));
    let headers = browser.headers();
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("state", &begun.state)
        .append_pair("code", "code")
        .append_pair("user", USER)
        .finish();
    let form = || Callback::from_form(form.as_bytes()).unwrap();
    let apple = Expect::provider("apple");
    let finish = || block_on(shop.flow.finish(Binding::cookies(&headers), apple, form()));
    assert!(finish().is_ok());
    assert_eq!(kept(&finish().unwrap_err()), ("already_used", Some(USER)));

    let verified = || shop.flow.check(Binding::cookies(&headers), apple, form()).unwrap();
    let (opened, held_back) = (shop.flow.open(form()).unwrap(), verified());
    shop.clock.advance(Duration::from_secs(700));
    assert_eq!(kept(&finish().unwrap_err()), ("expired", Some(USER)));
    assert_eq!(kept(&opened.verify(Binding::cookies(&headers), apple).unwrap_err()), ("expired", Some(USER)));
    assert_eq!(kept(&block_on(held_back.mark_used()).unwrap_err()), ("expired", Some(USER)));
    let late = shop.flow.open(form()).unwrap_err();
    assert_eq!(kept(&late), ("expired", None), "the browser is not verified yet");
    assert_eq!(kept(&late.seen_by(&Binding::cookies(&headers), apple)), ("expired", Some(USER)));

    // As long as the login may restart, and not longer.
    shop.clock.advance(Duration::from_secs(5 * 86_400));
    assert_eq!(kept(&finish().unwrap_err()), ("expired", None));
}

#[test]
fn a_guard_in_trouble_keeps_the_user() {
    struct Broken(fn() -> GuardError);
    impl ReplayGuard for Broken {
        fn mark_used<'a>(&'a self, _: &'a Mark) -> MarkFuture<'a> {
            MarkFuture::ready(Err(self.0()))
        }
    }
    for (error, code) in [
        ((|| GuardError::unavailable("down")) as fn() -> _, "guard_unavailable"),
        (|| GuardError::outcome_unknown("reset"), "guard_outcome_unknown"),
        (GuardError::full, "guard_full"),
    ] {
        let flow = Flow::builder(app(), oauth_state::testing::ring(), Broken(error));
        let flow = flow.provider(Provider::apple()).build().unwrap();
        let state = flow.begin(session(), Login::with("apple")).unwrap().state;
        let refused = block_on(flow.finish(session(), Expect::provider("apple"), with_user(&state))).unwrap_err();
        assert_eq!(kept(&refused), (code, Some(USER)));
    }
}

#[test]
fn data_of_another_type_and_a_store_in_trouble_keep_the_user() {
    let old = shop_with(|builder| builder.carrying::<u8>().provider(Provider::apple()));
    let new = shop_with(|builder| builder.carrying::<String>().provider(Provider::apple()));
    let state = old.flow.begin(session(), Login::with("apple").data(7)).unwrap().state;
    let refused = new.flow.check(session(), Expect::provider("apple"), with_user(&state)).unwrap_err();
    assert_eq!(kept(&refused), ("data", Some(USER)));

    let shop = shop_built(|builder| builder.provider(Provider::apple()).build_handles(HandleKind::MEMORY));
    for (answer, code) in [(Err(StoreError::unavailable("down")), "store_unavailable"), (Ok(None), "not_stored")] {
        let begun = shop.flow.begin_and_store(session(), Login::with("apple"), 7, |_| async { Ok(()) });
        let state = block_on(begun).unwrap().state;
        let checked = shop.flow.check(session(), Expect::provider("apple"), with_user(&state)).unwrap();
        let refused = block_on(checked.mark_used_and_fetch::<u8, _>(|_| async { answer })).unwrap_err();
        assert_eq!(kept(&refused), (code, Some(USER)));
    }
}

/// The same as for a finished login: they include an `iss` that was not compared, and never a code.
#[test]
fn the_parameters_are_those_that_a_finished_login_has() {
    let shop = shop_with(|builder| builder.provider(Provider::custom("acme").unwrap().code_parameter("auth_code")));
    let state = shop.flow.begin(session(), Login::with("acme")).unwrap().state;
    let pairs = [("state", &*state), ("auth_code", "secret-code"), ("user", USER), ("iss", "https://acme.example")];
    let callback = || Callback::from_pairs(pairs).unwrap();
    let finish = || block_on(shop.flow.finish(session(), Expect::provider("acme"), callback()));
    assert!(finish().is_ok());
    for code in ["already_used", "expired"] {
        let refused = finish().unwrap_err();
        assert_eq!(kept(&refused), (code, Some(USER)));
        let parameters = refused.own_parameters().unwrap();
        assert_eq!((parameters.get("iss"), parameters.get("auth_code")), (Some("https://acme.example"), None));
        assert_eq!((parameters.get("state"), parameters.get("code")), (None, None));
        shop.clock.advance(Duration::from_secs(700));
    }
}

#[test]
fn a_refusal_shows_no_parameter_and_stays_small() {
    let shop = shop();
    let state = shop.flow.begin(session(), Login::with("apple").purpose(oauth_state::Purpose::Login)).unwrap().state;
    shop.clock.advance(Duration::from_secs(700));
    let by_form = Callback::from_form(format!("state={state}&code=c&user=sentinel-of-a-user").as_bytes()).unwrap();
    let unasked = shop.flow.open(by_form).unwrap_err();
    assert!(!format!("{unasked:?} {unasked:#?} {unasked}").contains("sentinel"));
    let late = unasked.seen_by(&session(), Expect::provider("apple"));
    assert_eq!(kept(&late), ("expired", Some("sentinel-of-a-user")));
    assert!(!format!("{late:?} {late:#?} {late} {:?}", late.own_parameters()).contains("sentinel"));
    assert_eq!(size_of::<FinishError>(), size_of::<usize>());
}
