//! The findings of `oauth-state doctor` on real servers.

use oauth_state::ReplayGuard;
use oauth_state::guard::{GuardError, Marked};
use oauth_state_postgres::{PostgresGuardBuilder, SCHEMA};
use oauth_state_redis::{Examined, OnEvictingServer, RedisGuard, RedisGuardBuilder};
use support::ensure;
use support::harness::Outcome;
use support::servers::Failure;
use support::servers::postgres::PostgresServer;
use support::servers::redis::{Engine, RedisServer};

use crate::logs::PASSWORD;
use crate::postgres_faults::at;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Ok,
    Warning,
    Error,
}

#[derive(Debug)]
struct Check {
    level: Level,
    name: &'static str,
    found: String,
}

/// All checks, by severity.
fn checks(examined: Result<Examined, GuardError>) -> Result<Vec<Check>, Failure> {
    let Examined { well, flaws, ahead, .. } = examined?;
    let well = well.into_iter().map(|(name, found)| Check { level: Level::Ok, name, found });
    let flaws = flaws.into_iter().map(|flaw| {
        let level = if flaw.fatal { Level::Error } else { Level::Warning };
        Check { level, name: flaw.name, found: flaw.found }
    });
    let level = if ahead.is_some_and(|ahead| ahead.abs() < 30_000) { Level::Ok } else { Level::Warning };
    let clock = Check { level, name: "clock", found: format!("{ahead:?}") };
    Ok(well.chain(flaws).chain([clock]).collect())
}

/// The names of the failed checks of a level.
fn wrong(checks: &[Check], level: Level) -> Vec<&str> {
    checks.iter().filter(|check| check.level == level).map(|check| check.name).collect()
}

fn found<'c>(checks: &'c [Check], name: &str) -> Result<&'c str, Failure> {
    let check = checks.iter().find(|check| check.name == name);
    Ok(&check.ok_or_else(|| format!("no check of {name}: {checks:?}"))?.found)
}

async fn redis_at(url: &str, with: impl FnOnce(RedisGuardBuilder) -> RedisGuardBuilder) -> Result<Vec<Check>, Failure> {
    checks(with(RedisGuard::builder(url)).examine().await)
}

async fn postgres_at(
    url: &str,
    with: impl FnOnce(PostgresGuardBuilder) -> PostgresGuardBuilder,
) -> Result<Vec<Check>, Failure> {
    checks(with(oauth_state_postgres::PostgresGuard::builder(url)).examine().await)
}

/// A server that loses marks must not pass, and one that keeps them must.
pub async fn redis(engine: Engine) -> Outcome {
    let server = RedisServer::start(engine, &["--appendonly", "yes"]).await?;
    let look = || async { redis_at(&server.url(), |guard| guard).await };
    let checks = look().await?;
    ensure!(checks.iter().all(|check| check.level == Level::Ok), "a good server: {checks:?}");
    let version = found(&checks, "version")?.to_owned();
    for name in ["eviction_policy", "replicas", "persistence", "claim", "clock"] {
        found(&checks, name)?;
    }
    server.run::<()>("CONFIG SET maxmemory-policy allkeys-lru").await?;
    let checks = look().await?;
    ensure!(wrong(&checks, Level::Error) == ["eviction_policy"], "allkeys-lru: {checks:?}");
    let accept = |guard: RedisGuardBuilder| guard.on_evicting_policy(OnEvictingServer::DangerouslyWarn);
    let checks = redis_at(&server.url(), accept).await?;
    let (errors, warnings) = (wrong(&checks, Level::Error), wrong(&checks, Level::Warning));
    ensure!(errors.is_empty() && warnings == ["eviction_policy"], "allkeys-lru, accepted: {checks:?}");
    server.run::<()>("CONFIG SET maxmemory-policy noeviction").await?;
    server.run::<()>("CONFIG SET appendonly no").await?;
    let checks = look().await?;
    ensure!(
        wrong(&checks, Level::Warning) == ["persistence"] && wrong(&checks, Level::Error).is_empty(),
        "no persistence: {checks:?}"
    );

    let port = server.port.to_string();
    let replica = RedisServer::start(engine, &["--replicaof", "127.0.0.1", &port]).await?;
    let checks = redis_at(&replica.url(), |guard| guard).await?;
    ensure!(wrong(&checks, Level::Error) == ["replica"], "a replica: {checks:?}");
    support::servers::until("the replica to be counted", || async {
        Ok(found(&look().await?, "replicas")?.starts_with("1:"))
    })
    .await?;

    let acl = |rights: &str| {
        format!("ACL SETUSER guard on >{PASSWORD} resetkeys ~oauth-state:* resetchannels -@all {rights}")
    };
    let as_guard = server.url().replace("redis://", &format!("redis://guard:{PASSWORD}@"));
    server.run::<()>(&acl("+set +get +ping")).await?;
    let checks = redis_at(&as_guard, |guard| guard).await?;
    ensure!(wrong(&checks, Level::Warning) == ["eviction_policy", "clock"], "without +info: {checks:?}");
    server.run::<()>(&acl("+set +get +ping +info")).await?;
    let other_prefix = redis_at(&as_guard, |guard| guard.prefix("other:")).await?;
    ensure!(wrong(&other_prefix, Level::Error) == ["claim"], "another prefix: {other_prefix:?}");
    found(&other_prefix, "version")?;
    ensure!(!format!("{checks:?}{other_prefix:?}").contains(PASSWORD), "a password was shown");

    let examined = RedisGuard::builder(server.url()).prefix("shop:production:").examine().await?;
    ensure!(examined.kept_in == [("prefix", "shop:production:".to_owned())], "{:?}", examined.kept_in);
    Ok(format!("{version}: noeviction from allkeys-lru, a replica, persistence, rights"))
}

pub async fn postgres() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let look = || async { postgres_at(&server.url(), |guard| guard).await };
    let checks = look().await?;
    ensure!(wrong(&checks, Level::Error) == ["table"], "no table: {checks:?}");
    server.execute("CREATE ROLE nobody LOGIN").await?;
    let makes = |guard: PostgresGuardBuilder| guard.create_tables();
    let checks = postgres_at(&server.url(), makes).await?;
    ensure!(checks.iter().all(|check| check.level == Level::Ok), "a table that the service creates: {checks:?}");
    ensure!(wrong(&look().await?, Level::Error) == ["table"], "the doctor created a table");
    let as_nobody = server.url().replace("postgres@", &format!("nobody:{PASSWORD}@"));
    let checks = postgres_at(&as_nobody, makes).await?;
    ensure!(wrong(&checks, Level::Error) == ["table"], "a table that no role may create: {checks:?}");
    server.execute(SCHEMA).await?;
    let checks = look().await?;
    ensure!(checks.iter().all(|check| check.level == Level::Ok), "a good server: {checks:?}");
    let version = found(&checks, "version")?.to_owned();
    for name in ["replicas", "fsync", "table", "clock"] {
        found(&checks, name)?;
    }
    // A schema for each environment, chosen by the address alone.
    server.execute("CREATE SCHEMA shop_production").await?;
    let of_its_own = format!("{}?options=-csearch_path%3Dshop_production", server.url());
    for (url, schema) in [(server.url(), "public"), (of_its_own.clone(), "shop_production")] {
        let kept_in = at(&url).create_tables().examine().await?.kept_in;
        ensure!(kept_in == [("database", "postgres".to_owned()), ("schema", schema.to_owned())], "{kept_in:?}");
    }
    let (shared, apart) = (at(&server.url()), at(&of_its_own));
    let mark = crate::storm::mark_of(crate::storm::fresh_id(), 1);
    for guard in [shared.connect().await?, apart.connect().await?] {
        ensure!(guard.mark_used(&mark).await? == Marked::First, "two schemas share a mark");
        guard.purge().await?;
    }
    server.execute("ALTER TABLE oauth_state_marks_03 SET UNLOGGED").await?;
    let checks = postgres_at(&as_nobody, |guard| guard).await?;
    ensure!(wrong(&checks, Level::Error) == ["rights", "table"], "a role without rights: {checks:?}");
    ensure!(!format!("{checks:?}").contains(PASSWORD), "a password was shown");
    server.execute("ALTER TABLE oauth_state_marks_03 SET LOGGED").await?;
    let replica = server.replica().await?;
    let checks = postgres_at(&replica.url(), |guard| guard).await?;
    ensure!(wrong(&checks, Level::Error) == ["replica"], "a replica: {checks:?}");
    let checks = look().await?;
    ensure!(found(&checks, "replicas")?.starts_with("1:"), "{checks:?}");
    Ok(format!("{version}: a replica, the table, rights"))
}
