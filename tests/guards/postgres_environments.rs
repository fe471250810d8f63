//! What managed databases bring along: TLS and its files, credentials that change, sockets, and tables that others
//! changed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use oauth_state::ReplayGuard;
use oauth_state::guard::{GuardErrorKind, Marked};
use oauth_state_postgres::{Credentials, PostgresGuard, PostgresPayloadStore, SCHEMA};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use support::ensure;
use support::harness::Outcome;
use support::servers::postgres::PostgresServer;
use support::servers::redis::{Tls, Wrong};
use support::servers::until;

use crate::logs::{self, PASSWORD};
use crate::postgres_faults::at;
use crate::postgres_setup::{BUCKET, now, put};
use crate::redis_environments::no_redis;
use crate::redis_faults::wait_for;
use crate::storm::{Guard, cause, first_again, fresh_id, mark_new, mark_of};

/// Each fault of TLS is a misconfiguration that names what to change; starting the store would not help.
pub async fn tls() -> Outcome {
    let (good, expired, other, stranger) =
        (Tls::make()?, Tls::with(Wrong::Expired)?, Tls::with(Wrong::Name)?, Tls::make()?);
    let mut server = PostgresServer::start(&[]).await?;
    let plain_url = server.url();
    server.execute(SCHEMA).await?;
    let file = |tls: &Tls, name: &str| tls.folder.path().join(name).display().to_string();
    let with = |mode: &str, tls: &Tls| format!("{plain_url}?sslmode={mode}&sslrootcert={}", file(tls, "ca.pem"));
    let mut refused = 0;
    let mut refuse = async |what: &str, url: String, said: &str| {
        let error = PostgresGuard::builder(url).connect().await.err().ok_or_else(|| format!("{what}: connected"))?;
        let right = error.kind() == GuardErrorKind::Misconfigured && cause(&error).contains(said);
        ensure!(right, "{what}: {:?} {}", error.kind(), cause(&error));
        refused += 1;
        Ok::<(), support::servers::Failure>(())
    };
    refuse("no TLS at the server", with("verify-full", &good), "the server has no TLS").await?;
    refuse(
        "a service that is no Postgres",
        format!("postgres://127.0.0.1:{}/x", no_redis().await?),
        "Postgres protocol",
    )
    .await?;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(good.root.as_bytes())?)?;
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connector = tokio_postgres_rustls::MakeRustlsConnect::new(config);
    // The client would go on without TLS by itself.
    let own = PostgresGuard::builder(&plain_url).connector(connector.clone()).connect().await.err();
    ensure!(own.is_some_and(|error| cause(&error).contains("the server has no TLS")), "the connector was not used");
    server.encrypt(&good).await?;
    for mode in ["require", "verify-ca", "verify-full"] {
        PostgresGuard::builder(with(mode, &good))
            .connect()
            .await
            .map_err(|error| format!("{mode}: {}", cause(&error)))?;
    }
    refuse("a private authority that was not given", format!("{plain_url}?sslmode=require"), "root_certificates")
        .await?;
    let nameless = with("verify-full", &good).replace("postgres@127.0.0.1", "postgres@");
    refuse("no name to verify", format!("{nameless}&hostaddr=127.0.0.1"), "host=NAME").await?;
    refuse("another authority", with("verify-full", &stranger), "root_certificates").await?;
    refuse("a file that is missing", format!("{plain_url}?sslmode=require&sslrootcert=/nowhere"), "/nowhere").await?;
    let key = file(&good, "server.key");
    let folder = good.folder.path().display();
    refuse("a folder", format!("{plain_url}?sslmode=require&sslrootcert={folder}"), "name a PEM file").await?;
    refuse("a file without certificates", format!("{plain_url}?sslmode=require&sslrootcert={key}"), "no certificate")
        .await?;

    // A connector of the caller's own.
    let guard = PostgresGuard::builder(&plain_url).connector(connector).connect().await?;
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'oauth-state'";
    ensure!(server.number(encrypted).await? >= 4, "the connector was not used");
    ensure!(guard.mark_used(&mark_of(fresh_id(), 1)).await? == Marked::First, "refused");

    // A server that wants a client's certificate.
    server.authenticate("hostssl all service 127.0.0.1/32 trust clientcert=verify-ca").await?;
    server.execute("CREATE ROLE service LOGIN SUPERUSER").await?;
    let as_service = with("verify-full", &good).replace("postgres@", "service@");
    let (certificate, client_key) = (file(&good, "client.pem"), file(&good, "client.key"));
    std::fs::write(&certificate, &good.client.0)?;
    std::fs::write(&client_key, &good.client.1)?;
    let files = format!("{as_service}&sslcert={certificate}&sslkey={client_key}");
    let guard: Guard = Arc::new(PostgresGuard::builder(&files).connect().await.map_err(|error| cause(&error))?);
    ensure!(first_again(&guard, &mark_new(&guard, 20).await?).await? == 0, "first twice");
    refuse("no client certificate", as_service.clone(), "client_certificate").await?;
    refuse("a key of another certificate", files.replace("client.key", "server.key"), "cannot be used together")
        .await?;
    server.authenticate("hostnossl all service 127.0.0.1/32 reject").await?;
    refuse("no TLS in the address", plain_url.replace("postgres@", "service@"), "sslmode=verify-full").await?;
    let error = PostgresGuard::builder(&as_service)
        .client_certificate(&stranger.client.0, &stranger.client.1)
        .connect()
        .await
        .err()
        .ok_or("a client certificate of another authority was accepted")?;
    ensure!(error.kind() == GuardErrorKind::Misconfigured, "{}", cause(&error));

    for (tls, said) in [(&expired, "has expired"), (&other, "another name")] {
        server.encrypt(tls).await?;
        refuse(said, with("verify-full", tls), said).await?;
    }
    Ok(format!(
        "require, verify-ca, verify-full, files, a connector; {} misconfigurations with their remedy",
        refused + 1
    ))
}

/// Tokens that live for minutes, as those of a cloud's identity service do.
pub async fn credentials_that_change() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    server.execute(SCHEMA).await?;
    server.authenticate("host all service 127.0.0.1/32 scram-sha-256").await?;
    server.execute("CREATE ROLE service LOGIN SUPERUSER PASSWORD 'token-1'").await?;
    let current = Arc::new(Mutex::new("token-1"));
    let source = {
        let current = Arc::clone(&current);
        move || {
            let token = *current.lock().unwrap();
            async move { if token.is_empty() { Err("no token") } else { Ok(Credentials::new("service", token)) } }
        }
    };
    let guard = PostgresGuard::builder(server.url()).credentials_from(source).connect().await?;
    let shared: Guard = Arc::new(guard.clone());
    let marks = mark_new(&shared, 20).await?;
    server.execute("ALTER ROLE service PASSWORD 'token-2'").await?;
    // Open connections go on; the purger makes one of its own.
    ensure!(first_again(&shared, &marks).await? == 0, "first twice");
    let error = guard.purge().await.err().ok_or("purged with an old token")?;
    ensure!(error.kind() == GuardErrorKind::Misconfigured, "{}", cause(&error));
    *current.lock().unwrap() = "";
    let end_all =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'oauth-state'";
    server.number(end_all).await?;
    until("a refusal that names the source", || async {
        let error = shared.mark_used(&mark_of(fresh_id(), 1)).await.err();
        Ok(error.is_some_and(|error| error.kind() == GuardErrorKind::Unavailable && cause(&error).contains("no token")))
    })
    .await?;
    *current.lock().unwrap() = "token-2";
    wait_for(&shared).await?;
    guard.purge().await?;
    ensure!(first_again(&shared, &marks).await? == 0, "first twice");
    Ok("refused while the source fails, served with the next token, 0 twice".to_owned())
}

pub async fn over_a_socket() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let folder = server.socket_folder().display();
    // Postgres has no TLS over a socket; libpq ignores the word as well.
    for mode in ["prefer", "verify-full"] {
        let url = format!("host={folder} port={} user=postgres dbname=postgres sslmode={mode}", server.port);
        let guard = at(&url).connect().await.map_err(|error| format!("{mode}: {}", cause(&error)))?;
        let flaws = guard.examine().await?.flaws;
        ensure!(flaws.is_empty(), "{mode}: {flaws:?}");
        let guard: Guard = Arc::new(guard);
        ensure!(first_again(&guard, &mark_new(&guard, 20).await?).await? == 0, "first twice");
    }
    Ok("40 claims, 0 twice".to_owned())
}

/// All of this was called well before, and claims then failed, or worse: a trigger that swallows rows makes every use one
/// that was already used.
pub async fn trial() -> Outcome {
    let server = PostgresServer::start(&["max_connections=20"]).await?;
    server.execute(SCHEMA).await?;
    let refused = async |what: &str, said: &str, name: &str| {
        let error =
            PostgresGuard::builder(server.url()).connect().await.err().ok_or_else(|| format!("{what}: connected"))?;
        let right = error.kind() == GuardErrorKind::Misconfigured && cause(&error).contains(said);
        ensure!(right, "{what}: {:?} {}", error.kind(), cause(&error));
        let flaws = PostgresGuard::builder(server.url()).examine().await?.flaws;
        let told: Vec<_> = flaws.iter().filter(|flaw| flaw.fatal).map(|flaw| flaw.name).collect();
        ensure!(told == [name], "{what}: the doctor tells {told:?}");
        Ok::<(), support::servers::Failure>(())
    };
    let fine = async || -> Result<Vec<&'static str>, support::servers::Failure> {
        PostgresGuard::builder(server.url()).connect().await.map_err(|error| cause(&error))?;
        let flaws = PostgresGuard::builder(server.url()).examine().await?.flaws;
        Ok(flaws.iter().map(|flaw| flaw.name).collect())
    };
    ensure!(fine().await?.is_empty(), "{:?}", fine().await?);

    server.execute("ALTER TABLE oauth_state_marks RENAME COLUMN value TO content").await?;
    refused("a renamed column", "value", "claim").await?;
    server.execute("ALTER TABLE oauth_state_marks RENAME COLUMN content TO value").await?;

    server
        .execute(
            "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
             CREATE TRIGGER swallow BEFORE INSERT ON oauth_state_marks_07 FOR EACH ROW EXECUTE FUNCTION swallow()",
        )
        .await?;
    refused("a trigger that swallows rows", "trigger", "claim").await?;
    server.execute("DROP TRIGGER swallow ON oauth_state_marks_07").await?;

    // Called down, it would be waited for.
    server.execute("ALTER TABLE oauth_state_marks_05 ADD CONSTRAINT own CHECK (length(value) < 10)").await?;
    refused("a constraint that was added", "violates check constraint", "claim").await?;
    server.execute("ALTER TABLE oauth_state_marks_05 DROP CONSTRAINT own").await?;

    server.execute("COMMENT ON TABLE oauth_state_marks IS 'Used states of oauth-state, version 2'").await?;
    refused("a table of a later release", "later release", "table").await?;
    for comment in ["NULL", "'Marks of the shop, copied in 2025'", "'Used states of oauth-state, version 1'"] {
        server.execute(&format!("COMMENT ON TABLE oauth_state_marks IS {comment}")).await?;
        ensure!(fine().await?.is_empty(), "{comment}");
    }

    server.execute("ALTER ROLE postgres SET default_transaction_read_only = on").await?;
    refused("a primary that is read-only by a setting", "default_transaction_read_only", "read_only").await?;
    let operator = server.connection().await?;
    operator.batch_execute("BEGIN READ WRITE; ALTER ROLE postgres RESET default_transaction_read_only; COMMIT").await?;

    // Missing rights to purge are a warning, and only for a role that is to purge.
    server.execute("CREATE ROLE service LOGIN; GRANT SELECT, INSERT ON oauth_state_marks TO service").await?;
    let as_service = || PostgresGuard::builder(server.url().replace("postgres@", "service@"));
    let before = logs::mark();
    as_service().connect().await?;
    let warned = logs::since(before).matches("may purge 0 of the 16 partitions").count();
    ensure!(warned == 1, "{warned} warnings");
    let flaws = as_service().examine().await?.flaws;
    ensure!(flaws.iter().any(|flaw| flaw.name == "purge_rights" && !flaw.fatal), "{flaws:?}");
    ensure!(as_service().without_purging().examine().await?.flaws.is_empty(), "told although it does not purge");

    // A lock while it connects is no reason to refuse the server.
    operator.batch_execute("BEGIN; LOCK TABLE oauth_state_marks_03 IN ACCESS EXCLUSIVE MODE").await?;
    PostgresGuard::builder(server.url()).connect().await.map_err(|error| cause(&error))?;
    operator.batch_execute("ROLLBACK").await?;
    let left = server.number("SELECT count(*) FROM oauth_state_marks").await?;
    ensure!(left == 0, "the trial left {left} marks");

    // Fewer connections than a process needs.
    let mut others = Vec::new();
    while server.number("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'").await? < 15 {
        others.push(server.connection().await?);
    }
    // Those of other roles are hidden from an ordinary one.
    let flaws = as_service().examine().await?.flaws;
    ensure!(flaws.iter().any(|flaw| flaw.name == "connections"), "{flaws:?}");
    Ok("a column, a trigger, a later version, a setting, rights, connections; nothing is left behind".to_owned())
}

/// A program that connects on one runtime and serves on another: marks and rows must not grow without end.
pub async fn purger_survives() -> Outcome {
    let server = PostgresServer::start(&[]).await?;
    let url = server.url();
    let connected = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let guard = at(&url).purge_every(Duration::from_secs(1)).connect().await?;
            let rows = PostgresPayloadStore::from_guard(&guard).await?;
            Ok::<_, support::servers::Failure>((guard, rows))
        })
    });
    let (guard, _rows) = connected.await??;
    put(&server, 10, now() - 2 * BUCKET, 61).await?;
    server.execute("INSERT INTO oauth_state_rows VALUES (decode(repeat('00', 16), 'hex'), '', 1)").await?;
    let guard: Guard = Arc::new(guard);
    wait_for(&guard).await?;
    until("marks and rows to be purged", || async {
        let marks = server.number("SELECT count(*) FROM oauth_state_marks WHERE value = 'AQEBAQEBAQEAAAAB'").await?;
        Ok(marks == 0 && server.number("SELECT count(*) FROM oauth_state_rows").await? == 0)
    })
    .await?;
    ensure!(!logs::since(0).contains(PASSWORD), "a password was logged");
    Ok("marks and rows purged by the second runtime".to_owned())
}
