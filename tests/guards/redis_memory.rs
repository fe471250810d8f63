//! Redis or Valkey, wiped and out of memory.

use std::sync::Arc;

use oauth_state::ReplayGuard;
use oauth_state::guard::{GuardErrorKind, Marked};
use oauth_state_redis::{OnEvictingServer, RedisGuard};
use support::ensure;
use support::harness::Outcome;
use support::servers::Failure;
use support::servers::redis::{Engine, RedisServer};

use crate::logs;
use crate::storm::{Guard, cause, first_again, fresh_id, mark_new, mark_of, replay_of};

/// Marks of honest users, made before a flood.
const HONEST: usize = 500;
/// Claims of the flood.
const FLOOD: usize = 60_000;

pub async fn wiped(engine: Engine) -> Outcome {
    let server = RedisServer::start(engine, &[]).await?;
    let guard: Guard = Arc::new(RedisGuard::builder(server.url()).connect().await?);
    let marks = mark_new(&guard, 200).await?;
    ensure!(first_again(&guard, &marks).await? == 0, "first twice before the fault");
    server.run::<()>("FLUSHALL").await?;
    let again = first_again(&guard, &marks).await?;
    ensure!(again == marks.len(), "only {again} marks were wiped");
    Ok(format!("{again} of {} used states are first again", marks.len()))
}

/// Sets the server's limit so that about 20,000 more marks fit.
async fn limit_memory(server: &RedisServer) -> Result<(), Failure> {
    let information: String = server.run("INFO memory").await?;
    let used = information.lines().find_map(|line| line.strip_prefix("used_memory:")).ok_or("no used_memory")?;
    let limit = used.trim().parse::<u64>()? + 3 * 1024 * 1024;
    server.run::<()>(&format!("CONFIG SET maxmemory {limit}")).await
}

/// Claims new ids, 64 at a time, and keeps asking for some of the attacker's own, as if they were in demand. Returns
/// how many were accepted.
async fn flood(guard: &Guard) -> Result<(usize, usize), Failure> {
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let guard = guard.clone();
        callers.spawn(async move {
            let warmed = mark_of(fresh_id(), 1);
            let (mut taken, mut full) = (0, 0);
            for number in 0..FLOOD / 64 {
                match guard.mark_used(&mark_of(fresh_id(), 1)).await {
                    Ok(_) => taken += 1,
                    Err(error) if error.kind() == GuardErrorKind::Full => full += 1,
                    Err(error) => return Err(cause(&error)),
                }
                if number % 10 == 0 {
                    let _ = guard.mark_used(&warmed).await;
                }
            }
            Ok((taken, full))
        });
    }
    let (mut taken, mut full) = (0, 0);
    while let Some(done) = callers.join_next().await {
        let (own_taken, own_full) = done??;
        (taken, full) = (taken + own_taken, full + own_full);
    }
    Ok((taken, full))
}

pub async fn full(engine: Engine) -> Outcome {
    let server = RedisServer::start(engine, &["--maxmemory-policy", "noeviction"]).await?;
    let guard: Guard = Arc::new(RedisGuard::builder(server.url()).connect().await?);
    let honest = mark_new(&guard, HONEST).await?;
    limit_memory(&server).await?;
    let (taken, refused) = flood(&guard).await?;
    ensure!(refused > 0, "the server was never full");
    let error = guard.mark_used(&mark_of(fresh_id(), 1)).await.err().ok_or("the full server took a mark")?;
    ensure!(error.kind() == GuardErrorKind::Full, "{}", cause(&error));
    // A full server refuses all claims; with room again, it still has every honest mark.
    server.run::<()>("CONFIG SET maxmemory 0").await?;
    let again = first_again(&guard, &honest).await?;
    ensure!(again == 0, "{again} honest marks were lost");
    Ok(format!("{taken} taken, {refused} refused as full; 0 of {HONEST} honest marks lost"))
}

pub async fn evicting(engine: Engine) -> Outcome {
    let server = RedisServer::start(engine, &["--maxmemory-policy", "allkeys-lru"]).await?;
    let refused = RedisGuard::builder(server.url()).connect().await.err().ok_or("an evicting server was accepted")?;
    ensure!(refused.kind() == GuardErrorKind::Misconfigured, "{}", cause(&refused));
    ensure!(cause(&refused).contains("allkeys-lru"), "{}", cause(&refused));
    let before = logs::mark();
    let builder = RedisGuard::builder(server.url()).on_evicting_policy(OnEvictingServer::DangerouslyWarn);
    let guard: Guard = Arc::new(builder.connect().await?);
    ensure!(logs::since(before).contains("evicts live marks"), "no warning");
    let honest = mark_new(&guard, HONEST).await?;
    limit_memory(&server).await?;
    let (taken, _) = flood(&guard).await?;
    let mut again = 0;
    for mark in &honest {
        again +=
            usize::from(guard.mark_used(&replay_of(mark, 9)).await.map_err(|error| cause(&error))? == Marked::First);
    }
    ensure!(again > 0, "nothing was evicted: the window differs from its description");
    Ok(format!("refused by default, warned of when accepted; {taken} taken, and {again} of {HONEST} honest marks lost"))
}
