//! What operators see of logins: metrics, and spans.
//!
//! # Metrics (feature `metrics`)
//!
//! Through the [`metrics`](https://docs.rs/metrics) facade, so that any recorder takes them; the names follow Prometheus'
//! conventions. Install the recorder *before* a flow is built: a flow looks its handles up once, and a begin then costs one
//! more addition. `METRICS` lists all of them, and `describe` gives their texts to the recorder.
//!
//! Labels are bounded: a provider is one that the flow is configured with or `unknown`, and a code is one of
//! [`FinishErrorKind`](crate::error::FinishErrorKind), `ok`, or `provider_refused`. None of them is text from outside.
//!
//! Several flows of one process count into the same series, and so do several rings: a process with two rings shows the one
//! that changed last.
//!
//! # Spans (feature `tracing`)
//!
//! `oauth_state.begin` and `oauth_state.finish` with `provider` and `outcome`; below them `oauth_state.guard` and
//! `oauth_state.store`. `oauth_state.source` is a look at the source of the ring, on the refresh task.
//!
//! # Security
//!
//! Neither holds a state, a cookie, a key, a code, a code_verifier, a nonce, a session or a return path.

#[cfg_attr(not(feature = "metrics"), path = "silent.rs")]
mod recording;
mod span;
#[cfg(feature = "metrics")]
mod table;

#[cfg(feature = "cache")]
pub(crate) use recording::CacheMetrics;
pub(crate) use recording::{FlowMetrics, Timer, record};
pub(crate) use span::Span;
#[cfg(feature = "metrics")]
pub use table::{FLOW_SECONDS, LATENCY_SECONDS, METRICS, Metric, MetricKind, describe};

/// Counts marks that a guard deleted because their time was over, as `oauth_state_marks_purged_total`. `guard` is a word for the kind
/// of guard, such as `postgres`. Without the feature `metrics` it does nothing.
///
/// # Examples
///
/// ```
/// oauth_state::observe::count_purged_marks("my-table", 7);
/// ```
pub fn count_purged_marks(guard: &'static str, marks: u64) {
    record::purged(guard, marks);
}

/// What became of a look at the source of the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg(feature = "refresh")]
pub(crate) enum Refreshed {
    Taken,
    Unchanged,
    Refused,
    Failed,
}
