//! The guard over MariaDB.

use std::time::Duration;

use oauth_state::ReplayGuard;
use oauth_state::guard::{DangerouslyFailOpen, GuardErrorKind, Marked};
use pools::mariadb::{MariaDbGuard, SCHEMA, purge};
use support::servers::until;

use crate::mariadb_server::MariaDbServer;
use crate::{kind, new_mark, pass_the_suite, replay_of, told, unix_now};

async fn with_table() -> MariaDbServer {
    let server = MariaDbServer::start().await.unwrap();
    server.execute(SCHEMA).await.unwrap();
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_the_suite() {
    let server = with_table().await;
    server.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 0").await.unwrap();
    // The suite is about answers and not about their speed: a busy machine may take its time.
    let guard = async || MariaDbGuard::connect(server.options()).await?.budget(Duration::from_secs(10));
    pass_the_suite(guard().await.unwrap(), guard().await.unwrap()).await;
}

/// A server that was killed is unavailable at once, and its marks are there after its return.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_killed_is_unavailable() {
    let mut server = with_table().await;
    server.settle().await.unwrap();
    let guard = MariaDbGuard::connect(server.options()).await.unwrap();
    let used = new_mark();
    assert_eq!(guard.mark_used(&used).await.unwrap(), Marked::First);
    server.kill().unwrap();
    let first = guard.mark_used(&new_mark()).await.expect_err("the guard answered without its server");
    assert!(
        matches!(
            first.kind(),
            GuardErrorKind::Unavailable | GuardErrorKind::OutcomeUnknown | GuardErrorKind::Overloaded
        ),
        "{}",
        told(&first)
    );
    until("a guard that calls the server down", || async {
        Ok(kind(guard.mark_used(&new_mark()).await) == GuardErrorKind::Unavailable)
    })
    .await
    .unwrap();
    server.restart().await.unwrap();
    let replay = replay_of(&used);
    until("a claim after the restart", || async { Ok(guard.mark_used(&replay).await.is_ok()) }).await.unwrap();
    assert!(matches!(guard.mark_used(&replay).await.unwrap(), Marked::AlreadyUsed { .. }));
}

/// A server that takes a claim and does not answer leaves the outcome unknown; the same claimant's retry is still the first.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_leaves_the_outcome_unknown() {
    let server = with_table().await;
    let guard = MariaDbGuard::connect(server.options()).await.unwrap();
    let mark = new_mark();
    server.signal("STOP").unwrap();
    assert_eq!(kind(guard.mark_used(&mark).await), GuardErrorKind::OutcomeUnknown);
    server.signal("CONT").unwrap();
    until("a claim by the same claimant", || async { Ok(guard.mark_used(&mark).await.is_ok()) }).await.unwrap();
    assert_eq!(guard.mark_used(&mark).await.unwrap(), Marked::First);
    assert!(matches!(guard.mark_used(&replay_of(&mark)).await.unwrap(), Marked::AlreadyUsed { .. }));
}

/// Locks are load, which an attacker can cause, and no outage.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_no_outage() {
    let server = with_table().await;
    server.execute("SET GLOBAL lock_wait_timeout = 0").await.unwrap();
    let open = DangerouslyFailOpen::new(MariaDbGuard::connect(server.options()).await.unwrap());
    let mut other = server.connection().await.unwrap();
    sqlx::Executor::execute(&mut other, "LOCK TABLES oauth_state_marks WRITE").await.unwrap();
    let (mark, error) = (new_mark(), open.mark_used(&new_mark()).await.expect_err("claimed under a lock"));
    assert_eq!(error.kind(), GuardErrorKind::Overloaded, "{}", told(&error));
    sqlx::Executor::execute(&mut other, "UNLOCK TABLES").await.unwrap();
    assert_eq!(open.mark_used(&mark).await.unwrap(), Marked::First);
    assert_eq!(open.let_through(), 0);
}

/// A claim that is dropped halfway must not leave a reply that the next claim takes for its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_claim_does_not_answer_the_next_one() {
    let server = with_table().await;
    for polls in (1..=4).cycle().take(40) {
        // A new connection, which has yet to prepare its statements.
        let guard = MariaDbGuard::connect(server.options()).await.unwrap().budget(Duration::from_secs(10)).unwrap();
        let (used, dropped) = (new_mark(), new_mark());
        for mark in [&used, &dropped] {
            let mut call = guard.mark_used(mark);
            for _ in 0..polls {
                // Polled once or a few times, it is sent, or about to be.
                let poll =
                    std::future::poll_fn(|context| std::task::Poll::Ready(std::pin::Pin::new(&mut call).poll(context)));
                if poll.await.is_ready() {
                    break;
                }
            }
        }
        // Each answer is that of its own claim, whatever became of those before it.
        let (first, fresh) = (guard.mark_used(&used).await.unwrap(), new_mark());
        assert_eq!(first, Marked::First, "its own retry after {polls} polls");
        assert!(matches!(guard.mark_used(&replay_of(&used)).await.unwrap(), Marked::AlreadyUsed { .. }));
        assert_eq!(guard.mark_used(&fresh).await.unwrap(), Marked::First);
        assert!(matches!(guard.mark_used(&replay_of(&fresh)).await.unwrap(), Marked::AlreadyUsed { .. }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_serve_is_refused() {
    let server = MariaDbServer::start().await.unwrap();
    let refused = || async {
        let error = MariaDbGuard::connect(server.options()).await.err().expect("it was accepted");
        assert_eq!(error.kind(), GuardErrorKind::Misconfigured, "{}", told(&error));
        told(&error)
    };
    let said = refused().await;
    assert!(said.contains("oauth_state_marks"), "{said}");
    server.execute(SCHEMA).await.unwrap();
    server.execute("SET GLOBAL read_only = 1").await.unwrap();
    let said = refused().await;
    assert!(said.contains("read-only"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn purging_deletes_only_expired_marks() {
    let server = with_table().await;
    let mut connection = server.connection().await.unwrap();
    for (from, rows, keep_until) in [(1, 12_000, unix_now() - 61), (100_001, 50, unix_now() - 30)] {
        let put = "INSERT INTO oauth_state_marks SELECT UNHEX(MD5(seq)), 'AQEBAQEBAQEAAAAB', ? FROM seq_1_to_200000 WHERE seq BETWEEN ? AND ?";
        let put = sqlx::query(put).bind(keep_until).bind(from).bind(from + rows - 1);
        assert_eq!(put.execute(&mut connection).await.unwrap().rows_affected(), u64::try_from(rows).unwrap());
    }
    assert_eq!(purge(&server.options()).await.unwrap(), 12_000);
    let left: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM oauth_state_marks").fetch_one(&mut connection).await.unwrap();
    assert_eq!(left, 50);
}
