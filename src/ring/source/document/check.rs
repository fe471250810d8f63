//! The requirements for a valid document.

use super::{DocumentKey, LARGEST_SERIAL, LARGEST_SKEW, LONGEST_PROPAGATION, MOST_KEYS};
use super::{KeyRingDocument, RingError, RingTiming};
use crate::ring::key::ring::{LONGEST_LIFETIME, RingKey, Timing};
use crate::ring::key::{KeyRing, RootKeyId};

impl KeyRingDocument {
    /// A document of well-formed parts, if they fit together.
    pub(crate) fn checked(
        serial: u64,
        timing: Timing,
        mut keys: Vec<DocumentKey>,
        revoked: Vec<RootKeyId>,
    ) -> Result<Self, RingError> {
        if serial > LARGEST_SERIAL {
            return Err(RingError::OutOfRange { field: "serial", range: "0 to 9007199254740991" });
        }
        if !(1..=MOST_KEYS).contains(&keys.len()) {
            return Err(RingError::KeyCount);
        }
        keys.sort_by_key(|key| key.seal_from);
        let ring_keys: Vec<RingKey> = keys.iter().map(|key| ring_key(key, &revoked)).collect();
        check_schedule(&ring_keys, timing.propagation)?;
        let ring = KeyRing::from_parts(serial, timing, ring_keys, revoked.clone());
        Ok(Self { serial, timing, keys, revoked, ring })
    }
}

fn ring_key(key: &DocumentKey, revoked: &[RootKeyId]) -> RingKey {
    let id = key.root.id();
    RingKey {
        root: key.root.clone(),
        id,
        published_at: key.published_at,
        seal_from: key.seal_from,
        emergency: key.emergency,
        revoked: revoked.contains(&id),
    }
}

/// Checks the keys, sorted by `seal_from`, against each other.
fn check_schedule(keys: &[RingKey], propagation: u32) -> Result<(), RingError> {
    for (position, key) in keys.iter().enumerate() {
        let earlier = keys.get(..position).unwrap_or_default();
        if earlier.iter().any(|other| other.id == key.id) {
            return Err(RingError::KeyTwice(key.id));
        }
        // The first key replaces none: no server can be sealing with an older one.
        let Some(replaced) = earlier.last() else { continue };
        if replaced.seal_from == key.seal_from {
            return Err(RingError::SealFromTwice(replaced.id, key.id));
        }
        let given = key.seal_from.saturating_sub(key.published_at);
        if given < u64::from(propagation) && !(key.emergency && replaced.revoked) {
            return Err(RingError::TooEarly { id: key.id, given, propagation });
        }
    }
    Ok(())
}

impl TryFrom<RingTiming> for Timing {
    type Error = RingError;

    fn try_from(timing: RingTiming) -> Result<Self, RingError> {
        let RingTiming { propagation, skew, lifetime_cap } = timing;
        let whole = |field, range, duration: std::time::Duration, least: u32, most: u32| {
            let seconds = u32::try_from(duration.as_secs()).ok().filter(|_| duration.subsec_nanos() == 0);
            seconds.filter(|seconds| (least..=most).contains(seconds)).ok_or(RingError::OutOfRange { field, range })
        };
        let cap = whole("lifetime_cap", "1 to 3600 seconds", lifetime_cap, 1, LONGEST_LIFETIME.into())?;
        Ok(Self {
            propagation: whole("propagation", "0 to 604800 seconds", propagation, 0, LONGEST_PROPAGATION)?,
            skew: whole("skew", "0 to 900 seconds", skew, 0, LARGEST_SKEW)?,
            lifetime_cap: u16::try_from(cap).unwrap_or(LONGEST_LIFETIME),
        })
    }
}

impl From<Timing> for RingTiming {
    fn from(Timing { propagation, skew, lifetime_cap }: Timing) -> Self {
        use std::time::Duration;
        Self {
            propagation: Duration::from_secs(propagation.into()),
            skew: Duration::from_secs(skew.into()),
            lifetime_cap: Duration::from_secs(lifetime_cap.into()),
        }
    }
}
