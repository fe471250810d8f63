//! What `oauth-state doctor` says of real servers.

use std::time::Duration;

use oauth_state::doctor::{self, Check, Level, StoreOptions};
use oauth_state::postgres::SCHEMA;
use oauth_state::{Marked, ReplayGuard};

use crate::cases::Outcome;
use crate::ensure;
use crate::logs::PASSWORD;
use crate::servers::Failure;
use crate::servers::postgres::PostgresServer;
use crate::servers::redis::{Engine, RedisServer};

const SKEW: Duration = Duration::from_secs(60);

/// The names of what is not well, by how bad it is.
fn wrong(checks: &[Check], level: Level) -> Vec<&str> {
    checks.iter().filter(|check| check.level == level).map(|check| check.name).collect()
}

fn level_of(checks: &[Check], name: &str) -> Option<Level> {
    checks.iter().find(|check| check.name == name).map(|check| check.level)
}

fn production() -> Option<(String, String)> {
    Some(("shop".to_owned(), "production".to_owned()))
}

fn found<'c>(checks: &'c [Check], name: &str) -> Result<&'c str, Failure> {
    let check = checks.iter().find(|check| check.name == name);
    Ok(&check.ok_or_else(|| format!("nothing is said of {name}: {checks:?}"))?.found)
}

/// A server that forgets marks must not be called well, nor one that keeps them wrong.
pub async fn redis(engine: Engine) -> Outcome {
    let server = RedisServer::start(engine, &["--appendonly", "yes"]).await?;
    let look = || doctor::redis(server.url(), StoreOptions::default(), SKEW);
    let checks = look().await;
    ensure!(checks.iter().all(|check| check.level == Level::Ok), "a server that is well: {checks:?}");
    let version = found(&checks, "version")?.to_owned();
    for name in ["eviction_policy", "replicas", "persistence", "claim", "clock"] {
        found(&checks, name)?;
    }
    server.run::<()>("CONFIG SET maxmemory-policy allkeys-lru").await?;
    let checks = look().await;
    ensure!(wrong(&checks, Level::Error) == ["eviction_policy"], "allkeys-lru: {checks:?}");
    let accepted = StoreOptions { accept_eviction: true, ..StoreOptions::default() };
    let checks = doctor::redis(server.url(), accepted, SKEW).await;
    let (errors, warnings) = (wrong(&checks, Level::Error), wrong(&checks, Level::Warning));
    ensure!(errors.is_empty() && warnings == ["eviction_policy"], "allkeys-lru, accepted: {checks:?}");
    server.run::<()>("CONFIG SET maxmemory-policy noeviction").await?;
    server.run::<()>("CONFIG SET appendonly no").await?;
    let checks = look().await;
    ensure!(
        wrong(&checks, Level::Warning) == ["persistence"] && wrong(&checks, Level::Error).is_empty(),
        "no persistence: {checks:?}"
    );

    let port = server.port.to_string();
    let replica = RedisServer::start(engine, &["--replicaof", "127.0.0.1", &port]).await?;
    let checks = doctor::redis(replica.url(), StoreOptions::default(), SKEW).await;
    ensure!(wrong(&checks, Level::Error) == ["replica"], "a replica: {checks:?}");
    crate::servers::until("the replica to be counted", || async {
        Ok(found(&look().await, "replicas")?.contains(": 1"))
    })
    .await?;

    let acl = |rights: &str| {
        format!("ACL SETUSER guard on >{PASSWORD} resetkeys ~oauth-state:* resetchannels -@all {rights}")
    };
    let as_guard = server.url().replace("redis://", &format!("redis://guard:{PASSWORD}@"));
    server.run::<()>(&acl("+set +get +ping")).await?;
    let checks = doctor::redis(as_guard.clone(), StoreOptions::default(), SKEW).await;
    ensure!(wrong(&checks, Level::Warning) == ["eviction_policy", "clock"], "without +info: {checks:?}");
    server.run::<()>(&acl("+set +get +ping +info")).await?;
    let other = StoreOptions { prefix: Some("other:".to_owned()), ..StoreOptions::default() };
    let other_prefix = doctor::redis(as_guard, other, SKEW).await;
    ensure!(wrong(&other_prefix, Level::Error) == ["claim"], "another prefix: {other_prefix:?}");
    found(&other_prefix, "version")?;
    ensure!(!format!("{checks:?}{other_prefix:?}").contains(PASSWORD), "a password was said");

    for (prefix, level) in [(None, Level::Warning), (Some("shop:production:".to_owned()), Level::Ok)] {
        let options = StoreOptions { prefix, belongs_to: production(), ..StoreOptions::default() };
        let checks = doctor::redis(server.url(), options, SKEW).await;
        ensure!(level_of(&checks, "environment") == Some(level), "a prefix for each environment: {checks:?}");
    }
    Ok(format!("{version}: noeviction from allkeys-lru, a replica, persistence, rights"))
}

pub async fn postgres() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let look = || doctor::postgres(server.url(), StoreOptions::default(), SKEW);
    let checks = look().await;
    ensure!(wrong(&checks, Level::Error) == ["table"], "no table: {checks:?}");
    server.execute("CREATE ROLE nobody LOGIN").await?;
    let makes = || StoreOptions { create_tables: true, ..StoreOptions::default() };
    let checks = doctor::postgres(server.url(), makes(), SKEW).await;
    ensure!(checks.iter().all(|check| check.level == Level::Ok), "a table that the service makes: {checks:?}");
    ensure!(wrong(&look().await, Level::Error) == ["table"], "the doctor made a table");
    let as_nobody = server.url().replace("postgres@", &format!("nobody:{PASSWORD}@"));
    let checks = doctor::postgres(as_nobody.clone(), makes(), SKEW).await;
    ensure!(wrong(&checks, Level::Error) == ["table"], "a table that nobody may make: {checks:?}");
    server.execute(SCHEMA).await?;
    let checks = look().await;
    ensure!(checks.iter().all(|check| check.level == Level::Ok), "a server that is well: {checks:?}");
    let version = found(&checks, "version")?.to_owned();
    for name in ["replicas", "fsync", "table", "clock"] {
        found(&checks, name)?;
    }
    // A schema for each environment, by the address alone.
    server.execute("CREATE SCHEMA shop_production").await?;
    let of_its_own = format!("{}?options=-csearch_path%3Dshop_production", server.url());
    for (url, level) in [(server.url(), Level::Warning), (of_its_own.clone(), Level::Ok)] {
        let options = StoreOptions { create_tables: true, belongs_to: production(), ..StoreOptions::default() };
        let checks = doctor::postgres(url, options, SKEW).await;
        ensure!(level_of(&checks, "environment") == Some(level), "a schema for each environment: {checks:?}");
    }
    let (shared, apart) = (crate::postgres_faults::at(&server.url()), crate::postgres_faults::at(&of_its_own));
    let mark = crate::storm::mark_of(crate::storm::fresh_id(), 1);
    for guard in [shared.connect().await?, apart.connect().await?] {
        ensure!(guard.mark_used(&mark).await? == Marked::First, "two schemas share a mark");
        guard.purge().await?;
    }
    server.execute("ALTER TABLE oauth_state_marks_03 SET UNLOGGED").await?;
    let checks = doctor::postgres(as_nobody, StoreOptions::default(), SKEW).await;
    ensure!(wrong(&checks, Level::Error) == ["rights", "table"], "a role without rights: {checks:?}");
    ensure!(!format!("{checks:?}").contains(PASSWORD), "a password was said");
    server.execute("ALTER TABLE oauth_state_marks_03 SET LOGGED").await?;
    let replica = server.replica().await?;
    let checks = doctor::postgres(replica.url(), StoreOptions::default(), SKEW).await;
    ensure!(wrong(&checks, Level::Error) == ["replica"], "a replica: {checks:?}");
    let checks = look().await;
    ensure!(found(&checks, "replicas")?.contains(": 1"), "{checks:?}");
    Ok(format!("{version}: a replica, the table, rights"))
}
