//! A server's report, and whether the server can serve as a guard.

use std::time::SystemTime;

use redis::{ErrorKind, RedisError, ServerErrorKind, Value, cmd};

use super::any_connection::AnyConnection;
use super::claim;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_state::guard::GuardError;
use oauth_state_guard_kit::{CONNECT_TIME, Flaw, ahead, before_any_claim, clock_apart, refuse};
use rand::TryRng;
use rand::rngs::SysRng;

/// The lifetime of the trial's key, in milliseconds: longer than an attempt to connect.
const TRIAL_MILLISECONDS: u128 = CONNECT_TIME.as_millis() + 1_000;

/// The reaction to a server that evicts live keys when memory is short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnEvictingServer {
    /// Do not connect to it. This is the default.
    #[default]
    Refuse,
    /// Connect, and log a warning each time: when memory is short, such a server lets a state work twice.
    DangerouslyWarn,
}

/// The report of a server; see [`RedisGuard::server`](crate::RedisGuard::server).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisServer {
    /// For example `redis 7.0.15` or `valkey 9.1.2`; `None` if INFO was refused. For a cluster, that of one node.
    pub version: Option<String>,
    /// Whether it is a cluster.
    pub is_cluster: bool,
    /// `maxmemory-policy`; `None` if INFO was refused. For a cluster, the first that evicts.
    pub maxmemory_policy: Option<String>,
}

/// The report of a server from its answer to INFO, which came between these two times of this machine.
///
/// # Errors
///
/// `Misconfigured` if it is no primary, or evicts live keys.
pub(super) fn look_at(
    information: &[String],
    evicting: OnEvictingServer,
    (before, after): (SystemTime, SystemTime),
) -> Result<RedisServer, GuardError> {
    let clocks = clock_ahead(information, before, after).and_then(clock_apart);
    refuse(&[flaws(information, evicting), clocks.into_iter().collect()].concat())?;
    let policies: Vec<_> = policies(information).collect();
    let version = information.first().and_then(|text| version(text));
    let policy = policies.iter().copied().find(|policy| *policy != Some("noeviction")).or(policies.first().copied());
    let maxmemory_policy = policy.flatten().map(str::to_owned);
    let is_cluster = information.iter().any(|text| field(text, "cluster_enabled") == Some("1"));
    Ok(RedisServer { version, is_cluster, maxmemory_policy })
}

/// How many milliseconds the server's clock is ahead of this machine's: the largest difference of several servers.
pub(super) fn clock_ahead(information: &[String], before: SystemTime, after: SystemTime) -> Option<i64> {
    let times = information.iter().filter_map(|text| field(text, "server_time_usec")?.parse::<i64>().ok());
    let differences = times.map(|theirs| ahead(before, after, theirs.checked_div(1_000).unwrap_or(0)));
    differences.max_by_key(|ahead| ahead.unsigned_abs())
}

/// The flaws of the servers with these reports.
///
/// A policy that evicts removes live marks. In measurements, each such policy accepted half of the ids twice under
/// memory pressure. With `noeviction`, the server returns an error instead, and the guard is full.
pub(super) fn flaws(information: &[String], evicting: OnEvictingServer) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    if information.iter().any(|text| field(text, "role") == Some("slave")) {
        flaws.push(Flaw::fatal(
            "replica",
            "the server is a replica; marks must be written to the primary",
            "use the primary's address, or a redis+sentinel:// URL",
        ));
    }
    if information.is_empty() || policies(information).any(|policy| policy.is_none()) {
        flaws.push(Flaw::warning(
            "eviction_policy",
            "policy unknown: the server does not answer INFO, so it may evict marks",
            "maxmemory-policy must be noeviction; give the user +info, or check the server behind a proxy that knows no INFO",
        ));
    }
    let evicts = policies(information).flatten().find(|policy| *policy != "noeviction");
    flaws.extend(evicts.map(|policy| match evicting {
        OnEvictingServer::Refuse => Flaw::fatal(
            "eviction_policy",
            format!(
                "maxmemory-policy is {policy}: when memory is short, the server evicts live marks, and a state works twice"
            ),
            "set it to noeviction, or accept the risk with on_evicting_policy(OnEvictingServer::DangerouslyWarn)",
        ),
        OnEvictingServer::DangerouslyWarn => Flaw::warning(
            "eviction_policy",
            format!("maxmemory-policy is {policy}: when memory is short, the server evicts live marks, and a state works twice"),
            "set it to noeviction",
        ),
    }));
    flaws
}

fn policies(information: &[String]) -> impl Iterator<Item = Option<&str>> {
    information.iter().map(|text| field(text, "maxmemory_policy"))
}

/// The text of INFO: one for a single server, one for each node of a cluster, none if the user has no right to it or the
/// server, which may be a proxy, does not know the command.
pub(super) async fn information(connection: &mut AnyConnection) -> Result<Vec<String>, RedisError> {
    match cmd("INFO").query_async::<Value>(connection).await {
        Ok(Value::Map(nodes)) => {
            // A node that refuses INFO does not report its policy, and must not be skipped.
            Ok(nodes.into_iter().map(|(_, text)| redis::from_redis_value(text).unwrap_or_default()).collect())
        }
        Ok(text) => Ok(redis::from_redis_value(text).into_iter().collect()),
        Err(error) if matches!(error.code(), Some("NOPERM" | "ERR")) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// A random key for a trial claim.
pub(super) fn trial_key(prefix: &str) -> Result<String, GuardError> {
    let mut id = [0; 16];
    SysRng.try_fill_bytes(&mut id).map_err(GuardError::unavailable)?;
    Ok(format!("{prefix}trial-{}", URL_SAFE_NO_PAD.encode(id)))
}

/// Claims a trial key twice, so that an unsuitable server is found before the first callback.
pub(super) async fn try_to_claim(connection: &mut AnyConnection, key: &str) -> Result<(), GuardError> {
    let first = claim::set_unless_there(connection, key, "first", TRIAL_MILLISECONDS).await.map_err(unusable)?;
    let second = claim::set_unless_there(connection, key, "second", TRIAL_MILLISECONDS).await.map_err(unusable)?;
    let value = claim::get(connection, key).await.map_err(unusable)?;
    if first && !second && value.as_deref() == Some(b"first") { Ok(()) } else { Err(not_atomic()) }
}

fn not_atomic() -> GuardError {
    GuardError::misconfigured("SET … NX does not keep the first value on this server; it cannot serve as a guard")
}

/// The error of a server that refused, or did not answer, before any claim.
pub(super) fn unusable(error: RedisError) -> GuardError {
    #[cfg(feature = "tls")]
    if let Some(fault) = oauth_state_guard_kit::tls_fault(&error) {
        return fault;
    }
    match error.kind() {
        _ if error.code() == Some("READONLY") => GuardError::misconfigured(error),
        ErrorKind::Server(ServerErrorKind::Moved) => {
            GuardError::misconfigured("the server is a node of a cluster: use a redis+cluster:// address for it")
        }
        ErrorKind::AuthenticationFailed
        | ErrorKind::InvalidClientConfig
        // A database that does not exist or that the user may not select.
        | ErrorKind::Server(ServerErrorKind::ResponseError | ServerErrorKind::NoPerm) => {
            GuardError::misconfigured(error)
        }
        ErrorKind::Parse => GuardError::misconfigured(format!(
            "the server does not speak the Redis protocol: is this the port of another service, or one with TLS? ({error})"
        )),
        _ if error.is_timeout() => {
            GuardError::unavailable("the server did not answer while connecting; is TLS enabled on only one side?")
        }
        // Nothing but trials was sent, so no outcome is unknown.
        _ => before_any_claim(claim::failure(error).into_error()),
    }
}

pub(super) fn field<'t>(information: &'t str, name: &str) -> Option<&'t str> {
    information.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

pub(super) fn version(information: &str) -> Option<String> {
    // Valkey also reports a Redis version, for old clients.
    let valkey = field(information, "valkey_version").map(|version| format!("valkey {version}"));
    valkey.or_else(|| field(information, "redis_version").map(|version| format!("redis {version}")))
}

#[cfg(test)]
mod tests;
