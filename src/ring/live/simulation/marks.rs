//! Used states in a guard that all servers share, and an attacker who presents them again.

use std::collections::HashMap;

use super::{Event, World};
use crate::guard::{Mark, Sealed};
use crate::open::is_over;
use crate::ring::live::LiveKeyRing;

/// The end of the mark of each used login.
#[derive(Default)]
pub(super) struct Marks(HashMap<usize, u64>);

impl World {
    fn expires_at(&self, login: usize) -> u64 {
        self.logins[&login].issued_at + self.timing.lifetime_cap.as_secs()
    }

    /// Marks a login's state as used, by the ring and the clock of the server. An attacker presents it again later.
    pub(super) fn mark(&mut self, login: usize, server: usize) {
        let (issued_at, expires_at) = (self.logins[&login].issued_at, self.expires_at(login));
        let skew = self.servers[server].keys.as_ref().map(|keys| keys.ring().timing().skew).unwrap();
        let mark = Mark::new([0; 16], [0; 8], self.clock(server), Sealed { issued_at, expires_at }, skew);
        // The store gets a relative time.
        self.marks.0.insert(login, self.now + mark.keep_for().as_secs());
        for _ in 0..2 {
            let when = self.random.between(self.now, expires_at.max(self.now) + 5 * u64::from(skew) + 60);
            self.schedule(when, Event::Replay(login));
        }
    }

    /// Any server may receive it. It checks the key and the times as for any login, and then the mark.
    pub(super) fn replay(&mut self, login: usize) {
        let up = self.up();
        let server = *self.random.pick(&up);
        let clock = self.clock(server);
        let ring = self.servers[server].keys.as_ref().map(LiveKeyRing::ring).unwrap();
        let skew = ring.timing().skew;
        let index = ring.keys().iter().position(|known| known.id == self.logins[&login].key);
        let opens = index.is_some_and(|index| ring.role(index, clock).opens());
        if !opens || is_over(self.expires_at(login), clock, skew) {
            return;
        }
        let end = self.marks.0[&login];
        if self.now < end {
            self.outcome.replays_refused += 1;
        } else {
            let since = self.now - end;
            self.broken(format!("server {server} accepted login {login} again, {since} s after its mark had ended"));
        }
    }
}
