//! The list of all metrics.

pub(super) const STATES_ISSUED: &str = "oauth_state_states_issued_total";
pub(super) const BEGINS_REFUSED: &str = "oauth_state_begins_refused_total";
pub(super) const CALLBACKS: &str = "oauth_state_callbacks_total";
pub(super) const PROVIDER_ERRORS: &str = "oauth_state_provider_errors_total";
pub(super) const EXCHANGES: &str = "oauth_state_exchanges_total";
pub(super) const FLOW_DURATION: &str = "oauth_state_flow_duration_seconds";
pub(super) const ISS_IGNORED: &str = "oauth_state_iss_ignored_total";
pub(super) const RETURN_PATHS_DROPPED: &str = "oauth_state_return_paths_dropped_total";
pub(super) const HOOKS_FAILED: &str = "oauth_state_hooks_failed_total";
pub(super) const GUARD_DURATION: &str = "oauth_state_guard_duration_seconds";
pub(super) const GUARD_ERRORS: &str = "oauth_state_guard_errors_total";
pub(super) const GUARD_UP: &str = "oauth_state_guard_up";
pub(super) const FAILED_OPEN: &str = "oauth_state_guard_failed_open_total";
pub(super) const MARKS_PURGED: &str = "oauth_state_marks_purged_total";
pub(super) const PURGE_FAILURES: &str = "oauth_state_purge_failures_total";
pub(super) const MARKS_HELD: &str = "oauth_state_guard_marks";
pub(super) const GUARD_CAPACITY: &str = "oauth_state_guard_capacity";
pub(super) const KNOWN_USED: &str = "oauth_state_known_used_lookups_total";
pub(super) const STORE_DURATION: &str = "oauth_state_store_duration_seconds";
pub(super) const SOURCE_DURATION: &str = "oauth_state_source_duration_seconds";
pub(super) const RING_REFRESHES: &str = "oauth_state_ring_refreshes_total";
pub(super) const RING_CONFIRMED: &str = "oauth_state_ring_confirmed_timestamp_seconds";
pub(super) const RING_PROPAGATION: &str = "oauth_state_ring_propagation_seconds";
pub(super) const RING_SERIAL: &str = "oauth_state_ring_serial";
pub(super) const RING_FINGERPRINT: &str = "oauth_state_ring_fingerprint";
pub(super) const RING_PUBLISHED: &str = "oauth_state_ring_active_key_published_timestamp_seconds";
pub(super) const RING_NEXT_CHANGE: &str = "oauth_state_ring_next_change_timestamp_seconds";
pub(super) const RING_KEYS: &str = "oauth_state_ring_keys";
pub(super) const RING_LATE: &str = "oauth_state_ring_late_keys_total";
pub(super) const UNKNOWN_KEYS: &str = "oauth_state_unknown_keys_total";
pub(super) const BUILD_INFO: &str = "oauth_state_build_info";

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// It only increases.
    Counter,
    /// It increases and decreases.
    Gauge,
    /// It counts values by range.
    Histogram,
}

/// A metric of this crate.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: MetricKind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// Its help text.
    pub help: &'static str,
}

const fn metric(kind: MetricKind, name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind, labels, help }
}

use MetricKind::{Counter, Gauge, Histogram};

/// Every metric that this crate records.
pub const METRICS: &[Metric] = &[
    metric(
        Counter,
        STATES_ISSUED,
        &["provider", "binding"],
        "Logins that started: states that were sealed and, with a store, stored; by binding: cookie, session, login_secret or unbound.",
    ),
    metric(Counter, BEGINS_REFUSED, &["provider", "code"], "Logins that did not start, by the code of the error."),
    metric(
        Counter,
        CALLBACKS,
        &["provider", "code"],
        "Callbacks, by outcome: ok, provider_refused, or the code of a refusal.",
    ),
    metric(
        Counter,
        PROVIDER_ERRORS,
        &["provider", "error"],
        "Callbacks with an error of the provider, by the registered error, or other.",
    ),
    metric(
        Counter,
        EXCHANGES,
        &["provider", "outcome"],
        "Codes that the service exchanged after a callback had passed, as it reports with Flow::exchanged or the routes do: ok or error.",
    ),
    metric(
        Histogram,
        FLOW_DURATION,
        &["provider", "binding"],
        "Seconds from the login start to a callback that passed, by the issue time in the state.",
    ),
    metric(
        Counter,
        ISS_IGNORED,
        &["provider"],
        "Callbacks with an iss of a provider whose issuer is not configured, so it was not compared.",
    ),
    metric(
        Counter,
        RETURN_PATHS_DROPPED,
        &["reason"],
        "Return paths that the routes dropped, by the rule that they broke, or own_route.",
    ),
    metric(
        Counter,
        HOOKS_FAILED,
        &["hook"],
        "Hooks of the routes that failed after their login was used up, such as on_login when the code could not be exchanged.",
    ),
    metric(
        Histogram,
        GUARD_DURATION,
        &["outcome"],
        "Seconds that the replay guard took: first, already_used or error.",
    ),
    metric(
        Counter,
        GUARD_ERRORS,
        &["kind"],
        "Answers of the replay guard that refused a callback because of an error: unavailable, overloaded, outcome_unknown, full or misconfigured.",
    ),
    metric(
        Gauge,
        GUARD_UP,
        &[],
        "Whether the replay guard answers: 1, or 0 while it cannot connect to its store, or has given nothing but errors for a minute. Being too busy does not count. No series before its first answer.",
    ),
    metric(Counter, FAILED_OPEN, &[], "Callbacks that DangerouslyFailOpen let through without an answer of the guard."),
    metric(Counter, MARKS_PURGED, &["guard"], "Expired marks that were deleted: memory or postgres."),
    metric(Counter, PURGE_FAILURES, &["guard"], "Rounds in which expired marks could not be deleted: postgres."),
    metric(Gauge, MARKS_HELD, &["guard"], "Marks that a guard with a limit holds: memory."),
    metric(
        Gauge,
        GUARD_CAPACITY,
        &["guard"],
        "Marks that a guard with a limit can hold: memory. Full, it refuses every callback.",
    ),
    metric(
        Counter,
        KNOWN_USED,
        &["result"],
        "Look-ups in KnownUsedCache: hit, which saves a request to the guard, or miss.",
    ),
    metric(
        Histogram,
        STORE_DURATION,
        &["operation", "outcome"],
        "Seconds that a state store took: put or get, ok or error.",
    ),
    metric(Histogram, SOURCE_DURATION, &["outcome"], "Seconds that the ring's source took: ok or error."),
    metric(
        Counter,
        RING_REFRESHES,
        &["outcome"],
        "Refreshes from the ring's source: taken, unchanged, refused (the document) or failed (the source).",
    ),
    metric(Gauge, RING_CONFIRMED, &[], "Unix time at which the source last confirmed the ring in use."),
    metric(
        Gauge,
        RING_PROPAGATION,
        &[],
        "Seconds that a ring document may take to reach every server: a ring that was not confirmed for longer is stale.",
    ),
    metric(Gauge, RING_SERIAL, &[], "Serial of the ring document in use."),
    metric(
        Gauge,
        RING_FINGERPRINT,
        &[],
        "The first 48 bits of the fingerprint of the ring document in use, as a number: equal for servers with the same document.",
    ),
    metric(Gauge, RING_PUBLISHED, &[], "Unix time at which the key that seals now was published; 0 if there is none."),
    metric(
        Gauge,
        RING_NEXT_CHANGE,
        &[],
        "Unix time at which a key changes its role next by the document's schedule; 0 if none will.",
    ),
    metric(
        Gauge,
        RING_KEYS,
        &["role"],
        "Keys of the ring by role, as of the last refresh: pending, active, retiring, retired or revoked.",
    ),
    metric(Counter, RING_LATE, &[], "Keys that other servers sealed with before this process knew them."),
    metric(Counter, UNKNOWN_KEYS, &[], "Callbacks whose state names a key that this process does not know."),
    metric(Gauge, BUILD_INFO, &["version"], "1, with the version of oauth-state as its label."),
];

/// Bounds for histograms of calls to guards, stores and sources, in seconds.
pub const LATENCY_SECONDS: &[f64] =
    &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// Bounds for the histogram of `oauth_state_flow_duration_seconds`, in seconds: the user's time, up to the default lifetime.
pub const FLOW_SECONDS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 180.0, 300.0, 450.0, 600.0];

/// Passes the help texts to the recorder. Call it once, after you install the recorder.
///
/// # Examples
///
/// ```
/// use metrics_exporter_prometheus::PrometheusBuilder;
/// let recorder = PrometheusBuilder::new().build_recorder();
/// let handle = recorder.handle();
/// metrics::with_local_recorder(&recorder, || {
///     oauth_state::observe::describe();
///     let flow = oauth_state::testing::flow(); // its handles are looked up here
///     flow.begin(oauth_state::Binding::session(&[7; 16]).unwrap(), oauth_state::Login::with("github")).unwrap();
/// });
/// assert!(handle.render().contains("oauth_state_states_issued_total{provider=\"github\",binding=\"session\"} 1"));
/// ```
pub fn describe() {
    for &Metric { name, kind, help, .. } in METRICS {
        match kind {
            Counter => metrics::describe_counter!(name, help),
            Gauge => metrics::describe_gauge!(name, help),
            Histogram => metrics::describe_histogram!(name, help),
        }
    }
}
