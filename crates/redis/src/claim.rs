//! Claiming an id in Redis or Valkey: the commands, and the meaning of the replies.

use redis::{Cmd, RedisError, Value, cmd};

use super::any_connection::{AnyConnection, Connected};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_state::guard::{GuardError, Mark, Marked};
use oauth_state_guard_kit::{Failure, LONGEST_BUDGET};

/// Characters of an id of 16 bytes in base64url.
const ID_CHARACTERS: usize = 22;

/// The key of a mark: the prefix and the id's 22 printable characters. Each claim uses one key, so a cluster needs no
/// hash tag.
pub(super) fn key(prefix: &str, id: &[u8; 16]) -> String {
    let mut key = String::with_capacity(prefix.len().saturating_add(ID_CHARACTERS));
    key.push_str(prefix);
    URL_SAFE_NO_PAD.encode_string(id, &mut key);
    key
}

/// Claims the mark's id under this prefix.
pub(super) async fn claim(connected: Connected, prefix: &str, mark: &Mark) -> Result<Marked, Failure> {
    let mut connection = connected.connection;
    let key = key(prefix, mark.id());
    // Another claim of the same state may have passed its time check and be sent a whole budget later.
    let keep_for = mark.keep_for().saturating_add(LONGEST_BUDGET);
    if set_unless_there(&mut connection, &key, &mark.value(), keep_for.as_millis()).await.map_err(failure)? {
        return Ok(Marked::First);
    }
    // A mark exists: this call's own, if its first attempt was cut off or the client sent it twice, or another's.
    let value = get(&mut connection, &key).await.map_err(failure)?;
    mark.seen_after_insert(value.as_deref()).map_err(Failure::refused)
}

/// `SET … PX … NX`: whether this call stored the value. The time to live is relative: an absolute one in the past
/// stores nothing and lets a state in twice.
pub(super) async fn set_unless_there(
    connection: &mut AnyConnection,
    key: &str,
    value: &str,
    milliseconds: u128,
) -> Result<bool, RedisError> {
    let milliseconds = u64::try_from(milliseconds).unwrap_or(u64::MAX);
    // With room for six words, so that building the command moves nothing.
    let mut set = Cmd::with_capacity(6, key.len().saturating_add(value.len()).saturating_add(32));
    set.arg("SET").arg(key).arg(value).arg("PX").arg(milliseconds).arg("NX");
    match set.query_async(connection).await? {
        Value::Okay => Ok(true),
        Value::Nil => Ok(false),
        _ => Err((redis::ErrorKind::UnexpectedReturnType, "the reply to SET NX was neither OK nor nil").into()),
    }
}

pub(super) async fn get(connection: &mut AnyConnection, key: &str) -> Result<Option<Vec<u8>>, RedisError> {
    cmd("GET").arg(key).query_async(connection).await
}

/// The meaning of an error: if the server replied, nothing was written; otherwise the outcome is unknown.
pub(super) fn failure(error: RedisError) -> Failure {
    match code(&error).as_deref() {
        Some("OOM") => Failure::refused(GuardError::because(oauth_state::guard::GuardErrorKind::Full, error)),
        // Another server is the primary now, or this one is not ready: a new connection may find one that is.
        Some("READONLY" | "LOADING" | "MASTERDOWN") => Failure::turned_away(GuardError::unavailable(error)),
        Some("NOREPLICAS" | "CLUSTERDOWN" | "TRYAGAIN" | "MISCONF") => Failure::refused(GuardError::unavailable(error)),
        // A script blocks the server.
        Some("BUSY") => Failure::refused(GuardError::overloaded(error)),
        // The credentials of the connection have expired: a new one asks for others.
        Some("NOAUTH") => Failure::turned_away(GuardError::misconfigured(error)),
        // Rights, a key of another type, an unknown syntax, or a cluster behind a redis:// address.
        Some("NOPERM" | "WRONGPASS" | "WRONGTYPE" | "ERR" | "MOVED" | "ASK") => {
            Failure::refused(GuardError::misconfigured(error))
        }
        // Not a server's answer, or a word that a proxy made up.
        _ => Failure::interrupted(error),
    }
}

/// The word that the server's error starts with; `None` if the error is not the server's.
fn code(error: &RedisError) -> Option<String> {
    let errors = error.clone().into_server_errors()?;
    errors.first().map(|(_, error)| error.code().to_owned())
}
