//! Test support: a manual clock, a fixed key ring, ready-made values, and the suites that every guard and every key source must pass.
//!
//! # Security
//!
//! The ring of this module is public. Enable the feature `testing` in `[dev-dependencies]` only.

mod browser;
mod guards;
mod samples;
#[cfg(feature = "refresh")]
mod sources;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, SystemTime};

pub use browser::TestBrowser;
pub use guards::{GuardFault, GuardReport, guard_suite};
pub use samples::{
    finished, flow, flow_carrying, mark, provider_refusal, ring, sample_mark, sample_parameters, sample_restart,
    sample_row,
};
#[cfg(feature = "refresh")]
pub use sources::{SourceFault, SourceReport, SourceStage, SourceTrouble, source_suite, writable_source_suite};

use crate::clock::{Clock, from_unix_seconds};

/// A clock that stands still until you move it. Clones show the same time.
///
/// # Examples
///
/// ```
/// use oauth_state::testing::{self, ManualClock, TestBrowser, block_on};
/// use oauth_state::{App, Expect, Flow, Login, Provider, SingleProcessGuard};
/// use std::time::Duration;
///
/// let clock = ManualClock::at(1_800_000_000);
/// let flow = Flow::builder(App::new("shop", "test")?, testing::ring(), SingleProcessGuard::with_capacity(100))
///     .provider(Provider::github())
///     .clock(clock.clone())
///     .build()?;
/// let browser = TestBrowser::follow(&flow.begin(TestBrowser::default().binding(), Login::with("github"))?);
///
/// clock.advance(Duration::from_secs(3_600));
/// let late = block_on(flow.finish(browser.binding(), Expect::provider("github"), browser.callback()));
/// assert_eq!(late.unwrap_err().code(), "expired");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that shows this many seconds since the Unix epoch.
    #[must_use]
    pub fn at(unix_seconds: u64) -> Self {
        Self(Arc::new(AtomicU64::new(unix_seconds)))
    }

    /// Moves it forward by whole seconds; a fraction of a second is ignored.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::SeqCst);
    }

    /// Sets it, also backwards.
    pub fn set(&self, unix_seconds: u64) {
        self.0.store(unix_seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        from_unix_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// Runs a future to completion on this thread, for code that needs no runtime, such as a flow with an in-process guard. See [`TestBrowser`]
/// for an example.
pub fn block_on<F: Future>(work: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(output) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}
