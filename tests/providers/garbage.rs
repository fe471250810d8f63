//! Texts that were never sealed, and rows that an attacker changed in the store: refused with a reason, and never a
//! panic.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_state::Callback;
use rand::{TryRng, rngs::SysRng};
use support::ensure;
use support::harness::Outcome;
use support::servers::Failure;

use crate::stores::{Fleet, Kind, Server, Servers};
use crate::suite::{Basket, basket};

pub fn random_bytes(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    SysRng.try_fill_bytes(&mut bytes).unwrap();
    bytes
}

pub async fn texts(kind: Kind, servers: Arc<Servers>) -> Outcome {
    servers.empty().await?;
    let fleet = Fleet::new(kind, Arc::clone(&servers))?;
    let server: Server<Basket> = fleet.server().await?;
    let honest = server.state(basket(1)).await?;
    let marks_before = marks(&fleet).await?;
    let mut texts: Vec<(String, &[&str])> = Vec::new();
    // States of the other stores, with the same ring and user.
    for other in Kind::ALL.into_iter().filter(|other| *other != kind) {
        let other = Fleet { kind: other, document: fleet.document.clone(), ..Fleet::new(other, Arc::clone(&servers))? };
        let state = other.server::<Basket>().await?.state(basket(2)).await?;
        // Unchanged, and with this store's prefix.
        texts.push((format!("{}{}", kind.prefix(), &state[4..]), &["forged"]));
        texts.push((state, &["malformed"]));
    }
    for text in
        ["a", "null", "ost1", "osr1=", "%00", "{}", "\u{1f36a}", "../../etc/passwd", "' OR 1=1 --", "\r\nSET a b"]
    {
        texts.push((text.to_owned(), &["malformed"]));
    }
    texts.push(("A".repeat(2_049), &["too_long"]));
    texts.push((format!("{honest}="), &["malformed"]));
    texts.push((format!("{honest}AAAA"), &["forged"]));
    for length in 1..honest.len() {
        texts.push((honest[..length].to_owned(), &["malformed", "forged"]));
    }
    for position in 0..honest.len() {
        let mut changed = honest.clone().into_bytes();
        changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
        texts.push((String::from_utf8(changed)?, &["malformed", "unknown_key", "forged"]));
    }
    for length in 0..300 {
        let noise = URL_SAFE_NO_PAD.encode(random_bytes(length));
        texts.push((format!("{}{noise}", kind.prefix()), &["malformed", "unknown_key"]));
    }
    for (text, codes) in &texts {
        let code = match Callback::from_pairs([("code", "code"), ("state", text.as_str())]) {
            Ok(_) => server.answer(text).await,
            Err(error) => error.code(),
        };
        ensure!(codes.contains(&code), "{text:.60}: {code}, not {codes:?}");
    }
    ensure!(marks(&fleet).await? == marks_before, "the guard was asked for a text that was never sealed");
    server.expect(&honest, "finished", "the honest login after all that").await?;
    Ok(format!("{} texts refused before the guard; then the honest login finishes", texts.len()))
}

/// The number of marks of used states.
async fn marks(fleet: &Fleet) -> Result<u64, Failure> {
    match fleet.kind {
        Kind::Memory => Ok(u64::try_from(fleet.marks.len())?),
        Kind::Postgres => {
            Ok(u64::try_from(fleet.servers.postgres.number("SELECT count(*) FROM oauth_state_marks").await?)?)
        }
        Kind::Sealed | Kind::Redis => {
            let keys: Vec<String> = fleet.servers.redis.run("KEYS *").await?;
            // Rows are started logins, everything else is a mark; the guard's own trial does not count.
            Ok(u64::try_from(keys.iter().filter(|key| is_mark(key)).count())?)
        }
    }
}

fn is_mark(key: &str) -> bool {
    key.strip_prefix("oauth-state:").is_some_and(|id| !id.starts_with("row:") && id.len() == 22)
}

/// An attacker's change to one login's row, given another login's row.
type Change = (&'static str, fn(&[u8], &[u8]) -> Vec<u8>);

const CHANGES: &[Change] = &[
    ("another login's row", |_, other| other.to_vec()),
    ("nothing", |_, _| Vec::new()),
    ("one byte", |_, _| vec![1]),
    ("15 bytes, less than a tag", |row, _| row[..15].to_vec()),
    ("the tag alone", |row, _| row[row.len() - 16..].to_vec()),
    ("without its last byte", |row, _| row[..row.len() - 1].to_vec()),
    ("without its first byte", |row, _| row[1..].to_vec()),
    ("one byte more", |row, _| [row, b"\0"].concat()),
    ("its first bit turned", |row, _| turned(row, 0)),
    ("its last bit turned", |row, _| turned(row, row.len() - 1)),
    ("a bit of its middle turned", |row, _| turned(row, row.len() / 2)),
    ("its data in clear", |_, _| br#"{"owner":"mallory","items":[]}"#.to_vec()),
    ("its own half and another's", |row, other| [&row[..20], &other[20..]].concat()),
    ("a megabyte", |_, _| vec![7; 1 << 20]),
];

fn turned(row: &[u8], position: usize) -> Vec<u8> {
    let mut row = row.to_vec();
    row[position] ^= 1;
    row
}

/// The id of a handle's row: the first 16 bytes of its nonce.
pub fn row_id(state: &str) -> Result<Vec<u8>, Failure> {
    Ok(URL_SAFE_NO_PAD.decode(state)?[7..23].to_vec())
}

pub fn redis_key(state: &str) -> Result<String, Failure> {
    Ok(format!("oauth-state:row:{}", URL_SAFE_NO_PAD.encode(row_id(state)?)))
}

pub async fn redis_rows(servers: Arc<Servers>) -> Outcome {
    let server: Server<Basket> = Fleet::new(Kind::Redis, Arc::clone(&servers))?.server().await?;
    let mut connection = servers.redis.connection().await?;
    for (what, change) in CHANGES {
        let (own, other) = (server.state(basket(1)).await?, server.state(basket(2)).await?);
        let mut rows: Vec<Vec<u8>> = Vec::new();
        for state in [&own, &other] {
            rows.push(redis::cmd("GET").arg(redis_key(state)?).query_async(&mut connection).await?);
        }
        let changed = change(&rows[0], &rows[1]);
        redis::cmd("SET").arg(redis_key(&own)?).arg(changed).query_async::<()>(&mut connection).await?;
        refused(&server, &own, what).await?;
        server.expect(&other, "finished", "the other login").await?;
    }
    // A value of another type, and no value at all.
    for (command, code) in [("LPUSH", "store_unavailable"), ("DEL", "not_stored")] {
        let own = server.state(basket(1)).await?;
        let key = redis_key(&own)?;
        redis::cmd("DEL").arg(&key).query_async::<()>(&mut connection).await?;
        if command == "LPUSH" {
            redis::cmd("LPUSH").arg(&key).arg("x").query_async::<()>(&mut connection).await?;
        }
        server.expect(&own, code, command).await?;
    }
    Ok(format!("{} changes `forged`, a list `store_unavailable`, a removed row `not_stored`", CHANGES.len()))
}

async fn refused(server: &Server<Basket>, state: &str, what: &str) -> Result<(), Failure> {
    let error = server.finish(state).await.err().ok_or_else(|| format!("{what} was taken"))?;
    ensure!(error.code() == "forged", "{what}: {}", error.code());
    ensure!(
        error.diagnosis().contains("payload"),
        "{what}: the diagnosis does not name the payload: {}",
        error.diagnosis()
    );
    // A lost login is reported: its state was used up.
    server.expect(state, "already_used", what).await
}

pub async fn postgres_rows(servers: Arc<Servers>) -> Outcome {
    let server: Server<Basket> = Fleet::new(Kind::Postgres, Arc::clone(&servers))?.server().await?;
    let client = servers.postgres.connection().await?;
    for (what, change) in CHANGES {
        let (own, other) = (server.state(basket(1)).await?, server.state(basket(2)).await?);
        let mut rows: Vec<Vec<u8>> = Vec::new();
        for state in [&own, &other] {
            let found =
                client.query_one("SELECT value FROM oauth_state_rows WHERE id = $1", &[&row_id(state)?]).await?;
            rows.push(found.try_get(0)?);
        }
        let changed = change(&rows[0], &rows[1]);
        let update = "UPDATE oauth_state_rows SET value = $2 WHERE id = $1";
        ensure!(client.execute(update, &[&row_id(&own)?, &changed]).await? == 1, "no such row");
        refused(&server, &own, what).await?;
        server.expect(&other, "finished", "the other login").await?;
    }
    let own = server.state(basket(1)).await?;
    client.execute("DELETE FROM oauth_state_rows WHERE id = $1", &[&row_id(&own)?]).await?;
    server.expect(&own, "not_stored", "a removed row").await?;
    // The table changes its meaning: a column of another type.
    let own = server.state(basket(1)).await?;
    servers.postgres.execute("ALTER TABLE oauth_state_rows RENAME COLUMN value TO other").await?;
    let code = server.answer(&own).await;
    servers.postgres.execute("ALTER TABLE oauth_state_rows RENAME COLUMN other TO value").await?;
    ensure!(code == "store_unavailable", "a table without its column: {code}");
    Ok(format!("{} changes `forged`, a removed row `not_stored`, a removed column `store_unavailable`", CHANGES.len()))
}
