//! The gauges of a ring and of a guard, which alerts compare with a time or a number.

use std::time::{Duration, SystemTime};

use oauth_state::guard::{GuardError, Mark, MarkFuture};
use oauth_state::ring::source::source_fn;
use oauth_state::ring::{KeyRingDocument, Refresh, RingTiming};
use oauth_state::testing::{ManualClock, ring};
use oauth_state::{Flow, LiveKeyRing, Provider, ReplayGuard, SingleProcessGuard};
use support::shop::app;

use super::telemetry::{a_ring_that_changes, over, runtime, scraped, twice, value};

/// Alerts compare the age of a ring: it must not change while the source is down.
#[test]
fn the_ring_s_gauges_follow_the_source() {
    let text = scraped(|| runtime().block_on(a_ring_that_changes()));
    assert_eq!(value(&text, "oauth_state_ring_serial"), 3.0);
    for (outcome, count) in [("unchanged", 1.0), ("taken", 1.0), ("refused", 1.0), ("failed", 1.0)] {
        assert_eq!(value(&text, &format!("oauth_state_ring_refreshes_total{{outcome=\"{outcome}\"}}")), count);
    }
    assert_eq!(value(&text, "oauth_state_ring_keys{role=\"active\"}"), 1.0);
    // The rotation dropped the first key, which was retired.
    assert_eq!(value(&text, "oauth_state_ring_keys{role=\"retired\"}"), 0.0);
    assert_eq!(value(&text, "oauth_state_ring_keys{role=\"pending\"}"), 1.0);
    assert_eq!(value(&text, "oauth_state_ring_late_keys_total"), 1.0);
    assert_eq!(value(&text, "oauth_state_unknown_keys_total"), 1.0);
    let confirmed = value(&text, "oauth_state_ring_confirmed_timestamp_seconds");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((now - 60.0..=now).contains(&confirmed));
    // The key that seals now was published yesterday; the third seals later.
    let published = value(&text, "oauth_state_ring_active_key_published_timestamp_seconds");
    assert!((now - 86_460.0..=now - 86_400.0).contains(&published), "{published}");
    assert!(value(&text, "oauth_state_ring_next_change_timestamp_seconds") > now);
    assert!(value(&text, "oauth_state_ring_fingerprint") > 0.0);
}

/// Without the series nothing is compared: a source that is down from the start would never raise an alert.
#[test]
fn a_ring_has_an_age_from_the_start() {
    let text = scraped(|| {
        runtime().block_on(async {
            let document = KeyRingDocument::first(RingTiming::default(), SystemTime::now()).unwrap().to_secret_text();
            let source = source_fn("a text", move || {
                let text = document.expose().to_owned();
                async move { Ok(text) }
            });
            let (_keys, refresher) = LiveKeyRing::load(source, Refresh::default()).await.unwrap();
            tokio::select! { biased; () = refresher.run() => {}, () = async {} => {} }
        });
    });
    assert!(value(&text, "oauth_state_ring_confirmed_timestamp_seconds") > 0.0);
}

/// A gauge that starts at zero would page after each deploy, until the first callback of each server.
#[test]
fn a_guard_that_was_never_asked_is_not_down() {
    let text = scraped(|| drop(over(SingleProcessGuard::with_capacity(10))));
    assert!(!text.lines().any(|line| line.starts_with("oauth_state_guard_up")), "{text}");
}

/// The next callback may be hours away: a single error must not show as an outage until then, and an outage must show while it lasts.
#[test]
fn guard_up_falls_after_a_minute_of_errors_alone() {
    let up = |guard: fn() -> GuardError, seconds: u64| {
        let text = scraped(|| {
            struct Fails(fn() -> GuardError);
            impl ReplayGuard for Fails {
                fn mark_used<'a>(&'a self, _: &'a Mark) -> MarkFuture<'a> {
                    MarkFuture::ready(Err((self.0)()))
                }
            }
            let clock = ManualClock::at(1_800_000_000);
            let fails = Flow::builder(app(), ring(), Fails(guard)).provider(Provider::github()).clock(clock.clone());
            let fails = fails.build().unwrap();
            runtime().block_on(async {
                twice(&over(SingleProcessGuard::with_capacity(10))).await;
                twice(&fails).await;
                clock.advance(Duration::from_secs(seconds));
                twice(&fails).await;
            });
        });
        value(&text, "oauth_state_guard_up")
    };
    assert_eq!(up(|| GuardError::unavailable("connection refused"), 59), 1.0);
    assert_eq!(up(|| GuardError::unavailable("connection refused"), 60), 0.0);
    assert_eq!(up(|| GuardError::outcome_unknown("no answer"), 60), 0.0);
    assert_eq!(up(GuardError::full, 60), 0.0);
    assert_eq!(up(|| GuardError::overloaded("busy"), 60), 1.0);
}
