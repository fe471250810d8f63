//! The guards over Postgres pools.

use std::time::{Duration, SystemTime};

use oauth_state::guard::{DangerouslyFailOpen, GuardErrorKind, Marked};
use oauth_state_postgres::{PURGE, PURGE_BATCH, purge_before};
use support::servers::postgres::PostgresServer;
use support::servers::until;

use crate::postgres_clients::Client;
use crate::{kind, new_mark, pass_the_suite, replay_of, told, unix_now};

/// The suite is about answers, not about disks.
const FAST: &[&str] = &["fsync=off", "synchronous_commit=off"];

async fn passes_the_suite<C: Client>() {
    let server = PostgresServer::start(FAST).await.unwrap();
    let one = C::with_table(&server).await;
    pass_the_suite(one, C::open(&server.url()).await).await;
}

/// An attacker can exhaust a pool, and must not open the guard with it.
async fn an_exhausted_pool_is_no_outage<C: Client>() {
    let server = PostgresServer::start(FAST).await.unwrap();
    let client = C::with_table(&server).await;
    let open = DangerouslyFailOpen::new(client.clone());
    let (mark, held) = (new_mark(), client.hold_all().await);
    assert_eq!(kind(open_guard(&open, &mark).await), GuardErrorKind::Overloaded);
    drop(held);
    assert_eq!(open_guard(&open, &mark).await.unwrap(), Marked::First);
    assert_eq!(open.let_through(), 0);
}

/// A server that is down is told from one that is busy, and a claim after its return is answered.
async fn a_database_that_is_down_is_unavailable<C: Client>() {
    let mut server = PostgresServer::start(&[]).await.unwrap();
    let client = C::with_table(&server).await;
    let used = new_mark();
    assert_eq!(client.mark_used(&used).await.unwrap(), Marked::First);
    server.kill().unwrap();
    let down = || async {
        let Err(error) = client.mark_used(&new_mark()).await else {
            return Err("the processes of the killed server have not ended".into());
        };
        match error.kind() {
            GuardErrorKind::Unavailable => Ok(true),
            // Connections that break during a claim leave its outcome unknown.
            GuardErrorKind::OutcomeUnknown | GuardErrorKind::Overloaded => Err(told(&error).into()),
            other => panic!("{other:?}: {}", told(&error)),
        }
    };
    until("a guard that calls the database down", down).await.unwrap();
    assert_eq!(kind(client.mark_used(&new_mark()).await), GuardErrorKind::Unavailable);
    server.restart().await.unwrap();
    let fresh = new_mark();
    until("a claim after the restart", || async { Ok(client.mark_used(&fresh).await.is_ok()) }).await.unwrap();
    assert!(matches!(client.mark_used(&replay_of(&fresh)).await.unwrap(), Marked::AlreadyUsed { .. }));
    assert!(matches!(client.mark_used(&replay_of(&used)).await.unwrap(), Marked::AlreadyUsed { .. }));
}

/// An error that stays must not open the guard forever.
async fn a_missing_table_does_not_fail_open<C: Client>() {
    let server = PostgresServer::start(FAST).await.unwrap();
    let open = DangerouslyFailOpen::new(C::open(&server.url()).await);
    let error = open_guard(&open, &new_mark()).await.expect_err("a guard without its table answered");
    assert!(told(&error).contains("oauth_state_marks"), "{}", told(&error));
    assert_eq!(open.let_through(), 0);
}

/// Two purgers at once delete every expired mark, and no mark that a claim may still need.
async fn purging_deletes_only_expired_marks<C: Client>() {
    let server = PostgresServer::start(FAST).await.unwrap();
    C::with_table(&server).await;
    // The rights that PURGE's documentation names.
    server
        .execute("CREATE ROLE service LOGIN; GRANT SELECT, INSERT, DELETE ON oauth_state_marks TO service")
        .await
        .unwrap();
    let client = C::open(&server.url().replace("postgres@", "service@")).await;
    let (expired, live) = (2 * PURGE_BATCH + 500, 1_000);
    put(&server, expired, unix_now() - 61).await;
    put(&server, live, unix_now() - 60 + 30).await;
    let used = new_mark();
    assert_eq!(client.mark_used(&used).await.unwrap(), Marked::First);
    let (one, other) = tokio::join!(client.purge_marks(), client.purge_marks());
    assert_eq!(one + other, expired);
    assert_eq!(server.number("SELECT count(*) FROM oauth_state_marks").await.unwrap(), live.cast_signed() + 1);
    assert!(matches!(client.mark_used(&replay_of(&used)).await.unwrap(), Marked::AlreadyUsed { .. }));
}

async fn put(server: &PostgresServer, marks: u64, keep_until: i64) {
    let rows = format!(
        "INSERT INTO oauth_state_marks SELECT n % 16, decode(md5(n::text || '{keep_until}'), 'hex'), 'AQEBAQEBAQEAAAAB', \
         {keep_until} FROM generate_series(1, {marks}) AS n"
    );
    server.execute(&rows).await.unwrap();
}

/// The server compares with its own clock.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_ahead_deletes_no_live_mark() {
    let server = PostgresServer::start(FAST).await.unwrap();
    server.execute(oauth_state_postgres::SCHEMA).await.unwrap();
    put(&server, 10, unix_now() + 600).await;
    let client = server.connection().await.unwrap();
    let ahead = purge_before(SystemTime::now() + Duration::from_secs(86_400));
    assert_eq!(client.execute(PURGE, &[&ahead]).await.unwrap(), 0);
    // One that is behind deletes less.
    put(&server, 10, unix_now() - 61).await;
    let behind = purge_before(SystemTime::now() - Duration::from_secs(86_400));
    assert_eq!(client.execute(PURGE, &[&behind]).await.unwrap(), 0);
    assert_eq!(client.execute(PURGE, &[&purge_before(SystemTime::now())]).await.unwrap(), 10);
}

/// A purger holds its turn until its transaction ends; another one meanwhile deletes nothing and does not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_purger_does_not_wait_for_the_first() {
    let server = PostgresServer::start(FAST).await.unwrap();
    server.execute(oauth_state_postgres::SCHEMA).await.unwrap();
    put(&server, 10, unix_now() - 61).await;
    let (mut one, other) = (server.connection().await.unwrap(), server.connection().await.unwrap());
    let (before, first) = (purge_before(SystemTime::now()), one.transaction().await.unwrap());
    assert_eq!(first.execute(PURGE, &[&before]).await.unwrap(), 10);
    let second = async { other.execute(PURGE, &[&before]).await.unwrap() };
    assert_eq!(tokio::time::timeout(Duration::from_secs(10), second).await.expect("it waits"), 0);
    first.rollback().await.unwrap();
    assert_eq!(other.execute(PURGE, &[&before]).await.unwrap(), 10);
}

async fn open_guard<C: Client>(
    guard: &DangerouslyFailOpen<C>,
    mark: &oauth_state::guard::Mark,
) -> Result<Marked, oauth_state::guard::GuardError> {
    oauth_state::ReplayGuard::mark_used(guard, mark).await
}

macro_rules! of_each_client {
    ($($name:ident: $guard:ty $(, $slow:meta)?);+) => {
        $(
            mod $name {
                #[tokio::test(flavor = "multi_thread")]
                $(#[$slow])?
                async fn passes_the_suite() {
                    super::passes_the_suite::<$guard>().await;
                }

                of_each_client!(@ $guard, an_exhausted_pool_is_no_outage, a_database_that_is_down_is_unavailable,
                    a_missing_table_does_not_fail_open, purging_deletes_only_expired_marks);
            }
        )+
    };
    (@ $guard:ty, $($fault:ident),+) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $fault() {
                super::$fault::<$guard>().await;
            }
        )+
    };
}

// The statements of all three are the same, so the suite runs over one of them unless asked for.
of_each_client!(
    sqlx: pools::with_sqlx::SqlxGuard;
    deadpool: pools::with_deadpool::DeadpoolGuard, ignore = "scripts/test guards --full runs it";
    diesel: pools::with_diesel::DieselGuard, ignore = "scripts/test guards --full runs it"
);
