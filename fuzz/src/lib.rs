//! Shared parts of the targets: the flow of the frozen vectors, and a reader of the fuzzer's bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oauth_state::fuzzing::Sealer;
use oauth_state::guard::{Mark, MarkFuture, Marked};
use oauth_state::inspect::PublicData;
use oauth_state::testing::ManualClock;
use oauth_state::{
    App, Authorized, Binding, Callback, ConfigError, Expect, FinishError, Flow, FlowBuilder, KeyRing, LoginOutcome,
    Provider, Purpose, ReplayGuard,
};
use serde_json::Value;

/// States sealed by another implementation, with their outcomes.
pub const VECTORS: &str = include_str!("../../tests/vectors/states.json");

/// The time at which the frozen vectors are checked.
pub const NOW: u64 = 1_800_000_001;

/// The session to which they are bound.
pub const SESSION: &[u8] = b"0123456789abcdef";

/// The providers of the flow.
pub const PROVIDERS: [&str; 2] = ["github", "google"];

/// Reports every use as the first, and counts the calls.
#[derive(Clone, Default)]
pub struct CountingGuard(Arc<AtomicUsize>);

impl ReplayGuard for CountingGuard {
    fn mark_used<'a>(&'a self, _: &'a Mark) -> MarkFuture<'a> {
        self.0.fetch_add(1, Ordering::Relaxed);
        MarkFuture::ready(Ok(Marked::First))
    }
}

/// The data of the states. All of it is public.
#[derive(serde::Deserialize, serde::Serialize)]
#[serde(transparent)]
pub struct Data(pub Value);

impl PublicData for Data {}

/// The flow `login` of the frozen vectors, or `signed login`.
pub struct Shop {
    pub flow: Flow<Data>,
    pub sealer: Sealer,
    pub ring: KeyRing,
    guard: CountingGuard,
}

pub fn app() -> App {
    App::new("shop", "production").unwrap()
}

pub fn session() -> Binding<'static> {
    Binding::session(SESSION).unwrap()
}

impl Default for Shop {
    fn default() -> Self {
        Self::new(Sealer::new, FlowBuilder::build)
    }
}

impl Shop {
    /// A flow with signed states instead of encrypted ones, under the same root key.
    #[must_use]
    pub fn signed() -> Self {
        Self::new(Sealer::signed, FlowBuilder::build_signed_not_encrypted)
    }

    fn new(
        sealer: fn(KeyRing, &App, &[Purpose], u64) -> Option<Sealer>,
        build: fn(FlowBuilder<Data>) -> Result<Flow<Data>, ConfigError>,
    ) -> Self {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        let ring = vectors["flows"]["login"]["ring"].as_str().unwrap().parse::<KeyRing>().unwrap();
        let guard = CountingGuard::default();
        let flow = Flow::builder(app(), ring.clone(), guard.clone()).clock(ManualClock::at(NOW)).carrying();
        let providers = PROVIDERS.map(|id| Provider::custom(id).unwrap());
        let flow = build(providers.into_iter().fold(flow, FlowBuilder::provider)).unwrap();
        let sealer = sealer(ring.clone(), &app(), &[Purpose::Login], NOW).unwrap();
        Self { flow, sealer, ring, guard }
    }

    /// Finishes a login at GitHub; `None` if the text makes no callback.
    ///
    /// # Panics
    ///
    /// If the guard was asked about a state that is refused.
    pub fn finish(&self, state: &str) -> Option<Result<Authorized<Data>, FinishError>> {
        let callback = Callback::from_pairs([("state", state), ("code", "code")]).ok()?;
        let before = self.guard.0.load(Ordering::Relaxed);
        // States of the vectors or seeds may have any of them.
        let expect = Expect::provider("github").any_tenant().any_redirect().any_purpose();
        let finished = now_or_never(self.flow.finish(session(), expect, callback));
        let asked = self.guard.0.load(Ordering::Relaxed) - before;
        assert_eq!(asked, usize::from(finished.is_ok()), "the guard is asked once, and only after every check");
        Some(finished.map(|finished| match finished {
            LoginOutcome::Authorized(login) => login,
            _ => panic!("a callback with a code became a refusal"),
        }))
    }
}

/// The result of a future that never waits.
fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("nothing here waits for anything"),
    }
}

/// The fuzzer's bytes, read from the front and followed by zeros.
pub struct Bytes<'d>(pub &'d [u8]);

impl<'d> Bytes<'d> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let (taken, rest) = self.0.split_at(N.min(self.0.len()));
        self.0 = rest;
        std::array::from_fn(|at| taken.get(at).copied().unwrap_or(0))
    }

    pub fn byte(&mut self) -> u8 {
        u8::from_be_bytes(self.array())
    }

    pub fn short(&mut self) -> u16 {
        u16::from_be_bytes(self.array())
    }

    /// At most this many bytes; the next two bytes give the number.
    pub fn some(&mut self, most: usize) -> &'d [u8] {
        let length = usize::from(self.short()) % (most + 1);
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
