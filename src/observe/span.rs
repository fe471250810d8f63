//! Spans, if the feature `tracing` is on.

use std::future::Future;

use crate::reference::Reference;

/// A part of a login in a trace. It never contains anything from a request.
#[derive(Clone)]
pub(crate) struct Scope(#[cfg(feature = "tracing")] tracing::Span);

#[cfg(feature = "tracing")]
macro_rules! scope {
    ($name:literal $(, $field:ident $(= $value:expr)?)* $(; $later:ident)?) => {
        Scope(tracing::info_span!($name, $($field $(= $value)?,)* $($later = tracing::field::Empty,)? outcome = tracing::field::Empty))
    };
}
#[cfg(not(feature = "tracing"))]
macro_rules! scope {
    ($name:literal $(, $field:ident $(= $value:expr)?)* $(; $later:ident)?) => {{
        $(let _ = $field;)*
        Scope()
    }};
}

impl Scope {
    /// A login start. `provider` is a configured one.
    pub(crate) fn start(provider: Option<&str>) -> Self {
        scope!("oauth_state.begin", provider; reference)
    }

    /// Names the login that started.
    pub(crate) fn names(&self, reference: Reference) {
        #[cfg(feature = "tracing")]
        self.0.record("reference", tracing::field::display(reference));
        let _ = reference;
    }

    /// A callback, until it is used up.
    pub(crate) fn callback(provider: Option<&str>, state: &str) -> Self {
        // Only if somebody listens.
        let reference = || Reference::of(state);
        scope!("oauth_state.finish", provider, reference = tracing::field::display(reference()))
    }

    pub(crate) fn guard() -> Self {
        scope!("oauth_state.guard")
    }

    pub(crate) fn store(operation: &'static str) -> Self {
        scope!("oauth_state.store", operation)
    }

    #[cfg(feature = "refresh")]
    pub(crate) fn source(source: &str) -> Self {
        scope!("oauth_state.source", source)
    }

    pub(crate) fn in_scope<R>(&self, work: impl FnOnce() -> R) -> R {
        #[cfg(feature = "tracing")]
        return self.0.in_scope(work);
        #[cfg(not(feature = "tracing"))]
        work()
    }

    /// Enters the span around each poll of `work`. No `async fn`, which would hold `work` twice.
    #[cfg(feature = "tracing")]
    pub(crate) fn around<F: Future>(&self, work: F) -> tracing::instrument::Instrumented<F> {
        tracing::Instrument::instrument(work, self.0.clone())
    }

    #[cfg(not(feature = "tracing"))]
    #[expect(clippy::unused_self, reason = "the other one needs it")]
    pub(crate) fn around<F: Future>(&self, work: F) -> F {
        work
    }

    pub(crate) fn end(&self, outcome: &'static str) {
        #[cfg(feature = "tracing")]
        self.0.record("outcome", outcome);
        let _ = outcome;
    }
}
