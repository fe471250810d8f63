//! Observers: each login start, callback and answer of a guard or store is reported once, with the data that an
//! operator needs and no secret.

use std::sync::{Arc, Mutex};

use oauth_state::observe::{Event, Observer, Observers};
use oauth_state::payload::{HandleKind, MemoryPayloadStore, PayloadStore};
use oauth_state::ring::{KeyRingDocument, RingTiming};
use oauth_state::testing::{ManualClock, block_on, ring};
use oauth_state::{Binding, Callback, Expect, Flow, FlowBuilder, LiveKeyRing, Login, Provider, SingleProcessGuard};
use support::shop::{NOW, app, callback, session};

/// The events, in words.
#[derive(Clone, Default)]
struct Record(Arc<Mutex<Vec<String>>>);

impl Observer for Record {
    fn event(&self, event: &Event<'_>) {
        let text = match event {
            Event::Started { provider, binding, .. } => format!("started {provider} by {binding}"),
            Event::StartRefused(refusal) => format!("not started {:?} {}", refusal.provider, refusal.code),
            Event::Refused(refusal) => format!("refused {:?} {}", refusal.provider, refusal.code),
            Event::Finished { provider, outcome, binding, age, .. } => {
                format!("finished {provider} {outcome} by {binding} {}s", age.as_secs())
            }
            Event::GuardAnswered { answer, .. } => format!("guard {answer}"),
            Event::StoreAnswered { operation, worked, .. } => format!("store {operation} {worked}"),
            Event::UnknownKey => "unknown key".to_owned(),
            Event::RingInUse { serial, .. } => format!("ring {serial}"),
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(text);
    }
}

impl Record {
    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn watched(clock: &ManualClock) -> (Flow, Record) {
    built(clock, |builder| builder.build().unwrap())
}

fn built(clock: &ManualClock, build: impl FnOnce(FlowBuilder<()>) -> Flow) -> (Flow, Record) {
    let record = Record::default();
    let builder = Flow::builder(app(), ring(), SingleProcessGuard::with_capacity(100))
        .clock(clock.clone())
        .observers(Observers::default().and(record.clone()))
        .provider(Provider::github());
    let flow = build(builder);
    assert_eq!(record.taken(), ["ring 0"]);
    (flow, record)
}

#[test]
fn each_start_and_each_callback_is_told_once() {
    let clock = ManualClock::at(NOW);
    let (flow, record) = watched(&clock);
    let begun = flow.begin(session(), Login::with("github")).unwrap();
    assert!(flow.begin(session(), Login::with("gitlab")).is_err());
    assert_eq!(record.taken(), ["started github by session", "not started Some(\"gitlab\") unknown_provider"]);

    clock.advance(std::time::Duration::from_secs(30));
    let finish = |binding: Binding<'static>, callback: Callback| {
        let _ = block_on(flow.finish(binding, Expect::provider("github"), callback));
        record.taken()
    };
    let stranger = || Binding::session(&[8; 16]).unwrap();
    assert_eq!(finish(stranger(), callback(&begun.state)), ["refused Some(\"github\") other_session"]);
    assert_eq!(finish(session(), callback(&begun.state)), ["guard first", "finished github ok by session 30s"]);
    let again = ["guard already_used", "refused Some(\"github\") already_used"];
    assert_eq!(finish(session(), callback(&begun.state)), again);
    assert_eq!(finish(session(), callback("no state")), ["refused Some(\"github\") malformed"]);

    let begun = flow.begin(session(), Login::with("github")).unwrap();
    let denied = Callback::from_pairs([("state", &*begun.state), ("error", "access_denied")]).unwrap();
    clock.advance(std::time::Duration::from_secs(5));
    record.taken();
    assert_eq!(finish(session(), denied), ["guard first", "finished github provider_refused by session 5s"]);
}

/// The three steps alone are reported like [`Flow::finish`]; an authentic state names its provider.
#[test]
fn the_steps_by_themselves_are_told_as_well() {
    let clock = ManualClock::at(NOW);
    let (flow, record) = watched(&clock);
    let state = flow.begin(session(), Login::with("github")).unwrap().state;
    record.taken();
    assert!(flow.open(callback("no state")).is_err());
    assert!(flow.open_at("github", callback("no state")).is_err());
    assert_eq!(record.taken(), ["refused None malformed", "refused Some(\"github\") malformed"]);

    let open = || flow.open(callback(&state)).unwrap();
    assert!(open().verify(Binding::session(&[8; 16]).unwrap(), Expect::provider("github")).is_err());
    assert_eq!(record.taken(), ["refused Some(\"github\") other_session"]);
    assert!(block_on(open().verify(session(), Expect::provider("github")).unwrap().mark_used()).is_ok());
    assert_eq!(record.taken(), ["guard first", "finished github ok by session 0s"]);

    clock.advance(std::time::Duration::from_secs(1_000));
    assert!(flow.open(callback(&state)).is_err());
    assert_eq!(record.taken(), ["refused Some(\"github\") expired"]);
}

#[test]
fn a_payload_is_told_with_its_login() {
    let (flow, record) = built(&ManualClock::at(NOW), |builder| builder.build_handles(HandleKind::MEMORY).unwrap());
    let store = MemoryPayloadStore::with_capacity(10);
    let begin = flow.begin_and_store(session(), Login::with("github"), 7, |row| {
        let store = store.clone();
        async move { store.put(&row).await }
    });
    let state = block_on(begin).unwrap().state;
    assert_eq!(record.taken(), ["store put true", "started github by session"]);
    let verified = flow.check(session(), Expect::provider("github"), callback(&state)).unwrap();
    let fetched = block_on(verified.mark_used_and_fetch::<u8, _>(|id| {
        let store = store.clone();
        async move { store.get(&id).await }
    }));
    let fetched = oauth_state::LoginOutcome::map_data(fetched.unwrap(), |((), kept)| assert_eq!(kept, 7));
    assert_eq!(fetched.origin().provider, "github");
    assert_eq!(record.taken(), ["guard first", "store get true", "finished github ok by session 0s"]);

    let full = flow.begin_and_store(session(), Login::with("github"), 7, |_| async {
        Err(oauth_state::payload::StoreError::full())
    });
    assert!(block_on(full).is_err());
    assert_eq!(record.taken(), ["store put false", "not started Some(\"github\") store_unavailable"]);
}

/// A flow that was built without handles keeps no key for a payload: the user's login would fail after the provider.
#[test]
fn a_payload_needs_a_flow_of_handles() {
    let (flow, record) = watched(&ManualClock::at(NOW));
    let refused =
        block_on(flow.begin_and_store(session(), Login::with("github"), 7, |_| async { Ok(()) })).unwrap_err();
    let cause = std::error::Error::source(&refused).and_then(std::error::Error::source).unwrap().to_string();
    assert!(cause.contains("FlowBuilder::build_handles"), "{cause}");
    assert_eq!(record.taken(), ["not started Some(\"github\") store_unavailable"]);

    let state = flow.begin(session(), Login::with("github")).unwrap().state;
    let verified = flow.check(session(), Expect::provider("github"), callback(&state)).unwrap();
    let refused = block_on(verified.mark_used_and_fetch::<u8, _>(|_| async { Ok(None) })).unwrap_err();
    assert_eq!(
        (refused.code(), refused.restart().is_some_and(oauth_state::Restart::is_automatic)),
        ("not_stored", false)
    );
    let again = flow.check(session(), Expect::provider("github"), callback(&state)).unwrap();
    assert!(block_on(again.mark_used()).is_ok(), "the login was used up");
    assert!(refused.diagnosis().contains("FlowBuilder::build_handles"), "{}", refused.diagnosis());
}

/// An observer that asks the ring for its status must not wait for a lock that the ring holds.
#[test]
fn an_observer_may_ask_what_it_is_told_about() {
    struct Asks(Arc<Mutex<Option<LiveKeyRing>>>);
    impl Observer for Asks {
        fn event(&self, _: &Event<'_>) {
            let keys = self.0.lock().unwrap().clone();
            keys.inspect(|keys| assert!(!keys.status().fingerprint.is_empty()));
        }
    }
    let asked = Arc::<Mutex<Option<LiveKeyRing>>>::default();
    let now = std::time::SystemTime::now();
    let document = KeyRingDocument::first(RingTiming::default(), now).unwrap();
    let keys = LiveKeyRing::from(document.ring().clone());
    *asked.lock().unwrap() = Some(keys.clone());
    let observers = Observers::default().and(Asks(Arc::clone(&asked)));
    let flow = Flow::builder(app(), keys.clone(), SingleProcessGuard::with_capacity(1)).observers(observers);
    let flow = flow.provider(Provider::github()).build().unwrap();
    keys.offer(&document.rotate(now).unwrap().document.to_secret_text(), now).unwrap();
    assert!(flow.open(callback("no state")).is_err());
}

/// A callback that names an unknown key makes the server look for a newer document, and shows the reason.
#[test]
fn an_unknown_key_is_told() {
    let (flow, record) = watched(&ManualClock::at(NOW));
    let other = oauth_state::ring::RootKey::generate().unwrap();
    let other = Flow::builder(app(), oauth_state::KeyRing::from(other), SingleProcessGuard::with_capacity(1));
    let other = other.clock(ManualClock::at(NOW)).provider(Provider::github()).build().unwrap();
    let state = other.begin(session(), Login::with("github")).unwrap().state;
    assert!(flow.open_at("github", callback(&state)).is_err());
    assert_eq!(record.taken(), ["unknown key", "refused Some(\"github\") unknown_key"]);
}

/// The data available before the browser is verified: enough to load the login's records.
#[test]
fn an_opened_callback_says_what_to_load() {
    let (flow, _) = watched(&ManualClock::at(NOW));
    let login = Login::with("github").tenant([9; 16]);
    let opened = flow.open(callback(&flow.begin(session(), login).unwrap().state)).unwrap();
    assert_eq!(opened.provider(), "github");
    assert_eq!(opened.tenant(), Some(oauth_state::Tenant::from([9; 16])));
    assert_eq!(opened.purpose(), oauth_state::Purpose::Login);
}

/// A broken dashboard must not break logins, nor end the task that learns of revoked keys.
#[test]
fn an_observer_that_panics_costs_no_login() {
    struct Panics;
    impl Observer for Panics {
        fn event(&self, _: &Event<'_>) {
            panic!("a broken observer");
        }
    }
    let record = Record::default();
    let observers = Observers::default().and(Panics).and(record.clone());
    let flow = Flow::builder(app(), ring(), SingleProcessGuard::with_capacity(10)).observers(observers);
    let flow = flow.provider(Provider::github()).build().unwrap();
    let state = flow.begin(session(), Login::with("github")).unwrap().state;
    assert!(block_on(flow.finish(session(), Expect::provider("github"), callback(&state))).is_ok());
    assert_eq!(record.taken().last().map(String::as_str), Some("finished github ok by session 0s"));
}

/// A guard that answers at once is measured as well.
#[test]
fn the_guard_is_asked_within_the_measured_time() {
    struct Slow(ManualClock);
    impl oauth_state::ReplayGuard for Slow {
        fn mark_used<'a>(&'a self, _: &'a oauth_state::guard::Mark) -> oauth_state::guard::MarkFuture<'a> {
            self.0.advance(std::time::Duration::from_secs(3));
            oauth_state::guard::MarkFuture::ready(Ok(oauth_state::guard::Marked::First))
        }
    }
    struct Took(Arc<Mutex<u64>>);
    impl Observer for Took {
        fn event(&self, event: &Event<'_>) {
            if let Event::GuardAnswered { took, .. } = event {
                *self.0.lock().unwrap() = took.as_secs();
            }
        }
    }
    let (clock, took) = (ManualClock::at(NOW), Arc::<Mutex<u64>>::default());
    let flow = Flow::builder(app(), ring(), Slow(clock.clone())).clock(clock).provider(Provider::github());
    let flow = flow.observers(Observers::default().and(Took(Arc::clone(&took)))).build().unwrap();
    let state = flow.begin(session(), Login::with("github")).unwrap().state;
    assert!(block_on(flow.finish(session(), Expect::provider("github"), callback(&state))).is_ok());
    assert_eq!(*took.lock().unwrap(), 3);
}

/// An `iss` is reported only if it was not compared: an operator then adds the issuer.
#[test]
fn an_iss_that_nothing_compared_is_told() {
    let record = Record::default();
    let flow = Flow::builder(app(), ring(), SingleProcessGuard::with_capacity(10))
        .observers(Observers::default().and(record.clone()))
        .provider(Provider::custom("silent").unwrap())
        .provider(Provider::custom("known").unwrap().issuer("https://known.example"))
        .build()
        .unwrap();
    let ignored = |provider: &str, iss: Option<&str>| {
        let state = flow.begin(session(), Login::with(provider)).unwrap().state;
        let pairs = [("state", &*state), ("code", "code"), ("iss", iss.unwrap_or_default())];
        let callback = Callback::from_pairs(pairs).unwrap();
        assert!(flow.check(session(), Expect::provider(provider), callback).is_ok());
        record.taken().iter().any(|told| told.starts_with("IssIgnored"))
    };
    assert!(ignored("silent", Some("https://silent.example")));
    assert!(!ignored("silent", None) && !ignored("known", None) && !ignored("known", Some("https://known.example")));
}
