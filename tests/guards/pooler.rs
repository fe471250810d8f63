//! Postgres behind a pooler that lends its connections to a new client for each transaction.

use std::sync::Arc;
use std::time::Duration;

use oauth_state::ReplayGuard;
use oauth_state::guard::Marked;
use oauth_state_postgres::PostgresGuard;
use support::ensure;
use support::harness::Outcome;
use support::servers::Failure;
use support::servers::pgbouncer::PgBouncer;
use support::servers::postgres::PostgresServer;
use tokio_postgres::SimpleQueryMessage;

use crate::postgres_faults::{at, two};
use crate::postgres_setup::{BUCKET, now, put};
use crate::storm::{Guard, Storm, first_again, fresh_id, mark_new, mark_of, replay_of};
use crate::suites;

const CONNECTIONS: usize = 4;

pub async fn suite() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    // More connections than by default, so that a busy machine ends in time.
    let pooler = PgBouncer::start(&server, "transaction", 4 * CONNECTIONS).await?;
    let guard = || at(&pooler.url()).connections(2 * CONNECTIONS).budget(Duration::from_secs(10)).connect();
    let outcome = suites::run(guard().await?, guard().await?).await?;
    put(&server, 10, now() - 2 * BUCKET, 61).await?;
    let purged = PostgresGuard::builder(pooler.url()).connect().await?.purge().await?;
    ensure!(purged.marks == 10, "{purged:?}");
    Ok(format!("{outcome}; purged {} marks", purged.marks))
}

/// A claim is one transaction in one message, so that the strictest mode works as well, but for purging.
pub async fn statement_mode() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let pooler = PgBouncer::start(&server, "statement", CONNECTIONS).await?;
    let guards = two(&pooler.url()).await?;
    // Purging locks a partition in a transaction of several messages: it is refused, and docs/guards.md says so.
    put(&server, 10, now() - 2 * BUCKET, 61).await?;
    let purged = PostgresGuard::builder(pooler.url()).without_purging().connect().await?.purge().await;
    ensure!(purged.is_err(), "purged in statement mode");
    let marks = mark_new(&guards[0], 200).await?;
    let twice = first_again(&guards[1], &marks).await?;
    ensure!(twice == 0, "{twice} first twice");
    Ok(format!("{} claims, 0 twice", marks.len()))
}

/// The value of a setting, as another client sees it.
async fn shown(client: &tokio_postgres::Client, setting: &str) -> Result<String, Failure> {
    let messages = client.simple_query(&format!("SHOW {setting}")).await?;
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    Ok(row.unwrap_or_default().to_owned())
}

/// As it was found: after a guard had connected, another application lost its statements after 300 ms, and its commits were not durable.
pub async fn other_clients_see_no_setting() -> Outcome {
    const SETTINGS: [&str; 5] = [
        "synchronous_commit",
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "default_transaction_isolation",
    ];
    let server = PostgresServer::start(&[]).await?;
    let direct = server.connection().await?;
    let pooler = PgBouncer::start(&server, "transaction", 1).await?;
    let mut claims = 0;
    for relaxed in [false, true] {
        let builder = at(&pooler.url());
        let guard = if relaxed { builder.synchronous_commit_off() } else { builder }.connect().await?;
        let shared: Guard = Arc::new(guard.clone());
        let marks = mark_new(&shared, 20).await?;
        ensure!(shared.mark_used(&replay_of(&marks[0], 2)).await? != Marked::First, "first twice");
        guard.purge().await?;
        claims += marks.len();
        let other = pooler.connection().await?;
        for setting in SETTINGS {
            let (ours, theirs) = (shown(&direct, setting).await?, shown(&other, setting).await?);
            ensure!(ours == theirs, "another client of the pooler has {setting} = {theirs}, not {ours}");
        }
        // Longer than the guard's budget.
        other.simple_query("SELECT pg_sleep(0.5)").await.map_err(|error| format!("cancelled: {error}"))?;
    }
    let other = pooler.connection().await?;
    let messages = other.simple_query("SELECT name FROM pg_prepared_statements").await?;
    let is_row = |message: &&SimpleQueryMessage| matches!(message, SimpleQueryMessage::Row(_));
    let prepared = messages.iter().filter(is_row).count();
    ensure!(prepared == 0, "{prepared} prepared statements are left");
    Ok(format!("{} settings as before, after {claims} claims over the only connection", SETTINGS.len()))
}

/// The settings of a claim hold in its own transaction, whatever the role's defaults are.
pub async fn settings_of_the_claim_hold() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    server
        .execute(
            "ALTER ROLE postgres SET default_transaction_isolation = 'serializable'; \
             ALTER ROLE postgres SET synchronous_commit = off; ALTER ROLE postgres SET standard_conforming_strings = off",
        )
        .await?;
    let pooler = PgBouncer::start(&server, "transaction", CONNECTIONS).await?;
    let guards = two(&pooler.url()).await?;
    // What the transaction of an insert has, noted by a trigger.
    server
        .execute(
            "CREATE TABLE noted (settings text); CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO noted SELECT concat_ws(' ', current_setting('synchronous_commit'), current_setting('transaction_isolation'), \
             current_setting('statement_timeout'), current_setting('lock_timeout')); RETURN NEW; END $$; \
             CREATE TRIGGER note BEFORE INSERT ON oauth_state_marks_00 FOR EACH ROW EXECUTE FUNCTION note();",
        )
        .await?;
    for partition in 1..16 {
        let trigger = format!(
            "CREATE TRIGGER note BEFORE INSERT ON oauth_state_marks_{partition:02} FOR EACH ROW EXECUTE FUNCTION note()"
        );
        server.execute(&trigger).await?;
    }
    ensure!(guards[0].mark_used(&mark_of(fresh_id(), 1)).await? == Marked::First, "not first");
    let noted: String = server.connection().await?.query_one("SELECT settings FROM noted", &[]).await?.try_get(0)?;
    ensure!(noted == "on read committed 300ms 75ms", "{noted}");
    Ok(noted)
}

pub async fn killed() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let mut pooler = PgBouncer::start(&server, "transaction", CONNECTIONS).await?;
    let guards = two(&pooler.url()).await?;
    let storm = Storm::start(&guards);
    storm.blow(500).await;
    pooler.kill()?;
    storm.blow(200).await;
    pooler.restart().await?;
    storm.blow(2_500).await;
    let aftermath = storm.end().await;
    ensure!(aftermath.errors() > 0, "no caller noticed the fault");
    let direct: Guard = Arc::new(at(&server.url()).connect().await?);
    aftermath.held(&direct).await
}
