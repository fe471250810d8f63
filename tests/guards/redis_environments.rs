//! What managed offerings and other people's networks bring along: proxies, client certificates, credentials that
//! change, sockets, and errors that name their cause.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oauth_state::ReplayGuard;
use oauth_state::guard::{GuardErrorKind, Marked};
use oauth_state_redis::{Credentials, RedisGuard};
use support::ensure;
use support::harness::Outcome;
use support::servers::redis::{Engine, RedisServer, Tls, Wrong};
use support::servers::twemproxy::Twemproxy;
use support::servers::{Failure, free_port, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::logs::{self, PASSWORD};
use crate::redis_faults::wait_for;
use crate::storm::{Guard, cause, first_again, fresh_id, mark_new, mark_of, replay_of};

/// A command that is renamed, and a proxy that closes the connection at it. The trial claim decides, also after a
/// reconnection.
pub async fn without_info() -> Outcome {
    let port = free_port()?;
    let _renamed = RedisServer::start_with(Engine::Redis70, port, &["--rename-command", "INFO", ""], None).await?;
    let url = format!("redis://127.0.0.1:{port}");
    until("a server", || async { Ok(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()) }).await?;
    let behind = RedisServer::start(Engine::Redis70, &[]).await?;
    let proxy = Twemproxy::start(&behind).await?;
    for (what, url) in [("renamed", url), ("twemproxy", proxy.url())] {
        let before = logs::mark();
        let guard = RedisGuard::builder(&url).connect().await.map_err(|error| format!("{what}: {}", cause(&error)))?;
        ensure!(logs::since(before).contains("policy unknown"), "{what}: no warning");
        let shared: Guard = Arc::new(guard.clone());
        let marks = mark_new(&shared, 50).await?;
        ensure!(first_again(&shared, &marks).await? == 0, "{what}: first twice");
        let examined = guard.examine().await?;
        let flaws: Vec<_> = examined.flaws.iter().map(|flaw| (flaw.name, flaw.fatal)).collect();
        ensure!(flaws == [("eviction_policy", false)], "{what}: {flaws:?}");
    }
    behind.run::<()>("CLIENT KILL TYPE normal").await?;
    let guard: Guard = Arc::new(RedisGuard::builder(proxy.url()).connect().await?);
    wait_for(&guard).await?;
    Ok("a renamed INFO, and a proxy that closes the connection at it: warned of, and the trial claim decides"
        .to_owned())
}

/// A server that answers HTTP.
pub async fn no_redis() -> Result<u16, Failure> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = connection.read(&mut request).await;
            let _ = connection.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
        }
    });
    Ok(port)
}

/// Each fault of TLS is a misconfiguration that names what to change; starting the store would not help.
pub async fn tls() -> Outcome {
    let start = async |tls: &Tls, arguments: &[&str]| -> Result<(RedisServer, String), Failure> {
        let port = free_port()?;
        let server = RedisServer::start_with(Engine::Redis70, port, arguments, Some(tls)).await?;
        until("a server", || async { Ok(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()) }).await?;
        Ok((server, format!("rediss://127.0.0.1:{port}")))
    };
    let good = Tls::make()?;
    let (_server, url) = start(&good, &["--tls-auth-clients", "yes"]).await?;
    let (certificate, key) = &good.client;
    let guard = RedisGuard::builder(&url).root_certificates(&good.root).client_certificate(certificate, key);
    let guard: Guard = Arc::new(guard.connect().await.map_err(|error| cause(&error))?);
    let marks = mark_new(&guard, 50).await?;
    ensure!(first_again(&guard, &marks).await? == 0, "first twice");

    let (expired, other) = (Tls::with(Wrong::Expired)?, Tls::with(Wrong::Name)?);
    let (_expired_server, expired_url) = start(&expired, &[]).await?;
    let (_other_server, other_url) = start(&other, &[]).await?;
    let plain = RedisServer::start(Engine::Redis70, &[]).await?;
    let stranger = Tls::make()?;
    let roots = |url: &str, tls: &Tls| RedisGuard::builder(url).root_certificates(&tls.root);
    let cases = [
        ("a private authority that was not given", RedisGuard::builder(&url), "root_certificates"),
        ("another authority", roots(&url, &stranger), "root_certificates"),
        ("no client certificate", roots(&url, &good), "client_certificate"),
        (
            "a client certificate of another authority",
            roots(&url, &good).client_certificate(&stranger.client.0, &stranger.client.1),
            "client_certificate",
        ),
        ("an expired certificate", roots(&expired_url, &expired), "has expired"),
        ("a certificate for another name", roots(&other_url, &other), "another name"),
        (
            "a service that is no Redis",
            RedisGuard::builder(format!("redis://127.0.0.1:{}", no_redis().await?)),
            "Redis protocol",
        ),
    ];
    let count = cases.len();
    for (what, builder, said) in cases {
        let error = builder.connect().await.err().ok_or_else(|| format!("{what}: connected"))?;
        ensure!(
            error.kind() == GuardErrorKind::Misconfigured && cause(&error).contains(said),
            "{what}: {:?} {}",
            error.kind(),
            cause(&error)
        );
    }
    // Redis waits for more of what it takes for a command: this looks like an outage, and the error says what else it may be.
    let no_tls = roots(&plain.url().replace("redis:", "rediss:"), &good).connect().await.err().ok_or("connected")?;
    ensure!(cause(&no_tls).contains("is TLS enabled on only one side?"), "{}", cause(&no_tls));
    Ok(format!("client certificates work; {count} faults are misconfigurations with their remedy"))
}

/// Passwords that change while the guard runs, as tokens of a cloud's identity service do.
pub async fn credentials_that_change() -> Outcome {
    let server = RedisServer::start(Engine::Redis70, &[]).await?;
    let rights = "resetkeys ~oauth-state:* resetchannels -@all +set +get +ping +info";
    let allow =
        async |password: &str| server.run::<()>(&format!("ACL SETUSER guard on resetpass >{password} {rights}")).await;
    allow("token-1").await?;
    let (current, asked) = (Arc::new(Mutex::new("token-1")), Arc::new(AtomicUsize::new(0)));
    let source = {
        let (current, asked) = (Arc::clone(&current), Arc::clone(&asked));
        move || {
            asked.fetch_add(1, Ordering::SeqCst);
            let token = *current.lock().unwrap();
            async move { if token.is_empty() { Err("no token") } else { Ok(Credentials::new("guard", token)) } }
        }
    };
    let guard: Guard = Arc::new(RedisGuard::builder(server.url()).credentials_from(source.clone()).connect().await?);
    let marks = mark_new(&guard, 20).await?;
    // The old token ends with its connections; the source fails for a moment and then has the new one.
    allow("token-2").await?;
    *current.lock().unwrap() = "";
    server.run::<()>("CLIENT KILL USER guard").await?;
    let failed = until("a refusal that names the source", || async {
        let error = guard.mark_used(&mark_of(fresh_id(), 1)).await.err();
        Ok(error.is_some_and(|error| error.kind() == GuardErrorKind::Unavailable && cause(&error).contains("no token")))
    });
    failed.await?;
    *current.lock().unwrap() = "token-2";
    wait_for(&guard).await?;
    ensure!(first_again(&guard, &marks).await? == 0, "first twice");

    // A living connection is authenticated again before its token expires.
    let renewing = {
        let source = source.clone();
        move || {
            let asked = source();
            async move { asked.await.map(|given: Credentials| given.valid_for(Duration::from_millis(400))) }
        }
    };
    let guard: Guard = Arc::new(RedisGuard::builder(server.url()).credentials_from(renewing).connect().await?);
    let before = asked.load(Ordering::SeqCst);
    until("the token to be renewed twice", || async { Ok(asked.load(Ordering::SeqCst) >= before + 2) }).await?;
    let commands: String = server.run("INFO commandstats").await?;
    let auth = commands.lines().find(|line| line.starts_with("cmdstat_auth:")).ok_or("no AUTH was sent")?;
    let connections: String = server.run("CLIENT LIST").await?;
    let own = connections.lines().filter(|line| line.contains("user=guard")).count();
    ensure!(own == 2, "{own} connections: the renewed one was replaced");
    ensure!(guard.mark_used(&mark_of(fresh_id(), 1)).await? == Marked::First, "refused after the renewal");
    // The task and its connection end with the guard.
    drop(guard);
    until("the connection to be closed", || async {
        let connections: String = server.run("CLIENT LIST").await?;
        Ok(connections.lines().filter(|line| line.contains("user=guard")).count() == 1)
    })
    .await?;
    Ok(format!("asked {} times; {}", asked.load(Ordering::SeqCst), auth.split(',').next().unwrap_or_default()))
}

pub async fn over_a_socket() -> Outcome {
    let folder = tempfile::Builder::new().prefix("oauth-state-socket-").tempdir()?;
    let path = folder.path().join("redis.sock");
    let _server = RedisServer::start(Engine::Redis70, &["--unixsocket", &path.display().to_string()]).await?;
    let guard: Guard = Arc::new(RedisGuard::builder(format!("unix://{}?db=3", path.display())).connect().await?);
    let marks = mark_new(&guard, 50).await?;
    ensure!(first_again(&guard, &marks).await? == 0, "first twice");
    Ok("50 claims, 0 twice".to_owned())
}

/// The runbook says that the log names the cause: it must, while the guard stays connected, and again for a new cause.
pub async fn refusals_are_logged() -> Outcome {
    let server = RedisServer::start(Engine::Redis70, &[]).await?;
    let rights =
        format!("ACL SETUSER guard on >{PASSWORD} resetkeys ~oauth-state:* resetchannels -@all +set +get +ping +info");
    server.run::<()>(&rights).await?;
    let guard = RedisGuard::builder(server.url()).credentials("guard", PASSWORD).connect().await?;
    let refused = async |times: usize| -> Result<(), Failure> {
        for _ in 0..times {
            ensure!(guard.mark_used(&mark_of(fresh_id(), 1)).await.is_err(), "accepted");
        }
        Ok(())
    };
    let before = logs::mark();
    server.run::<()>("ACL SETUSER guard -set").await?;
    refused(30).await?;
    server.run::<()>("ACL SETUSER guard +set").await?;
    let mark = mark_of(fresh_id(), 1);
    ensure!(guard.mark_used(&mark).await? == Marked::First, "refused");
    server.run::<()>("CONFIG SET maxmemory 1").await?;
    refused(30).await?;
    server.run::<()>("CONFIG SET maxmemory 0").await?;
    ensure!(guard.mark_used(&replay_of(&mark, 2)).await? != Marked::First, "first twice");
    let lines = logs::since(before);
    for word in ["no permissions to run the 'set' command", "OOM"] {
        let told = lines.lines().filter(|line| line.contains("callbacks are refused") && line.contains(word)).count();
        ensure!(told == 1, "{told} lines with {word}: {lines}");
    }
    Ok("NOPERM and OOM: one line each for 30 refusals".to_owned())
}
