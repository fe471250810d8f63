//! Claiming an id in Redis or Valkey: the two forms of asking, and what the answers mean.

use redis::{Cmd, RedisError, Value, cmd, pipe};

use super::connection::{AnyConnection, Connected};
use crate::base64url;
use crate::replay::remote::Failure;
use crate::replay::{GuardError, Mark, Marked};

/// How a server is asked "insert unless there, and say what was there".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `SET … NX GET PX`: one command, from Redis 7.0 on and in every Valkey.
    OneCommand,
    /// `SET … NX PX` and `GET`, pipelined: older servers refuse `NX` beside `GET`.
    TwoCommands,
}

/// The key of a mark: the prefix and the id's 22 printable characters. One key for each claim, so that a cluster needs no
/// hash tag.
pub(super) fn key(prefix: &str, id: &[u8; 16]) -> String {
    let mut key = String::with_capacity(prefix.len().saturating_add(base64url::encoded_len(id.len())));
    key.push_str(prefix);
    base64url::encode_onto(id, &mut key);
    key
}

/// Claims the mark's id under this prefix.
pub(super) async fn claim(connected: Connected, prefix: &str, mark: &Mark) -> Result<Marked, Failure> {
    let Connected { mut connection, form, .. } = connected;
    let (key, value) = (key(prefix, mark.id()), mark.value());
    let milliseconds = mark.keep_for().as_millis();
    let judged = match form {
        Form::OneCommand => match set_and_get(&mut connection, &key, &value, milliseconds).await {
            Ok(before) => mark.seen(before.as_deref()),
            // The command was not carried out: an older server took over, as in a rolling upgrade.
            Err(error) if is_syntax_error(&error) => {
                let after = set_then_get(&mut connection, &key, &value, milliseconds).await;
                mark.seen_after_insert(after.map_err(failure)?.as_deref())
            }
            Err(error) => return Err(failure(error)),
        },
        Form::TwoCommands => {
            let after = set_then_get(&mut connection, &key, &value, milliseconds).await;
            mark.seen_after_insert(after.map_err(failure)?.as_deref())
        }
    };
    judged.map_err(Failure::refused)
}

/// What was there before.
pub(super) async fn set_and_get(
    connection: &mut AnyConnection,
    key: &str,
    value: &str,
    milliseconds: u128,
) -> Result<Option<Vec<u8>>, RedisError> {
    set(key, value, milliseconds).arg("GET").query_async(connection).await
}

/// What is there afterwards. Both commands go to the primary, in one write.
pub(super) async fn set_then_get(
    connection: &mut AnyConnection,
    key: &str,
    value: &str,
    milliseconds: u128,
) -> Result<Option<Vec<u8>>, RedisError> {
    let mut both = pipe();
    both.add_command(set(key, value, milliseconds)).add_command(cmd("GET").arg(key).take());
    let (_, after): (Value, Option<Vec<u8>>) = both.query_async(connection).await?;
    Ok(after)
}

/// A time to live is relative: an absolute one that has passed stores nothing and lets a state in twice.
fn set(key: &str, value: &str, milliseconds: u128) -> Cmd {
    let milliseconds = u64::try_from(milliseconds).unwrap_or(u64::MAX);
    cmd("SET").arg(key).arg(value).arg("PX").arg(milliseconds).arg("NX").take()
}

/// An older server's answer to `NX` beside `GET`.
pub(super) fn is_syntax_error(error: &RedisError) -> bool {
    error.code() == Some("ERR") && error.detail().is_some_and(|detail| detail.starts_with("syntax error"))
}

/// What an error says: the server's own answer means that nothing was written; anything else, that nobody knows.
pub(super) fn failure(error: RedisError) -> Failure {
    match code(&error).as_deref() {
        Some("OOM") => Failure::refused(GuardError::full_because(error)),
        // Another server is the primary now, or this one is not ready: a new connection may find one that is.
        Some("READONLY" | "LOADING" | "MASTERDOWN") => Failure::turned_away(GuardError::unavailable(error)),
        Some("NOREPLICAS" | "CLUSTERDOWN" | "TRYAGAIN" | "MISCONF" | "BUSY" | "MOVED" | "ASK") => {
            Failure::refused(GuardError::unavailable(error))
        }
        Some(_) => Failure::refused(GuardError::misconfigured(error)),
        None => Failure::interrupted(error),
    }
}

/// The word that the server's error begins with; `None` if the error is not the server's.
fn code(error: &RedisError) -> Option<String> {
    let errors = error.clone().into_server_errors()?;
    errors.first().map(|(_, error)| error.code().to_owned())
}
