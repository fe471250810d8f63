//! Statements with literals, each sent as one message together with the settings of its transaction.
//!
//! Parameters would need a message of their own, behind which a pooler could lend the connection to another client; and a prepared
//! statement would stay in the session.

use std::fmt::Write as _;

use tokio_postgres::{Client, SimpleQueryMessage};

use super::errors::failure;
use super::settings::Settings;
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

/// The octets of lower-case hexadecimal digits, as `encode` writes them.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let octets = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    });
    octets.collect()
}

/// A text of base64url characters. Other characters, which could end the literal, are left out.
pub(super) fn base64url(text: &str) -> String {
    let safe = |character: &char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    format!("'{}'", text.chars().filter(safe).collect::<String>())
}

/// Runs one statement with the settings of a claim, as one transaction in one message. Returns the number of rows that it affected or
/// found, and the first value that it found, after its commit.
pub(super) async fn run(
    client: &Client,
    settings: &Settings,
    statement: &str,
) -> Result<(u64, Option<String>), Failure> {
    let messages = client.simple_query(&format!("{}{statement}", settings.of_transaction())).await.map_err(failure)?;
    let (mut found, mut last) = (None, (0, None));
    for message in &messages {
        match message {
            SimpleQueryMessage::Row(row) if found.is_none() => found = row.get(0).map(str::to_owned),
            // The settings come first, and one of them gives a row as well.
            SimpleQueryMessage::CommandComplete(rows) => last = (*rows, found.take()),
            _ => {}
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests;
