//! Servers, logins, and the promises about them.

#[path = "marks.rs"]
mod marks;
#[path = "operator.rs"]
mod operator;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};

use marks::Marks;

use super::outcome::Outcome;
use super::random::Random;
use crate::clock::from_unix_seconds as at;
use crate::ring::key::{KeyRing, KeyRole, RootKeyId};
use crate::ring::live::{LiveKeyRing, Update};
use crate::ring::source::RingError;
use crate::ring::source::document::{KeyRingDocument, RingTiming};

const START: u64 = 1_800_000_000;

/// The rule that is kept, or broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    Kept,
    /// Some servers read the document only a third as often as required.
    ServersReadTooLate,
    /// Keys seal as soon as they are published, and claim to have been published long ago.
    KeysSealTooEarly,
    /// Some servers do not read the document for hours: lost logins cannot be avoided, but they must recover.
    ServersAreCutOff,
    /// Servers start from a document that lacks the retiring keys.
    KeysAreDroppedTooEarly,
    /// The operator publishes documents that raise the skew too far, and withdraws them. No running server may use one.
    SkewIsRaisedTooFar,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// Reads come before logins: a document that reaches a server in a second is used in that second.
    Read(usize),
    Start(usize),
    Crash(usize),
    Operate,
    Begin,
    Finish(usize),
    /// An attacker presents the state of a login again.
    Replay(usize),
}

struct Server {
    /// How far its clock is ahead of the slowest one.
    ahead: u64,
    interval: u64,
    /// `None` while it is down.
    keys: Option<LiveKeyRing>,
    /// The ids that it has seen revoked since it started.
    shown_revoked: HashSet<RootKeyId>,
}

/// The document in the source.
#[derive(Clone)]
struct Published {
    /// `None` for garbage.
    ring: Option<KeyRing>,
    revocations: Vec<RootKeyId>,
}

struct Login {
    key: RootKeyId,
    issued_at: u64,
}

/// A key as the operator created it.
struct Known {
    number: usize,
    published_at: u64,
    emergency: bool,
    /// The latest end that any document gave it.
    accept_until: u64,
    revoked: bool,
}

pub(super) struct World {
    rule: Rule,
    random: Random,
    events: BinaryHeap<Reverse<(u64, Event, u64)>>,
    sequence: u64,
    now: u64,
    end: u64,
    timing: RingTiming,
    servers: Vec<Server>,
    operator_ahead: u64,
    document: KeyRingDocument,
    published: Published,
    keys: HashMap<RootKeyId, Known>,
    /// The time until which the operator does not change the skew again.
    skew_settles_at: u64,
    logins: BTreeMap<usize, Login>,
    marks: Marks,
    record: bool,
    outcome: Outcome,
}

impl World {
    pub(super) fn new(seed: u64, rule: Rule, record: bool) -> Self {
        let mut random = Random::new(seed);
        let seconds = std::time::Duration::from_secs;
        let propagation = random.between(5, 120);
        let skew = *random.pick(&[0, 1, 5, 30, 60]);
        let cap = random.between(30, 600);
        let timing = RingTiming { propagation: seconds(propagation), skew: seconds(skew), lifetime_cap: seconds(cap) };
        let operator_ahead = random.between(0, skew);
        let document = KeyRingDocument::first(timing, at(START + operator_ahead)).unwrap();
        let servers = (0..random.between(3, 50)).map(|_| {
            let slower = match rule {
                Rule::ServersReadTooLate if random.one_in(3) => 3,
                Rule::ServersAreCutOff if random.one_in(3) => random.between(10, 100),
                _ => 1,
            };
            Server {
                ahead: random.between(0, skew),
                interval: slower * random.between(propagation.div_ceil(4), propagation),
                keys: Some(LiveKeyRing::from(document.ring().clone())),
                shown_revoked: HashSet::new(),
            }
        });
        let mut world = Self {
            rule,
            servers: servers.collect(),
            events: BinaryHeap::new(),
            sequence: 0,
            now: START,
            end: START + if rule == Rule::ServersAreCutOff { 40 } else { 4 } * (propagation + cap + 2 * skew),
            timing,
            operator_ahead,
            published: Published { ring: Some(document.ring().clone()), revocations: Vec::new() },
            document,
            keys: HashMap::new(),
            skew_settles_at: START,
            logins: BTreeMap::new(),
            marks: Marks::default(),
            random,
            record,
            outcome: Outcome::default(),
        };
        world.learn(START);
        world.plan();
        world
    }

    fn plan(&mut self) {
        self.say(|world| {
            let Self { servers, timing, .. } = world;
            format!("{} servers, {timing:?}", servers.len())
        });
        for server in 0..self.servers.len() {
            let first = self.random.between(0, self.servers[server].interval);
            self.schedule(START + first, Event::Read(server));
        }
        let length = self.end - START;
        let (least, most) = if self.rule == Rule::ServersAreCutOff { (20, 40) } else { (2, 8) };
        for _ in 0..self.random.between(least, most) {
            let when = START + self.random.between(0, length);
            self.schedule(when, Event::Operate);
        }
        for _ in 0..60 {
            let when = START + self.random.between(0, length);
            self.schedule(when, Event::Begin);
        }
        // A rolling deploy restarts one server after the other, and again if the release is rolled back.
        for _ in 0..self.random.between(1, 2) {
            let (mut when, pause) = (START + self.random.between(0, length), self.random.between(0, 10));
            for server in 0..self.servers.len() {
                self.schedule(when, Event::Crash(server));
                when += pause;
            }
        }
    }

    fn schedule(&mut self, when: u64, event: Event) {
        self.sequence += 1;
        self.events.push(Reverse((when, event, self.sequence)));
    }

    pub(super) fn run(mut self) -> Outcome {
        while let Some(Reverse((now, event, _))) = self.events.pop() {
            if now > self.end || self.outcome.broken.is_some() {
                break;
            }
            self.now = now;
            match event {
                Event::Read(server) => self.read(server),
                Event::Start(server) => self.start(server),
                Event::Crash(server) => self.crash(server),
                Event::Operate => self.operate(),
                Event::Begin => self.begin(),
                Event::Finish(login) => self.finish(login),
                Event::Replay(login) => self.replay(login),
            }
        }
        self.outcome
    }

    fn clock(&self, server: usize) -> u64 {
        self.now + self.servers[server].ahead
    }

    fn up(&self) -> Vec<usize> {
        (0..self.servers.len()).filter(|server| self.servers[*server].keys.is_some()).collect()
    }

    fn read(&mut self, server: usize) {
        let (published, clock) = (self.published.clone(), self.clock(server));
        let next = self.now + self.servers[server].interval;
        self.schedule(next, Event::Read(server));
        let shop = &mut self.servers[server];
        let Some(keys) = &shop.keys else { return };
        shop.shown_revoked.extend(&published.revocations);
        let ring = || published.ring.clone().ok_or(RingError::NeitherKeyNorDocument);
        match keys.offer_read(published.revocations.clone(), ring, clock) {
            Ok(Update::Unchanged) => {}
            Ok(taken) => {
                self.say(|world| format!("server {server} reads document {}: {taken:?}", world.document.serial()));
            }
            Err(error) => {
                self.outcome.documents_refused += 1;
                self.say(|_| format!("server {server} refuses what it reads: {error}"));
                // It slept through a raise of the skew, and the operator restarts it, as docs/key-ring.md says.
                if self.rule == Rule::ServersAreCutOff && matches!(error, RingError::SkewRaisedTooFar { .. }) {
                    return self.crash(server);
                }
                let honest = published.ring.is_some_and(|ring| ring.is_same(self.document.ring()));
                if honest && matches!(self.rule, Rule::Kept | Rule::ServersAreCutOff) {
                    self.broken(format!("server {server} refused an honest document: {error}"));
                }
            }
        }
    }

    fn crash(&mut self, server: usize) {
        // The last one stays up, as in any rolling deploy.
        if self.up().len() < 2 || self.servers[server].keys.is_none() {
            return;
        }
        self.servers[server].keys = None;
        self.servers[server].shown_revoked.clear();
        let when = self.now + self.random.between(0, 20);
        self.schedule(when, Event::Start(server));
        self.say(|_| format!("server {server} goes down"));
    }

    fn start(&mut self, server: usize) {
        // A start has the serial that the deploy knows as its minimum, so that an old document is not used; it then retries.
        let least = self.document.serial();
        let usable = self.published.ring.clone().filter(|ring| ring.serial() >= least);
        let usable = usable.filter(|ring| ring.has_begun(self.clock(server)));
        let Some(mut ring) = usable else {
            self.schedule(self.now + 1, Event::Start(server));
            return;
        };
        if self.rule == Rule::KeysAreDroppedTooEarly {
            let active = ring.active(self.clock(server)).unwrap_or_default();
            let kept = ring.keys().iter().skip(active).cloned().collect();
            ring = KeyRing::from_parts(ring.serial(), ring.timing(), kept, ring.revoked().to_vec());
        }
        self.servers[server].shown_revoked.extend(ring.revoked());
        self.servers[server].keys = Some(LiveKeyRing::from(ring));
        self.outcome.restarts += 1;
        self.say(|world| format!("server {server} starts with document {}", world.document.serial()));
    }

    fn begin(&mut self) {
        let up = self.up();
        let server = *self.random.pick(&up);
        let clock = self.clock(server);
        let ring = self.servers[server].keys.as_ref().map(LiveKeyRing::ring).unwrap();
        let Some(active) = ring.active(clock) else {
            // Garbage may revoke before the replacement can be read; a server that has read the document has a key.
            if self.rule == Rule::Kept && ring.serial() == self.document.serial() {
                self.broken(format!("server {server} has no active key"));
            }
            return;
        };
        let key = ring.keys()[active].id;
        let lifetime = self.timing.lifetime_cap.as_secs();
        let login = self.logins.len();
        self.logins.insert(login, Login { key, issued_at: clock });
        // The user comes back at some time before the login expires.
        let when = self.now + self.random.between(0, lifetime - 1);
        self.schedule(when, Event::Finish(login));
        self.say(|world| format!("login {login} begins on server {server} under key {}", world.name(key)));
    }

    fn finish(&mut self, login: usize) {
        let up = self.up();
        let server = *self.random.pick(&up);
        let clock = self.clock(server);
        let Login { key, issued_at } = self.logins[&login];
        let skew = self.timing.skew.as_secs();
        assert!(issued_at <= clock + skew, "clocks differ by the skew at most");
        let ring = self.servers[server].keys.as_ref().map(LiveKeyRing::ring).unwrap();
        let role = ring.keys().iter().position(|known| known.id == key).map(|index| ring.role(index, clock));
        let known = &self.keys[&key];
        if role.is_some_and(KeyRole::opens) {
            self.outcome.accepted += 1;
            self.mark(login, server);
            let known = &self.keys[&key];
            if self.servers[server].shown_revoked.contains(&key) {
                self.broken(format!("server {server} accepted login {login} under a key that it was shown as revoked"));
            } else if clock >= known.accept_until && !known.revoked && self.rule == Rule::Kept {
                self.broken(format!("server {server} accepted login {login} under a key that is retired"));
            }
            return;
        }
        if known.revoked {
            self.outcome.refused_as_revoked += 1;
            return;
        }
        let propagation = self.timing.propagation.as_secs();
        if known.emergency && self.now < known.published_at + propagation {
            return;
        }
        if self.rule == Rule::ServersAreCutOff {
            return;
        }
        let role = role.map_or("unknown".to_owned(), |role| role.to_string());
        let name = self.name(key);
        self.broken(format!("server {server} refused honest login {login}: key {name} is {role} there"));
    }

    fn broken(&mut self, what: String) {
        let when = self.now - START;
        self.outcome.broken.get_or_insert(format!("{when:>6} s  BROKEN: {what}"));
    }

    fn name(&self, key: RootKeyId) -> usize {
        self.keys.get(&key).map_or(0, |known| known.number)
    }

    fn shown(&self, document: &KeyRingDocument) -> String {
        let clock = self.now + self.operator_ahead;
        let keys = document.ring().keys().iter().enumerate().map(|(index, key)| {
            let from = key.seal_from as i64 - START as i64;
            format!("key {} {} from {from} s", self.name(key.id), document.ring().role(index, clock))
        });
        keys.collect::<Vec<_>>().join(", ")
    }

    fn say(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.record {
            let line = format!("{:>6} s  {}", self.now - START, line(self));
            self.outcome.lines.push(line);
        }
    }
}
