//! A trial claim: the statements of a claim in each partition, rolled back.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::errors::{cannot_use, is_busy, told};
use super::literals::{base64url, bytes, with_literals};
use super::settings::Settings;
use super::table::{FIND, INSERT, PARTITIONS};
use oauth_state::guard::GuardError;
use rand::TryRng;
use rand::rngs::SysRng;

/// As long as the values of claims.
const FIRST: &str = "trial-mark-first";
const SECOND: &str = "trial-mark-other";

/// The result of a trial claim.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trial {
    Passed,
    /// Nothing was learned, for this reason. Claims may work.
    NotPossible(String),
    /// A pooler in statement mode: it allows no transaction of several statements, and closes the connection.
    NoTransactions,
}

/// Inserts a mark into each partition, once more, and reads it, as claims do, in one message; then rolls back. A column with
/// another name, a trigger that swallows rows, or a full disk is found before the first callback.
///
/// # Errors
///
/// `Misconfigured` if the table does not keep the first mark, and what the server says if it refuses.
pub(super) async fn claim(client: &Client, settings: &Settings) -> Result<Trial, GuardError> {
    let mut id = [0; 16];
    SysRng.try_fill_bytes(&mut id).map_err(GuardError::unavailable)?;
    let id = bytes(&id);
    let mut message = format!("BEGIN; {}", settings.of_transaction());
    for bucket in 0..PARTITIONS {
        let literals = |value| [bucket.to_string(), id.clone(), base64url(value), "0".to_owned()];
        for statement in [
            with_literals(INSERT, &literals(FIRST)),
            with_literals(INSERT, &literals(SECOND)),
            with_literals(FIND, &literals("")),
        ] {
            message.push_str(&statement);
            message.push_str("; ");
        }
    }
    message.push_str("ROLLBACK");
    let messages = match client.simple_query(&message).await {
        Ok(messages) => messages,
        // Another session has the table locked, or commits are slow: claims say so themselves.
        Err(error) if error.code().is_some_and(|code| is_busy(code) && *code != SqlState::DISK_FULL) => {
            return roll_back(client, told(&error)).await;
        }
        Err(error) if told(&error).contains("transaction blocks not allowed") => return Ok(Trial::NoTransactions),
        Err(error) => {
            let error = cannot_use(error);
            roll_back(client, String::new()).await?;
            return Err(error);
        }
    };
    if kept_the_first(&messages) { Ok(Trial::Passed) } else { Err(does_not_keep_the_first()) }
}

/// Ends the transaction that failed, so that the connection can be used.
async fn roll_back(client: &Client, cause: String) -> Result<Trial, GuardError> {
    client.simple_query("ROLLBACK").await.map_err(cannot_use)?;
    Ok(Trial::NotPossible(cause))
}

/// Whether each partition stored the first mark, refused the second, and had the value of the first.
fn kept_the_first(messages: &[SimpleQueryMessage]) -> bool {
    let is_first =
        |message: &&SimpleQueryMessage| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some(FIRST));
    let found = messages.iter().filter(is_first).count();
    let counts = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
        _ => None,
    });
    let changed: Vec<_> = counts.collect();
    // BEGIN and the settings come first, ROLLBACK last.
    let of_claims = usize::try_from(PARTITIONS).unwrap_or_default().saturating_mul(3);
    let claims = changed.len().checked_sub(of_claims.saturating_add(1)).and_then(|start| changed.get(start..));
    let each = claims.unwrap_or_default().chunks_exact(3).filter(|counts| **counts == [1, 0, 1]).count();
    u64::try_from(found) == Ok(PARTITIONS) && u64::try_from(each) == Ok(PARTITIONS)
}

fn does_not_keep_the_first() -> GuardError {
    GuardError::misconfigured(
        "a trial mark was not stored once and refused the second time: does a trigger or a rule of oauth_state_marks change what is \
         inserted? Recreate the table with oauth_state_postgres::SCHEMA",
    )
}
