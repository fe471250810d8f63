//! The key ring: its keys, and the role of each at a given time.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::id::RootKeyId;
use super::material::RootKey;
pub(crate) use crate::claims::codec::LONGEST_LIFETIME;
use crate::clock::{from_unix_seconds, unix_seconds};
use crate::observe::Event;

/// The default difference between two servers' clocks, in seconds.
pub(crate) const DEFAULT_SKEW: u32 = 60;

/// The role of a key at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyRole {
    /// It does not seal yet, but opens states: every server must have it before any server seals with it.
    Pending,
    /// It seals new states and opens them.
    Active,
    /// A newer key seals. States that this one sealed may still be under way, so it opens.
    Retiring,
    /// All states that it sealed have expired. It does nothing.
    Retired,
    /// Revoked by the operator. It does nothing, with immediate effect.
    Revoked,
}

impl KeyRole {
    /// Whether a state sealed with the key is accepted.
    #[must_use]
    pub(crate) const fn opens(self) -> bool {
        matches!(self, Self::Pending | Self::Active | Self::Retiring)
    }
}

impl fmt::Display for KeyRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        })
    }
}

/// One key of a ring, with its schedule in Unix seconds.
#[derive(Clone, Debug)]
pub(crate) struct RingKey {
    pub(crate) root: RootKey,
    pub(crate) id: RootKeyId,
    pub(crate) published_at: u64,
    pub(crate) seal_from: u64,
    /// Published to seal at once, because the key that it replaces was revoked.
    pub(crate) emergency: bool,
    pub(crate) revoked: bool,
}

/// The ring's times in seconds, on which its schedule and the checks of a state depend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timing {
    /// How long a document takes to reach every server.
    pub(crate) propagation: u32,
    /// The largest difference between the clocks of any two servers.
    pub(crate) skew: u32,
    /// The longest lifetime that a state may be given.
    pub(crate) lifetime_cap: u16,
}

impl Timing {
    /// The times of a ring that is a bare key.
    pub(crate) const fn of_a_bare_key() -> Self {
        Self { propagation: 0, skew: DEFAULT_SKEW, lifetime_cap: LONGEST_LIFETIME }
    }

    /// How long marks with an older skew may be in use after this document was read, if it has the longer times.
    pub(crate) fn marks_settle_after(self, before: Self) -> u64 {
        let cap = u64::from(self.lifetime_cap.max(before.lifetime_cap));
        let marks = u64::from(self.skew.max(before.skew)).saturating_mul(3);
        u64::from(self.propagation.max(before.propagation)).saturating_add(cap).saturating_add(marks)
    }
}

/// An immutable set of keys with their schedule, the same on every server.
///
/// The role of each key depends only on the document and the clock, never on the order in the list. Read a ring with `str::parse`,
/// [`KeyRing::from_env`] or [`KeyRing::from_file`]. A clone shares the keys.
///
/// # Examples
///
/// ```
/// use oauth_state::ring::RootKey;
/// use oauth_state::KeyRing;
///
/// // Once, by the operator; then into the secret manager that all servers read:
/// let text = RootKey::generate()?.to_secret_text();
/// // On every server:
/// let ring = text.expose().parse::<KeyRing>()?;
/// assert_eq!(ring.serial(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct KeyRing(Arc<Contents>);

struct Contents {
    serial: u64,
    timing: Timing,
    /// By ascending `seal_from`.
    keys: Vec<RingKey>,
    revoked: Vec<RootKeyId>,
}

impl KeyRing {
    /// The event for observers about the ring in use at `now`, in Unix seconds.
    pub(crate) fn event(&self, now: u64) -> Event<'static> {
        let roles: Vec<_> = self.roles(from_unix_seconds(now)).map(|(_, role)| role.to_string()).collect();
        let count = |role: &'static str| (role, roles.iter().filter(|of| *of == role).count());
        Event::RingInUse {
            serial: self.serial(),
            propagation: Duration::from_secs(self.timing().propagation.into()),
            keys: ["pending", "active", "retiring", "retired", "revoked"].map(count),
            fingerprint: u64::from_str_radix(self.fingerprint().get(..12).unwrap_or_default(), 16).unwrap_or_default(),
            active_published_at: self.active_published_at(now).map(from_unix_seconds),
            next_change: self.next_change(now).map(from_unix_seconds),
        }
    }

    fn active_published_at(&self, now: u64) -> Option<u64> {
        let mut keys = self.0.keys.iter().enumerate();
        keys.find(|(index, _)| self.role(*index, now) == KeyRole::Active).map(|(_, key)| key.published_at)
    }

    /// When the next key starts to seal, or is no longer accepted.
    fn next_change(&self, now: u64) -> Option<u64> {
        let changes = self.0.keys.iter().enumerate().filter_map(|(index, key)| match self.role(index, now) {
            KeyRole::Pending => Some(key.seal_from),
            KeyRole::Retiring => Some(self.accept_until(index)),
            KeyRole::Active | KeyRole::Retired | KeyRole::Revoked => None,
        });
        changes.min()
    }

    /// Builds a ring from parts that `source::document` has validated.
    pub(crate) fn from_parts(serial: u64, timing: Timing, mut keys: Vec<RingKey>, revoked: Vec<RootKeyId>) -> Self {
        keys.sort_by_key(|key| key.seal_from);
        Self(Arc::new(Contents { serial, timing, keys, revoked }))
    }

    /// The document's serial number, which grows with every change; 0 for a bare key.
    #[must_use]
    pub fn serial(&self) -> u64 {
        self.0.serial
    }

    /// The largest allowed difference between two servers' clocks; 60 s for a bare key.
    #[must_use]
    pub fn skew(&self) -> Duration {
        Duration::from_secs(self.0.timing.skew.into())
    }

    /// The longest lifetime of states in a flow over this ring; one hour for a bare key.
    #[must_use]
    pub fn lifetime_cap(&self) -> Duration {
        Duration::from_secs(self.0.timing.lifetime_cap.into())
    }

    /// Each key's public id and its role at `now`, oldest first.
    pub fn roles(&self, now: SystemTime) -> impl Iterator<Item = (RootKeyId, KeyRole)> + '_ {
        let now = unix_seconds(now);
        self.0.keys.iter().enumerate().map(move |(index, key)| (key.id, self.role(index, now)))
    }

    /// Sixteen hexadecimal digits, for health checks: servers with the same document have the same fingerprint.
    ///
    /// # Security
    ///
    /// It is a hash of public ids and times and reveals nothing about the keys.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let Contents { serial, timing, keys, revoked } = &*self.0;
        let mut hash = Sha256::new_with_prefix(b"oauth-state/v1/ring-fingerprint");
        for number in [*serial, timing.propagation.into(), timing.skew.into(), timing.lifetime_cap.into()] {
            hash.update(number.to_be_bytes());
        }
        // Each list with its length, so that ids and times of one list cannot pass for those of the other.
        hash.update((keys.len() as u64).to_be_bytes());
        for key in keys {
            hash.update(key.id.as_bytes());
            hash.update(key.seal_from.to_be_bytes());
        }
        revoked.iter().for_each(|id| hash.update(id.as_bytes()));
        let digest: [u8; 32] = hash.finalize().into();
        digest.iter().take(8).fold(String::with_capacity(16), |text, byte| text + &format!("{byte:02x}"))
    }

    pub(crate) fn timing(&self) -> Timing {
        self.0.timing
    }

    /// The ids that the document revokes.
    pub(crate) fn revoked(&self) -> &[RootKeyId] {
        &self.0.revoked
    }

    /// The ids that the document revokes, and the keys that are revoked because of another document.
    pub(crate) fn every_revoked(&self) -> impl Iterator<Item = RootKeyId> + '_ {
        let flagged = self.0.keys.iter().filter(|key| key.revoked).map(|key| key.id);
        self.0.revoked.iter().copied().chain(flagged)
    }

    /// The same document with more keys revoked, or itself if none of them is in it. The fingerprint stays, because it is the document's.
    pub(crate) fn with_revoked(&self, is_revoked: impl Fn(RootKeyId) -> bool) -> Self {
        if !self.0.keys.iter().any(|key| !key.revoked && is_revoked(key.id)) {
            return self.clone();
        }
        let Contents { serial, timing, keys, revoked } = &*self.0;
        let keys = keys.iter().cloned().map(|key| RingKey { revoked: key.revoked || is_revoked(key.id), ..key });
        Self(Arc::new(Contents { serial: *serial, timing: *timing, keys: keys.collect(), revoked: revoked.clone() }))
    }

    pub(crate) fn keys(&self) -> &[RingKey] {
        &self.0.keys
    }

    /// Whether this is the same ring in memory, not merely an equal one.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The role of the key at `index` of [`KeyRing::keys`].
    pub(crate) fn role(&self, index: usize, now: u64) -> KeyRole {
        let Some(key) = self.0.keys.get(index) else { return KeyRole::Retired };
        if key.revoked {
            return KeyRole::Revoked;
        }
        if now < key.seal_from {
            return KeyRole::Pending;
        }
        // A key is superseded by its successor in time, even if that one is revoked: a key that stopped sealing never seals again, so no
        // server falls back to a key that another server has retired.
        match index.checked_add(1).and_then(|next| self.0.keys.get(next)) {
            Some(successor) if successor.seal_from <= now => {
                if now < self.accept_until(index) {
                    KeyRole::Retiring
                } else {
                    KeyRole::Retired
                }
            }
            _ => KeyRole::Active,
        }
    }

    /// The key that seals at `now`: the one with the latest past `seal_from`, unless it is revoked.
    pub(crate) fn active(&self, now: u64) -> Option<usize> {
        let index = self.0.keys.iter().rposition(|key| key.seal_from <= now)?;
        (self.role(index, now) == KeyRole::Active).then_some(index)
    }

    /// Whether the `seal_from` of any key, revoked or not, has passed by `now`.
    pub(crate) fn has_begun(&self, now: u64) -> bool {
        self.0.keys.iter().any(|key| key.seal_from <= now)
    }

    /// When the key at `index` is retired; `u64::MAX` while it has no successor.
    ///
    /// A server that has not yet seen the successor may seal until `propagation` after the successor's `seal_from`, by a clock that differs
    /// by up to `skew`; its state then lives for `lifetime_cap` and is checked by a third clock.
    pub(crate) fn accept_until(&self, index: usize) -> u64 {
        let successor = index.checked_add(1).and_then(|next| self.0.keys.get(next));
        successor.map_or(u64::MAX, |successor| successor.seal_from.saturating_add(self.grace()))
    }

    /// How long a key still opens after it was superseded, in seconds.
    pub(crate) fn grace(&self) -> u64 {
        let Timing { propagation, skew, lifetime_cap } = self.0.timing;
        u64::from(propagation).saturating_add(lifetime_cap.into()).saturating_add(u64::from(skew).saturating_mul(2))
    }
}

/// A ring of one key, which is treated as always having been active, with the default skew of 60 s and no successor.
impl From<RootKey> for KeyRing {
    fn from(root: RootKey) -> Self {
        let id = root.id();
        let key = RingKey { root, id, published_at: 0, seal_from: 0, emergency: false, revoked: false };
        Self::from_parts(0, Timing::of_a_bare_key(), vec![key], Vec::new())
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("serial", &self.0.serial)
            .field("keys", &self.0.keys.iter().map(|key| key.id).collect::<Vec<_>>())
            .field("revoked", &self.0.revoked)
            .finish()
    }
}

#[cfg(test)]
mod tests;
