//! Metrics: each one is recorded under its name, and its labels are bounded.

use std::collections::BTreeSet;
use std::io;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};
use oauth_state::guard::{DangerouslyFailOpen, GuardError, KnownUsedCache, Mark, MarkFuture};
use oauth_state::observe::{
    Event, FLOW_SECONDS, LATENCY_SECONDS, METRICS, MetricKind, Observer as _, Reference, describe,
};
use oauth_state::ring::source::source_fn;
use oauth_state::ring::{KeyRingDocument, Refresh, RingTiming};
use oauth_state::testing::{flow, ring};
use oauth_state::{
    Binding, BoxFuture, Callback, Expect, Flow, LiveKeyRing, Login, Provider, ReplayGuard, SingleProcessGuard,
};
use oauth_state_store::testing::stored_flow;
use oauth_state_store::{HandleKind, Payload, PayloadStore, StoreError, StoredFlow};
use support::shop::{Browser, app, callback, callback_of_issuer, session, shop};

fn recorder() -> PrometheusRecorder {
    let builder = PrometheusBuilder::new().set_buckets(LATENCY_SECONDS).unwrap();
    let flows = Matcher::Full("oauth_state_flow_duration_seconds".to_owned());
    builder.set_buckets_for_metric(flows, FLOW_SECONDS).unwrap().build_recorder()
}

/// The text that Prometheus would scrape after `work`.
pub(crate) fn scraped(work: impl FnOnce()) -> String {
    let recorder = recorder();
    metrics::with_local_recorder(&recorder, || {
        describe();
        work();
    });
    recorder.handle().render()
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

/// The value of a series, which must exist.
pub(crate) fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')));
    line.unwrap_or_else(|| panic!("no {series} in\n{text}")).rsplit(' ').next().unwrap().parse().unwrap()
}

/// A guard whose store is down.
struct Away;

impl ReplayGuard for Away {
    fn mark_used<'a>(&'a self, _: &'a Mark) -> MarkFuture<'a> {
        MarkFuture::ready(Err(GuardError::unavailable("connection refused")))
    }
}

/// A store that keeps nothing.
struct NoRoom;

impl PayloadStore for NoRoom {
    fn kind(&self) -> HandleKind {
        HandleKind::OTHER
    }

    fn put<'a>(&'a self, _: &'a Payload) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::full()) })
    }

    fn get<'a>(&'a self, _: &'a [u8; 16]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(async { Ok(None) })
    }
}

/// A login that passes, and the same callback once more.
pub(crate) async fn twice<T: serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static + Default>(
    flow: &Flow<T>,
) {
    let begun = flow.begin(session(), Login::with("github").data(T::default())).unwrap();
    for _ in 0..2 {
        let _ = flow.finish(session(), Expect::provider("github"), callback(&begun.state)).await;
    }
}

pub(crate) fn over(guard: impl ReplayGuard) -> Flow {
    Flow::builder(app(), ring(), guard).provider(Provider::github()).provider(Provider::google()).build().unwrap()
}

/// A source that returns a document, then a newer one, then garbage, then nothing.
pub(crate) async fn a_ring_that_changes() {
    // A state sealed by another ring.
    let other = over(SingleProcessGuard::with_capacity(10)).begin(session(), Login::with("github")).unwrap();
    // Dated yesterday: its second key has long sealed elsewhere when this server learns of it.
    let yesterday = SystemTime::now() - Duration::from_secs(86_400);
    let first = KeyRingDocument::first(RingTiming::default(), yesterday).unwrap();
    let second = first.rotate(yesterday).unwrap().document;
    // And a third key that seals later.
    let third = second.rotate(SystemTime::now()).unwrap().document;
    let texts = [&first, &first, &third].map(|document| document.to_secret_text().expose().to_owned());
    let mut answers = texts.to_vec();
    answers.push("garbage".to_owned());
    answers.reverse();
    let answers = Mutex::new(answers);
    let source = source_fn("a list", move || {
        let answer = answers.lock().unwrap().pop();
        async move { answer.ok_or_else(|| "out of order".into()) }
    });
    let (keys, mut refresher) = LiveKeyRing::load(source, Refresh::default()).await.unwrap();
    let flow = Flow::builder(app(), keys, SingleProcessGuard::with_capacity(10)).provider(Provider::github());
    let flow = flow.build().unwrap();
    for _ in 0..4 {
        let _ = refresher.refresh().await;
    }
    assert!(flow.check(session(), Expect::provider("github"), callback(&other.state)).is_err());
}

/// Records everything at least once.
pub(crate) fn drive_everything() {
    let runtime = runtime();
    runtime.block_on(async {
        twice(&over(KnownUsedCache::new(SingleProcessGuard::with_capacity(10), 100))).await;
        twice(&over(DangerouslyFailOpen::new(Away))).await;
        twice(&over(Away)).await;
        let stored: StoredFlow<String> = stored_flow();
        let begun = stored.begin(session(), Login::with("github").data("kept".to_owned())).await.unwrap();
        let _ = stored.finish(session(), Expect::provider("github"), callback(&begun.state)).await.unwrap();
        let flow = flow();
        let begun = flow.begin(session(), Login::with("github")).unwrap();
        let with_iss = callback_of_issuer(&begun.state, "https://github.com");
        let _ = flow.finish(session(), Expect::provider("github"), with_iss).await.unwrap();
        let begun = flow.begin(session(), Login::with("github")).unwrap();
        let denied = Callback::from_query(&format!("error=access_denied&state={}", begun.state)).unwrap();
        let _ = flow.finish(session(), Expect::provider("github"), denied).await.unwrap();
        flow.exchanged("github", true);
        flow.exchanged("github", false);
        flow.observers().event(&Event::PurgeFailed { guard: "postgres" });
        let _ = Callback::from_query("state=a&state=b");
        let error = io::Error::other("the token endpoint is down");
        flow.observers().event(&Event::ReturnPathDropped { provider: "github", reason: "not_a_path" });
        flow.observers().event(&Event::HookFailed {
            provider: "github",
            hook: "on_login",
            reference: Reference::of("x"),
            error: &error,
        });
        assert!(flow.begin(session(), Login::with("gitlab")).is_err());
        let stored: StoredFlow<String> = StoredFlow::new(
            Flow::builder(app(), ring(), SingleProcessGuard::with_capacity(10)).provider(Provider::github()).carrying(),
            NoRoom,
        )
        .unwrap();
        assert!(stored.begin(session(), Login::with("github").data(String::new())).await.is_err());
    });
    // Marks that are dropped when they expire.
    let shop = shop();
    runtime.block_on(async {
        for logins in [100, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 100] {
            for _ in 0..logins {
                twice(&shop.flow).await;
            }
            shop.clock.advance(Duration::from_secs(120));
        }
        // Last, because each flow that is built shows its own ring.
        a_ring_that_changes().await;
        // A guard says how full it is from its second second on.
        let guard = SingleProcessGuard::with_capacity(10);
        for seconds in [0, 1] {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds);
            let mark = oauth_state::testing::mark([7; 16], [1; 8], now, now + Duration::from_secs(600));
            let _ = guard.mark_used(&mark).await.unwrap();
        }
    });
}

#[test]
fn every_metric_is_recorded_under_its_name_with_its_labels() {
    let text = scraped(drive_everything);
    for metric in METRICS {
        let kind = match metric.kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            _ => "histogram",
        };
        assert!(text.contains(&format!("# TYPE {} {kind}\n", metric.name)), "{} is no {kind} in\n{text}", metric.name);
        assert!(text.contains(&format!("# HELP {} {}\n", metric.name, metric.help)), "{}", metric.name);
        let name = if kind == "histogram" { format!("{}_count", metric.name) } else { metric.name.to_owned() };
        let sample = text.lines().find(|line| {
            let rest = line.strip_prefix(&name).filter(|rest| rest.starts_with(['{', ' ']));
            rest.is_some() && !line.ends_with(" 0")
        });
        let sample = sample.unwrap_or_else(|| panic!("{name} was never more than 0 in\n{text}"));
        for label in metric.labels {
            assert!(sample.contains(&format!("{label}=\"")), "{sample} has no {label}");
        }
    }
    let recorded: BTreeSet<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert_eq!(recorded.len(), METRICS.len(), "nothing is recorded that the table does not list: {recorded:?}");
}

#[test]
fn callbacks_are_counted_once_by_what_they_ended_in() {
    let text = scraped(|| {
        let shop = shop();
        let runtime = runtime();
        let finish = |expect: &str, callback: Callback| {
            let _ = runtime.block_on(shop.flow.finish(session(), Expect::provider(expect), callback));
        };
        let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
        shop.clock.advance(Duration::from_secs(7));
        finish("google", callback(&begun.state));
        finish("github", callback(&begun.state));
        finish("github", callback(&begun.state));
        let begun = shop.flow.begin(session(), Login::with("google")).unwrap();
        let denied = format!("error=access_denied&state={}", begun.state);
        finish("google", Callback::from_query(&denied).unwrap());
        let _ = Callback::from_query("code=c");
    });
    let callbacks = |provider: &str, code: &str| {
        value(&text, &format!("oauth_state_callbacks_total{{provider=\"{provider}\",code=\"{code}\"}}"))
    };
    assert_eq!(callbacks("github", "ok"), 1.0);
    assert_eq!(callbacks("github", "already_used"), 1.0);
    assert_eq!(callbacks("google", "wrong_provider"), 1.0);
    assert_eq!(callbacks("google", "provider_refused"), 1.0);
    assert_eq!(callbacks("unknown", "missing_state"), 1.0);
    // Every code exists from the start, but only once and not for each provider.
    assert_eq!(callbacks("unknown", "forged"), 0.0);
    assert!(!text.contains("provider=\"github\",code=\"forged\""), "a series for nothing");
    let all = text.lines().filter(|line| line.starts_with("oauth_state_callbacks_total{"));
    let sum: f64 = all.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum();
    assert_eq!(sum, 5.0, "each once");
    assert_eq!(value(&text, "oauth_state_states_issued_total{provider=\"github\",binding=\"session\"}"), 1.0);
    assert_eq!(value(&text, "oauth_state_flow_duration_seconds_sum{provider=\"github\",binding=\"session\"}"), 7.0);
    assert_eq!(value(&text, "oauth_state_flow_duration_seconds_count{provider=\"google\",binding=\"session\"}"), 0.0);
}

#[test]
fn logins_are_counted_by_what_they_are_bound_to() {
    const WORDS: [&str; 4] = ["cookie", "session", "login_secret", "unbound"];
    let counts = |text: &str, series: &str| {
        WORDS.map(|word| value(text, &format!("{series}{{provider=\"github\",binding=\"{word}\"}}")))
    };
    let (issued, passed) = ("oauth_state_states_issued_total", "oauth_state_flow_duration_seconds_count");
    let text = scraped(|| drop(shop()));
    assert_eq!((counts(&text, issued), counts(&text, passed)), ([0.0; 4], [0.0; 4]), "zeros from the start");

    let text = scraped(|| {
        let shop = shop();
        let finish = |binding: Binding<'_>, state: &str| {
            let finished = shop.flow.finish(binding, Expect::provider("github"), callback(state));
            assert!(runtime().block_on(finished).is_ok());
        };
        let mut browser = Browser::default();
        let begun = browser.begin(&shop, Login::with("github"));
        finish(Binding::cookies(&browser.headers()), &begun.state);
        for _ in 0..2 {
            finish(session(), &shop.flow.begin(session(), Login::with("github")).unwrap().state);
        }
        for finishes in [true, true, false] {
            let begun = shop.flow.begin(Binding::new_login_secret(), Login::with("github")).unwrap();
            if finishes {
                finish(Binding::login_secret(&begun.login_secret.unwrap()).unwrap(), &begun.state);
            }
        }
        for finishes in [true, false, false, false] {
            let begun = shop.flow.begin(Binding::dangerously_unbound(), Login::with("github")).unwrap();
            if finishes {
                finish(Binding::dangerously_unbound(), &begun.state);
            }
        }
    });
    assert_eq!(counts(&text, issued), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(counts(&text, passed), [1.0, 2.0, 2.0, 1.0]);
}

/// A login whose row is lost has not passed, although the guard stored its mark.
#[test]
fn a_login_whose_row_is_lost_is_not_counted_as_one_that_passed() {
    let text = scraped(|| {
        runtime().block_on(async {
            let (one, other) = (stored_flow(), stored_flow());
            let begun = one.begin(session(), Login::with("github").data(String::new())).await.unwrap();
            let refused = other.finish(session(), Expect::provider("github"), callback(&begun.state)).await;
            assert_eq!(refused.unwrap_err().code(), "not_stored");
        });
    });
    let callbacks =
        |code: &str| value(&text, &format!("oauth_state_callbacks_total{{provider=\"github\",code=\"{code}\"}}"));
    assert_eq!((callbacks("ok"), callbacks("not_stored")), (0.0, 1.0));
}

/// A login without an issued state did not start; otherwise a failing store's success rate would look good.
#[test]
fn a_login_whose_row_was_not_stored_is_counted_as_one_that_did_not_begin() {
    let text = scraped(drive_everything);
    let refused = |provider: &str, code: &str| {
        value(&text, &format!("oauth_state_begins_refused_total{{provider=\"{provider}\",code=\"{code}\"}}"))
    };
    assert_eq!((refused("github", "store_unavailable"), refused("unknown", "unknown_provider")), (1.0, 1.0));
    assert_eq!(refused("unknown", "no_active_key"), 0.0);
    let before = value(&text, "oauth_state_states_issued_total{provider=\"github\",binding=\"session\"}");
    let stored = value(&text, "oauth_state_store_duration_seconds_count{operation=\"put\",outcome=\"ok\"}");
    let not = value(&text, "oauth_state_store_duration_seconds_count{operation=\"put\",outcome=\"error\"}");
    assert!(before > stored && (stored, not) == (1.0, 1.0));
}

/// An alert on a misspelled code never fires.
#[test]
fn every_label_value_that_an_alert_or_the_dashboard_asks_for_is_recorded() {
    let text = scraped(drive_everything);
    let mut asked = 0;
    for (name, file) in [
        ("alerts.yml", include_str!("../../ops/alerts.yml").to_owned()),
        ("grafana-dashboard.json", include_str!("../../ops/grafana-dashboard.json").replace("\\\"", "\"")),
    ] {
        for label in ["binding", "code", "guard", "kind", "operation", "outcome", "result", "role"] {
            for operator in ["=\"", "=~\"", "!=\"", "!~\""] {
                let matcher = format!("{label}{operator}");
                let matchers = file.split(&matcher).skip(1);
                for value in matchers.flat_map(|rest| rest.split('"').next().unwrap().split('|')) {
                    assert!(text.contains(&format!("{label}=\"{value}\"")), "{name}: no {label} is {value:?}");
                    asked += 1;
                }
            }
        }
    }
    assert!(asked > 30, "{asked} values were found");
}

/// A secret that expired at the provider shows nowhere else: every callback still passes.
#[test]
fn exchanges_count_by_provider_and_no_other_name() {
    let text = scraped(|| {
        let flow = flow();
        flow.exchanged("github", true);
        flow.exchanged("github", false);
        flow.exchanged("made-up", false);
    });
    let exchanges = |provider: &str, outcome: &str| {
        value(&text, &format!("oauth_state_exchanges_total{{provider=\"{provider}\",outcome=\"{outcome}\"}}"))
    };
    assert_eq!([exchanges("github", "ok"), exchanges("github", "error"), exchanges("connection", "error")], [1.0; 3]);
}

/// Prometheus sees no increase in a series that begins at one: after a deploy, each server's first login would be missing.
#[test]
fn exchanges_count_from_zero() {
    let text = scraped(|| drop(flow()));
    for outcome in ["ok", "error"] {
        assert_eq!(
            value(&text, &format!("oauth_state_exchanges_total{{provider=\"github\",outcome=\"{outcome}\"}}")),
            0.0
        );
    }
}

/// Each connection is a provider, and there may be thousands.
#[test]
fn a_process_stays_under_two_thousand_series() {
    let text = scraped(|| {
        drive_everything();
        let providers = (0..20).map(|number| Provider::oidc(&format!("provider-{number}"), "https://example.com"));
        let builder = Flow::builder(app(), ring(), SingleProcessGuard::with_capacity(10));
        let flow = providers.fold(builder, |builder, provider| builder.provider(provider.unwrap())).build().unwrap();
        for number in 0..5_000 {
            let _ = flow.begin(session(), Login::with(format!("connection-{number}")));
        }
    });
    let series = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count();
    assert!(series < 2_000, "{series} series with twenty providers");
}
