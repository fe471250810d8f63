//! One server of Redis or Valkey, killed, stopped, and cut off.

use std::sync::Arc;
use std::time::Duration;

use oauth_state::ReplayGuard;
use oauth_state::guard::{GuardErrorKind, Marked};
use oauth_state_redis::RedisGuard;
use support::ensure;
use support::harness::Outcome;
use support::servers::Failure;
use support::servers::proxy::{Plan, Proxy};
use support::servers::redis::{Engine, RedisServer};

use crate::storm::{CALLERS, Guard, Storm, cause, first_again, fresh_id, mark_new, mark_of, replay_of};

/// Two of our servers.
pub async fn two(url: &str) -> Result<[Guard; 2], Failure> {
    Ok([Arc::new(RedisGuard::builder(url).connect().await?), Arc::new(RedisGuard::builder(url).connect().await?)])
}

fn through(proxy: &Proxy) -> String {
    format!("redis://127.0.0.1:{}", proxy.port())
}

pub async fn killed_with_persistence(engine: Engine) -> Outcome {
    // Every write is on disk before its reply: the loss under `everysec` is the second window.
    let mut server = RedisServer::start(engine, &["--appendonly", "yes", "--appendfsync", "always"]).await?;
    let guards = two(&server.url()).await?;
    let storm = Storm::start(&guards);
    storm.blow(300).await;
    server.kill()?;
    storm.blow(400).await;
    server.restart().await?;
    storm.blow(500).await;
    let aftermath = storm.end().await;
    ensure!(aftermath.errors() > 0, "no caller noticed the fault");
    aftermath.held(&guards[0]).await
}

pub async fn killed_without_persistence(engine: Engine) -> Outcome {
    let mut server = RedisServer::start(engine, &[]).await?;
    let guards = two(&server.url()).await?;
    let marks = mark_new(&guards[0], 200).await?;
    ensure!(first_again(&guards[1], &marks).await? == 0, "first twice before the fault");
    server.kill()?;
    server.restart().await?;
    wait_for(&guards[1]).await?;
    let again = first_again(&guards[1], &marks).await?;
    ensure!(
        again == marks.len(),
        "the server kept {} marks: the window differs from its description",
        marks.len() - again
    );
    Ok(format!("{again} of {} used states are first again", marks.len()))
}

/// Waits until a guard is connected again.
pub async fn wait_for(guard: &Guard) -> Result<(), Failure> {
    support::servers::until("a guard that answers", || async {
        guard.mark_used(&mark_of(fresh_id(), 1)).await.map_err(|error| cause(&error))?;
        Ok(true)
    })
    .await
}

pub async fn stopped(engine: Engine) -> Outcome {
    let server = RedisServer::start(engine, &[]).await?;
    let guards = two(&server.url()).await?;
    let storm = Storm::start(&guards);
    storm.blow(300).await;
    server.signal("STOP")?;
    storm.blow(400).await;
    let before = storm.answered();
    storm.blow(2_000).await;
    let during = storm.answered() - before;
    server.signal("CONT")?;
    storm.blow(500).await;
    let aftermath = storm.end().await;
    ensure!(during > 2 * CALLERS as u64, "calls hang: only {during} were answered while the server was stopped");
    Ok(format!("{}; {during} calls refused while it was stopped", aftermath.held(&guards[0]).await?))
}

pub async fn down_without_a_storm(engine: Engine) -> Outcome {
    let mut server = RedisServer::start(engine, &["--appendonly", "yes", "--appendfsync", "always"]).await?;
    let proxy = Proxy::start(server.port).await?;
    let guards = two(&through(&proxy)).await?;
    let storm = Storm::start(&guards);
    storm.blow(200).await;
    let connections = proxy.accepted();
    server.kill()?;
    storm.blow(2_000).await;
    let attempts = proxy.accepted() - connections;
    server.restart().await?;
    storm.blow(2_500).await;
    let aftermath = storm.end().await;
    // Two guards with pauses that double from 100 ms with jitter: up to eight attempts each.
    ensure!(attempts <= 16, "{attempts} attempts to connect by two guards");
    Ok(format!("{attempts} attempts to connect by two guards; {}", aftermath.held(&guards[0]).await?))
}

pub async fn reply_lost(engine: Engine) -> Outcome {
    let server = RedisServer::start(engine, &[]).await?;
    let proxy = Proxy::start(server.port).await?;
    let guard: Guard = Arc::new(RedisGuard::builder(through(&proxy)).connect().await?);
    let direct: Guard = Arc::new(RedisGuard::builder(server.url()).connect().await?);
    let mut recognised = 0;
    for _ in 0..20 {
        proxy.plan(Plan::LoseReply("SET"));
        let mark = mark_of(fresh_id(), 1);
        // The write succeeded, its reply is lost, and the retry uses a new connection that is not cut.
        let marked = guard.mark_used(&mark).await;
        ensure!(marked.as_ref().is_ok_and(|marked| *marked == Marked::First), "its own retry was told {marked:?}");
        ensure!(direct.mark_used(&replay_of(&mark, 2)).await? != Marked::First, "first twice");
        recognised += 1;
    }
    ensure!(proxy.struck() == recognised, "{} replies were lost", proxy.struck());
    Ok(format!("{recognised} of {recognised} lost replies: the call's own retry finds its mark and is first"))
}

pub async fn reset_mid_pipeline(engine: Engine) -> Outcome {
    let server = RedisServer::start(engine, &[]).await?;
    let proxy = Proxy::start(server.port).await?;
    let guards = two(&through(&proxy)).await?;
    let storm = Storm::start(&guards);
    for _ in 0..5 {
        storm.blow(150).await;
        proxy.plan(Plan::Reset("SET"));
        storm.blow(50).await;
        proxy.plan(Plan::Pass);
    }
    storm.blow(300).await;
    let aftermath = storm.end().await;
    ensure!(proxy.struck() > 0, "no connection was reset");
    let direct: Guard = Arc::new(RedisGuard::builder(server.url()).connect().await?);
    Ok(format!("{} resets; {}", proxy.struck(), aftermath.held(&direct).await?))
}

pub async fn cancelled_mid_call(engine: Engine) -> Outcome {
    let server = RedisServer::start(engine, &[]).await?;
    let proxy = Proxy::start(server.port).await?;
    let guards = two(&through(&proxy)).await?;
    proxy.plan(Plan::Slow(Duration::from_millis(40)));
    let mut marks = Vec::new();
    for _ in 0..20 {
        let mark = mark_of(fresh_id(), 1);
        let cut = tokio::time::timeout(Duration::from_millis(10), guards[0].mark_used(&mark)).await;
        ensure!(cut.is_err(), "it was not cut off");
        marks.push(mark);
    }
    proxy.plan(Plan::Pass);
    for mark in &marks {
        let marked = guards[0].mark_used(mark).await.map_err(|error| cause(&error))?;
        ensure!(marked == Marked::First, "its own retry was told {marked:?}");
    }
    ensure!(first_again(&guards[1], &marks).await? == 0, "first twice");
    Ok(format!("{} of {} retries recognised, 0 twice", marks.len(), marks.len()))
}

pub async fn no_replicas(engine: Engine) -> Outcome {
    let server = RedisServer::start(engine, &[]).await?;
    let guard = RedisGuard::builder(server.url()).connect().await?;
    server.run::<()>("CONFIG SET min-replicas-to-write 1").await?;
    let mark = mark_of(fresh_id(), 1);
    let error = guard.mark_used(&mark).await.err().ok_or("a write without a replica was accepted")?;
    ensure!(error.kind() == GuardErrorKind::Unavailable, "{}", cause(&error));
    ensure!(cause(&error).contains("NOREPLICAS"), "{}", cause(&error));
    server.run::<()>("CONFIG SET min-replicas-to-write 0").await?;
    ensure!(guard.mark_used(&replay_of(&mark, 2)).await? == Marked::First, "the refused claim left a mark");
    Ok(format!("refused, nothing written: {}", cause(&error)))
}
