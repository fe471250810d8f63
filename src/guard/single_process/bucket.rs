//! The marks of one shard whose states expire within the same two minutes, as an open-addressed table of fixed slots.
//!
//! A slot holds 12 bytes of the id, the claimant and the time of first use: 22 bytes. Tables grow by a quarter and are 62 % to 78 % full;
//! a general hash map doubles and is 44 % to 87 % full. Slots are never removed from a table.

use crate::guard::Mark;

/// Seconds of expiry times that share a bucket. A bucket is dropped as a whole, so marks live at most this much longer.
pub(super) const BUCKET_SECONDS: u64 = 128;

/// Bytes of the id that are stored. With ten million live marks, an honest login collides with another one's 12 bytes with a probability of
/// 2^-72, and would then be refused, never accepted twice.
const ID_BYTES: usize = 12;
const CLAIMANT_BYTES: usize = 8;
const SLOT_BYTES: usize = ID_BYTES + CLAIMANT_BYTES + 2;
/// A first use is stored as the seconds since a point before the bucket, so that 0 can mean an empty slot. The point is early enough for
/// the longest lifetime and any skew.
const ORIGIN_SECONDS: u64 = 8192;
/// The slots of a table at its first mark.
const FIRST_SLOTS: usize = 8;

type Slot = [u8; SLOT_BYTES];

/// A table's answer.
pub(super) enum Claim {
    First,
    AlreadyUsed { at: u64, claimant: [u8; CLAIMANT_BYTES] },
    NoPlace,
}

pub(super) struct Bucket {
    index: u64,
    spread: u64,
    /// The latest end of life of its marks.
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

    /// Looks the mark up and, if it is new and `take_place` agrees, inserts it: one step under the shard's lock.
    pub(super) fn claim(&mut self, mark: &Mark, take_place: impl FnOnce() -> bool) -> Claim {
        // The bucket lives until its last possible state has expired, not only its last mark: a dropped bucket accepts no marks any more.
        // Set this first, because an empty bucket that is dropped is closed as well.
        let end = self.index.saturating_add(1).saturating_mul(BUCKET_SECONDS);
        let grace = mark.keep_until.saturating_sub(mark.expires_at);
        self.keep_until = self.keep_until.max(end.saturating_add(grace));
        let id = Id::of(&mark.id);
        let free = match self.find(id) {
            Found::Here(slot) if claimant_of(slot) == mark.claimant => return Claim::First,
            Found::Here(slot) => {
                return Claim::AlreadyUsed { at: self.time(offset_of(slot)), claimant: claimant_of(slot) };
            }
            Found::FreeAt(position) => Some(position),
            Found::NoRoom => None,
        };
        if !take_place() {
            return Claim::NoPlace;
        }
        // At most 25/32 full: a look-up then passes eleven slots on average in the worst case, and three times as many at 7/8.
        let full = self.used.saturating_mul(32) >= self.slots.len().saturating_mul(25);
        let free = if full { self.grow(id) } else { free };
        let mut slot = [0; SLOT_BYTES];
        slot[..ID_BYTES].copy_from_slice(&mark.id[..ID_BYTES]);
        slot[ID_BYTES..ID_BYTES + CLAIMANT_BYTES].copy_from_slice(&mark.claimant);
        slot[ID_BYTES + CLAIMANT_BYTES..].copy_from_slice(&self.offset(mark.now).to_be_bytes());
        // Tables grow in time, so there is a free slot. Without one, nothing could be stored, so nothing may be first.
        let Some(free) = free.and_then(|position| self.slots.get_mut(position)) else { return Claim::NoPlace };
        *free = slot;
        self.used = self.used.saturating_add(1);
        Claim::First
    }

    /// Enlarges the table, and returns the slot for a new id.
    fn grow(&mut self, id: Id) -> Option<usize> {
        let larger = self.slots.len().saturating_add(self.slots.len() / 4).max(FIRST_SLOTS);
        let slots = vec![[0; SLOT_BYTES]; larger].into_boxed_slice();
        let old = std::mem::replace(&mut self.slots, slots);
        // In slot order, which is also the order in the larger table.
        for slot in old.iter().filter(|slot| offset_of(slot) != 0) {
            let Found::FreeAt(position) = self.find(Id::in_slot(slot)) else { continue };
            if let Some(free) = self.slots.get_mut(position) {
                *free = *slot;
            }
        }
        match self.find(id) {
            Found::FreeAt(position) => Some(position),
            _ => None,
        }
    }

    /// The slot of an id, or the free slot for it.
    fn find(&self, id: Id) -> Found<'_> {
        let start = id.place_among(self.slots.len(), self.spread);
        let (before, after) = self.slots.split_at(start);
        for (first, slots) in [(start, after), (0, before)] {
            for (position, slot) in slots.iter().enumerate() {
                if offset_of(slot) == 0 {
                    return Found::FreeAt(first.saturating_add(position));
                }
                if Id::in_slot(slot) == id {
                    return Found::Here(slot);
                }
            }
        }
        Found::NoRoom
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

/// The result of a look-up.
enum Found<'t> {
    Here(&'t Slot),
    FreeAt(usize),
    NoRoom,
}

/// The stored bytes of an id, as numbers, because comparing them is most of the work.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Id(u64, u32);

impl Id {
    fn of(id: &[u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, ..] = *id;
        Self(u64::from_ne_bytes([a, b, c, d, e, f, g, h]), u32::from_ne_bytes([i, j, k, l]))
    }

    fn in_slot(slot: &Slot) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, ..] = *slot;
        Self(u64::from_ne_bytes([a, b, c, d, e, f, g, h]), u32::from_ne_bytes([i, j, k, l]))
    }

    /// The slot of the id among `slots`. Ids are random, but an attacker can start many logins and complete those that collide; the secret
    /// number prevents that.
    fn place_among(self, slots: usize, spread: u64) -> usize {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let mixed = (self.0 ^ spread).wrapping_mul(GOLDEN).rotate_left(32).wrapping_mul(spread | 1);
        let scaled = u128::from(mixed).wrapping_mul(slots as u128) >> 64;
        usize::try_from(scaled).unwrap_or_default().min(slots)
    }
}

/// The time of the mark; 0 in an empty slot.
fn offset_of(slot: &Slot) -> u16 {
    u16::from_be_bytes([slot[SLOT_BYTES - 2], slot[SLOT_BYTES - 1]])
}

fn claimant_of(slot: &Slot) -> [u8; CLAIMANT_BYTES] {
    let mut claimant = [0; CLAIMANT_BYTES];
    claimant.copy_from_slice(&slot[ID_BYTES..ID_BYTES + CLAIMANT_BYTES]);
    claimant
}

#[cfg(test)]
mod tests;
