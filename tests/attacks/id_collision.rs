//! Id collision: two logins with one id at the guard (NIST SP 800-38D section 8.2 on nonces; RFC 6749 section 10.10 on
//! guessing).
//!
//! Without an id of random bits that the tag covers, the attacker makes states with the id of a victim's login and uses
//! them up in their own browser, and the victim's callback is refused as used.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_state::guard::{Mark, MarkFuture, Marked};
use oauth_state::testing::{block_on, mark, ring};
use oauth_state::{Expect, Flow, Login, Provider, ReplayGuard, SingleProcessGuard};
use std::time::{Duration, UNIX_EPOCH};
use support::shop::{app, callback, outcome, session, shop};

/// Records every id that it is asked about.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<[u8; 16]>>>);

impl ReplayGuard for Listener {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        self.0.lock().unwrap().push(*mark.id());
        MarkFuture::ready(Ok(Marked::First))
    }
}

#[test]
fn ids_of_logins_never_collide() {
    let listener = Listener::default();
    let flow = Flow::builder(app(), ring(), listener.clone()).provider(Provider::github()).build().unwrap();
    for _ in 0..2_000 {
        let begun = flow.begin(session(), Login::with("github")).unwrap();
        let _ = block_on(flow.finish(session(), Expect::provider("github"), callback(&begun.state))).unwrap();
    }
    let ids = listener.0.lock().unwrap();
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 2_000);
    // Every byte of an id is random: each takes at least half of its 256 values.
    for place in 0..16 {
        let values = ids.iter().map(|id| id[place]).collect::<HashSet<_>>();
        assert!(values.len() > 128, "byte {place} has {} values", values.len());
    }
}

/// The nonce, whose first bytes are the id, is readable after the form and the key id (docs/wire-format.md).
#[test]
fn an_attacker_cannot_write_another_login_s_id_into_their_state() {
    let shop = shop();
    let state = || URL_SAFE_NO_PAD.decode(shop.flow.begin(session(), Login::with("github")).unwrap().state).unwrap();
    let (hers, mut his) = (state(), state());
    his[7..31].copy_from_slice(&hers[7..31]);
    let forged = URL_SAFE_NO_PAD.encode(his);
    let checked = shop.flow.check(session(), Expect::provider("github"), callback(&forged));
    assert_eq!(outcome(checked), "forged");
    assert_eq!(shop.guard.calls(), 0);
}

/// If two ids agree in the part that the memory guard keeps, the second login is refused, never accepted twice.
#[test]
fn ids_that_meet_are_refused_and_not_taken_for_new() {
    let guard = SingleProcessGuard::with_capacity(10);
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let (mut one, mut other) = ([7; 16], [7; 16]);
    // The last byte selects the lock.
    (one[12], other[12]) = (1, 2);
    let marked = |id, claimant| block_on(guard.mark_used(&mark(id, claimant, now, now + Duration::from_secs(600))));
    assert_eq!(marked(one, [1; 8]).unwrap(), Marked::First);
    assert!(matches!(marked(other, [2; 8]).unwrap(), Marked::AlreadyUsed { .. }));
}
