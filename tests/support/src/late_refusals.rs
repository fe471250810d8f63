//! The refusals that `benches/begin_finish/refusals.rs` omits: those with the same cost as another one, and those of
//! the guard and the store. Both answer at once here, so only the crate's own time is measured.

use std::future::Future;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use oauth_state::guard::{GuardError, Mark, MarkFuture, Marked};
use oauth_state::provider::ResponseMode;
use oauth_state::ring::RootKey;
use oauth_state::{
    App, Binding, BoxFuture, Callback, Flow, FlowBuilder, KeyRing, Login, Provider, ReplayGuard, testing,
};
use oauth_state_store::{HandleKind, Payload, PayloadStore, StoreError, StoredFlow};

use crate::bench::shapes::{PROVIDER, session};
use crate::refusals::Refuse;
use crate::shop::anything;

/// Returns its fixed answer.
struct Answers(fn() -> Result<Marked, GuardError>);

impl ReplayGuard for Answers {
    fn mark_used<'a>(&'a self, _: &'a Mark) -> MarkFuture<'a> {
        MarkFuture::ready((self.0)())
    }
}

/// Stores nothing, and returns its fixed answer.
struct Keeps(fn() -> Result<Option<Vec<u8>>, StoreError>);

impl PayloadStore for Keeps {
    fn kind(&self) -> HandleKind {
        HandleKind::OTHER
    }

    fn put<'a>(&'a self, _: &'a Payload) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    fn get<'a>(&'a self, _: &'a [u8; 16]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(async { (self.0)() })
    }
}

fn builder(ring: KeyRing, guard: fn() -> Result<Marked, GuardError>) -> FlowBuilder<()> {
    let reposted = Provider::custom("acme").unwrap().response_mode(ResponseMode::FormPostReposted);
    let builder = Flow::builder(App::new("shop", "test").unwrap(), ring, Answers(guard));
    builder.provider(Provider::github()).provider(reposted)
}

fn flow() -> Flow {
    builder(testing::ring(), || Ok(Marked::First)).build().unwrap()
}

/// For futures that never wait.
fn at_once<R>(future: impl Future<Output = R>) -> R {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn guard(answer: fn() -> Result<Marked, GuardError>) -> Refuse {
    let flow = builder(testing::ring(), answer).build().unwrap();
    let state = flow.begin(session(), Login::with(PROVIDER)).unwrap().state;
    Box::new(move || {
        let callback = Callback::from_pairs([("code", "code"), ("state", state.as_str())]).unwrap();
        at_once(flow.finish(session(), anything(PROVIDER), callback)).unwrap_err()
    })
}

fn store(answer: fn() -> Result<Option<Vec<u8>>, StoreError>) -> Refuse {
    let flow = StoredFlow::new(builder(testing::ring(), || Ok(Marked::First)), Keeps(answer)).unwrap();
    let state = at_once(flow.begin(session(), Login::with(PROVIDER))).unwrap().state;
    Box::new(move || {
        let callback = Callback::from_pairs([("code", "code"), ("state", state.as_str())]).unwrap();
        at_once(flow.finish(session(), anything(PROVIDER), callback)).unwrap_err()
    })
}

fn key_revoked() -> Refuse {
    let day = |back: u64| {
        let when = time::OffsetDateTime::from(SystemTime::now() - Duration::from_secs(86_400 * back));
        when.replace_nanosecond(0).unwrap().format(&time::format_description::well_known::Rfc3339).unwrap()
    };
    let [old, new] = [(); 2].map(|()| RootKey::generate().unwrap());
    let key = |key: &RootKey, back| {
        let text = key.to_secret_text();
        serde_json::json!({ "key": text.expose(), "published_at": day(back + 1), "seal_from": day(back) })
    };
    let document = serde_json::json!({
        "version": 1, "serial": 1, "propagation": 300, "skew": 60, "lifetime_cap": 3600,
        "keys": [key(&old, 3), key(&new, 1)], "revoked": [old.id().to_string()],
    });
    let before = builder(old.into(), || Ok(Marked::First)).build().unwrap();
    let state = before.begin(session(), Login::with(PROVIDER)).unwrap().state;
    let now = builder(document.to_string().parse::<KeyRing>().unwrap(), || Ok(Marked::First)).build().unwrap();
    Box::new(move || {
        let callback = Callback::from_pairs([("code", "code"), ("state", state.as_str())]).unwrap();
        now.check(session(), anything(PROVIDER), callback).unwrap_err()
    })
}

fn other_client() -> Refuse {
    let flow = flow();
    let state = flow.begin(Binding::new_login_secret(), Login::with(PROVIDER)).unwrap().state;
    Box::new(move || {
        let callback = Callback::from_pairs([("code", "code"), ("state", state.as_str())]).unwrap();
        let other = Binding::login_secret("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
        flow.check(other, anything(PROVIDER), callback).unwrap_err()
    })
}

fn repost_needed() -> Refuse {
    let (flow, nothing) = (flow(), HeaderMap::new());
    let state = flow.begin(Binding::cookies(&nothing), Login::with("acme")).unwrap().state;
    let form = format!("state={state}&code=code");
    Box::new(move || {
        let callback = Callback::from_form(form.as_bytes()).unwrap();
        flow.check(Binding::cookies(&nothing), anything("acme"), callback).unwrap_err()
    })
}

fn not_consumed() -> Refuse {
    let (flow, mut headers) = (flow(), HeaderMap::new());
    let state = flow.begin(session(), Login::with(PROVIDER)).unwrap().state;
    headers.insert("sec-purpose", http::HeaderValue::from_static("prefetch"));
    Box::new(move || {
        let callback = Callback::from_pairs([("code", "code"), ("state", state.as_str())]).unwrap();
        flow.check(session().with_headers(&headers), anything(PROVIDER), callback).unwrap_err()
    })
}

/// The codes, each with a call that is refused with it.
pub fn all() -> Vec<(&'static str, Refuse)> {
    vec![
        ("key_revoked", key_revoked()),
        ("other_client", other_client()),
        ("repost_needed", repost_needed()),
        ("not_consumed", not_consumed()),
        ("already_used", guard(|| Ok(Marked::AlreadyUsed { first_used_at: None, first_claimant: None }))),
        ("guard_unavailable", guard(|| Err(GuardError::unavailable("down")))),
        ("guard_outcome_unknown", guard(|| Err(GuardError::outcome_unknown("reset")))),
        ("guard_full", guard(|| Err(GuardError::full()))),
        ("not_stored", store(|| Ok(None))),
        ("store_unavailable", store(|| Err(StoreError::unavailable("down")))),
    ]
}
