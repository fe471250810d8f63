//! Postgres killed, stopped, cut off, failed over, wiped, and locked.

use std::sync::Arc;

use oauth_state::ReplayGuard;
use oauth_state::guard::{GuardErrorKind, Marked};
use oauth_state_postgres::{PostgresGuard, PostgresGuardBuilder};
use support::ensure;
use support::harness::Outcome;
use support::servers::postgres::PostgresServer;
use support::servers::proxy::{Plan, Proxy};
use support::servers::{Failure, send_signal, until};

use crate::redis_faults::wait_for;
use crate::storm::{CALLERS, Guard, Storm, cause, first_again, fresh_id, mark_new, mark_of, replay_of};

pub fn at(url: &str) -> PostgresGuardBuilder {
    PostgresGuard::builder(url).create_tables()
}

pub async fn two(url: &str) -> Result<[Guard; 2], Failure> {
    Ok([Arc::new(at(url).connect().await?), Arc::new(at(url).connect().await?)])
}

fn through(proxy: &Proxy) -> String {
    format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port())
}

pub async fn killed() -> Outcome {
    let mut server = PostgresServer::start(&[]).await?;
    let guards = two(&server.url()).await?;
    let storm = Storm::start(&guards);
    storm.blow(500).await;
    server.kill()?;
    storm.blow(200).await;
    server.restart().await?;
    storm.blow(2_500).await;
    let aftermath = storm.end().await;
    ensure!(aftermath.errors() > 0, "no caller noticed the fault");
    aftermath.held(&guards[0]).await
}

pub async fn killed_relaxed() -> Outcome {
    // The log is flushed every ten seconds, so that a crash visibly loses commits. The server itself has the option
    // off, which a guard with default settings must override.
    let mut server = PostgresServer::start(&["wal_writer_delay=10s", "synchronous_commit=off"]).await?;
    let relaxed: Guard = Arc::new(at(&server.url()).synchronous_commit_off().connect().await?);
    let durable: Guard = Arc::new(at(&server.url()).connect().await?);
    let (mut rounds, mut relaxed_lost, mut durable_lost) = (0, 0, 0);
    // A crash right after a chance flush of the log loses nothing.
    while rounds < 3 || (relaxed_lost == 0 && rounds < 6) {
        rounds += 1;
        for (guard, lost) in [(&relaxed, &mut relaxed_lost), (&durable, &mut durable_lost)] {
            let marks = mark_new(guard, 100).await?;
            server.kill()?;
            server.restart().await?;
            wait_for(&durable).await?;
            wait_for(&relaxed).await?;
            *lost += first_again(&durable, &marks).await?;
        }
    }
    let of = rounds * 100;
    ensure!(durable_lost == 0, "{durable_lost} durable marks were lost");
    ensure!(relaxed_lost > 0, "nothing was lost: the window differs from its description");
    Ok(format!("{relaxed_lost} of {of} relaxed marks are first again, {durable_lost} of {of} durable ones"))
}

pub async fn stopped() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let guards = two(&server.url()).await?;
    let backends = server.backends("oauth-state").await?;
    ensure!(backends.len() == 8, "{} connections, not four for each guard", backends.len());
    let storm = Storm::start(&guards);
    storm.blow(300).await;
    server.signal("STOP")?;
    backends.iter().try_for_each(|backend| send_signal(*backend, "STOP"))?;
    storm.blow(400).await;
    let before = storm.answered();
    storm.blow(2_000).await;
    let during = storm.answered() - before;
    backends.iter().try_for_each(|backend| send_signal(*backend, "CONT"))?;
    server.signal("CONT")?;
    storm.blow(2_500).await;
    let aftermath = storm.end().await;
    ensure!(during > 2 * CALLERS as u64, "calls hang: only {during} were answered while the server was stopped");
    Ok(format!("{}; {during} calls refused while it was stopped", aftermath.held(&guards[0]).await?))
}

pub async fn reply_lost() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let proxy = Proxy::start(server.port).await?;
    let [guard, _] = two(&through(&proxy)).await?;
    let direct: Guard = Arc::new(at(&server.url()).connect().await?);
    let mut recognised = 0;
    for _ in 0..10 {
        proxy.plan(Plan::LoseReply("INSERT"));
        let mark = mark_of(fresh_id(), 1);
        // The write succeeded, its reply is lost, and the retry uses a new connection that is not cut.
        let marked = guard.mark_used(&mark).await;
        ensure!(marked.as_ref().is_ok_and(|marked| *marked == Marked::First), "its own retry was told {marked:?}");
        ensure!(direct.mark_used(&replay_of(&mark, 2)).await? != Marked::First, "first twice");
        recognised += 1;
    }
    ensure!(proxy.struck() == recognised, "{} replies were lost", proxy.struck());
    Ok(format!("{recognised} of {recognised} lost replies: the call's own retry finds its row and is first"))
}

pub async fn reset_mid_pipeline() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let proxy = Proxy::start(server.port).await?;
    let guards = two(&through(&proxy)).await?;
    let storm = Storm::start(&guards);
    for _ in 0..5 {
        storm.blow(200).await;
        proxy.plan(Plan::Reset("INSERT"));
        storm.blow(30).await;
        proxy.plan(Plan::Pass);
    }
    storm.blow(500).await;
    let aftermath = storm.end().await;
    ensure!(proxy.struck() > 0, "no connection was reset");
    let direct: Guard = Arc::new(at(&server.url()).connect().await?);
    Ok(format!("{} resets; {}", proxy.struck(), aftermath.held(&direct).await?))
}

pub async fn read_only() -> Outcome {
    let mut server = PostgresServer::start(&[]).await?;
    let guards = two(&server.url()).await?;
    let marks = mark_new(&guards[0], 50).await?;
    server.stop().await?;
    server.become_standby()?;
    server.restart().await?;
    let mut said = String::new();
    for _ in 0..100 {
        let error = guards[0].mark_used(&mark_of(fresh_id(), 1)).await.err().ok_or("a standby took a mark")?;
        said = cause(&error);
        if said.contains("read-only") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    ensure!(said.contains("read-only replica"), "{said}");
    server.execute("SELECT pg_promote()").await?;
    wait_for(&guards[0]).await?;
    ensure!(first_again(&guards[0], &marks).await? == 0, "first twice");
    // A server that becomes read-only under an open connection.
    server.execute("ALTER SYSTEM SET default_transaction_read_only = on").await?;
    server.execute("SELECT pg_reload_conf()").await?;
    until("a refusal", || async { Ok(guards[1].mark_used(&mark_of(fresh_id(), 1)).await.is_err()) }).await?;
    server.execute("ALTER SYSTEM RESET default_transaction_read_only").await?;
    server.execute("SELECT pg_reload_conf()").await?;
    wait_for(&guards[1]).await?;
    Ok(format!("refused ({}), served again after promotion, 0 twice", said.rsplit(": ").next().unwrap_or_default()))
}

pub async fn promoted_replica() -> Outcome {
    let mut primary = PostgresServer::start(&[]).await?;
    let both: Guard = Arc::new(at(&primary.url()).connect().await?);
    let mut replica = primary.replica().await?;
    let carried_over = mark_new(&both, 50).await?;
    until("50 marks on the replica", || async {
        Ok(replica.number("SELECT count(*) FROM oauth_state_marks").await? >= 50)
    })
    .await?;
    let refused = PostgresGuard::builder(replica.url()).connect().await.err().ok_or("a replica was accepted")?;
    ensure!(
        refused.kind() == GuardErrorKind::Misconfigured && cause(&refused).contains("read-only replica"),
        "{}",
        cause(&refused)
    );
    replica.stop().await?;
    let last_commits = mark_new(&both, 50).await?;
    primary.kill()?;
    replica.restart().await?;
    replica.execute("SELECT pg_promote()").await?;
    let guard: Guard = Arc::new(at(&replica.url()).connect().await?);
    let (kept, lost) = (first_again(&guard, &carried_over).await?, first_again(&guard, &last_commits).await?);
    ensure!(kept == 0, "{kept} marks that the replica had were lost");
    ensure!(lost == last_commits.len(), "only {lost} were lost: the window differs from its description");
    Ok(format!(
        "{lost} of {} last commits are first again, {kept} of {} earlier ones",
        last_commits.len(),
        carried_over.len()
    ))
}

pub async fn wiped() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let guards = two(&server.url()).await?;
    let marks = mark_new(&guards[0], 100).await?;
    ensure!(first_again(&guards[1], &marks).await? == 0, "first twice before the fault");
    server.execute("TRUNCATE oauth_state_marks").await?;
    let again = first_again(&guards[1], &marks).await?;
    ensure!(again == marks.len(), "only {again} marks were wiped");
    Ok(format!("{again} of {} used states are first again", marks.len()))
}

pub async fn lock_held() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let guards = two(&server.url()).await?;
    let operator = server.connection().await?;
    operator.batch_execute("BEGIN; LOCK TABLE oauth_state_marks IN ACCESS EXCLUSIVE MODE").await?;
    let mark = mark_of(fresh_id(), 1);
    let error = guards[0].mark_used(&mark).await.err().ok_or("a locked table took a mark")?;
    ensure!(error.kind() == GuardErrorKind::Overloaded, "{}", cause(&error));
    ensure!(cause(&error).contains("lock timeout"), "{}", cause(&error));
    let storm = Storm::start(&guards);
    storm.blow(1_000).await;
    let refused = storm.answered();
    operator.batch_execute("ROLLBACK").await?;
    storm.blow(700).await;
    let aftermath = storm.end().await;
    ensure!(refused > CALLERS as u64, "calls hang: only {refused} were answered");
    ensure!(guards[1].mark_used(&replay_of(&mark, 2)).await? == Marked::First, "the refused claim left a mark");
    Ok(format!("refused while it is held: lock timeout; {}", aftermath.held(&guards[0]).await?))
}
