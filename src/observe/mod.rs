//! Observability: events, metrics and spans.
//!
//! # Events
//!
//! Flows, rings and guards report every [`Event`] to their [`Observers`]: metrics are one observer, and you can add your own. Pass them to
//! [`FlowBuilder::observers`](crate::FlowBuilder::observers), to `Refresh::observers` and to the guards. A callback that cannot be parsed
//! reaches no flow: the routes report it to the flow's observers, but in handlers of your own only the metrics count it.
//!
//! # Metrics (feature `metrics`)
//!
//! Recorded through the [`metrics`](https://docs.rs/metrics) facade, so any recorder works; the names follow the Prometheus conventions.
//! Install the recorder *before* you build a flow: a flow looks up its handles once, and a login start then costs one more addition.
//! `METRICS` lists all metrics, and `describe` passes their help texts to the recorder.
//!
//! Labels are bounded: a provider is a configured one or `unknown`, and a code is a
//! [`FinishErrorKind`](crate::error::FinishErrorKind), `ok`, or `provider_refused`. A binding is `cookie`, `session`, `login_secret` or
//! `unbound`. No label is text from outside.
//!
//! All flows of a process count into the same series, and so do all rings: a process with two rings shows the one that changed last.
//!
//! # Spans (feature `tracing`)
//!
//! `oauth_state.begin` and `oauth_state.finish` with `provider`, `reference` and `outcome`; below them `oauth_state.guard` and
//! `oauth_state.store`. `oauth_state.source` is a read of the ring's source, on the refresh task.
//!
//! # Log lines (feature `tracing`)
//!
//! Each login that fails is logged once, with its code and its [`Reference`], which the user's page shows: `WARN` if the service, its
//! configuration or its provider is at fault, `INFO` if the user, the browser or an attacker caused it. `DEBUG` shows callbacks that are
//! posted again and requests that must not consume a login. Of each code, at most 20 lines a second are written; the next one says how many
//! were left out, and the metrics count all. The target is `oauth_state::observe::log`.
//!
//! # Security
//!
//! The provider of a refusal is text from outside unless the flow has it; print it with `{:?}`. No event, metric or span contains a state,
//! a cookie, a key, a code, a code_verifier, a nonce, a session or a return path.

mod event;
#[cfg(feature = "tracing")]
mod log;
mod observers;
#[cfg(feature = "metrics")]
mod recording;
mod span;
#[cfg(feature = "metrics")]
mod table;

pub use crate::reference::Reference;
pub(crate) use event::{CONNECTION, with_causes};
pub use event::{Event, Refusal, Severity};
pub use observers::{Observer, Observers};
pub(crate) use span::Scope;
#[cfg(feature = "metrics")]
pub use table::{FLOW_SECONDS, LATENCY_SECONDS, METRICS, Metric, MetricKind, describe};
