//! Failover: by hand, by sentinels, and in a cluster.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use oauth_state_redis::RedisGuard;
use support::ensure;
use support::harness::Outcome;
use support::servers::proxy::{Plan, Proxy};
use support::servers::redis::{Engine, RedisServer};
use support::servers::redis_fleet::{Cluster, Sentinels};
use support::servers::{Failure, until};

use crate::redis_faults::{two, wait_for};
use crate::storm::{Aftermath, Guard, Storm, first_again, mark_new};

/// Writes within this time before a primary dies may not have been replicated.
const LAST_WRITES: Duration = Duration::from_millis(300);

pub async fn promoted_replica() -> Outcome {
    let mut primary = RedisServer::start(Engine::Redis70, &["--repl-diskless-sync-delay", "0"]).await?;
    let replication = Proxy::start(primary.port).await?;
    let port = replication.port().to_string();
    let replica = RedisServer::start(Engine::Redis70, &["--replicaof", "127.0.0.1", &port]).await?;
    // The effect of a failover on an address.
    let proxy = Proxy::start(primary.port).await?;
    let guard: Guard = Arc::new(RedisGuard::builder(format!("redis://127.0.0.1:{}", proxy.port())).connect().await?);
    until("a replica in step", || async {
        Ok(primary.run::<String>("INFO replication").await?.contains("state=online"))
    })
    .await?;
    let carried_over = mark_new(&guard, 200).await?;
    until("200 marks on the replica", || async { Ok(replica.run::<u64>("DBSIZE").await? >= 200) }).await?;
    // Replication falls behind.
    replication.plan(Plan::Slow(Duration::from_secs(60)));
    let last_writes = mark_new(&guard, 100).await?;
    primary.kill()?;
    replica.run::<()>("REPLICAOF NO ONE").await?;
    proxy.lead_to(replica.port);
    wait_for(&guard).await?;
    let lost = first_again(&guard, &last_writes).await?;
    let kept = first_again(&guard, &carried_over).await?;
    ensure!(kept == 0, "{kept} marks that the replica had were lost");
    ensure!(lost == last_writes.len(), "only {lost} were lost: the window differs from its description");
    Ok(format!(
        "{lost} of {} last writes are first again, {kept} of {} earlier ones",
        last_writes.len(),
        carried_over.len()
    ))
}

/// A manual failover: the old primary becomes a replica and keeps its connections, on which it refuses every write.
pub async fn demoted() -> Outcome {
    let primary = RedisServer::start(Engine::Redis70, &["--repl-diskless-sync-delay", "0"]).await?;
    let port = primary.port.to_string();
    let replica = RedisServer::start(Engine::Redis70, &["--replicaof", "127.0.0.1", &port]).await?;
    let proxy = Proxy::start(primary.port).await?;
    let guards = two(&format!("redis://127.0.0.1:{}", proxy.port())).await?;
    let marks = mark_new(&guards[0], 200).await?;
    until("200 marks on the replica", || async { Ok(replica.run::<u64>("DBSIZE").await? >= 200) }).await?;
    replica.run::<()>("REPLICAOF NO ONE").await?;
    proxy.lead_to(replica.port);
    primary.run::<()>(&format!("REPLICAOF 127.0.0.1 {}", replica.port)).await?;
    // Within one claim: the old primary refuses it, and the retry goes to the new primary.
    let new = mark_new(&guards[0], 50).await?;
    ensure!(first_again(&guards[1], &marks).await? + first_again(&guards[1], &new).await? == 0, "first twice");
    Ok("turned away by the old primary, the same claim is made at the new one; 0 twice".to_owned())
}

/// Nothing twice, except the writes that were not replicated at the kill.
async fn held_but_for_last_writes(
    aftermath: &Aftermath,
    killing: Range<Duration>,
    guard: &Guard,
) -> Result<String, Failure> {
    aftermath.no_honest_caller_was_refused()?;
    let twice = aftermath.twice(guard).await?;
    // A server accepts writes until it is dead, and this machine may be busy during the kill.
    let explained = |at: &Duration| *at + LAST_WRITES >= killing.start && *at <= killing.end;
    let outside = twice.iter().filter(|at| !explained(at)).count();
    ensure!(outside == 0, "{outside} ids were first twice that no failover explains; {aftermath}");
    Ok(format!("{} twice, all of the last writes (window 3); {aftermath}", twice.len()))
}

pub async fn sentinel_failover() -> Outcome {
    let mut sentinels = Sentinels::start().await?;
    let guards = two(&sentinels.url()).await?;
    let storm = Storm::start(&guards);
    // Much longer than the replication lag, so that a loss of more than the last writes is detected.
    storm.blow(1_500).await;
    let before = storm.elapsed();
    sentinels.servers[0].kill()?;
    let killed_at = storm.elapsed();
    let replica = &sentinels.servers[1];
    until("a new primary", || async { Ok(replica.run::<String>("INFO replication").await?.contains("role:master")) })
        .await?;
    let promoted_after = storm.elapsed() - killed_at;
    storm.blow(1_500).await;
    // The old primary returns and becomes a replica.
    sentinels.servers[0].restart().await?;
    storm.blow(1_500).await;
    let aftermath = storm.end().await;
    ensure!(aftermath.errors() > 0, "no caller noticed the fault");
    let held = held_but_for_last_writes(&aftermath, before..killed_at, &guards[0]).await?;
    Ok(format!("new primary after {:.1} s; {held}", promoted_after.as_secs_f64()))
}

pub async fn cluster_failover() -> Outcome {
    let mut cluster = Cluster::start(true).await?;
    let guards = two(&cluster.url()).await?;
    let storm = Storm::start(&guards);
    // Much longer than the replication lag, so that a loss of more than the last writes is detected.
    storm.blow(1_500).await;
    let killed = cluster.a_primary().await?;
    let before = storm.elapsed();
    killed.kill()?;
    let killed_at = storm.elapsed();
    let dead = killed.port;
    cluster.wait_until_whole_without(dead).await?;
    let whole_after = storm.elapsed() - killed_at;
    storm.blow(3_000).await;
    let aftermath = storm.end().await;
    ensure!(aftermath.errors() > 0, "no caller noticed the fault");
    let held = held_but_for_last_writes(&aftermath, before..killed_at, &guards[0]).await?;
    Ok(format!("whole after {:.1} s; {held}", whole_after.as_secs_f64()))
}
