//! Statements with literals, each sent as one message together with the settings of its transaction.
//!
//! Parameters would need a message of their own, behind which a pooler could lend the connection to another client; and a prepared
//! statement would stay in the session.

use std::fmt::Write as _;

use tokio_postgres::{Client, SimpleQueryMessage};

use super::settings::{Settings, failure};
use oauth_state_guard_kit::Failure;

/// Puts literals into the places `$1`, `$2` and so on of a statement.
pub(super) fn with_literals(statement: &str, literals: &[String]) -> String {
    let places = (1_u32..).zip(literals);
    places.fold(statement.to_owned(), |text, (place, literal)| text.replace(&format!("${place}"), literal))
}

/// A `bytea`. Without a backslash, which `standard_conforming_strings = off` would read as an escape.
pub(super) fn bytes(octets: &[u8]) -> String {
    let mut literal = String::with_capacity(octets.len().saturating_mul(2).saturating_add(18));
    literal.push_str("decode('");
    for octet in octets {
        // Writing to a `String` cannot fail.
        let _ = write!(literal, "{octet:02x}");
    }
    literal.push_str("', 'hex')");
    literal
}

/// A text of base64url characters. Other characters, which could end the literal, are left out.
pub(super) fn base64url(text: &str) -> String {
    let safe = |character: &char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    format!("'{}'", text.chars().filter(safe).collect::<String>())
}

/// Runs one statement with the settings of a claim, as one transaction in one message. Returns the number of rows that it affected, after
/// its commit.
pub(super) async fn rows_affected(client: &Client, settings: &Settings, statement: &str) -> Result<u64, Failure> {
    let messages = client.simple_query(&format!("{}{statement}", settings.of_transaction())).await.map_err(failure)?;
    let rows = messages.iter().rev().find_map(|message| match message {
        SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
        _ => None,
    });
    Ok(rows.unwrap_or_default())
}

#[cfg(test)]
mod tests;
