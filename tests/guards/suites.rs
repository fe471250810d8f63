//! The suite that every guard must pass, over every engine.

use std::sync::Arc;
use std::time::Duration;

use oauth_state::ReplayGuard;
use oauth_state::guard::KnownUsedCache;
use oauth_state::testing::guard_suite;
use oauth_state_postgres::PostgresGuard;
use oauth_state_redis::{RedisGuard, RedisGuardBuilder};
use support::ensure;
use support::harness::Outcome;
use support::servers::Failure;
use support::servers::postgres::PostgresServer;
use support::servers::redis::{Engine, RedisServer, Tls};
use support::servers::redis_fleet::{Cluster, Sentinels};
use tokio::runtime::Handle;

use crate::logs;
use crate::logs::PASSWORD;

/// The suite tests the answers and not their speed: a busy machine may take its time.
const PATIENT: Duration = Duration::from_secs(10);

/// Runs the suite over two guards that share only the store.
pub async fn run<G: ReplayGuard>(one: G, other: G) -> Outcome {
    let runtime = Handle::current();
    let (one, other) = (Arc::new(one), Arc::new(other));
    let report = tokio::task::spawn_blocking(move || {
        let mut handles = [one, other].into_iter().cycle();
        let handles = std::cell::RefCell::new(&mut handles);
        let next = || handles.borrow_mut().next().expect("a cycle");
        guard_suite(next, |answer| runtime.block_on(answer))
    });
    let report = report.await??;
    ensure!(report.overlapping > 0, "no two claims of one id overlapped: that shows nothing");
    Ok(format!("one first for each of {} ids, {} claims overlapped", report.ids, report.overlapping))
}

async fn over(builder: impl Fn() -> RedisGuardBuilder) -> Outcome {
    run(builder().budget(PATIENT).connect().await?, builder().budget(PATIENT).connect().await?).await
}

pub async fn redis(engine: Engine) -> Outcome {
    let server = RedisServer::start(engine, &[]).await?;
    let guard = RedisGuard::builder(server.url()).connect().await?;
    let found = guard.server().ok_or("no server")?;
    ensure!(found.maxmemory_policy.as_deref() == Some("noeviction"), "{found:?}");
    let outcome = over(|| RedisGuard::builder(server.url())).await?;
    Ok(format!("{outcome}; {}", found.version.unwrap_or_default()))
}

pub async fn redis_over_tls() -> Outcome {
    let tls = Tls::make()?;
    let port = support::servers::free_port()?;
    let _server = RedisServer::start_with(Engine::Redis70, port, &[], Some(&tls)).await?;
    let url = format!("rediss://127.0.0.1:{port}");
    support::servers::until("a server with TLS", || async {
        Ok(RedisGuard::builder(&url).root_certificates(&tls.root).connect().await.is_ok())
    })
    .await?;
    // Only the test trusts the certificate.
    ensure!(RedisGuard::builder(&url).connect().await.is_err(), "an unknown certificate was accepted");
    over(|| RedisGuard::builder(&url).root_certificates(&tls.root)).await
}

pub async fn redis_least_rights() -> Outcome {
    let server = RedisServer::start(Engine::Redis70, &[]).await?;
    let rules =
        format!("ACL SETUSER guard on >{PASSWORD} resetkeys ~oauth-state:* resetchannels -@all +set +get +ping +info");
    server.run::<()>(&rules).await?;
    let outcome = over(|| RedisGuard::builder(server.url()).credentials("guard", PASSWORD)).await?;
    // Without INFO the policy is unknown: the guard warns about it, and works.
    server.run::<()>("ACL SETUSER guard -info").await?;
    let before = logs::mark();
    let guard = RedisGuard::builder(server.url()).credentials("guard", PASSWORD).connect().await?;
    ensure!(guard.server().is_some_and(|server| server.maxmemory_policy.is_none()), "the policy is known without INFO");
    ensure!(logs::since(before).contains("policy unknown"), "no warning");
    Ok(format!("{outcome}; without +info it warns: policy unknown"))
}

pub async fn redis_own_connection() -> Outcome {
    let server = RedisServer::start(Engine::Redis70, &[]).await?;
    let [one, other] = [server.connection().await?, server.connection().await?];
    run(
        RedisGuard::from_connection(one).budget(PATIENT).connect().await?,
        RedisGuard::from_connection(other).budget(PATIENT).connect().await?,
    )
    .await
}

pub async fn redis_behind_a_cache() -> Outcome {
    let server = RedisServer::start(Engine::Redis70, &[]).await?;
    let guard = || RedisGuard::builder(server.url()).budget(PATIENT).connect();
    // So small that it forgets constantly.
    run(KnownUsedCache::new(guard().await?, 50), KnownUsedCache::new(guard().await?, 50)).await
}

pub async fn sentinel() -> Outcome {
    let sentinels = Sentinels::start().await?;
    over(|| RedisGuard::builder(sentinels.url())).await
}

pub async fn cluster() -> Outcome {
    let cluster = Cluster::start(true).await?;
    let rules = format!(
        "ACL SETUSER guard on >{PASSWORD} resetkeys ~oauth-state:* resetchannels -@all +set +get +ping +info +asking +cluster|slots"
    );
    for server in &cluster.servers {
        server.run::<()>(&rules).await?;
    }
    let builder = || RedisGuard::builder(cluster.url()).credentials("guard", PASSWORD);
    let found = builder().connect().await?.server().ok_or("no server")?;
    ensure!(found.maxmemory_policy.as_deref() == Some("noeviction"), "{found:?}");
    let outcome = over(builder).await?;
    let mut nodes = 0;
    for server in &cluster.servers {
        nodes += usize::from(server.run::<u64>("DBSIZE").await? > 500);
    }
    ensure!(nodes == 6, "the marks are not spread over the cluster: {nodes} of 6 servers hold some");
    Ok(format!("{outcome}; spread over all nodes"))
}

pub async fn postgres() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let guard = || PostgresGuard::builder(server.url()).create_tables().budget(PATIENT).connect();
    // Both at once, as in a deployment, over a database without the table.
    let (one, other) = tokio::try_join!(guard(), guard())?;
    run(one, other).await
}

pub async fn postgres_over_tls() -> Outcome {
    let tls = Tls::make()?;
    let mut server = PostgresServer::start(&[]).await?;
    server.encrypt(&tls).await?;
    let url = format!("{}?sslmode=require", server.url());
    ensure!(PostgresGuard::builder(&url).connect().await.is_err(), "an unknown certificate was accepted");
    let guard = || PostgresGuard::builder(&url).root_certificates(&tls.root).create_tables().budget(PATIENT).connect();
    let (one, other) = (guard().await?, guard().await?);
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'oauth-state'";
    let encrypted = server.number(encrypted).await?;
    ensure!(encrypted == 8, "{encrypted} of 8 connections are encrypted");
    let outcome: Result<String, Failure> = run(one, other).await;
    outcome
}
