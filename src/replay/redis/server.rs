//! What a server says of itself, and whether it can serve as a guard.

use redis::{RedisError, Value, cmd};

use super::connection::AnyConnection;
use super::{EvictionPolicy, RedisServer, claim};
use crate::replay::GuardError;
use crate::replay::remote::CONNECT_TIME;
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
    if information.iter().any(|text| field(text, "role") == Some("slave")) {
        return Err(GuardError::misconfigured(
            "the server is a replica: marks belong on the primary. Give the primary's address, or a redis+sentinel:// URL",
        ));
    }
    let policies: Vec<_> = information.iter().map(|text| field(text, "maxmemory_policy")).collect();
    judge(&policies, evicting)?;
    try_to_claim(connection, prefix).await?;
    let version = information.first().and_then(|text| version(text));
    let policy = policies.iter().copied().find(|policy| *policy != Some("noeviction")).or(policies.first().copied());
    let maxmemory_policy = policy.flatten().map(str::to_owned);
    Ok(RedisServer { version, maxmemory_policy })
}

/// A policy that evicts forgets marks that are alive: measured, each of them lets half of the ids in twice under memory
/// pressure. `noeviction` answers an error instead, and the guard is full.
fn judge(policies: &[Option<&str>], evicting: EvictionPolicy) -> Result<(), GuardError> {
    if policies.is_empty() || policies.contains(&None) {
        tracing::warn!(
            "policy unknown: INFO was refused, so nothing tells whether the store evicts marks; it must be maxmemory-policy noeviction"
        );
    }
    let Some(policy) = policies.iter().flatten().find(|policy| **policy != "noeviction") else { return Ok(()) };
    match evicting {
        EvictionPolicy::Refuse => Err(GuardError::misconfigured(format!(
            "maxmemory-policy is {policy}: short of memory, the server forgets marks that are alive, and a state works \
             twice. Set it to noeviction, or accept that with on_evicting_policy(EvictionPolicy::DangerouslyWarn)"
        ))),
        EvictionPolicy::DangerouslyWarn => {
            tracing::warn!(
                policy,
                "maxmemory-policy evicts: short of memory, a state works twice; set it to noeviction"
            );
            Ok(())
        }
    }
}

/// The text of INFO: one of a single server, one of each node of a cluster, none if the user may not ask.
async fn information(connection: &mut AnyConnection) -> Result<Vec<String>, GuardError> {
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
async fn try_to_claim(connection: &mut AnyConnection, prefix: &str) -> Result<(), GuardError> {
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

fn field<'t>(information: &'t str, name: &str) -> Option<&'t str> {
    information.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn version(information: &str) -> Option<String> {
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
        let refused = |policies: &[Option<&str>]| judge(policies, EvictionPolicy::Refuse).map_err(|error| error.kind());
        assert_eq!(refused(&[Some("noeviction"), Some("noeviction")]), Ok(()));
        assert_eq!(refused(&[Some("noeviction"), Some("allkeys-lru")]), Err(GuardErrorKind::Misconfigured));
        assert_eq!(refused(&[Some("volatile-ttl")]), Err(GuardErrorKind::Misconfigured));
        assert_eq!(refused(&[]), Ok(()));
        assert!(judge(&[Some("allkeys-lru")], EvictionPolicy::DangerouslyWarn).is_ok());
    }
}
