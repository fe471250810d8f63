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
use tokio::task::{JoinSet, spawn_blocking};

use crate::postgres_faults::at;
use crate::postgres_setup::{BUCKET, now, put};
use crate::redis_faults::wait_for;
use crate::storm::{CALLERS, Guard, Storm, cause, first_again, fresh_id, mark_new, mark_of};

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
        // While the first attempt to connect goes on, calls are refused as overloaded once more.
        let failed_to_connect = !cause(&error).contains("no connection to the server answers");
        Ok(error.kind() == GuardErrorKind::Unavailable && failed_to_connect)
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

/// The runtime on which the purger started ends, while the connections, which were made anew meanwhile, live on another.
pub async fn purger_is_restarted_by_a_call() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let theirs = runtime()?;
    let url = server.url();
    let connecting = theirs.spawn(async move { at(&url).purge_every(Duration::from_secs(1)).connect().await });
    let guard: Guard = Arc::new(connecting.await?.map_err(|error| cause(&error))?);
    let end_all =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'oauth-state'";
    server.number(end_all).await?;
    let before = server.backends("oauth-state").await?;
    wait_for(&guard).await?;
    let connections = server.backends("oauth-state").await?;
    ensure!(before.iter().all(|old| !connections.contains(old)), "the connections are the old ones");
    spawn_blocking(move || drop(theirs)).await?;
    put(&server, 10, now() - 2 * BUCKET, 61).await?;
    mark_new(&guard, 10).await?;
    ensure!(
        connections.iter().all(|one| *one != 0) && server.backends("oauth-state").await? == connections,
        "connected anew: that shows nothing"
    );
    until("marks to be purged", || async {
        Ok(server.number("SELECT count(*) FROM oauth_state_marks WHERE value = 'AQEBAQEBAQEAAAAB'").await? == 0)
    })
    .await?;
    Ok("purged after its runtime ended, without a new connection".to_owned())
}

/// The first host of the address accepts connections and does not answer them: the next one must get its turn.
pub async fn one_host_hangs() -> Outcome {
    let (first, second) = (PostgresServer::start(&[]).await?, PostgresServer::start(&[]).await?);
    let ports = format!("{},{}", first.port, second.port);
    let url =
        format!("host=127.0.0.1,127.0.0.1 port={ports} user=postgres dbname=postgres target_session_attrs=read-write");
    let guard: Guard = Arc::new(at(&url).connect().await?);
    mark_new(&guard, 20).await?;
    ensure!(first.number("SELECT count(*) FROM oauth_state_marks").await? == 20, "not the first host");
    let backends = first.backends("oauth-state").await?;
    first.signal("STOP")?;
    backends.iter().try_for_each(|backend| send_signal(*backend, "STOP"))?;
    let start = Instant::now();
    wait_for(&guard).await?;
    let took = start.elapsed();
    // Two attempts of two seconds each, and the pauses of a busy machine.
    ensure!(took < Duration::from_secs(10), "served after {took:?}");
    let marks = mark_new(&guard, 20).await?;
    ensure!(first_again(&guard, &marks).await? == 0, "first twice");
    backends.iter().try_for_each(|backend| send_signal(*backend, "CONT"))?;
    first.signal("CONT")?;
    Ok(format!("served by the next host after {} ms", took.as_millis()))
}
