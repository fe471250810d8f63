//! Spans and log lines: what they show of a login, and that they hold no secret and no text from outside.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;

use oauth_state::observe::{Event, Reference};
use oauth_state::{BeginError, Binding, Callback, Expect, Login, Provider};
use support::shop::{Browser, anything, callback_of_issuer, session, shop, shop_with};
use tracing_subscriber::fmt::format::FmtSpan;

use super::telemetry::{drive_everything, runtime, scraped, value};

thread_local! {
    /// The output of the subscriber below for this thread's test.
    static WRITTEN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Written;

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        WRITTEN.with_borrow_mut(|written| written.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The output of a subscriber at TRACE during `work`. It is global to the process: tests on other threads without a
/// subscriber would disable spans that they reach first.
pub(crate) fn logged(work: impl FnOnce()) -> String {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(|| Written);
        tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    });
    WRITTEN.take();
    work();
    String::from_utf8(WRITTEN.take()).unwrap()
}

/// A line without its cause does not help the operator; a line with a line break forges another one.
#[test]
fn a_report_names_provider_error_and_causes_in_one_line() {
    let failed = BeginError::HookFailed { hook: "authorize", source: "PAR is down".into() };
    assert_eq!(
        failed.to_event("github").report().unwrap(),
        "\"github\": login not started (hook_failed): the `authorize` hook of the routes failed: PAR is down"
    );
    let error = io::Error::other("invalid_grant");
    let event =
        Event::HookFailed { provider: "github", hook: "on_login", reference: Reference::of("x"), error: &error };
    assert_eq!(
        event.report().unwrap(),
        "\"github\": the `on_login` hook of the routes failed, reference 5NRH-CG: invalid_grant"
    );
    let error = io::Error::other("invalid_grant\r\nforged \u{1b}[2J\u{9b}2J");
    let event =
        Event::HookFailed { provider: "github", hook: "on_login", reference: Reference::of("x"), error: &error };
    assert!(!event.report().unwrap().contains(char::is_control));
    let line = Callback::from_query("code=c").unwrap_err().to_event(Some("a\nb")).report().unwrap();
    assert!(
        line.starts_with(r#""a\nb": callback refused (missing_state), reference "#) && !line.contains('\n'),
        "{line}"
    );
    assert!(Event::FailedOpen.report().is_none());
}

/// A router that takes the provider from the address, and an arbitrary callback.
#[test]
fn no_text_from_outside_becomes_a_label_or_a_field() {
    let mut log = String::new();
    let text = scraped(|| {
        log = logged(|| {
            let shop = shop();
            let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
            assert!(shop.flow.begin(session(), Login::with("outside")).is_err());
            for state in [begun.state.as_str(), "outside"] {
                let finish =
                    shop.flow.finish(session(), Expect::provider("outside"), callback_of_issuer(state, "outside"));
                assert!(runtime().block_on(finish).is_err());
            }
        });
    });
    assert!(!text.contains("outside"), "{text}");
    assert!(log.contains("oauth_state.finish") && !log.contains("outside"), "{log}");
    assert_eq!(value(&text, "oauth_state_callbacks_total{provider=\"unknown\",code=\"wrong_provider\"}"), 1.0);
}

#[test]
fn a_login_shows_as_spans_with_their_children() {
    let text = without_references(&logged(drive_everything));
    for span in [
        "oauth_state.begin{provider=\"github\" outcome=\"ok\"}: oauth_state::observe::span: close",
        "oauth_state.finish{provider=\"github\"}:oauth_state.guard{outcome=\"first\"}: oauth_state::observe::span: close",
        "oauth_state.finish{provider=\"github\" outcome=\"already_used\"}: oauth_state::observe::span: close",
        "oauth_state.finish{provider=\"github\"}:oauth_state.store{operation=\"get\" outcome=\"ok\"}: oauth_state::observe::span: close",
        "oauth_state.begin{provider=\"github\"}:oauth_state.store{operation=\"put\" outcome=\"ok\"}: oauth_state::observe::span: close",
        "oauth_state.begin{provider=\"github\" outcome=\"store_unavailable\"}: oauth_state::observe::span: close",
        "oauth_state.begin{outcome=\"unknown_provider\"}: oauth_state::observe::span: close",
        "oauth_state.source{source=\"a list\" outcome=\"error\"}: oauth_state::observe::span: close",
    ] {
        assert!(text.contains(span), "no {span} in\n{text}");
    }
}

/// A log without the references of its logins, which `references.rs` tests.
fn without_references(log: &str) -> String {
    let mut parts = log.split(" reference=");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + &part["7K2P-9Q".len()..])
}

/// Secrets in data that operators keep for weeks and share.
#[test]
fn neither_metrics_nor_spans_hold_a_secret() {
    let (mut log, mut secrets) = (String::new(), Vec::new());
    let text = scraped(|| {
        log = logged(|| {
            let shop = shop_with(|builder| builder.carrying::<String>().provider(Provider::google()));
            let mut browser = Browser::default();
            let login = Login::with("google").data("secret-data".to_owned()).tenant(*b"a-secret-tenant-");
            let login = login.return_to("/secret-path".parse::<oauth_state::ReturnTo>().unwrap());
            let begun = shop.flow.begin(Binding::cookies(&browser.headers()), login).unwrap();
            browser.take(&begun);
            let headers = browser.headers();
            let query = format!("state={}&code=secret-code&user=secret-user", begun.state);
            for _ in 0..2 {
                let finish = shop.flow.finish(
                    Binding::cookies(&headers),
                    anything("google"),
                    Callback::from_query(&query).unwrap(),
                );
                if let Ok(oauth_state::LoginOutcome::Authorized(login)) = runtime().block_on(finish) {
                    secrets.extend([
                        login.code_verifier.unwrap().secret().to_owned(),
                        login.nonce.unwrap().secret().to_owned(),
                    ]);
                }
            }
            secrets.extend([
                begun.state,
                begun.code_challenge.unwrap(),
                begun.nonce.unwrap(),
                browser.jar()[0].1.clone(),
            ]);
        });
    });
    secrets.extend(["secret-", "a-secret-tenant-"].map(str::to_owned));
    assert_eq!(secrets.len(), 8);
    for secret in &secrets {
        assert!(!text.contains(secret.as_str()), "a secret in the metrics");
        assert!(!log.contains(secret.as_str()), "a secret in the log");
    }
}
