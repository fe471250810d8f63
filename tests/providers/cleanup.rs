//! The contents of a store: they are encrypted, and they expire.

use std::sync::Arc;
use std::time::Duration;

use oauth_state::BeginError;
use oauth_state::ring::KeyRingDocument;
use oauth_state::testing::ManualClock;
use oauth_state_postgres::PostgresPayloadStore;
use oauth_state_store::{MemoryPayloadStore, StoreErrorKind};
use support::ensure;
use support::harness::Outcome;
use support::servers::Failure;

use crate::garbage::redis_key;
use crate::stores::{Fleet, Kind, Server, Servers, at, now, timing};
use crate::suite::{Basket, basket};

/// A text that must not appear in a store.
const MARKER: &str = "correct-horse-battery-staple";

fn secret_basket(items: u32) -> Basket {
    Basket { owner: MARKER.to_owned(), items: (0..items).collect() }
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

pub async fn of_each(kind: Kind, servers: Arc<Servers>) -> Outcome {
    servers.empty().await?;
    let fleet = Fleet::new(kind, Arc::clone(&servers))?;
    let server: Server<Basket> = fleet.server().await?;
    let items = if kind == Kind::Sealed { 10 } else { 5_000 };
    let (state, small) = (server.state(secret_basket(items)).await?, server.state(secret_basket(0)).await?);
    ensure!(!state.contains(MARKER), "the data is in the URL, in clear");
    if kind != Kind::Sealed {
        ensure!(state.len() == small.len(), "the handle's length tells the length of the data");
    }
    let told = match kind {
        Kind::Sealed => nothing_stored(&servers).await?,
        Kind::Redis => redis_kept(&servers, &state).await?,
        Kind::Postgres => postgres_kept(&servers).await?,
        Kind::Memory => memory_freed(&fleet, &server).await?,
    };
    if kind != Kind::Memory {
        server.expect(&state, "finished", "what was looked at").await?;
    }
    Ok(told)
}

async fn nothing_stored(servers: &Servers) -> Outcome {
    let keys: Vec<String> = servers.redis.run("KEYS *").await?;
    ensure!(keys.iter().all(|key| !key.contains("row:")), "a sealed login left a row");
    ensure!(servers.postgres.number("SELECT count(*) FROM oauth_state_rows").await? == 0, "a sealed login left a row");
    Ok("nothing is stored when a login begins".to_owned())
}

async fn redis_kept(servers: &Servers, state: &str) -> Outcome {
    let mut connection = servers.redis.connection().await?;
    let mut keys: Vec<String> = servers.redis.run("KEYS *").await?;
    // The guard tries the server when it connects; those keys expire within a second or two.
    keys.retain(|key| key.contains("row:"));
    ensure!(keys.len() == 2 && keys.contains(&redis_key(state)?), "{} rows for two logins", keys.len());
    let all: Vec<String> = servers.redis.run("KEYS *").await?;
    ensure!(all.iter().all(|key| key.starts_with("oauth-state:")), "a key outside of the prefix");
    let mut bytes = 0;
    for key in &keys {
        let value: Vec<u8> = redis::cmd("GET").arg(key).query_async(&mut connection).await?;
        ensure!(!holds(&value, MARKER.as_bytes()) && !holds(&value, b"owner"), "the row is in clear");
        bytes += value.len();
        let left: i64 = redis::cmd("PTTL").arg(key).query_async(&mut connection).await?;
        // 600 s of lifetime, and the skew of either server.
        ensure!((700_000..=720_000).contains(&left), "{left} ms to live, not 720 s");
    }
    ensure!(bytes > 5_000, "only {bytes} bytes: the data is not there at all");
    Ok(format!("{bytes} bytes of ciphertext under the prefix, 720 s to live"))
}

async fn postgres_kept(servers: &Servers) -> Outcome {
    let rows =
        servers.postgres.connection().await?.query("SELECT value, keep_until FROM oauth_state_rows", &[]).await?;
    ensure!(rows.len() == 2, "{} rows for two logins", rows.len());
    let mut bytes = 0;
    for row in rows {
        let (value, keep_until): (Vec<u8>, i64) = (row.try_get(0)?, row.try_get(1)?);
        ensure!(!holds(&value, MARKER.as_bytes()) && !holds(&value, b"owner"), "the row is in clear");
        bytes += value.len();
        let left = keep_until - i64::try_from(now())?;
        ensure!((700..=720).contains(&left), "{left} s to live, not 720");
    }
    ensure!(bytes > 5_000, "only {bytes} bytes: the data is not there at all");
    // Also the files on disk, including the write-ahead log.
    servers.postgres.execute("CHECKPOINT").await?;
    ensure!(!folder_holds(&servers.postgres.data(), MARKER.as_bytes())?, "a file of the database holds it in clear");
    Ok(format!("{bytes} bytes of ciphertext, 720 s to live; no file of the database holds it in clear"))
}

fn folder_holds(folder: &std::path::Path, needle: &[u8]) -> Result<bool, Failure> {
    let needle = memchr_like(needle);
    for part in ["base", "pg_wal"] {
        let mut folders = vec![folder.join(part)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    folders.push(entry.path());
                } else if needle(&std::fs::read(entry.path())?) {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// A search that compares only the first byte where possible.
fn memchr_like(needle: &[u8]) -> impl Fn(&[u8]) -> bool + '_ {
    move |bytes| {
        let mut rest = bytes;
        while let Some(position) = rest.iter().position(|byte| *byte == needle[0]) {
            rest = &rest[position..];
            if rest.starts_with(needle) {
                return true;
            }
            rest = &rest[1..];
        }
        false
    }
}

async fn memory_freed(fleet: &Fleet, server: &Server<Basket>) -> Outcome {
    for number in 0..1_000 {
        let _ = server.state(basket(number)).await?;
    }
    ensure!(fleet.memory.len() == 1_002, "{} rows for 1,002 logins", fleet.memory.len());
    fleet.clock.advance(Duration::from_secs(719));
    let _ = server.state(basket(0)).await?;
    ensure!(fleet.memory.len() == 1_003, "freed before its time: {}", fleet.memory.len());
    fleet.clock.advance(Duration::from_secs(1));
    let last = server.state(basket(7)).await?;
    ensure!(fleet.memory.len() == 2, "{} rows, not the two that are alive", fleet.memory.len());
    server.expect(&last, "finished", "a live login after the cleaning").await?;
    Ok("1,002 rows kept for 720 s and freed in the next second".to_owned())
}

pub async fn memory_full(servers: Arc<Servers>) -> Outcome {
    let mut fleet = Fleet::new(Kind::Memory, servers)?;
    fleet.memory = Arc::new(MemoryPayloadStore::with_capacity(100));
    let server: Server<Basket> = fleet.server().await?;
    let mut states = Vec::new();
    for number in 0..100 {
        states.push(server.state(basket(number)).await?);
    }
    for _ in 0..100 {
        match server.begin(basket(0)).await {
            Err(BeginError::Store(error)) if error.kind() == StoreErrorKind::Full => {}
            other => return Err(format!("a full store: {:?}", other.err()).into()),
        }
    }
    for state in &states {
        server.expect(state, "finished", "a login that began before it was full").await?;
    }
    Ok("100 refused with `the state store is full`, 100 earlier ones finish".to_owned())
}

/// The servers do not wait for one another, and none deletes live rows.
pub async fn postgres_at_once(servers: Arc<Servers>) -> Outcome {
    servers.empty().await?;
    let fleet = Fleet::new(Kind::Postgres, Arc::clone(&servers))?;
    let server: Arc<Server<Basket>> = Arc::new(fleet.server().await?);
    // Started by a server whose clock is far behind, so that they have expired.
    let early = Fleet { clock: ManualClock::at(now() - 10_000), ..Fleet::new(Kind::Postgres, Arc::clone(&servers))? };
    let early: Server<Basket> = Fleet { document: old_document()?, ..early }.server().await?;
    for number in 0..20 {
        let _ = early.state(basket(number)).await?;
    }
    const BULK: i64 = 12_000;
    let over = i64::try_from(now())? - 70;
    let bulk = format!(
        "INSERT INTO oauth_state_rows SELECT decode(md5(n::text || random()::text), 'hex'), '\\x00', {over} FROM generate_series(1, {BULK}) AS n; \
         INSERT INTO oauth_state_rows SELECT decode(md5(n::text || random()::text), 'hex'), '\\x00', {} FROM generate_series(1, 500) AS n",
        now() + 1
    );
    servers.postgres.execute(&bulk).await?;
    let mut alive = Vec::new();
    for number in 0..100 {
        alive.push(server.state(basket(number)).await?);
    }
    let mut cleaners = Vec::new();
    for _ in 0..4 {
        cleaners.push(PostgresPayloadStore::from_guard(&servers.postgres_guard().await?).await?);
    }
    let signing_in = async {
        for (number, state) in alive.iter().enumerate() {
            server.expect(state, "finished", "during the cleaning").await?;
            let state = server.state(basket(u32::try_from(number)?)).await?;
            server.expect(&state, "finished", "started and finished during the cleaning").await?;
        }
        Ok::<_, Failure>(())
    };
    let clean = |cleaner: usize| {
        let cleaner = cleaners[cleaner].clone();
        async move { Ok::<_, Failure>(cleaner.clean_up().await?) }
    };
    let (a, b, c, d, ()) = tokio::try_join!(clean(0), clean(1), clean(2), clean(3), signing_in)?;
    // Once more: a batch that others had locked was skipped.
    let left = cleaners[0].clean_up().await?;
    let deleted = a + b + c + d + left;
    ensure!(deleted == u64::try_from(BULK)? + 20, "{deleted} rows deleted, not {} ", BULK + 20);
    let kept = servers.postgres.number("SELECT count(*) FROM oauth_state_rows").await?;
    ensure!(kept == 500 + 200, "{kept} rows are left, not the 700 whose time is not over");
    Ok(format!("{deleted} rows deleted once by four ({a}, {b}, {c}, {d}), 700 live ones left; 200 logins meanwhile"))
}

/// A ring that has sealed for a long time.
fn old_document() -> Result<KeyRingDocument, Failure> {
    Ok(KeyRingDocument::first(timing(), at(now() - 20_000))?)
}
