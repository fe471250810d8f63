//! The operator, who rotates, revokes, changes times, and makes mistakes.

use std::time::Duration;

use super::{Known, Published, Rule, World};
use crate::clock::from_unix_seconds as at;
use crate::ring::key::ring::Timing;
use crate::ring::key::{KeyRing, RootKeyId};
use crate::ring::source::document::{DocumentKey, KeyRingDocument, RingTiming};

impl World {
    /// One action of the operator, or a mistake that is soon fixed.
    pub(super) fn operate(&mut self) {
        let now = at(self.now + self.operator_ahead);
        match self.random.between(0, 10) {
            0..=4 => {
                let Ok(step) = self.document.rotate(now) else { return };
                self.document =
                    if self.rule == Rule::KeysSealTooEarly { self.hurried(step.document) } else { step.document };
                self.outcome.rotations += 1;
            }
            5 | 6 => {
                let living: Vec<RootKeyId> =
                    self.document.list(now).filter(|key| key.role.opens()).map(|key| key.id).collect();
                if living.is_empty() {
                    return;
                }
                let id = *self.random.pick(&living);
                let Ok(step) = self.document.revoke(id, now) else { return };
                self.document = step.document;
                self.outcome.revocations += 1;
            }
            7 => {
                let Ok(step) = self.document.without_retired(now) else { return };
                self.document = step.document;
            }
            8 => {
                let timing = self.other_times();
                let before = self.document.timing();
                let Ok(step) = self.document.with_times(timing, now) else { return };
                self.document = step.document;
                if timing.skew != before.skew {
                    self.outcome.skews_changed += 1;
                    let longest = |of: fn(&RingTiming) -> Duration| of(&timing).max(of(&before)).as_secs();
                    let [propagation, skew, cap] = [
                        longest(|timing| timing.propagation),
                        longest(|timing| timing.skew),
                        longest(|timing| timing.lifetime_cap),
                    ];
                    self.skew_settles_at = self.now + 2 * propagation + cap + 3 * skew;
                }
            }
            _ if self.rule == Rule::SkewIsRaisedTooFar => return self.raise_the_skew_too_far(),
            // Garbage, perhaps with valid revocations in it, or a document from the backup. It is fixed within seconds, because otherwise
            // the servers that cannot read the right document count as late.
            _ => {
                let good = self.published.clone();
                let garbage = Published { ring: None, revocations: good.revocations.clone() };
                self.say(|_| "garbage is published".to_owned());
                for server in self.up() {
                    self.published = garbage.clone();
                    if self.random.one_in(4) {
                        self.read(server);
                    }
                }
                self.published = good;
                return;
            }
        }
        self.learn(self.now);
        self.published =
            Published { ring: Some(self.document.ring().clone()), revocations: self.document.revoked().to_vec() };
        self.say(|world| {
            format!("document {} is published: {}", world.document.serial(), world.shown(&world.document))
        });
        if self.random.one_in(4) {
            self.restore_an_old_one();
        }
    }

    /// Changed times, none shorter than the servers and the flows really need. The skew changes by a factor of two at most, and again only
    /// after the wait that docs/key-ring.md requires.
    fn other_times(&mut self) -> RingTiming {
        let RingTiming { propagation, skew: least, lifetime_cap } = self.timing;
        let present = self.document.timing().skew.as_secs();
        let [more, longer] = [0, 1].map(|_| Duration::from_secs(self.random.between(0, 60)));
        let skew = if self.now < self.skew_settles_at {
            present
        } else {
            // More often to the limits than to a value between them.
            let (low, high) = (least.as_secs().max(present.div_ceil(2)), (2 * present).min(900));
            if self.random.one_in(3) { self.random.between(low, high) } else { *self.random.pick(&[low, high]) }
        };
        RingTiming {
            propagation: propagation + more,
            skew: Duration::from_secs(skew),
            lifetime_cap: lifetime_cap + longer,
        }
    }

    /// A document written by hand, which some servers read before it is withdrawn.
    fn raise_the_skew_too_far(&mut self) {
        let good = self.published.clone();
        let timing = self.document.ring().timing();
        let timing = Timing { skew: 2 * timing.skew + self.random.between(1, 300) as u32, ..timing };
        let (keys, revoked) = (self.document.keys.clone(), self.document.revoked().to_vec());
        let Ok(bad) = KeyRingDocument::checked(self.document.serial() + 1, timing, keys, revoked.clone()) else {
            return;
        };
        self.say(|_| format!("the skew is raised to {} s", timing.skew));
        for server in self.up() {
            let has_good =
                self.servers[server].keys.as_ref().is_some_and(|keys| keys.ring().serial() == self.document.serial());
            if has_good && self.random.one_in(2) {
                self.published = Published { ring: Some(bad.ring().clone()), revocations: revoked.clone() };
                self.read(server);
            }
        }
        self.published = good;
    }

    /// The backup: a document without the last step. Running servers that read it must not use it.
    fn restore_an_old_one(&mut self) {
        let good = self.published.clone();
        let old = KeyRing::from_parts(
            self.document.serial() - 1,
            self.document.ring().timing(),
            self.document.ring().keys().to_vec(),
            Vec::new(),
        );
        for server in self.up() {
            let has_it =
                self.servers[server].keys.as_ref().is_some_and(|keys| keys.ring().serial() == self.document.serial());
            if has_it && self.random.one_in(4) {
                self.published = Published { ring: Some(old.clone()), revocations: Vec::new() };
                self.read(server);
                let serial = self.servers[server].keys.as_ref().map(|keys| keys.ring().serial());
                if serial != Some(self.document.serial()) {
                    self.broken(format!("server {server} went back to an older document"));
                }
            }
        }
        self.published = good;
    }

    /// The newest key seals at once, with a false publication time.
    fn hurried(&self, document: KeyRingDocument) -> KeyRingDocument {
        let mut keys = document.keys.clone();
        let before = keys.iter().rev().nth(1).map_or(0, |key| key.seal_from);
        if let Some(newest) = keys.last_mut() {
            let seal_from = (self.now + self.operator_ahead).max(before + 1);
            *newest = DocumentKey {
                seal_from,
                published_at: seal_from - document.timing().propagation.as_secs(),
                ..newest.clone()
            };
        }
        KeyRingDocument::checked(document.serial, document.timing, keys, document.revoked.clone()).unwrap()
    }

    pub(super) fn learn(&mut self, published_at: u64) {
        let ring = self.document.ring().clone();
        for (index, key) in ring.keys().iter().enumerate() {
            let number = self.keys.len() + 1;
            let emergency = key.emergency;
            let known = self.keys.entry(key.id).or_insert(Known {
                number,
                published_at,
                emergency,
                accept_until: 0,
                revoked: false,
            });
            known.accept_until = ring.accept_until(index);
        }
        for id in self.document.revoked() {
            if let Some(known) = self.keys.get_mut(id) {
                known.revoked = true;
            }
        }
    }
}
