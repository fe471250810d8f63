//! The checks for whether a running process may change from its ring to another one.

use std::collections::HashSet;

use crate::ring::key::ring::{RingKey, Timing};
use crate::ring::key::{KeyRing, KeyRole, RootKeyId};
use crate::ring::source::RingError;

/// The verdict on an offered ring.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the ring in use.
    Same,
    /// It may be used.
    New {
        /// Keys that already seal and that this process did not know in time: its refresh is too slow, or the source was unavailable.
        late: usize,
    },
}

/// Judges `offered` against `current`, at `now`. `known_revoked` has every id that this process ever saw revoked, and `recent_skew` is the
/// smallest skew of marks that may still be in use.
///
/// Pure, so that a simulation can call it millions of times.
pub(super) fn judge(
    current: &KeyRing,
    offered: &KeyRing,
    known_revoked: &HashSet<RootKeyId>,
    recent_skew: u32,
    now: u64,
) -> Result<Verdict, RingError> {
    let (given, least) = (offered.serial(), current.serial());
    if given < least {
        return Err(RingError::SerialTooLow { given, least });
    }
    // A leaked key must not return with the next document.
    let flagged = |id| current.keys().iter().any(|known| known.revoked && known.id == id);
    let returns = |key: &&RingKey| !key.revoked && (known_revoked.contains(&key.id) || flagged(key.id));
    if let Some(key) = offered.keys().iter().find(returns) {
        return Err(RingError::RevokedKeyReturns(key.id));
    }
    if given == least {
        let same = current.is_same(offered) || current.fingerprint() == offered.fingerprint();
        return if same { Ok(Verdict::Same) } else { Err(RingError::SerialReused(given)) };
    }
    // Only keys before and after this line can have sealed states that are under way.
    for (index, key) in current.keys().iter().enumerate() {
        match offered.keys().iter().position(|other| other.id == key.id) {
            Some(kept) => check_kept(current, index, offered, kept, now)?,
            None => check_dropped(current, index, offered, now)?,
        }
    }
    check_skew(current, offered, recent_skew, now)?;
    // Until its replacement seals, a revoked key may be the latest one; with no sealing key at all, no login could start.
    if !offered.has_begun(now) && current.has_begun(now) {
        return Err(RingError::NoActiveKey);
    }
    let unknown = |key: &&RingKey| current.keys().iter().all(|known| known.id != key.id);
    let late = |key: &&RingKey| key.seal_from <= now && !key.emergency && !key.revoked;
    Ok(Verdict::New { late: offered.keys().iter().filter(unknown).filter(late).count() })
}

fn check_kept(current: &KeyRing, index: usize, offered: &KeyRing, kept: usize, now: u64) -> Result<(), RingError> {
    let (Some(old), Some(new)) = (current.keys().get(index), offered.keys().get(kept)) else { return Ok(()) };
    // The oldest key may get another start time, for example if a bare key becomes a document.
    let both_began_first = index == 0 && kept == 0 && old.seal_from <= now && new.seal_from <= now;
    if old.seal_from != new.seal_from && !both_began_first {
        return Err(RingError::ScheduleChanged(old.id));
    }
    // Unless its successor is withdrawn: then it continues as if the successor had never existed, and a server that reads this late must
    // not be left without a key.
    let mut successors = current.keys().iter().filter(|key| key.seal_from > old.seal_from && key.seal_from <= now);
    let superseded = successors.any(|key| !key.revoked && !offered.revoked().contains(&key.id));
    if superseded && matches!(offered.role(kept, now), KeyRole::Active | KeyRole::Pending) {
        return Err(RingError::SealsAgain(old.id));
    }
    check_end(current, index, offered, kept, now)
}

/// Changed times must not move the end of a key while its states are under way: each server would move it at another moment.
fn check_end(current: &KeyRing, index: usize, offered: &KeyRing, kept: usize, now: u64) -> Result<(), RingError> {
    // With another successor the end changes, too; the checks of the successors decide whether it may.
    let successor = |ring: &KeyRing, index: usize| {
        index.checked_add(1).and_then(|next| ring.keys().get(next)).map(|next| (next.id, next.seal_from))
    };
    if successor(current, index) != successor(offered, kept) {
        return Ok(());
    }
    let end = current.accept_until(index);
    let ends_sooner = now < end && offered.accept_until(kept) < end;
    let opens_again = current.role(index, now) == KeyRole::Retired && offered.role(kept, now) == KeyRole::Retiring;
    let revoked = offered.role(kept, now) == KeyRole::Revoked;
    if !revoked && (ends_sooner || opens_again) { Err(RingError::TimesChanged) } else { Ok(()) }
}

/// A mark lives until its state's expiry plus three times the skew that it was made with. Another server accepts the state until the expiry
/// plus its own skew, by a clock that may be behind by the old skew. Beyond that, a used state would be accepted again.
fn check_skew(current: &KeyRing, offered: &KeyRing, recent_skew: u32, now: u64) -> Result<(), RingError> {
    let (given, present) = (offered.timing().skew, current.timing().skew);
    // The current skew is always accepted, because it is in use.
    let most = most_skew(recent_skew.min(present)).max(present);
    let is_known = |id| current.keys().iter().any(|known| known.id == id);
    let mut keys = offered.keys().iter().enumerate();
    // If every key is replaced, no state with a mark is accepted any more.
    let accepts_old_states = keys.any(|(index, key)| is_known(key.id) && offered.role(index, now).opens());
    if given > most && accepts_old_states { Err(RingError::SkewRaisedTooFar { given, most }) } else { Ok(()) }
}

/// The largest skew, in seconds, that may follow this one.
pub(super) fn most_skew(skew: u32) -> u32 {
    skew.saturating_mul(2)
}

/// The smallest skew that may follow this one.
pub(super) fn least_skew(skew: u32) -> u32 {
    skew.div_ceil(2)
}

fn check_dropped(current: &KeyRing, index: usize, offered: &KeyRing, now: u64) -> Result<(), RingError> {
    let Some(key) = current.keys().get(index) else { return Ok(()) };
    if key.revoked || offered.revoked().contains(&key.id) {
        return Ok(());
    }
    // Its successor may be known here or, if this process has missed some documents, only in the new one.
    let known = current.keys().iter().chain(offered.keys()).map(|other| other.seal_from);
    let superseded_at = known.filter(|seal_from| *seal_from > key.seal_from).min();
    // Not the whole grace: a successor that was published by the rule was known everywhere before it sealed.
    let Timing { lifetime_cap, skew, .. } = current.timing();
    let grace = u64::from(lifetime_cap).saturating_add(u64::from(skew).saturating_mul(2));
    let until = superseded_at.map_or(u64::MAX, |superseded_at| superseded_at.saturating_add(grace));
    // The operator who removed it used another clock.
    if now.saturating_add(skew.into()) < until {
        return Err(RingError::DroppedTooEarly { id: key.id, until });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
