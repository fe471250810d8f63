//! Spans, where the feature `tracing` is on.

use std::future::Future;

/// A part of a login as a trace shows it. It never takes anything that came with a request.
pub(crate) struct Span(#[cfg(feature = "tracing")] tracing::Span);

#[cfg(feature = "tracing")]
impl Span {
    /// `provider` is one that the flow is configured with.
    pub(crate) fn begin(provider: Option<&str>) -> Self {
        Self(tracing::info_span!("oauth_state.begin", provider, outcome = tracing::field::Empty))
    }

    pub(crate) fn finish(provider: Option<&str>) -> Self {
        Self(tracing::info_span!("oauth_state.finish", provider, outcome = tracing::field::Empty))
    }

    pub(crate) fn guard() -> Self {
        Self(tracing::info_span!("oauth_state.guard", outcome = tracing::field::Empty))
    }

    pub(crate) fn store(operation: &'static str) -> Self {
        Self(tracing::info_span!("oauth_state.store", operation, outcome = tracing::field::Empty))
    }

    #[cfg(feature = "refresh")]
    pub(crate) fn source(source: &str) -> Self {
        Self(tracing::info_span!("oauth_state.source", source, outcome = tracing::field::Empty))
    }

    pub(crate) fn in_scope<R>(&self, work: impl FnOnce() -> R) -> R {
        self.0.in_scope(work)
    }

    /// Runs `work` in the span, and records what `outcome` makes of its end.
    pub(crate) async fn around<R>(self, work: impl Future<Output = R>, outcome: impl FnOnce(&R) -> &'static str) -> R {
        let ended = tracing::Instrument::instrument(work, self.0.clone()).await;
        self.record(outcome(&ended));
        ended
    }

    pub(crate) fn record(&self, outcome: &'static str) {
        self.0.record("outcome", outcome);
    }
}

#[cfg(not(feature = "tracing"))]
impl Span {
    pub(crate) fn begin(_: Option<&str>) -> Self {
        Self()
    }

    pub(crate) fn finish(_: Option<&str>) -> Self {
        Self()
    }

    pub(crate) fn guard() -> Self {
        Self()
    }

    pub(crate) fn store(_: &'static str) -> Self {
        Self()
    }

    pub(crate) fn in_scope<R>(&self, work: impl FnOnce() -> R) -> R {
        work()
    }

    pub(crate) async fn around<R>(self, work: impl Future<Output = R>, _: impl FnOnce(&R) -> &'static str) -> R {
        work.await
    }

    pub(crate) fn record(&self, _: &'static str) {}
}
