//! The receivers of events.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::event::Event;
#[cfg(feature = "tracing")]
use super::log;
#[cfg(feature = "metrics")]
use super::recording::{self, FlowHandles};
use super::span::Scope;
use crate::clock::Clock;

/// Receives events, immediately and on the task where they happen, so it must not block. If an observer panics, it loses that event. An
/// observer that holds a clone of the flow or ring that it observes keeps it alive.
///
/// # Examples
///
/// A closure is an observer:
///
/// ```
/// use oauth_state::observe::{Event, Observers};
/// use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
///
/// let log = |event: &Event<'_>| {
///     if let Some(line) = event.report() {
///         eprintln!("{line}"); // the provider, the error with its code, and its causes
///     }
/// };
/// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
///     .provider(Provider::github())
///     .observers(Observers::default().and(log))
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Observer: Send + Sync + 'static {
    /// Receives an event.
    fn event(&self, event: &Event<'_>);
}

impl<F: Fn(&Event<'_>) + Send + Sync + 'static> Observer for F {
    fn event(&self, event: &Event<'_>) {
        self(event);
    }
}

/// The observers of a flow, a ring or a guard. The default contains the compiled-in ones: the `metrics` facade and the log lines of
/// `tracing`, if their features are on.
#[derive(Clone, Default)]
pub struct Observers {
    #[cfg(feature = "metrics")]
    flow: Option<Arc<FlowHandles>>,
    others: Vec<Arc<dyn Observer>>,
}

impl Observers {
    /// Adds an observer.
    #[must_use]
    pub fn and(mut self, observer: impl Observer) -> Self {
        self.others.push(Arc::new(observer));
        self
    }

    /// For a flow with these providers, whose metrics are looked up once. `start_codes` and `codes` are those of its refusals.
    pub(crate) fn of_flow<'p>(
        self,
        providers: impl Iterator<Item = &'p str>,
        start_codes: &'static [&'static str],
        codes: &[&'static str],
    ) -> Self {
        #[cfg(feature = "metrics")]
        return Self { flow: Some(Arc::new(FlowHandles::new(providers, start_codes, codes))), ..self };
        #[cfg(not(feature = "metrics"))]
        {
            let _ = (providers, start_codes, codes);
            self
        }
    }

    /// Shows the counter of `event` as zero, so that its first event shows as a rise.
    pub(crate) fn expect(&self, event: &Event<'_>) {
        #[cfg(feature = "metrics")]
        recording::record(self.flow.as_deref(), event, 0);
        let _ = event;
    }

    /// Reports an event to the added observers only, and not to the facades.
    pub(crate) fn tell_added(&self, event: &Event<'_>) {
        for observer in &self.others {
            // A panic must not end a login, nor the task that refreshes the ring.
            let _ = catch_unwind(AssertUnwindSafe(|| observer.event(event)));
        }
    }

    /// Runs `work` in `scope`, and reports its result: the outcome for the span, and the event with the time that it took. `work` is called
    /// within the measured time.
    pub(crate) async fn around<R, W: Future<Output = R>>(
        &self,
        clock: &dyn Clock,
        scope: Scope,
        work: impl FnOnce() -> W,
        end: impl FnOnce(&R, Duration) -> (&'static str, Event<'static>),
    ) -> R {
        let is_timed = cfg!(feature = "metrics") || !self.others.is_empty();
        let asked = is_timed.then(|| clock.now());
        let ended = scope.around(work()).await;
        let took = asked.and_then(|asked| clock.now().duration_since(asked).ok()).unwrap_or_default();
        let (outcome, event) = end(&ended, took);
        scope.end(outcome);
        self.event(&event);
        ended
    }

    /// Decides whether the guard is up, by its answer and the flow's time in Unix seconds.
    #[cfg_attr(not(feature = "metrics"), expect(clippy::unused_self, reason = "only the metrics have this gauge"))]
    pub(crate) fn guard_answered(&self, answer: &str, now: impl FnOnce() -> u64) {
        #[cfg(feature = "metrics")]
        if let Some(flow) = &self.flow {
            flow.guard_answered(answer, now());
        }
        #[cfg(not(feature = "metrics"))]
        let _ = (answer, now);
    }
}

impl Observer for Observers {
    fn event(&self, event: &Event<'_>) {
        #[cfg(feature = "metrics")]
        recording::record(self.flow.as_deref(), event, 1);
        #[cfg(feature = "tracing")]
        log::write(event);
        self.tell_added(event);
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observers").field("added", &self.others.len()).finish_non_exhaustive()
    }
}
