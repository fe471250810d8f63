//! Purging, and servers that a guard refuses.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth_state::guard::{GuardErrorKind, Marked};
use oauth_state::{ReplayGuard, testing};
use oauth_state_postgres::PostgresGuard;
use oauth_state_postgres::SCHEMA;
use support::ensure;
use support::harness::Outcome;
use support::servers::Failure;
use support::servers::postgres::PostgresServer;
use support::servers::proxy::{Plan, Proxy};

use crate::postgres_faults::{at, two};
use crate::storm::{Guard, Storm, cause, first_again, fresh_id, mark_new, replay_of};

/// The seconds of expiry times that share a partition, and the number of partitions.
pub const BUCKET: u64 = 512;
const PARTITIONS: u64 = 16;

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Inserts rows of states that expired at this time, whose marks ended so many seconds ago.
pub async fn put(server: &PostgresServer, rows: u64, expired: u64, ended: i64) -> Result<u64, Failure> {
    let bucket = expired / BUCKET % PARTITIONS;
    let keep_until = i64::try_from(now())? - ended;
    let statement = format!(
        "INSERT INTO oauth_state_marks SELECT {bucket}, decode(md5(n::text || random()::text), 'hex'), 'AQEBAQEBAQEAAAAB', {keep_until} \
         FROM generate_series(1, {rows}) AS n"
    );
    server.execute(&statement).await?;
    Ok(bucket)
}

pub async fn purgers_at_once() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let guards = two(&server.url()).await?;
    // An hour ago and earlier: expired. An hour ago under a large skew: alive.
    put(&server, 1_000, now() - 2 * BUCKET, 61).await?;
    put(&server, 500, now() - 3 * BUCKET, 160).await?;
    put(&server, 1, now() - 4 * BUCKET, 61).await?;
    put(&server, 1, now() - 4 * BUCKET, 59 - 10).await?;
    let storm = Storm::start(&guards);
    storm.blow(200).await;
    let purger = || {
        let url = server.url();
        async move { Ok::<_, Failure>(PostgresGuard::builder(url).connect().await?.purge().await?) }
    };
    let (a, b, c, d) = tokio::try_join!(purger(), purger(), purger(), purger())?;
    let marks = a.marks + b.marks + c.marks + d.marks;
    let partitions = a.partitions + b.partitions + c.partitions + d.partitions;
    storm.blow(200).await;
    let aftermath = storm.end().await;
    // A purger that meets another's lock leaves the partition to it.
    ensure!(
        (partitions, marks) == (2, 1_500),
        "{partitions} partitions with {marks} marks were purged, not 2 with 1,500"
    );
    let left = server.number("SELECT count(*) FROM oauth_state_marks WHERE value = 'AQEBAQEBAQEAAAAB'").await?;
    ensure!(left == 2, "{left} rows are left, not the two next to a live one");
    Ok(format!(
        "1,500 marks purged once, a partition with one live mark left alone; {}",
        aftermath.held(&guards[0]).await?
    ))
}

/// The purger has checked, has the lock, and has decided to truncate; then it stops and dies. A claim made meanwhile
/// must neither be truncated nor be first twice.
pub async fn purger_stopped() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let guard: Guard = Arc::new(at(&server.url()).connect().await?);
    let proxy = Proxy::start(server.port).await?;
    let purger =
        PostgresGuard::builder(format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port())).connect().await?;
    let expired = now() - 2 * BUCKET;
    put(&server, 100, expired, 61).await?;
    // A state of the same partition that may still come, under a large skew.
    let expires_at = UNIX_EPOCH + Duration::from_secs(expired);
    let late = testing::mark(fresh_id(), [1; 8], expires_at - Duration::from_secs(60), expires_at);

    let mut told = Vec::new();
    for (needle, step) in [("LOCK TABLE", "before its lock"), ("TRUNCATE", "after its decision")] {
        proxy.plan(Plan::Hold(needle));
        let purging = tokio::spawn({
            let purger = purger.clone();
            async move { purger.purge().await }
        });
        support::servers::until("a purger that stands still", || async { Ok(proxy.struck() == told.len() + 1) })
            .await?;
        let mark = testing::mark(fresh_id(), [1; 8], late.now(), late.expires_at());
        let answer = guard.mark_used(&mark).await;
        told.push(match &answer {
            Ok(marked) => format!("{step} a claim is {marked:?}"),
            Err(error) => {
                format!("{step} a claim is refused ({})", cause(error).rsplit(": ").next().unwrap_or_default())
            }
        });
        proxy.plan(Plan::Pass);
        if step == "before its lock" {
            // Its mark has expired by its sealed time, but another server with another clock may have made it live.
            ensure!(answer.is_ok_and(|marked| marked == Marked::First), "a claim before the lock was refused");
            let keep = format!(
                "UPDATE oauth_state_marks SET keep_until = {} WHERE id = decode('{}', 'hex')",
                now() + 60,
                hex(mark.id())
            );
            server.execute(&keep).await?;
            proxy.release();
            let purged = purging.await??;
            ensure!(purged.marks == 0, "the purger decided before it had the lock: {purged:?}");
            ensure!(guard.mark_used(&replay_of_at(&mark)).await? != Marked::First, "truncated away, and first twice");
            server
                .execute(&format!(
                    "UPDATE oauth_state_marks SET keep_until = 0 WHERE id = decode('{}', 'hex')",
                    hex(mark.id())
                ))
                .await?;
        } else {
            ensure!(
                answer.is_err_and(|error| error.kind() == GuardErrorKind::Overloaded),
                "claimed under the purger's lock"
            );
            // The purger dies; nothing is truncated, and its lock is released.
            purging.abort();
            proxy.lead_to(1);
            for backend in server.backends("oauth-state").await? {
                server.execute(&format!("SELECT pg_terminate_backend({backend})")).await?;
            }
            crate::redis_faults::wait_for(&guard).await?;
            ensure!(guard.mark_used(&mark).await? == Marked::First, "the refused claim left a mark");
            ensure!(guard.mark_used(&replay_of_at(&mark)).await? != Marked::First, "first twice");
        }
    }
    Ok(told.join("; "))
}

fn replay_of_at(mark: &oauth_state::guard::Mark) -> oauth_state::guard::Mark {
    testing::mark(*mark.id(), [9; 8], mark.now(), mark.expires_at())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub async fn refused() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let refuse = |what: &'static str, url: String, said: &'static str| async move {
        let error = PostgresGuard::builder(url).connect().await.err().ok_or_else(|| format!("{what} was taken"))?;
        ensure!(cause(&error).contains(said), "{what}: {}", cause(&error));
        ensure!(error.kind() == GuardErrorKind::Misconfigured, "{what}: {}", cause(&error));
        Ok::<(), Failure>(())
    };
    let as_user = |user: &str| server.url().replace("postgres@", &format!("{user}@"));
    refuse("a database without the table", server.url(), "oauth_state_marks is missing").await?;
    refuse("a database that is not there", server.url().replace("/postgres", "/nowhere"), "does not exist").await?;
    server.execute("CREATE ROLE service LOGIN; CREATE ROLE nobody LOGIN").await?;
    // The migration may be run again, even by two sessions at once.
    let (one, other) = (server.connection().await?, server.connection().await?);
    tokio::try_join!(one.batch_execute(SCHEMA), other.batch_execute(SCHEMA))?;
    server.execute(SCHEMA).await?;
    refuse("a role without rights", as_user("nobody"), "needs SELECT and INSERT").await?;
    server.execute("ALTER TABLE oauth_state_marks_03 SET UNLOGGED").await?;
    refuse("an unlogged partition", server.url(), "UNLOGGED").await?;
    server.execute("ALTER TABLE oauth_state_marks_03 SET LOGGED").await?;
    server.execute("ALTER TABLE oauth_state_marks DROP CONSTRAINT oauth_state_marks_pkey").await?;
    refuse("a table without its key", server.url(), "lost its primary key").await?;
    server.execute("ALTER TABLE oauth_state_marks ADD PRIMARY KEY (bucket, id)").await?;
    // The least rights that are enough, as the migration lists them.
    server.execute("GRANT SELECT, INSERT ON oauth_state_marks TO service").await?;
    let guard = PostgresGuard::builder(as_user("service")).without_purging().connect().await?;
    let shared: Guard = Arc::new(guard.clone());
    let marks = mark_new(&shared, 20).await?;
    ensure!(first_again(&shared, &marks).await? == 0, "first twice");
    ensure!(shared.mark_used(&replay_of(&marks[0], 1)).await? == Marked::First, "its own retry was refused");
    let error = guard.purge().await.err().ok_or("purged without the right to")?;
    ensure!(cause(&error).contains("permission denied"), "{}", cause(&error));
    // One partition that cannot be purged must not keep the others full.
    let kept = put(&server, 10, now() - 3 * BUCKET, 61).await?;
    let others = put(&server, 10, now() - 2 * BUCKET, 61).await?;
    for partition in (0..PARTITIONS).filter(|partition| *partition != kept) {
        server.execute(&format!("GRANT SELECT, TRUNCATE ON oauth_state_marks_{partition:02} TO service")).await?;
    }
    let error = guard.purge().await.err().ok_or("purged without the right to")?;
    ensure!(error.kind() == GuardErrorKind::Misconfigured, "{}", cause(&error));
    let left = server.number(&format!("SELECT count(*) FROM oauth_state_marks_{others:02}")).await?;
    ensure!(left == 0, "{left} marks are left behind a partition that cannot be purged");
    server.execute(&format!("GRANT SELECT, TRUNCATE ON oauth_state_marks_{kept:02} TO service")).await?;
    let purged = guard.purge().await?;
    ensure!(purged.marks == 10, "{purged:?}");
    Ok("5 refused, each with its reason; the least rights serve and purge".to_owned())
}
