//! The least rights that a store needs, as its pages list them.

use std::error::Error as _;
use std::sync::Arc;

use oauth_state::LiveKeyRing;
use oauth_state_postgres::PostgresGuard;
use oauth_state_postgres::PostgresPayloadStore;
use oauth_state_postgres::{ROWS_SCHEMA, SCHEMA};
use oauth_state_redis::RedisGuard;
use oauth_state_redis::RedisPayloadStore;
use oauth_state_store::StoreErrorKind;
use support::ensure;
use support::harness::Outcome;
use support::servers::Failure;

use crate::stores::{Fleet, Kind, PATIENT, Server, Servers, now, server};
use crate::suite::{Basket, basket};

const PASSWORD: &str = "correct-horse-battery";

async fn sign_in(server: &Server<Basket>) -> Result<(), Failure> {
    for number in 0..20 {
        let state = server.state(basket(number)).await?;
        server.expect(&state, "finished", "with the least rights").await?;
        server.expect(&state, "already_used", "with the least rights").await?;
    }
    Ok(())
}

pub async fn redis(servers: Arc<Servers>) -> Outcome {
    let fleet = Fleet::new(Kind::Redis, Arc::clone(&servers))?;
    let rules = format!(
        "ACL SETUSER oauthstate on >{PASSWORD} resetkeys ~oauth-state:* resetchannels -@all +set +get +ping +info"
    );
    servers.redis.run::<()>(&rules).await?;
    let builder = RedisGuard::builder(servers.redis.url()).credentials("oauthstate", PASSWORD).budget(PATIENT);
    let guard = builder.connect().await?;
    let rows = RedisPayloadStore::from_guard(&guard);
    let keys = LiveKeyRing::from(fleet.document.ring().clone());
    let server: Server<Basket> = server(keys, fleet.clock.clone(), Arc::new(guard), Some(Arc::new(rows)))?;
    sign_in(&server).await?;
    // Rights that were not granted are not needed, and are really missing.
    let log: Vec<redis::Value> = servers.redis.run("ACL LOG").await?;
    ensure!(log.is_empty(), "{} refusals in the server's log of rights", log.len());
    servers.redis.run::<()>("ACL DELUSER oauthstate").await?;
    Ok("20 logins with +set +get +ping +info on the prefix; the server refused nothing".to_owned())
}

/// The grants in a migration's comments.
fn grants(migration: &str) -> Vec<String> {
    let lines = migration.lines().filter_map(|line| line.strip_prefix("--   "));
    lines.filter(|line| line.starts_with("GRANT ")).map(str::to_owned).collect()
}

pub async fn postgres(servers: Arc<Servers>) -> Outcome {
    servers.empty().await?;
    let fleet = Fleet::new(Kind::Postgres, Arc::clone(&servers))?;
    let database = &servers.postgres;
    database.execute("CREATE ROLE service LOGIN").await?;
    let as_service = || {
        let url = database.url().replace("postgres@", "service@");
        PostgresGuard::builder(url).budget(PATIENT).without_purging()
    };
    let (of_marks, of_rows) = (grants(SCHEMA), grants(ROWS_SCHEMA));
    ensure!((of_marks.len(), of_rows.len()) == (2, 2), "the migrations do not name two grants each");
    database.execute(&of_marks[0]).await?;
    let guard = as_service().connect().await?;
    let error = PostgresPayloadStore::from_guard(&guard).await.err().ok_or("rows without a right on their table")?;
    ensure!(error.kind() == StoreErrorKind::Misconfigured, "{error}");
    // The rights for a login.
    database.execute(&of_rows[0]).await?;
    let rows = PostgresPayloadStore::from_guard(&guard).await?;
    let keys = LiveKeyRing::from(fleet.document.ring().clone());
    let server: Server<Basket> =
        server(keys, fleet.clock.clone(), Arc::new(guard.clone()), Some(Arc::new(rows.clone())))?;
    sign_in(&server).await?;
    let error = rows.clean_up().await.err().ok_or("cleaned up without the right to")?;
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    ensure!(cause.contains("permission denied"), "{error}: {cause}");
    // The rights for cleaning up.
    database.execute(&of_rows[1]).await?;
    for partition in 0..16 {
        database.execute(&of_marks[1].replace("_00", &format!("_{partition:02}"))).await?;
    }
    let over = i64::try_from(now())? - 100;
    let old = "INSERT INTO oauth_state_rows SELECT decode(md5(n::text), 'hex'), '\\x00', ";
    database.execute(&format!("{old} {over} FROM generate_series(1, 30) AS n")).await?;
    ensure!(rows.clean_up().await? == 30, "not all that was over is deleted");
    guard.purge().await?;
    sign_in(&server).await?;
    Ok(format!("40 logins, a cleaning and a purge with: {}", [of_marks, of_rows].concat().join(" ")))
}
