//! What operators see of logins: events, metrics, and spans.
//!
//! # Events
//!
//! Flows, rings and guards tell their [`Observers`] of every [`Event`]: metrics are one observer, and you can add your own. Give them
//! to [`FlowBuilder::observers`](crate::FlowBuilder::observers), to `Refresh::observers` and to the guards. A callback that does not
//! parse reaches no flow: the routes tell the flow's observers, in handlers of your own only the metrics count it.
//!
//! # Metrics (feature `metrics`)
//!
//! Through the [`metrics`](https://docs.rs/metrics) facade, so that any recorder takes them; the names follow Prometheus'
//! conventions. Install the recorder *before* a flow is built: a flow looks its handles up once, and a begin then costs one
//! more addition. `METRICS` lists all of them, and `describe` gives their texts to the recorder.
//!
//! Labels are bounded: a provider is one that the flow is configured with or `unknown`, and a code is one of
//! [`FinishErrorKind`](crate::error::FinishErrorKind), `ok`, or `provider_refused`. A binding is `cookie`, `session`, `login_secret` or
//! `unbound`. None of them is text from outside.
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
//! The provider of a refusal is text from outside unless the flow has it; print it with `{:?}`. No event, metric or span holds a state, a cookie, a key, a code, a code_verifier, a nonce, a session or a return path.

mod event;
mod observers;
#[cfg(feature = "metrics")]
mod recording;
mod span;
#[cfg(feature = "metrics")]
mod table;

pub(crate) use event::CONNECTION;
pub use event::{Event, Refusal};
pub use observers::{Observer, Observers};
pub(crate) use span::Scope;
#[cfg(feature = "metrics")]
pub use table::{FLOW_SECONDS, LATENCY_SECONDS, METRICS, Metric, MetricKind, describe};
