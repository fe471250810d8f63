//! The reference of a login: a user reads it from the error page, and support finds the login's lines in the log by it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use oauth_state::observe::{Event, Observers, Reference};
use oauth_state::testing::{ManualClock, block_on, ring};
use oauth_state::{
    Callback, Expect, FinishError, Flow, Login, LoginOutcome, Provider, Purpose, ReturnTo, SingleProcessGuard,
};
use support::shop::{NOW, app, callback, callback_of_issuer, session};

use super::traces::logged;

fn flow(clock: &ManualClock, observers: Observers) -> Flow {
    Flow::builder(app(), ring(), SingleProcessGuard::with_capacity(1_000))
        .clock(clock.clone())
        .provider(Provider::github())
        .provider(Provider::custom("acme").unwrap().requires_iss("https://acme.example"))
        .observers(observers)
        .build()
        .unwrap()
}

fn shown_on_the_page(refused: &FinishError) -> String {
    let page = refused.to_page(&"/auth/github".parse::<ReturnTo>().unwrap()).into_body();
    let answer = refused.to_response().into_body();
    let of = |text: &str| text.split_once("Reference: ").unwrap().1[.."7K2P-9Q".len()].to_owned();
    assert_eq!(of(&page), of(&answer));
    of(&page)
}

/// With two names for one login, support would find one of its ends only.
#[test]
fn a_login_has_one_reference_from_its_start_to_its_page() {
    let told: Arc<Mutex<Vec<(&str, Reference)>>> = Arc::default();
    let record = Arc::clone(&told);
    let observer = move |event: &Event<'_>| {
        let named = match event {
            Event::Started { reference, .. } => ("started", *reference),
            Event::Finished { reference, .. } => ("finished", *reference),
            Event::Refused(refusal) => (refusal.code, refusal.reference.unwrap()),
            _ => return,
        };
        record.lock().unwrap().push(named);
    };
    let clock = ManualClock::at(NOW);
    let flow = flow(&clock, Observers::default().and(observer));
    let state = flow.begin(session(), Login::with("github")).unwrap().state;
    let reference = Reference::of(&state);
    let finish = |state: &str| block_on(flow.finish(session(), Expect::provider("github"), callback(state)));

    let LoginOutcome::Authorized(login) = finish(&state).unwrap() else { panic!("a code") };
    assert_eq!(login.origin.reference, reference);
    // Cut short as in an e-mail, and changed: still the same login.
    for (text, code) in [(&*state, "already_used"), (&state[..60], "malformed"), (&format!("{state}A"), "malformed")] {
        let refused = finish(text).unwrap_err();
        assert_eq!((refused.code(), refused.reference()), (code, reference));
        assert_eq!(shown_on_the_page(&refused), reference.to_string());
        assert!(refused.to_string().contains(&format!("reference {reference}: ")), "{refused}");
    }
    let opened = flow.open(callback(&state)).unwrap();
    assert_eq!(opened.verify(session(), Expect::provider("acme")).unwrap_err().reference(), reference);
    let inspected = ring().inspect(&state, &app(), &[Purpose::Login], std::time::SystemTime::now()).unwrap();
    assert_eq!((inspected.reference, inspected.refused.unwrap().reference()), (reference, reference));

    let codes: Vec<_> = told.lock().unwrap().iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, ["started", "finished", "already_used", "malformed", "malformed", "wrong_provider"]);
    assert!(told.lock().unwrap().iter().all(|(_, named)| *named == reference));
}

/// A callback that cannot be parsed also has a user who waits in front of a page, and its state may stand behind the fault.
#[test]
fn a_refusal_has_the_reference_of_its_state_wherever_that_stands() {
    let state =
        flow(&ManualClock::at(NOW), Observers::default()).begin(session(), Login::with("github")).unwrap().state;
    let many: String = (0..70).map(|number| format!("&p{number}=x")).collect();
    for (query, code) in [
        (format!("code=a&code=b&state={state}"), "duplicate_parameter"),
        (format!("state={state}&state=another&code=a"), "duplicate_parameter"),
        (format!("error=access_denied&code=a&state={state}"), "code_and_error"),
        (format!("state={state}&error={}", "e".repeat(300)), "too_long"),
        (format!("state={state}&code=a{many}"), "too_long"),
    ] {
        let refused = Callback::from_query(&query).unwrap_err();
        assert_eq!((refused.code(), refused.reference()), (code, Reference::of(&state)), "{query}");
    }
}

/// Two users who both get a fixed reference could not be told apart; one who gets another on each look could not be found.
#[test]
fn a_callback_without_a_state_has_a_random_reference_that_stays() {
    let refused = || Callback::from_query("code=a").unwrap_err();
    let (one, other) = (refused(), refused());
    assert_ne!(one.reference(), other.reference());
    assert_eq!(shown_on_the_page(&one), one.reference().to_string());
    let Event::Refused(event) = one.to_event(None) else { panic!("a refusal") };
    assert_eq!(event.reference, Some(one.reference()));
}

/// Without a line, a user's "it failed" is not found; with a level that is too high, anyone on the internet raises warnings.
#[test]
fn each_login_that_fails_is_one_line_with_its_reference() {
    let clock = ManualClock::at(NOW);
    let flow = flow(&clock, Observers::default());
    let begin = |provider| flow.begin(session(), Login::with(provider)).unwrap().state;
    let (denied, silent, of_another) = (begin("github"), begin("acme"), begin("acme"));
    let log = logged(|| {
        let finish = |expect, callback| block_on(flow.finish(session(), expect, callback));
        let query = Callback::from_pairs([("state", &*denied), ("error", "invalid_scope")]).unwrap();
        assert!(finish(Expect::provider("github"), query).is_ok());
        assert_eq!(finish(Expect::provider("acme"), callback(&silent)).unwrap_err().code(), "issuer_missing");
        let of_another = callback_of_issuer(&of_another, "https://evil.example");
        assert_eq!(finish(Expect::provider("acme"), of_another).unwrap_err().code(), "issuer_mismatch");
    });
    let lines: Vec<_> = log.lines().filter(|line| line.contains("oauth_state::observe::log: ")).collect();
    assert_eq!(lines.len(), 3, "{log}");
    for (line, level, text, code, state) in [
        (lines[0], "INFO", "the provider refused the login (invalid_scope)", "invalid_scope", &denied),
        (lines[1], "WARN", "callback refused (issuer_missing)", "issuer_missing", &silent),
        (lines[2], "INFO", "callback refused (issuer_mismatch)", "issuer_mismatch", &of_another),
    ] {
        let reference = Reference::of(state);
        for part in [
            format!("{level} oauth_state.finish{{provider="),
            format!("{text}, reference {reference}"),
            format!(" code=\"{code}\" reference={reference}"),
        ] {
            assert!(line.contains(&part), "no {part} in {line}");
        }
    }
}

/// A script that calls the callback a thousand times a second must not fill the disk.
#[test]
fn a_flood_of_one_refusal_writes_few_lines() {
    let clock = ManualClock::at(NOW);
    clock.advance(Duration::from_secs(3_600));
    let state = flow(&clock, Observers::default()).begin(session(), Login::with("github")).unwrap().state;
    let flow = flow(&ManualClock::at(NOW), Observers::default());
    let log = logged(|| {
        for _ in 0..1_000 {
            let refused = flow.check(session(), Expect::provider("github"), callback(&state)).unwrap_err();
            assert_eq!(refused.code(), "issued_in_future");
        }
    });
    let lines = log.lines().filter(|line| line.contains("oauth_state::observe::log: ")).count();
    // At most 20 in each second that the loop touches.
    assert!((1..=200).contains(&lines), "{lines} lines");
}
