//! Connections to Postgres that no longer answer, and runtimes that end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oauth_state::ReplayGuard;
use oauth_state::guard::{DangerouslyFailOpen, GuardErrorKind};
use support::ensure;
use support::harness::Outcome;
use support::servers::postgres::PostgresServer;
use support::servers::proxy::{Plan, Proxy};
use support::servers::{Failure, send_signal, until};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::postgres_faults::at;
use crate::redis_faults::wait_for;
use crate::storm::{CALLERS, Guard, Storm, first_again, fresh_id, mark_new, mark_of};

/// A database that hangs is down, and not overloaded for as long as it hangs: a wrapper that fails open must open, and
/// calls must not wait for connections that will not come.
pub async fn all_stuck() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let guard: Guard = Arc::new(at(&server.url()).connect().await?);
    let marks = mark_new(&guard, 20).await?;
    let backends = server.backends("oauth-state").await?;
    let storm = Storm::start(std::slice::from_ref(&guard));
    storm.blow(300).await;
    server.signal("STOP")?;
    backends.iter().try_for_each(|backend| send_signal(*backend, "STOP"))?;
    let stopped = Instant::now();
    let open = DangerouslyFailOpen::new(Arc::clone(&guard));
    until("a guard that says that the database is down", || async {
        let error = guard.mark_used(&mark_of(fresh_id(), 1)).await.err().ok_or("a stopped server took a mark")?;
        Ok(error.kind() == GuardErrorKind::Unavailable)
    })
    .await?;
    let told = stopped.elapsed();
    ensure!(told < Duration::from_secs(5), "told after {told:?}");
    // All callers are refused at once from now on, while attempts to connect go on.
    let mut calls = JoinSet::new();
    for _ in 0..CALLERS {
        let open = open.clone();
        calls.spawn(async move {
            let asked = Instant::now();
            (open.mark_used(&mark_of(fresh_id(), 1)).await.is_ok(), asked.elapsed())
        });
    }
    let answers = calls.join_all().await;
    let let_through = answers.iter().filter(|(through, _)| *through).count();
    ensure!(let_through == CALLERS, "the wrapper let {let_through} of {CALLERS} through");
    backends.iter().try_for_each(|backend| send_signal(*backend, "CONT"))?;
    server.signal("CONT")?;
    storm.blow(2_500).await;
    let aftermath = storm.end().await;
    ensure!(first_again(&guard, &marks).await? == 0, "first twice");
    let slowest = answers.iter().map(|(_, took)| took.as_millis()).max().unwrap_or_default();
    Ok(format!(
        "down after {} ms, then refused within {slowest} ms; {}",
        told.as_millis(),
        aftermath.held(&guard).await?
    ))
}

fn runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}

/// Callers on runtimes of their own, which end while their calls are in flight: each took a connection with it, until none
/// was left.
pub async fn runtimes_end() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let proxy = Proxy::start(server.port).await?;
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port());
    let guard = at(&url).connect().await?;
    let mut marks = Vec::new();
    for ended in 1..=4 {
        proxy.plan(Plan::Hold("INSERT"));
        let mark = mark_of(fresh_id(), 1);
        let (caller, its) = (guard.clone(), mark_of(*mark.id(), 1));
        let theirs = runtime()?;
        theirs.spawn(async move { caller.mark_used(&its).await });
        until("a call in flight", || async { Ok(proxy.struck() >= ended) }).await?;
        theirs.shutdown_background();
        proxy.plan(Plan::Pass);
        proxy.release();
        marks.push(mark);
    }
    let shared: Guard = Arc::new(guard);
    let start = Instant::now();
    wait_for(&shared).await?;
    let took = start.elapsed();
    ensure!(took < Duration::from_secs(3), "served again after {took:?}");
    until("four connections", || async { Ok(server.backends("oauth-state").await?.len() == 4) }).await?;
    // Those calls may or may not have left their marks; each can be first once at most.
    first_again(&shared, &marks).await?;
    ensure!(first_again(&shared, &marks).await? == 0, "first twice");
    Ok(format!("{} runtimes ended; served again after {} ms", marks.len(), took.as_millis()))
}
