//! A shop with two servers, a counting guard, and a browser.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{HeaderMap, HeaderValue, header};
use oauth_state::guard::{Mark, MarkFuture};
use oauth_state::testing::{ManualClock, ring};
use oauth_state::{
    App, AuthorizationRequest, Authorized, Binding, Callback, ConfigError, Expect, FinishError, Flow, FlowBuilder,
    KeyRing, Login, LoginOutcome, Provider, Purpose, ReplayGuard, SingleProcessGuard,
};

pub const NOW: u64 = 1_800_000_000;
pub const SESSION: &[u8] = b"the session id of this person";

/// Counts its calls.
#[derive(Clone)]
pub struct CountingGuard {
    guard: SingleProcessGuard,
    calls: Arc<AtomicUsize>,
}

impl CountingGuard {
    pub fn new() -> Self {
        Self { guard: SingleProcessGuard::with_capacity(1_000_000), calls: Arc::default() }
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl ReplayGuard for CountingGuard {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.guard.mark_used(mark)
    }
}

/// A flow with an accessible clock and guard.
pub struct Shop<T = ()> {
    pub flow: Flow<T>,
    pub clock: ManualClock,
    pub guard: CountingGuard,
}

pub fn app() -> App {
    App::new("shop", "test").unwrap()
}

pub fn shop() -> Shop {
    shop_with(|builder| builder.provider(Provider::github()).provider(Provider::google()).provider(Provider::apple()))
}

pub fn shop_with<T>(configure: impl FnOnce(FlowBuilder<()>) -> FlowBuilder<T>) -> Shop<T> {
    shop_built(|builder| configure(builder).build())
}

/// The same providers, with signed states instead of encrypted ones.
pub fn signed_shop() -> Shop {
    shop_built(|builder| {
        let builder = builder.provider(Provider::github()).provider(Provider::google()).provider(Provider::apple());
        builder.build_signed_not_encrypted()
    })
}

pub fn shop_built<T>(build: impl FnOnce(FlowBuilder<()>) -> Result<Flow<T>, ConfigError>) -> Shop<T> {
    let (clock, guard) = (ManualClock::at(NOW), CountingGuard::new());
    let flow = build(Flow::builder(app(), ring(), guard.clone()).clock(clock.clone())).unwrap();
    Shop { flow, clock, guard }
}

pub fn session() -> Binding<'static> {
    Binding::session(SESSION).unwrap()
}

/// Accepts any tenant, redirect and purpose of the state.
pub fn anything(provider: &str) -> Expect<'_> {
    Expect::provider(provider).any_tenant().any_redirect().any_purpose()
}

pub fn callback(state: &str) -> Callback {
    Callback::from_pairs([("state", state), ("code", "code")]).unwrap()
}

pub fn callback_of_issuer(state: &str, iss: &str) -> Callback {
    Callback::from_pairs([("state", state), ("code", "code"), ("iss", iss)]).unwrap()
}

pub fn block_on<R>(future: impl Future<Output = R>) -> R {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// A browser's cookie jar, as seen by the service.
#[derive(Clone, Default)]
pub struct Browser {
    cookies: Vec<(String, String)>,
}

impl Browser {
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("shop.example"));
        if !self.cookies.is_empty() {
            let line: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            headers.insert(header::COOKIE, line.join("; ").parse().unwrap());
        }
        headers
    }

    pub fn take(&mut self, begun: &AuthorizationRequest) {
        let (name, value) = begun.cookie_pair().unwrap().split_once('=').unwrap();
        self.cookies.retain(|(known, _)| known != name);
        self.cookies.push((name.to_owned(), value.to_owned()));
    }

    pub fn remove(&mut self, name: &str) {
        self.cookies.retain(|(known, _)| known != name);
    }

    pub fn put(&mut self, name: &str, value: &str) {
        self.cookies.push((name.to_owned(), value.to_owned()));
    }

    pub fn jar(&self) -> &[(String, String)] {
        &self.cookies
    }

    pub fn begin(&mut self, shop: &Shop, login: Login) -> AuthorizationRequest {
        let begun = shop.flow.begin(Binding::cookies(&self.headers()), login).unwrap();
        self.take(&begun);
        begun
    }

    pub fn finish(&self, shop: &Shop, provider: &str, state: &str) -> Result<LoginOutcome<()>, FinishError> {
        let headers = self.headers();
        block_on(shop.flow.finish(Binding::cookies(&headers), anything(provider), callback(state)))
    }
}

pub fn authorized<T>(finished: LoginOutcome<T>) -> Authorized<T> {
    match finished {
        LoginOutcome::Authorized(login) => login,
        _ => panic!("the provider refused"),
    }
}

/// A flow with GitHub alone, at [`NOW`].
pub fn flow_of(app: App, ring: KeyRing, purposes: &[Purpose]) -> Flow {
    builder_of(app, ring, purposes).build().unwrap()
}

/// The same, with signed states instead of encrypted ones.
pub fn signed_flow_of(app: App, ring: KeyRing, purposes: &[Purpose]) -> Flow {
    builder_of(app, ring, purposes).build_signed_not_encrypted().unwrap()
}

pub type MakeFlow = fn(App, KeyRing, &[Purpose]) -> Flow;

/// How to make a flow of each form, for properties of both.
pub const FORMS: [(&str, MakeFlow); 2] = [("ost1", flow_of), ("oss1", signed_flow_of)];

fn builder_of(app: App, ring: KeyRing, purposes: &[Purpose]) -> FlowBuilder<()> {
    let builder = Flow::builder(app, ring, SingleProcessGuard::with_capacity(10)).clock(ManualClock::at(NOW));
    let builder = purposes.iter().fold(builder, |builder, purpose| builder.purpose(*purpose));
    builder.provider(Provider::github())
}

/// The result of a callback's check: `passed`, or the code of the refusal.
pub fn outcome<T>(checked: Result<T, FinishError>) -> &'static str {
    checked.map_or_else(|error| error.code(), |_| "passed")
}

/// The outcome at GitHub's callback, for the browser with the session of [`session`].
pub fn code_at_github(flow: &Flow, state: &str) -> &'static str {
    outcome(flow.check(session(), Expect::provider("github"), callback(state)))
}
