//! What a server says of itself, and whether it can serve as a guard.

use redis::{RedisError, Value, cmd};

use super::connection::AnyConnection;
use super::{EvictionPolicy, RedisServer, claim};
use crate::replay::GuardError;
use crate::replay::remote::{CONNECT_TIME, Flaw, refuse};
use crate::{base64url, random};

/// How long the key of the trial lives, in milliseconds: longer than the attempt to connect may take.
const TRIAL_MILLISECONDS: u128 = CONNECT_TIME.as_millis() + 1_000;

/// Looks at a server that was just connected to: is it a primary that evicts nothing, and can it be claimed
/// from?
pub(super) async fn look_at(
    connection: &mut AnyConnection,
    prefix: &str,
    evicting: EvictionPolicy,
) -> Result<RedisServer, GuardError> {
    let information = information(connection).await?;
    refuse(&flaws(&information, evicting))?;
    try_to_claim(connection, prefix).await?;
    let policies: Vec<_> = policies(&information).collect();
    let version = information.first().and_then(|text| version(text));
    let policy = policies.iter().copied().find(|policy| *policy != Some("noeviction")).or(policies.first().copied());
    let maxmemory_policy = policy.flatten().map(str::to_owned);
    Ok(RedisServer { version, maxmemory_policy })
}

/// What is wrong with the servers that said this of themselves.
///
/// A policy that evicts forgets marks that are alive: measured, each of them lets half of the ids in twice under memory
/// pressure. `noeviction` answers an error instead, and the guard is full.
pub(super) fn flaws(information: &[String], evicting: EvictionPolicy) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    if information.iter().any(|text| field(text, "role") == Some("slave")) {
        flaws.push(Flaw::fatal(
            "replica",
            "the server is a replica: marks belong on the primary",
            "give the primary's address, or a redis+sentinel:// URL",
        ));
    }
    if information.is_empty() || policies(information).any(|policy| policy.is_none()) {
        flaws.push(Flaw::warning(
            "eviction_policy",
            "policy unknown: INFO was refused, so nothing tells whether the store evicts marks",
            "it must be maxmemory-policy noeviction: let the user have +info",
        ));
    }
    let evicts = policies(information).flatten().find(|policy| *policy != "noeviction");
    flaws.extend(evicts.map(|policy| match evicting {
        EvictionPolicy::Refuse => Flaw::fatal(
            "eviction_policy",
            format!(
                "maxmemory-policy is {policy}: short of memory, the server forgets marks that are alive, and a state works twice"
            ),
            "set it to noeviction, or accept that with on_evicting_policy(EvictionPolicy::DangerouslyWarn)",
        ),
        EvictionPolicy::DangerouslyWarn => Flaw::warning(
            "eviction_policy",
            format!("maxmemory-policy evicts, it is {policy}: short of memory, a state works twice"),
            "set it to noeviction",
        ),
    }));
    flaws
}

fn policies(information: &[String]) -> impl Iterator<Item = Option<&str>> {
    information.iter().map(|text| field(text, "maxmemory_policy"))
}

/// The text of INFO: one of a single server, one of each node of a cluster, none if the user may not ask.
pub(super) async fn information(connection: &mut AnyConnection) -> Result<Vec<String>, GuardError> {
    match cmd("INFO").query_async::<Value>(connection).await {
        Ok(Value::Map(nodes)) => {
            // A node that refuses says nothing of its policy, and must not be passed over.
            Ok(nodes.into_iter().map(|(_, text)| redis::from_redis_value(text).unwrap_or_default()).collect())
        }
        Ok(text) => Ok(redis::from_redis_value(text).into_iter().collect()),
        Err(error) if error.code() == Some("NOPERM") => Ok(Vec::new()),
        Err(error) => Err(unusable(error)),
    }
}

/// Claims a key of its own twice, so that a server that cannot do it is found out before the first callback.
pub(super) async fn try_to_claim(connection: &mut AnyConnection, prefix: &str) -> Result<(), GuardError> {
    let mut id = [0; 16];
    random::operating_system(&mut id).map_err(GuardError::unavailable)?;
    let key = format!("{prefix}trial-{}", base64url::encode(id));
    let first = claim::set_unless_there(connection, &key, "first", TRIAL_MILLISECONDS).await.map_err(unusable)?;
    let second = claim::set_unless_there(connection, &key, "second", TRIAL_MILLISECONDS).await.map_err(unusable)?;
    let value = claim::get(connection, &key).await.map_err(unusable)?;
    if first && !second && value.as_deref() == Some(b"first") { Ok(()) } else { Err(not_atomic()) }
}

fn not_atomic() -> GuardError {
    GuardError::misconfigured("the server does not keep the first value under SET … NX: it cannot serve as a guard")
}

/// A server's refusal while connecting.
fn unusable(error: RedisError) -> GuardError {
    match error.code() {
        Some("READONLY") => GuardError::misconfigured(error),
        _ => claim::failure(error).into_error(),
    }
}

pub(super) fn field<'t>(information: &'t str, name: &str) -> Option<&'t str> {
    information.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

pub(super) fn version(information: &str) -> Option<String> {
    // Valkey names a version of Redis as well, for old clients.
    let valkey = field(information, "valkey_version").map(|version| format!("valkey {version}"));
    valkey.or_else(|| field(information, "redis_version").map(|version| format!("redis {version}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::GuardErrorKind;

    const INFORMATION: &str = "# Server\r\nredis_version:7.2.4\r\nvalkey_version:9.1.2\r\n# Memory\r\n\
                               maxmemory_policy:noeviction\r\n# Replication\r\nrole:master\r\n";

    #[test]
    fn fields_are_read_by_their_whole_name() {
        assert_eq!(field(INFORMATION, "role"), Some("master"));
        assert_eq!(field(INFORMATION, "maxmemory_policy"), Some("noeviction"));
        assert_eq!(field(INFORMATION, "maxmemory"), None);
        assert_eq!(version(INFORMATION).as_deref(), Some("valkey 9.1.2"));
    }

    /// One evicting node of a cluster is enough to forget marks.
    #[test]
    fn every_node_must_evict_nothing() {
        let nodes = |policies: &[&str]| -> Vec<String> {
            policies.iter().map(|policy| INFORMATION.replace("noeviction", policy)).collect()
        };
        let refused = |information: &[String]| refuse(&flaws(information, EvictionPolicy::Refuse));
        let kind = |policies: &[&str]| refused(&nodes(policies)).map_err(|error| error.kind());
        assert_eq!(kind(&["noeviction", "noeviction"]), Ok(()));
        assert_eq!(kind(&["noeviction", "allkeys-lru"]), Err(GuardErrorKind::Misconfigured));
        assert_eq!(kind(&["volatile-ttl"]), Err(GuardErrorKind::Misconfigured));
        assert!(refuse(&flaws(&nodes(&["allkeys-lru"]), EvictionPolicy::DangerouslyWarn)).is_ok());
    }

    /// Whoever may not ask is served, and told; so is one of whose nodes one says nothing.
    #[test]
    fn an_unknown_policy_is_warned_of() {
        for information in [Vec::new(), vec![INFORMATION.to_owned(), String::new()]] {
            let flaws = flaws(&information, EvictionPolicy::Refuse);
            assert!(flaws.iter().all(|flaw| flaw.name == "eviction_policy" && !flaw.fatal) && flaws.len() == 1);
        }
    }

    #[test]
    fn a_replica_is_no_guard() {
        let replica = [INFORMATION.replace("role:master", "role:slave")];
        let flaws = flaws(&replica, EvictionPolicy::DangerouslyWarn);
        assert!(flaws.iter().any(|flaw| flaw.name == "replica" && flaw.fatal));
    }
}
