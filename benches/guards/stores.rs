//! A guard over a store, compared with the bare command through the same client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use oauth_state::guard::{Mark, Marked};
use oauth_state::{ReplayGuard, testing};
use oauth_state_postgres::PostgresGuard;
use oauth_state_postgres::{INSERT, MarkRow};
use oauth_state_redis::RedisGuard;
use serde_json::{Value, json};
use support::servers::Failure;
use support::servers::pgbouncer::PgBouncer;
use support::servers::postgres::PostgresServer;
use support::servers::redis::{Engine, RedisServer};

use crate::Effort;
use crate::rounds::{Call, Result, call, compare};

const TASKS: [usize; 4] = [1, 16, 64, 256];

fn fresh_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut bytes).unwrap();
    bytes
}

/// A claim of a new id by a new claimant. The random bytes are drawn in one call, as for the bare command, so that only
/// the rest is compared.
pub fn fresh_mark() -> Mark {
    let now = SystemTime::now();
    let random: [u8; 24] = fresh_bytes();
    let (id, claimant) = (random.first_chunk().unwrap(), random.last_chunk().unwrap());
    testing::mark(*id, *claimant, now, now + Duration::from_secs(600))
}

/// A key for the bare command.
fn fresh_key() -> String {
    let mut key = String::from("oauth-state:");
    base64::Engine::encode_string(&base64::prelude::BASE64_URL_SAFE_NO_PAD, fresh_bytes::<16>(), &mut key);
    key
}

fn claim(guard: Arc<dyn ReplayGuard>) -> Call {
    call(move || {
        let guard = Arc::clone(&guard);
        async move { assert_eq!(guard.mark_used(&fresh_mark()).await.unwrap(), Marked::First) }
    })
}

pub async fn redis(effort: Effort) -> std::result::Result<Value, Failure> {
    let server = RedisServer::start(Engine::Redis70, &[]).await?;
    let connection = server.connection().await?;
    let command = |get: bool| {
        let connection = connection.clone();
        call(move || {
            let mut connection = connection.clone();
            async move {
                let mut set = redis::cmd("SET");
                set.arg(fresh_key()).arg("AAAAAAAAAAAAAAAA").arg("NX").arg("PX").arg(780_000);
                if get {
                    set.arg("GET");
                }
                let () = set.query_async(&mut connection).await.unwrap();
            }
        })
    };
    let (bare, with_get) = (command(false), command(true));
    let guard = claim(Arc::new(RedisGuard::builder(server.url()).budget(Duration::from_secs(5)).connect().await?));
    table(
        "Redis 7.0 on loopback: the guard compared with bare SET NX PX",
        &["SET NX PX", "SET NX GET PX", "RedisGuard"],
        effort,
        &[bare, with_get, guard],
        || async {
            server.run::<()>("FLUSHALL ASYNC").await.unwrap();
        },
    )
    .await
}

pub async fn postgres(effort: Effort) -> std::result::Result<Value, Failure> {
    let server = PostgresServer::start(&[]).await?;
    let budget = Duration::from_secs(5);
    let connect = || PostgresGuard::builder(server.url()).create_tables().without_purging().budget(budget);
    let guard = claim(Arc::new(connect().connect().await?));
    let relaxed = claim(Arc::new(connect().synchronous_commit_off().connect().await?));
    let pooler = PgBouncer::start(&server, "transaction", 4).await?;
    let pooled = PostgresGuard::builder(pooler.url()).without_purging().budget(budget);
    let pooled = claim(Arc::new(pooled.connect().await?));
    let mut clients = Vec::new();
    for _ in 0..4 {
        let client = server.connection().await?;
        let statement = client.prepare(INSERT).await?;
        clients.push((client, statement));
    }
    let (clients, turn) = (Arc::new(clients), Arc::new(AtomicUsize::new(0)));
    let bare = call(move || {
        let (clients, turn) = (Arc::clone(&clients), turn.fetch_add(1, Ordering::Relaxed));
        async move {
            let (client, statement) = &clients[turn % clients.len()];
            let row = MarkRow::of(&fresh_mark());
            let id = row.id.as_slice();
            let rows = client.execute(statement, &[&row.bucket, &id, &row.value, &row.keep_until]).await;
            assert_eq!(rows.unwrap(), 1);
        }
    });
    let names = ["prepared INSERT", "PostgresGuard", "synchronous_commit_off", "behind PgBouncer"];
    table(
        "Postgres 15 on loopback, 4 connections: the guard compared with the bare statement",
        &names,
        effort,
        &[bare, guard, relaxed, pooled],
        || async {
            server.execute("TRUNCATE oauth_state_marks").await.unwrap();
        },
    )
    .await
}

/// Compares, prints, and returns the measurements.
async fn table<F: Future<Output = ()>>(
    title: &str,
    names: &[&str],
    effort: Effort,
    contenders: &[Call],
    clean: impl Fn() -> F,
) -> std::result::Result<Value, Failure> {
    println!("\n{title}");
    println!("{:>6}  {:<24} {:>12} {:>8} {:>12} {:>8}", "tasks", "", "calls/s", "ratio", "latency µs", "ratio");
    let mut rows = Vec::new();
    for tasks in TASKS {
        let results = compare(effort, tasks, contenders).await;
        for (name, result) in names.iter().zip(&results) {
            let Result { calls_per_second, mean_latency, throughput_ratio, latency_ratio } = result;
            println!(
                "{tasks:>6}  {name:<24} {calls_per_second:>12.0} {throughput_ratio:>8.2} {mean_latency:>12.1} {latency_ratio:>8.2}"
            );
            rows.push(json!({
                "tasks": tasks, "name": name, "calls_per_second": calls_per_second, "mean_latency": mean_latency,
                "throughput_ratio": throughput_ratio, "latency_ratio": latency_ratio,
            }));
        }
        clean().await;
    }
    Ok(Value::Array(rows))
}
