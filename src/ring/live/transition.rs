//! Whether a running process may go from the ring that it has to another.

use std::collections::HashSet;

use crate::ring::key::ring::{RingKey, Timing};
use crate::ring::key::{KeyRing, KeyRole, RootKeyId};
use crate::ring::source::RingError;

/// What an offered ring means for a process.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the one that is in use.
    Same,
    /// It may be taken.
    New {
        /// Keys that seal already, and that this process did not know in time: its refresh is too slow, or the source was
        /// away.
        late: usize,
    },
}

/// Judges `offered` against `current`, at `now`. `known_revoked` is every id that this process ever saw revoked, and `recent_skew` the
/// smallest skew that marks under way may have been made with.
///
/// Pure, so that a simulation can ask it millions of times.
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
    // A key that leaked must not come back with the next document.
    let flagged = |id| current.keys().iter().any(|known| known.revoked && known.id == id);
    let returns = |key: &&RingKey| !key.revoked && (known_revoked.contains(&key.id) || flagged(key.id));
    if let Some(key) = offered.keys().iter().find(returns) {
        return Err(RingError::RevokedKeyReturns(key.id));
    }
    if given == least {
        let same = current.is_same(offered) || current.fingerprint() == offered.fingerprint();
        return if same { Ok(Verdict::Same) } else { Err(RingError::SerialReused(given)) };
    }
    // Only keys on both sides of this line can have sealed what is under way.
    for (index, key) in current.keys().iter().enumerate() {
        match offered.keys().iter().position(|other| other.id == key.id) {
            Some(kept) => check_kept(current, index, offered, kept, now)?,
            None => check_dropped(current, index, offered, now)?,
        }
    }
    check_skew(current, offered, recent_skew, now)?;
    // A revoked key may be the last one that began, for as long as its replacement takes; with none at all nobody could begin.
    if !offered.has_begun(now) && current.has_begun(now) {
        return Err(RingError::NoActiveKey);
    }
    let unknown = |key: &&RingKey| current.keys().iter().all(|known| known.id != key.id);
    let late = |key: &&RingKey| key.seal_from <= now && !key.emergency && !key.revoked;
    Ok(Verdict::New { late: offered.keys().iter().filter(unknown).filter(late).count() })
}

fn check_kept(current: &KeyRing, index: usize, offered: &KeyRing, kept: usize, now: u64) -> Result<(), RingError> {
    let (Some(old), Some(new)) = (current.keys().get(index), offered.keys().get(kept)) else { return Ok(()) };
    // The oldest key may say another time for its beginning, as when a bare key becomes a document.
    let both_began_first = index == 0 && kept == 0 && old.seal_from <= now && new.seal_from <= now;
    if old.seal_from != new.seal_from && !both_began_first {
        return Err(RingError::ScheduleChanged(old.id));
    }
    // Unless whatever superseded it is withdrawn: then it goes on as if nothing had been, and a server that reads this late must
    // not be left without a key.
    let mut successors = current.keys().iter().filter(|key| key.seal_from > old.seal_from && key.seal_from <= now);
    let superseded = successors.any(|key| !key.revoked && !offered.revoked().contains(&key.id));
    if superseded && matches!(offered.role(kept, now), KeyRole::Active | KeyRole::Pending) {
        return Err(RingError::SealsAgain(old.id));
    }
    check_end(current, index, offered, kept, now)
}

/// Other times must not move the end of a key while its states are under way: each server would do it when it reads them.
fn check_end(current: &KeyRing, index: usize, offered: &KeyRing, kept: usize, now: u64) -> Result<(), RingError> {
    // With another successor the end is another one, too; what that may be is judged by the successors themselves.
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

/// A mark lives until its state's expiry plus three times the skew that it was made with. Another server accepts the state until the
/// expiry plus its own skew, by a clock that may be behind by the old skew. Behind that, a used state would be accepted again.
fn check_skew(current: &KeyRing, offered: &KeyRing, recent_skew: u32, now: u64) -> Result<(), RingError> {
    let (given, present) = (offered.timing().skew, current.timing().skew);
    // The present one is taken in any case: it is in use.
    let most = most_skew(recent_skew.min(present)).max(present);
    let is_known = |id| current.keys().iter().any(|known| known.id == id);
    let mut keys = offered.keys().iter().enumerate();
    // Nothing that was marked is accepted any more where every key is another one.
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
    // Its successor may be known here, or only to the document, if this process has missed some.
    let known = current.keys().iter().chain(offered.keys()).map(|other| other.seal_from);
    let superseded_at = known.filter(|seal_from| *seal_from > key.seal_from).min();
    // Not the whole grace: a successor that was published by the rule was known everywhere before it sealed.
    let Timing { lifetime_cap, skew, .. } = current.timing();
    let grace = u64::from(lifetime_cap).saturating_add(u64::from(skew).saturating_mul(2));
    let until = superseded_at.map_or(u64::MAX, |superseded_at| superseded_at.saturating_add(grace));
    // Whoever dropped it has a clock of his own.
    if now.saturating_add(skew.into()) < until {
        return Err(RingError::DroppedTooEarly { id: key.id, until });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
