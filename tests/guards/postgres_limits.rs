//! Limits of a server of Postgres: a connection that is stuck, its disk, its connections, and locks of maintenance.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use oauth_state::guard::{DangerouslyFailOpen, GuardErrorKind, Marked};
use oauth_state::{ReplayGuard, testing};
use oauth_state_postgres::{PostgresGuard, SCHEMA};
use support::ensure;
use support::harness::Outcome;
use support::servers::postgres::PostgresServer;
use support::servers::{Failure, send_signal, until};

use crate::postgres_faults::at;
use crate::postgres_setup::BUCKET;
use crate::storm::{Guard, cause, first_again, fresh_id, mark_new, mark_of};

/// One of four connections no longer answers: it is replaced, instead of making every fourth claim wait.
pub async fn stuck_connection() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    // Long enough that a busy machine makes no claim fail for another reason.
    let budget = Duration::from_secs(1);
    let guard: Guard = Arc::new(at(&server.url()).budget(budget).connect().await?);
    mark_new(&guard, 20).await?;
    let backends = server.backends("oauth-state").await?;
    ensure!(backends.len() == 4, "{} connections", backends.len());
    send_signal(backends[1], "STOP")?;
    // Claims one after the other, so that each connection gets its turn.
    let (mut slow, mut marks, start) = (Vec::new(), Vec::new(), Instant::now());
    while start.elapsed() < Duration::from_secs(3) {
        let (mark, asked) = (mark_of(fresh_id(), 1), Instant::now());
        let marked = guard.mark_used(&mark).await.map_err(|error| cause(&error))?;
        ensure!(marked == Marked::First, "its retry was told {marked:?}");
        if asked.elapsed() >= budget / 2 {
            slow.push(start.elapsed().as_millis());
        }
        marks.push(mark);
    }
    let now = server.backends("oauth-state").await?;
    ensure!(now.len() == 5, "{} connections: the stuck one was not replaced", now.len());
    // Not replaced, it would have made one wait each half second.
    ensure!(slow.len() <= 3, "slow at {slow:?} ms");
    ensure!(first_again(&guard, &marks).await? == 0, "first twice");
    send_signal(backends[1], "CONT")?;
    until("the stuck connection to end", || async { Ok(server.backends("oauth-state").await?.len() == 4) }).await?;
    Ok(format!("{} claims, {} of them slow, 0 refused; replaced", marks.len(), slow.len()))
}

/// A small file system in memory, which ends with this.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(megabytes: u32) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("oauth-state-disk-").tempdir()?;
        let size = format!("size={megabytes}m,mode=0777");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output()?;
        if !mounted.status.success() {
            let said = String::from_utf8_lossy(&mounted.stderr);
            return Err(format!("cannot mount a small disk, which needs root and CAP_SYS_ADMIN: {said}").into());
        }
        Ok(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).stdin(Stdio::null()).status();
    }
}

/// The table is on a disk that fills up: claims are refused as full, which opens no wrapper that fails open, and nothing
/// is lost.
pub async fn full_disk() -> Outcome {
    let disk = SmallDisk::mount(6)?;
    let server = PostgresServer::start(&[]).await?;
    server.execute(SCHEMA).await?;
    let tablespace = disk.0.path().join("marks");
    std::fs::create_dir(&tablespace)?;
    if support::servers::is_root() {
        Command::new("chown").arg("postgres").arg(&tablespace).status()?;
    }
    server.execute(&format!("CREATE TABLESPACE small LOCATION '{}'", tablespace.display())).await?;
    for partition in 0..16 {
        server.execute(&format!("ALTER TABLE oauth_state_marks_{partition:02} SET TABLESPACE small")).await?;
        server.execute(&format!("ALTER INDEX oauth_state_marks_{partition:02}_pkey SET TABLESPACE small")).await?;
    }
    let guard: Guard = Arc::new(at(&server.url()).without_purging().connect().await?);
    let honest = mark_new(&guard, 100).await?;
    // Something else fills the disk.
    let fill = "CREATE TABLE filler (text text) TABLESPACE small; ALTER TABLE filler ALTER text SET STORAGE plain";
    server.execute(fill).await?;
    let mut rows = 1_000;
    while rows > 0 {
        let more = format!("INSERT INTO filler SELECT repeat('x', 7000) FROM generate_series(1, {rows})");
        if server.execute(&more).await.is_err() {
            rows /= 2;
        }
    }
    let open = DangerouslyFailOpen::new(Arc::clone(&guard));
    let mut taken = 0;
    let error = loop {
        match open.mark_used(&mark_of(fresh_id(), 1)).await {
            Ok(_) if taken > 20_000 => return Err("the disk was never full".into()),
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    ensure!(error.kind() == GuardErrorKind::Full && open.let_through() == 0, "{}", cause(&error));
    let refused = PostgresGuard::builder(server.url()).connect().await;
    let told = refused.err().map(|error| error.kind());
    ensure!(told.is_none() || told == Some(GuardErrorKind::Full), "a new process is told {told:?}");
    server.execute("DROP TABLE filler").await?;
    ensure!(first_again(&guard, &honest).await? == 0, "first twice");
    ensure!(guard.mark_used(&mark_of(fresh_id(), 1)).await? == Marked::First, "refused although there is room again");
    Ok(format!("full after {taken} more; 0 of {} honest marks lost", honest.len()))
}

pub async fn max_connections() -> Outcome {
    let server = PostgresServer::start(&["max_connections=8", "superuser_reserved_connections=1"]).await?;
    server.execute(SCHEMA).await?;
    server.execute("CREATE ROLE service LOGIN; GRANT SELECT, INSERT ON oauth_state_marks TO service").await?;
    let as_service = || PostgresGuard::builder(server.url().replace("postgres@", "service@")).without_purging();
    let first: Guard = Arc::new(as_service().connect().await?);
    // The second process finds places for three of its four connections.
    let error = as_service().connect().await.err().ok_or("there was room for eight")?;
    let said = cause(&error);
    ensure!(error.kind() == GuardErrorKind::Overloaded, "{said}");
    ensure!(said.contains(" of 4 connections were made") && said.contains("raise max_connections"), "{said}");
    let marks = mark_new(&first, 20).await?;
    ensure!(first_again(&first, &marks).await? == 0, "first twice");
    Ok(said)
}

/// It waits for a reader of the partition, and claims wait behind it: those of other partitions do not.
pub async fn vacuum_full() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let guard: Guard = Arc::new(at(&server.url()).connect().await?);
    let expires_in = |seconds: u64| {
        let now = std::time::SystemTime::now();
        testing::mark(fresh_id(), [1; 8], now, now + Duration::from_secs(seconds))
    };
    let (here, elsewhere) = (|| expires_in(600), || expires_in(600 + 3 * BUCKET));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let partition = format!("oauth_state_marks_{:02}", (now + 600) / BUCKET % 16);
    let reader = server.connection().await?;
    reader.batch_execute(&format!("BEGIN; SELECT count(*) FROM {partition}")).await?;
    let operator = server.connection().await?;
    let vacuum = format!("VACUUM FULL {partition}");
    let vacuuming = tokio::spawn(async move { operator.batch_execute(&vacuum).await });
    until("VACUUM FULL to wait for its lock", || async {
        Ok(server.number("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").await? > 0)
    })
    .await?;
    let (mark, asked) = (here(), Instant::now());
    let error = guard.mark_used(&mark).await.err().ok_or("a locked partition took a mark")?;
    let took = asked.elapsed();
    ensure!(error.kind() == GuardErrorKind::Overloaded, "{}", cause(&error));
    ensure!(took < Duration::from_millis(400), "refused after {took:?}");
    ensure!(guard.mark_used(&elsewhere()).await? == Marked::First, "a claim of another partition waited");
    reader.batch_execute("COMMIT").await?;
    vacuuming.await??;
    ensure!(guard.mark_used(&mark).await? == Marked::First, "the refused claim left a mark");
    Ok(format!("refused as overloaded after {} ms; other partitions served", took.as_millis()))
}
