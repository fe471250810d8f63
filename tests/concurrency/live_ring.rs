//! The live ring, in every order in which threads may offer documents, start logins and check callbacks.

use std::pin::pin;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use crate::explore::Preemptions::Any;
use crate::explore::explore;
use loom::sync::atomic::AtomicBool;
use loom::thread;
use oauth_state::guard::{Mark, MarkFuture, Marked};
use oauth_state::ring::{KeyRingDocument, KeyRole, RingError, RingTiming, SecretString, Update};
use oauth_state::testing::ManualClock;
use oauth_state::{
    App, AuthorizationRequest, Binding, Callback, Expect, FinishError, Flow, LiveKeyRing, Login, Provider, ReplayGuard,
    VerifiedCallback,
};

const NOW: u64 = 1_800_000_000;
const DAY: u64 = 86_400;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn timing(lifetime_cap: u64) -> RingTiming {
    RingTiming { lifetime_cap: Duration::from_secs(lifetime_cap), ..RingTiming::default() }
}

/// Successive documents, all of which seal today. Generated once, so that every order has the same keys.
struct Documents {
    /// Key A seals, and lifetimes are at most an hour.
    first: KeyRingDocument,
    /// Key B seals, A still opens, and lifetimes are at most 1200 s.
    second: KeyRingDocument,
    /// The same, and A is revoked.
    third: KeyRingDocument,
    /// Cut off after the id of A, which is still revoked.
    hurried: SecretString,
}

static DOCUMENTS: LazyLock<Documents> = LazyLock::new(|| {
    let first = KeyRingDocument::first(timing(3600), at(NOW - DAY)).expect("a first document");
    let (a, _) = first.ring().roles(at(NOW)).next().expect("a key");
    let shorter = first.with_times(timing(1200), at(NOW - 1000)).expect("other times").document;
    let second = shorter.rotate(at(NOW - 1000)).expect("a second key").document;
    let third = second.revoke(a, at(NOW)).expect("a revocation").document;
    let hurried = SecretString::from(format!(r#"{{"serial": 9, "revoked": ["{a}""#));
    let roles = |document: &KeyRingDocument| document.ring().roles(at(NOW)).map(|(_, role)| role).collect::<Vec<_>>();
    assert_eq!(roles(&first), [KeyRole::Active]);
    assert_eq!(roles(&second), [KeyRole::Retiring, KeyRole::Active]);
    assert_eq!(roles(&third), [KeyRole::Revoked, KeyRole::Active]);
    Documents { first, second, third, hurried }
});

/// A guard that always accepts, and records whether a revocation had come before.
#[derive(Clone, Default)]
struct Agreeing {
    revoked: Arc<AtomicBool>,
    agreed_later: Arc<AtomicBool>,
}

impl ReplayGuard for Agreeing {
    fn mark_used<'a>(&'a self, _: &'a Mark) -> MarkFuture<'a> {
        self.agreed_later.store(self.revoked.load(SeqCst), SeqCst);
        MarkFuture::ready(Ok(Marked::First))
    }
}

fn flow(keys: &LiveKeyRing, lifetime: u64) -> Flow {
    flow_with(keys, lifetime, Agreeing::default())
}

fn flow_with(keys: &LiveKeyRing, lifetime: u64, guard: Agreeing) -> Flow {
    Flow::builder(App::new("shop", "test").expect("names"), keys.clone(), guard)
        .provider(Provider::github())
        .lifetime(Duration::from_secs(lifetime))
        .clock(ManualClock::at(NOW))
        .build()
        .expect("a configuration that builds")
}

fn keys() -> LiveKeyRing {
    LiveKeyRing::from(DOCUMENTS.first.ring().clone())
}

fn offer(keys: &LiveKeyRing, document: &KeyRingDocument) -> Result<Update, RingError> {
    keys.offer(&document.to_secret_text(), at(NOW))
}

fn begin(flow: &Flow) -> AuthorizationRequest {
    flow.begin(Binding::cookie_headers([]), Login::with("github")).expect("a key that seals")
}

/// The refusal of a state's callback, if it is refused.
fn refusal(flow: &Flow, begun: &AuthorizationRequest) -> Option<&'static str> {
    refusal_of(flow, &begun.state, begun.set_cookie.as_deref())
}

fn refusal_of(flow: &Flow, state: &str, set_cookie: Option<&str>) -> Option<&'static str> {
    check(flow, state, set_cookie).err().map(|error| error.code())
}

fn check(flow: &Flow, state: &str, set_cookie: Option<&str>) -> Result<VerifiedCallback<()>, FinishError> {
    let cookie = set_cookie.and_then(|header| header.split(';').next()).expect("a cookie");
    let callback = Callback::from_pairs([("state", state), ("code", "code")]).expect("a callback");
    flow.check(Binding::cookie_headers([cookie.as_bytes()]), Expect::provider("github"), callback)
}

/// The result of a future that never waits.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// The serial of the ring that a flow uses now, without asking the handle.
fn serial_in_use(flow: &Flow) -> u64 {
    let shown = format!("{flow:?}");
    let digits = shown.split("serial: ").nth(1).and_then(|rest| rest.split(',').next()).expect("a serial");
    digits.parse().expect("a number")
}

/// The ring that a login start used: the key id in the state, and the cookie's lifetime from the document.
fn made_with(begun: &AuthorizationRequest) -> (String, String) {
    let max_age =
        begun.set_cookie.as_deref().and_then(|header| header.split("; ").find(|part| part.starts_with("Max-Age")));
    (begun.state[..9].to_owned(), max_age.expect("a lifetime").to_owned())
}

/// Two refreshers, one of them late: an older document is offered after its successor.
#[test]
fn the_serial_never_goes_backwards_and_no_flow_lags_behind_the_handle() {
    explore("two documents and a reader", Any, || {
        let keys = keys();
        let flow = flow(&keys, 600);
        let [late, newest] = [&DOCUMENTS.second, &DOCUMENTS.third].map(|document| {
            let keys = keys.clone();
            thread::spawn(move || offer(&keys, document))
        });
        let mut seen = 0;
        for _ in 0..2 {
            let handle = keys.ring().serial();
            let used = serial_in_use(&flow);
            assert!(seen <= handle && handle <= used, "{seen}, {handle}, {used}");
            seen = used;
        }
        let late = late.join().expect("an answer");
        assert!(matches!(late, Ok(Update::Taken { .. }) | Err(RingError::SerialTooLow { .. })), "{late:?}");
        assert!(matches!(newest.join().expect("an answer"), Ok(Update::Taken { .. })));
        assert_eq!((keys.ring().serial(), serial_in_use(&flow)), (DOCUMENTS.third.serial(), DOCUMENTS.third.serial()));
    });
}

/// One document read by two refreshers is used once.
#[test]
fn a_document_that_is_offered_twice_at_once_is_taken_once() {
    explore("one document twice", Any, || {
        let keys = keys();
        let flow = flow(&keys, 600);
        let other = {
            let keys = keys.clone();
            thread::spawn(move || offer(&keys, &DOCUMENTS.second))
        };
        let answers = [offer(&keys, &DOCUMENTS.second), other.join().expect("an answer")]
            .map(|answer| answer.expect("no refusal"));
        assert!(answers.contains(&Update::Unchanged) && answers.contains(&Update::Taken { late: 1 }), "{answers:?}");
        assert_eq!((keys.status().taken, serial_in_use(&flow)), (1, DOCUMENTS.second.serial()));
    });
}

/// A state sealed by a key of one ring under the rules of another.
#[test]
fn a_begin_is_of_one_ring_alone() {
    explore("a login start and a swap", Any, || {
        let keys = keys();
        let flow = flow(&keys, 600);
        let before = begin(&flow);
        let offering = {
            let keys = keys.clone();
            thread::spawn(move || offer(&keys, &DOCUMENTS.second).expect("no refusal"))
        };
        let meanwhile = begin(&flow);
        assert_eq!(refusal(&flow, &meanwhile), None);
        offering.join().expect("an answer");
        let after = begin(&flow);
        let [before, meanwhile, after] = [&before, &meanwhile, &after].map(made_with);
        assert!(before.0 != after.0 && before.1 != after.1);
        assert!(meanwhile == before || meanwhile == after, "{meanwhile:?} is neither {before:?} nor {after:?}");
    });
}

/// A leaked key: once the offer has returned, it neither opens nor seals, whatever else is offered.
#[test]
fn a_revoked_key_does_nothing_once_the_offer_has_returned() {
    explore("a revocation and another document", Any, || {
        let keys = keys();
        let flow = flow(&keys, 600);
        let under_a = begin(&flow);
        let revoking = {
            let (keys, flow) = (keys.clone(), flow.clone());
            let under_a = (under_a.state.clone(), under_a.set_cookie.clone());
            thread::spawn(move || {
                offer(&keys, &DOCUMENTS.third).expect("no refusal");
                let (state, set_cookie) = under_a;
                assert_eq!(refusal_of(&flow, &state, set_cookie.as_deref()), Some("key_revoked"));
                assert_ne!(begin(&flow).state[..9], state[..9]);
            })
        };
        let other = {
            let keys = keys.clone();
            thread::spawn(move || drop(offer(&keys, &DOCUMENTS.second)))
        };
        let looks = [refusal(&flow, &under_a), refusal(&flow, &under_a)];
        assert!(looks != [Some("key_revoked"), None], "it came back");
        assert!(looks.iter().all(|look| matches!(look, None | Some("key_revoked"))), "{looks:?}");
        revoking.join().expect("the checks");
        other.join().expect("the other offer");
        assert_eq!(refusal(&flow, &under_a), Some("key_revoked"));
    });
}

/// The same for a refused document that still revokes, while another document arrives without that revocation.
#[test]
fn a_revocation_in_a_refused_document_holds_against_any_other() {
    explore("a refused revocation and another document", Any, || {
        let keys = keys();
        let flow = flow(&keys, 600);
        let under_a = begin(&flow);
        let other = {
            let keys = keys.clone();
            thread::spawn(move || offer(&keys, &DOCUMENTS.second))
        };
        assert!(keys.offer(&DOCUMENTS.hurried, at(NOW)).is_err());
        assert_eq!(refusal(&flow, &under_a), Some("key_revoked"));
        let other = other.join().expect("an answer");
        assert!(matches!(other, Ok(Update::Taken { .. }) | Err(RingError::RevokedKeyReturns(_))), "{other:?}");
        assert_eq!(refusal(&flow, &under_a), Some("key_revoked"));
    });
}

/// If one flow cannot use a ring, no flow uses it, not even for a moment.
#[test]
fn a_ring_that_one_flow_refuses_is_never_used_by_another() {
    explore("a refused swap and a reader", Any, || {
        let keys = keys();
        let (willing, unwilling) = (flow(&keys, 600), flow(&keys, 3000));
        let offering = {
            let keys = keys.clone();
            thread::spawn(move || offer(&keys, &DOCUMENTS.second))
        };
        assert_eq!([serial_in_use(&willing), serial_in_use(&unwilling), serial_in_use(&willing)], [1; 3]);
        assert!(matches!(offering.join().expect("an answer"), Err(RingError::LifetimeCap { .. })));
        assert_eq!((keys.ring().serial(), serial_in_use(&willing)), (1, 1));
    });
}

/// A flow that is built during a swap must not keep the old ring for ever.
#[test]
fn a_flow_that_is_built_during_a_swap_has_the_new_ring_in_the_end() {
    explore("a new flow and a swap", Any, || {
        let keys = keys();
        let offering = {
            let keys = keys.clone();
            thread::spawn(move || offer(&keys, &DOCUMENTS.second).expect("no refusal"))
        };
        let flow = flow(&keys, 600);
        offering.join().expect("an answer");
        assert_eq!(
            (keys.ring().serial(), serial_in_use(&flow)),
            (DOCUMENTS.second.serial(), DOCUMENTS.second.serial())
        );
    });
}

/// A callback that was checked before its key was revoked, with a slow guard.
#[test]
fn a_login_is_refused_if_its_key_was_revoked_before_the_guard_agreed() {
    explore("a revocation and a mark", Any, || {
        let (keys, guard) = (keys(), Agreeing::default());
        let flow = flow_with(&keys, 600, guard.clone());
        let under_a = begin(&flow);
        let bound = check(&flow, &under_a.state, under_a.set_cookie.as_deref()).expect("an authentic state");
        let revoking = {
            let (keys, revoked) = (keys.clone(), Arc::clone(&guard.revoked));
            thread::spawn(move || {
                offer(&keys, &DOCUMENTS.third).expect("no refusal");
                revoked.store(true, SeqCst);
            })
        };
        let refused = at_once(bound.mark_used()).err().map(|error| error.code());
        assert!(matches!(refused, None | Some("key_revoked")), "{refused:?}");
        assert!(refused.is_some() || !guard.agreed_later.load(SeqCst), "let in under a revoked key");
        revoking.join().expect("the revocation");
    });
}
