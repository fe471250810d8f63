//! Keys that change while logins are in progress: no login fails needlessly, and none passes under a revoked key.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth_state::Clock as _;
use oauth_state::guard::{Mark, MarkFuture};
use oauth_state::ring::{KeyRingDocument, RingError, RingTiming, Update};
use oauth_state::testing::ManualClock;
use oauth_state::{
    App, Callback, Expect, FinishError, Flow, LiveKeyRing, Login, Provider, ReplayGuard, SingleProcessGuard,
    VerifiedCallback,
};
use support::shop::{CountingGuard, NOW, app, session};

const PROPAGATION: u64 = 300;
const SKEW: u64 = 60;
const CAP: u64 = 600;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn first() -> KeyRingDocument {
    let timing = RingTiming {
        propagation: Duration::from_secs(PROPAGATION),
        skew: Duration::from_secs(SKEW),
        lifetime_cap: Duration::from_secs(CAP),
    };
    KeyRingDocument::first(timing, at(NOW)).unwrap()
}

/// A server with its own keys and clock.
struct Server {
    flow: Flow,
    keys: LiveKeyRing,
    clock: ManualClock,
}

fn server_of(app: App, document: &KeyRingDocument, guard: impl ReplayGuard) -> Server {
    let (keys, clock) = (LiveKeyRing::from(document.ring().clone()), ManualClock::at(NOW));
    let builder = Flow::builder(app, keys.clone(), guard).provider(Provider::github()).clock(clock.clone());
    Server { flow: builder.build().unwrap(), keys, clock }
}

fn server(document: &KeyRingDocument) -> Server {
    server_of(app(), document, SingleProcessGuard::with_capacity(1_000_000))
}

impl Server {
    fn begin(&self) -> String {
        self.flow.begin(session(), Login::with("github")).unwrap().state
    }

    fn check(&self, state: &str) -> Result<VerifiedCallback<()>, FinishError> {
        self.flow.check(
            session(),
            Expect::provider("github"),
            Callback::from_pairs([("state", state), ("code", "code")]).unwrap(),
        )
    }

    fn finish(&self, state: &str) -> Result<(), &'static str> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let bound = self.check(state).map_err(|error| error.code())?;
        runtime.block_on(bound.mark_used()).map(|_| ()).map_err(|error| error.code())
    }

    fn read(&self, document: &KeyRingDocument) -> Result<Update, RingError> {
        use oauth_state::Clock;
        self.keys.offer(&document.to_secret_text(), self.clock.now())
    }
}

/// Every login of a whole rotation, started on one server and finished on the other, while one reads the document as
/// late as the rule allows.
#[test]
fn a_rotation_costs_no_login() {
    let first = first();
    let (early, late) = (server(&first), server(&first));
    let second = first.rotate(at(NOW)).unwrap().document;
    let mut under_way = Vec::new();
    let end = NOW + PROPAGATION + SKEW + PROPAGATION + CAP + 2 * SKEW + 60;
    for now in (NOW..end).step_by(20) {
        for server in [&early, &late] {
            server.clock.set(now);
        }
        if now == NOW {
            early.read(&second).unwrap();
        }
        if now == NOW + PROPAGATION {
            late.read(&second).unwrap();
        }
        under_way.push((now + CAP - 20, late.begin(), early.begin()));
        // Finished at once by the other server, and just before they expire.
        assert_eq!(early.finish(&late.begin()), Ok(()), "{now}");
        assert_eq!(late.finish(&early.begin()), Ok(()), "{now}");
        for (_, by_late, by_early) in under_way.extract_if(.., |(due, ..)| *due == now) {
            assert_eq!(early.finish(&by_late), Ok(()), "{now}");
            assert_eq!(late.finish(&by_early), Ok(()), "{now}");
        }
    }
    assert_eq!((early.keys.status().late, late.keys.status().late), (0, 0));
}

#[test]
fn nothing_opens_under_a_key_that_is_retired() {
    let first = first();
    let server = server(&first);
    let second = first.rotate(at(NOW)).unwrap().document;
    server.read(&second).unwrap();
    let superseded = NOW + PROPAGATION + SKEW;
    let accept_until = superseded + PROPAGATION + CAP + 2 * SKEW;
    // Sealed as late as possible, by a server whose clock is behind and that has not read the document.
    let behind = self::server(&first);
    behind.clock.set(superseded + PROPAGATION + SKEW);
    let state = behind.begin();
    server.clock.set(accept_until - 1);
    assert!(server.check(&state).is_ok());
    server.clock.set(accept_until);
    assert_eq!(server.finish(&state), Err("unknown_key"));
}

/// From the swap on, even if the login was checked before it.
#[test]
fn a_login_that_was_checked_before_its_key_was_revoked_does_not_finish_after() {
    let (first, guard) = (first(), CountingGuard::new());
    let server = server_of(app(), &first, guard.clone());
    let bound = server.check(&server.begin()).unwrap();
    server.read(&revoked(&first)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(bound.mark_used()).unwrap_err().code(), "key_revoked");
    assert_eq!(guard.calls(), 0, "the guard is not asked for it");
    // The new key works at once.
    assert_eq!(server.finish(&server.begin()), Ok(()));
}

fn revoked(document: &KeyRingDocument) -> KeyRingDocument {
    let (id, _) = document.ring().roles(at(NOW)).next().unwrap();
    document.revoke(id, at(NOW)).unwrap().document
}

/// A slow guard: the keys change while it is asked.
#[derive(Clone, Default)]
struct SlowGuard(Arc<Mutex<Option<Meanwhile>>>);

type Meanwhile = Box<dyn FnOnce() + Send>;

impl ReplayGuard for SlowGuard {
    fn mark_used<'a>(&'a self, _mark: &'a Mark) -> MarkFuture<'a> {
        if let Some(meanwhile) = self.0.lock().unwrap().take() {
            meanwhile();
        }
        MarkFuture::ready(Ok(oauth_state::guard::Marked::First))
    }
}

#[test]
fn a_key_revoked_during_the_guard_call_accepts_no_login() {
    let first = first();
    let guard = SlowGuard::default();
    let server = server_of(app(), &first, guard.clone());
    assert_eq!(server.finish(&server.begin()), Ok(()));
    let (keys, document) = (server.keys.clone(), revoked(&first).to_secret_text());
    *guard.0.lock().unwrap() = Some(Box::new(move || {
        keys.offer(&document, at(NOW)).unwrap();
    }));
    assert_eq!(server.finish(&server.begin()), Err("key_revoked"));
}

/// Even if the rest of the document cannot be used.
#[test]
fn a_revocation_holds_in_a_document_that_is_refused() {
    let first = first();
    let server = server(&first);
    let state = server.begin();
    let broken = revoked(&first).to_secret_text().expose().replace("osk1.", "osk0.");
    assert!(server.keys.offer(&broken.into(), at(NOW)).is_err());
    assert_eq!(server.finish(&state), Err("key_revoked"));
    let refused = server.flow.begin(session(), Login::with("github")).unwrap_err();
    assert!(matches!(refused, oauth_state::BeginError::NoActiveKey), "no sealing key is left: {refused}");
}

/// Also if the bytes are not text at all.
#[test]
fn a_revocation_holds_in_bytes_that_are_no_document() {
    let first = first();
    let text = revoked(&first).to_secret_text().expose().to_owned();
    let (before, after) = text.split_at(text.find("osk1").unwrap());
    for bytes in [
        [before.as_bytes(), b"\xfc", after.as_bytes()].concat(),
        text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        before.as_bytes().to_vec(),
        before.replace('"', "").into_bytes(),
        [text.as_bytes(), &[b' '; 100_000]].concat(),
    ] {
        let server = server(&first);
        let state = server.begin();
        assert!(server.keys.offer_bytes(&bytes, at(NOW)).is_err());
        assert_eq!(server.finish(&state), Err("key_revoked"));
    }
}

/// A used state at a server that was offered a document with five times the skew.
#[test]
fn a_raised_skew_lets_no_used_state_in_again() {
    let first = first();
    let guard = SingleProcessGuard::with_capacity(10);
    let (one, other) = (server_of(app(), &first, guard.clone()), server_of(app(), &first, guard));
    let state = one.begin();
    assert_eq!(one.finish(&state), Ok(()));
    for (skew, taken) in [(300, false), (121, false), (120, true), (240, false)] {
        let text = first.to_secret_text().expose().replace("\"skew\": 60", &format!("\"skew\": {skew}"));
        let document = text.replace("\"serial\": 1", &format!("\"serial\": {skew}"));
        assert_eq!(other.keys.offer(&document.into(), at(NOW)).is_ok(), taken, "{skew}");
    }
    // The last second in which the larger skew accepts it, the first in which the mark may be gone, and one next to
    // each.
    for now in [NOW + CAP + 119, NOW + CAP + 120, NOW + CAP + 3 * SKEW, NOW + CAP + 239] {
        for server in [&one, &other] {
            server.clock.set(now);
            assert!(matches!(server.finish(&state), Err("already_used" | "expired")), "{now}");
        }
    }
}

#[test]
fn all_flows_over_one_handle_change_together() {
    let first = first();
    let one = server(&first);
    let clock = one.clock.clone();
    let other_app = App::new("shop", "other").unwrap();
    let other = Flow::builder(other_app, one.keys.clone(), SingleProcessGuard::with_capacity(10))
        .provider(Provider::github())
        .clock(clock.clone())
        .build()
        .unwrap();
    let second = first.rotate(at(NOW)).unwrap().document;
    one.read(&second).unwrap();
    assert_eq!(
        (one.flow.fingerprint(), other.fingerprint()),
        (second.ring().fingerprint(), second.ring().fingerprint())
    );
}

/// If a flow could not seal under the document, no flow of its process accepts it.
#[test]
fn a_lifetime_cap_below_a_flow_s_lifetime_is_refused() {
    let first = first();
    let server = server(&first);
    let timing = RingTiming { lifetime_cap: Duration::from_secs(599), ..first.timing() };
    let lower = first.with_times(timing, at(NOW)).unwrap().document;
    let refused = server.read(&lower).unwrap_err();
    assert!(matches!(refused, RingError::LifetimeCap { cap: 599, lifetime: 600 }), "{refused}");
    assert_eq!(server.finish(&server.begin()), Ok(()));
}

#[test]
fn a_state_under_a_key_that_is_not_known_yet_is_counted() {
    let first = first();
    let (server, behind) = (server(&first), server(&first));
    server.read(&revoked(&first)).unwrap();
    assert_eq!(behind.finish(&server.begin()), Err("unknown_key"));
    assert_eq!(behind.keys.status().unknown_keys, 1);
}

/// A swap while thousands of logins are in progress on other threads: each sees one ring or the other, never half of
/// one.
#[test]
fn logins_on_other_threads_never_see_half_a_swap() {
    const STEP: u64 = 60;
    let timing = RingTiming { propagation: Duration::from_secs(1), skew: Duration::ZERO, ..first().timing() };
    let mut document = KeyRingDocument::first(timing, at(NOW)).unwrap();
    let server = server(&document);
    let stop = AtomicBool::new(false);
    let logins = || {
        let mut count = 0_u32;
        while !stop.load(Ordering::Relaxed) {
            let before = server.clock.now();
            match server.check(&server.begin()) {
                Ok(_) => count += 1,
                // Only a thread that slept for a lifetime, or for a key's retirement of at least `CAP`, of the clock
                // below.
                Err(error) => {
                    let slept = server.clock.now().duration_since(before).unwrap();
                    let least = match error.code() {
                        "expired" => CAP,
                        "unknown_key" => CAP,
                        code => panic!("{code}"),
                    };
                    assert!(slept >= Duration::from_secs(least), "{} after {slept:?}", error.code());
                }
            }
        }
        count
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(logins)).collect();
        for step in 1..=200 {
            let now = NOW + step * STEP;
            document = document.rotate(at(now)).unwrap().document;
            server.clock.set(now);
            assert_eq!(server.read(&document).unwrap(), Update::Taken { late: 0 });
        }
        stop.store(true, Ordering::Relaxed);
        let finished: u32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert!(finished > 200, "only {finished} logins ran meanwhile");
    });
    assert_eq!(server.keys.status().taken, 200);
}
