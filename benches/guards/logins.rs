//! Whole logins from the store's point of view: a state kept in Redis from login start to callback, compared with a
//! mark at the callback.

use std::sync::Arc;

use oauth_state::ReplayGuard;
use oauth_state::guard::Marked;
use oauth_state_redis::RedisGuard;
use serde_json::{Value, json};
use support::servers::Failure;
use support::servers::redis::{Engine, RedisServer};

use crate::Effort;
use crate::rounds::{call, compare};
use crate::stores::fresh_mark;

const TASKS: usize = 64;

/// A store's data of one login: provider, tenant, redirect_uri, return path, verifier, nonce.
fn whole_state() -> String {
    json!({
        "provider": "github", "tenant": "7f9c24e8-3b12-4b06-9d4a-1c9f2f0c7a55",
        "redirect_uri": "https://shop.example/auth/github/callback",
        "return_to": "/projects/7f9c24e8/settings/billing?tab=invoices&year=2026",
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "nonce": "n-0S6_WzA2Mj-n-0S6_WzA2",
        "created_at": 1_800_000_000_u64,
    })
    .to_string()
}

fn fresh_state() -> String {
    let mark = fresh_mark();
    let mut key = String::from("oauth:state:");
    base64::Engine::encode_string(&base64::prelude::BASE64_URL_SAFE_NO_PAD, mark.id(), &mut key);
    key
}

pub async fn measure(effort: Effort) -> Result<Value, Failure> {
    let server = RedisServer::start(Engine::Redis70, &[]).await?;
    let connection = server.connection().await?;
    let table = call(move || {
        let mut connection = connection.clone();
        async move {
            // At the login start: write the state.
            let key = fresh_state();
            let () =
                redis::cmd("SETEX").arg(&key).arg(600).arg(whole_state()).query_async(&mut connection).await.unwrap();
            // At the callback: read and delete it.
            let state: Option<String> = redis::cmd("GETDEL").arg(&key).query_async(&mut connection).await.unwrap();
            assert!(state.is_some());
        }
    });
    let guard = Arc::new(RedisGuard::builder(server.url()).budget(std::time::Duration::from_secs(5)).connect().await?);
    let marks = call(move || {
        let guard = Arc::clone(&guard);
        // At the login start: nothing. At the callback: the mark.
        async move { assert_eq!(guard.mark_used(&fresh_mark()).await.unwrap(), Marked::First) }
    });
    let results = compare(effort, TASKS, &[table, marks]).await;

    let logins = if effort.rounds > 1 { 20_000 } else { 200 };
    let waiting = bytes_for(logins, |key| vec!["SETEX".to_owned(), key, "600".to_owned(), whole_state()]).await?;
    let mark = bytes_for(logins, |key| {
        ["SET".to_owned(), key.replace("oauth:state:", "oauth-state:"), fresh_mark().value()]
            .into_iter()
            .chain(["PX", "780000", "NX"].map(str::to_owned))
            .collect()
    })
    .await?;
    let [table, marks] = [&results[0], &results[1]];
    println!("\nLogins through one Redis, {TASKS} at once");
    println!("{:<44} {:>10} {:>8} {:>22} {:>14}", "", "logins/s", "ratio", "bytes while in flight", "bytes after");
    println!(
        "{:<44} {:>10.0} {:>8.2} {:>22} {:>14}",
        "SETEX at begin, GETDEL at the callback", table.calls_per_second, 1.0, waiting, 0
    );
    println!(
        "{:<44} {:>10.0} {:>8.2} {:>22} {:>14}",
        "sealed; a mark at the callback", marks.calls_per_second, marks.throughput_ratio, 0, mark
    );
    Ok(json!({
        "tasks": TASKS, "ratio": marks.throughput_ratio, "table_per_second": table.calls_per_second,
        "marks_per_second": marks.calls_per_second, "bytes_waiting": waiting, "bytes_mark": mark,
    }))
}

/// The server's bytes for each of so many keys.
async fn bytes_for(keys: usize, command: impl Fn(String) -> Vec<String>) -> Result<u64, Failure> {
    let server = RedisServer::start(Engine::Redis70, &[]).await?;
    let used = || async {
        let information: String = server.run("INFO memory").await?;
        let used = information.lines().find_map(|line| line.strip_prefix("used_memory:")).ok_or("no used_memory")?;
        Ok::<u64, Failure>(used.trim().parse()?)
    };
    let mut connection = server.connection().await?;
    let before = used().await?;
    let mut pipe = redis::pipe();
    for _ in 0..keys {
        let words = command(fresh_state());
        pipe.cmd(&words[0]).arg(&words[1..]).ignore();
    }
    let () = pipe.query_async(&mut connection).await?;
    // The connection's own buffers shrink when it is idle.
    drop(connection);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    Ok(used().await?.saturating_sub(before) / keys as u64)
}
