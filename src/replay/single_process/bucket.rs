//! The marks of one shard whose states expire within the same two minutes: an open-addressed table of fixed slots.
//!
//! A slot holds 12 bytes of the id, the claimant and the time of first use: 22 bytes. Tables grow by a quarter and are
//! 70 % to 87 % full, where a general hash map doubles and is 44 % to 87 % full. Nothing is ever removed from a table.

use super::{BUCKET_SECONDS, Mark};

/// Bytes of the id that are kept. With ten million live marks, an honest login meets another's 12 bytes with a
/// probability of 2^-72, and would then be refused, never accepted twice.
const ID_BYTES: usize = 12;
const CLAIMANT_BYTES: usize = 8;
const SLOT_BYTES: usize = ID_BYTES + CLAIMANT_BYTES + 2;
/// A first use is kept as the seconds from here before the bucket, so that 0 can mean an empty slot: far enough for
/// the longest lifetime and any skew.
const ORIGIN_SECONDS: u64 = 8192;
/// The slots of a table that takes its first mark.
const FIRST_SLOTS: usize = 8;

type Slot = [u8; SLOT_BYTES];

/// What a table answers.
pub(super) enum Claim {
    First,
    AlreadyUsed { at: u64, claimant: [u8; CLAIMANT_BYTES] },
    NoPlace,
}

pub(super) struct Bucket {
    index: u64,
    spread: u64,
    /// The latest that one of its marks may have to live.
    keep_until: u64,
    slots: Box<[Slot]>,
    used: usize,
}

impl Bucket {
    /// An empty bucket for states that expire in these seconds. `spread` is random for each process.
    pub(super) fn new(index: u64, spread: u64) -> Self {
        Self { index, spread, keep_until: 0, slots: Box::default(), used: 0 }
    }

    pub(super) fn index(&self) -> u64 {
        self.index
    }

    pub(super) fn keep_until(&self) -> u64 {
        self.keep_until
    }

    pub(super) fn len(&self) -> usize {
        self.used
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.slots)
    }

    /// Looks the mark up and, if it is new and `take_place` agrees, puts it in: one step under the shard's lock.
    pub(super) fn claim(&mut self, mark: &Mark, take_place: impl FnOnce() -> bool) -> Claim {
        // The bucket lives until the last state that belongs into it is over, not until its last mark is: what is dropped
        // can no longer be claimed. Set before anything else, because an empty bucket that is dropped is closed as well.
        let end = self.index.saturating_add(1).saturating_mul(BUCKET_SECONDS);
        let grace = mark.keep_until.saturating_sub(mark.expires_at);
        self.keep_until = self.keep_until.max(end.saturating_add(grace));
        let (id, claimant) = (&mark.id[..ID_BYTES], &mark.claimant);
        for slot in self.probe(id) {
            let Some((kept_id, kept_claimant, offset)) = read(slot) else { break };
            if kept_id == id {
                return if kept_claimant == claimant {
                    Claim::First
                } else {
                    Claim::AlreadyUsed { at: self.time(offset), claimant: *kept_claimant }
                };
            }
        }
        if !take_place() {
            return Claim::NoPlace;
        }
        // 7/8 full at most, so that a look-up ends soon at an empty slot.
        if self.used.saturating_mul(8) >= self.slots.len().saturating_mul(7) {
            self.grow();
        }
        let mut slot = [0; SLOT_BYTES];
        slot[..ID_BYTES].copy_from_slice(id);
        slot[ID_BYTES..ID_BYTES + CLAIMANT_BYTES].copy_from_slice(claimant);
        slot[ID_BYTES + CLAIMANT_BYTES..].copy_from_slice(&self.offset(mark.now).to_be_bytes());
        Self::put(&mut self.slots, self.spread, slot);
        self.used = self.used.saturating_add(1);
        Claim::First
    }

    fn grow(&mut self) {
        let larger = self.slots.len().saturating_add(self.slots.len() / 4).max(FIRST_SLOTS);
        let mut slots = vec![[0; SLOT_BYTES]; larger].into_boxed_slice();
        for slot in self.slots.iter().filter(|slot| read(slot).is_some()) {
            Self::put(&mut slots, self.spread, *slot);
        }
        self.slots = slots;
    }

    /// Puts a slot into the first empty place; there is one, because tables grow in time.
    fn put(slots: &mut [Slot], spread: u64, slot: Slot) {
        let start = start(slots.len(), spread, &slot[..ID_BYTES]);
        let (before, after) = slots.split_at_mut(start);
        if let Some(empty) = after.iter_mut().chain(before).find(|slot| read(slot).is_none()) {
            *empty = slot;
        }
    }

    /// Every slot, from the one where this id would stand.
    fn probe(&self, id: &[u8]) -> impl Iterator<Item = &Slot> + use<'_> {
        let (before, after) = self.slots.split_at(start(self.slots.len(), self.spread, id));
        after.iter().chain(before)
    }

    fn origin(&self) -> u64 {
        self.index.saturating_mul(BUCKET_SECONDS).saturating_sub(ORIGIN_SECONDS)
    }

    fn offset(&self, time: u64) -> u16 {
        u16::try_from(time.saturating_sub(self.origin())).unwrap_or(u16::MAX).max(1)
    }

    fn time(&self, offset: u16) -> u64 {
        self.origin().saturating_add(offset.into())
    }
}

/// The parts of a slot; `None` for an empty one.
fn read(slot: &Slot) -> Option<(&[u8], &[u8; CLAIMANT_BYTES], u16)> {
    let (id, rest) = slot.split_at(ID_BYTES);
    let offset = u16::from_be_bytes([slot[SLOT_BYTES - 2], slot[SLOT_BYTES - 1]]);
    (offset != 0).then_some((id, rest.first_chunk()?, offset))
}

/// Where an id would stand among `slots`. The ids are random already; mixing them with a secret number keeps somebody
/// who begins many logins and finishes a choice of them from crowding them together.
fn start(slots: usize, spread: u64, id: &[u8]) -> usize {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let number = id.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    let mixed = (number ^ spread).wrapping_mul(GOLDEN).rotate_left(32).wrapping_mul(spread | 1);
    let scaled = u128::from(mixed).wrapping_mul(slots as u128) >> 64;
    usize::try_from(scaled).unwrap_or_default().min(slots)
}
