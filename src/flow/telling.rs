//! What a flow tells of its callbacks, in metrics and spans.

use super::outcome::{Authorized, Denied, LoginOutcome};
use super::{BeginError, Flow, FlowInner};
use crate::guard::Sealed;
use crate::observe::Span;
use crate::provider::Provider;
use crate::refusal::{FinishError, Restart};

impl<T> Flow<T> {
    /// Counts what a callback ended in that was checked and marked.
    pub(crate) fn count<R>(&self, finished: &Result<LoginOutcome<R>, FinishError>, sealed: Sealed) {
        self.inner.count(finished, sealed);
    }

    /// What a request names as provider is told only if it is one of ours.
    pub(crate) fn begin_span(&self, provider: &str) -> Span {
        Span::begin(self.inner.provider(provider).map(Provider::id))
    }

    /// Counts what a begin ended in, its store included.
    pub(crate) fn count_begin<R>(&self, provider: &str, begun: &Result<R, BeginError>) {
        match begun {
            Ok(_) => self.inner.metrics.issued(provider),
            Err(error) => self.count_begin_refused(provider, error),
        }
    }

    /// Counts a login that did not start.
    pub(crate) fn count_begin_refused(&self, provider: &str, error: &BeginError) {
        self.inner.metrics.begin_refused(provider, error.code());
    }
}

impl FlowInner {
    pub(super) fn count<T>(&self, finished: &Result<LoginOutcome<T>, FinishError>, sealed: Sealed) {
        let age = self.now().saturating_sub(sealed.issued_at);
        match finished {
            Ok(LoginOutcome::Authorized(Authorized { origin, .. })) => {
                self.metrics.finished(&origin.provider, false, age);
            }
            Ok(LoginOutcome::Denied(Denied { origin, .. })) => self.metrics.finished(&origin.provider, true, age),
            Err(refused) => self.count_refused(None, refused),
        }
    }

    /// Under the provider that was expected, or that an authentic state names.
    pub(super) fn count_refused(&self, expected: Option<&str>, refused: &FinishError) {
        self.metrics.refused(expected.or_else(|| refused.restart().map(Restart::provider)), refused.kind());
    }
}

/// What a begin ended in, in one word.
pub(crate) fn begin_outcome<R>(begun: &Result<R, BeginError>) -> &'static str {
    begun.as_ref().map_or_else(BeginError::code, |_| "ok")
}

/// What a callback ended in, in one word.
pub(crate) fn outcome<T>(finished: &Result<LoginOutcome<T>, FinishError>) -> &'static str {
    match finished {
        Ok(LoginOutcome::Authorized(_)) => "ok",
        Ok(LoginOutcome::Denied(_)) => "provider_refused",
        Err(refused) => refused.code(),
    }
}
