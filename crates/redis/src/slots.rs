//! The map of a cluster: which primary serves which slots.

use std::collections::BTreeSet;

use crc16::{State, XMODEM};
use redis::{FromRedisValue, RedisError, Value, from_redis_value};

use oauth_state::guard::GuardError;

/// The number of slots of every cluster.
const SLOTS: u16 = 16_384;

/// A node's host and port.
pub(super) type Node = (String, u16);

/// The slot of a key. Keys of a guard have no `{`, so all of the key counts.
pub(super) fn slot_of(key: &str) -> u16 {
    State::<XMODEM>::calculate(key.as_bytes()) % SLOTS
}

/// The primaries and their slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Slots(Vec<Range>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Range {
    first: u16,
    last: u16,
    primary: Node,
}

impl Slots {
    /// Reads the reply to `CLUSTER SLOTS` of this node.
    pub(super) fn read(reply: Value, of: &Node) -> Result<Self, GuardError> {
        let unreadable = |_: RedisError| GuardError::misconfigured("the node's reply to CLUSTER SLOTS cannot be read");
        let ranges: Vec<Vec<Value>> = read(reply).map_err(unreadable)?;
        let ranges: Result<Vec<_>, _> = ranges.into_iter().map(|range| Range::read(range, of)).collect();
        let mut ranges: Vec<_> = ranges.map_err(unreadable)?.into_iter().flatten().collect();
        // A node that was reset, or belongs to no cluster yet: what others know must not be replaced by nothing.
        if ranges.is_empty() {
            return Err(GuardError::unavailable("the node knows no slot of a cluster: has the cluster been created?"));
        }
        ranges.sort_by_key(|range| range.first);
        Ok(Self(ranges))
    }

    /// The primary of a slot; `None` if no node serves it.
    pub(super) fn primary_of(&self, slot: u16) -> Option<&Node> {
        let after = self.0.partition_point(|range| range.first <= slot);
        let range = self.0.get(after.checked_sub(1)?)?;
        (slot <= range.last).then_some(&range.primary)
    }

    pub(super) fn primaries(&self) -> BTreeSet<&Node> {
        self.0.iter().map(|range| &range.primary).collect()
    }
}

impl Range {
    /// `None` for slots whose primary the node does not know.
    fn read(range: Vec<Value>, of: &Node) -> Result<Option<Self>, RedisError> {
        let mut parts = range.into_iter();
        let mut next = || parts.next().unwrap_or(Value::Nil);
        let (first, last) = (read(next())?, read(next())?);
        let mut primary = read::<Vec<Value>>(next())?.into_iter();
        let host: Option<String> = read(primary.next().unwrap_or(Value::Nil))?;
        let port = read(primary.next().unwrap_or(Value::Nil))?;
        Ok(match host.as_deref() {
            Some("?") => None,
            // "The same as the one you asked".
            None | Some("") => Some(Self { first, last, primary: (of.0.clone(), port) }),
            Some(host) => Some(Self { first, last, primary: (host.to_owned(), port) }),
        })
    }
}

fn read<T: FromRedisValue>(value: Value) -> Result<T, RedisError> {
    Ok(from_redis_value(value)?)
}

/// The node of a redirection, `MOVED 3999 10.0.0.1:6381`; without a host it is that of the node which answered.
pub(super) fn redirected(address: &str, by: &Node) -> Option<Node> {
    let (host, port) = address.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some((if host.is_empty() { by.0.clone() } else { host.to_owned() }, port.parse().ok()?))
}

#[cfg(test)]
mod tests;
