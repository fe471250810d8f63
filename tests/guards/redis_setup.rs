//! The keys of a guard over Redis, and the servers and settings that it notices and refuses.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use oauth_state::guard::{DangerouslyFailOpen, GuardErrorKind, KnownUsedCache, Marked};
use oauth_state::{ReplayGuard, testing};
use oauth_state_redis::RedisGuard;
use support::ensure;
use support::harness::Outcome;
use support::servers::Failure;
use support::servers::redis::{Engine, RedisServer};

use crate::logs::PASSWORD;
use crate::redis_faults::wait_for;
use crate::storm::{Guard, cause, first_again, fresh_id, mark_new, mark_of, replay_of};

pub async fn what_is_kept(engine: Engine) -> Outcome {
    let server = RedisServer::start(engine, &[]).await?;
    let guard = RedisGuard::builder(server.url()).prefix("shop:used:").connect().await?;
    let memory = || async {
        let information: String = server.run("INFO memory").await?;
        let used = information.lines().find_map(|line| line.strip_prefix("used_memory:")).ok_or("no used_memory")?;
        Ok::<u64, Failure>(used.trim().parse()?)
    };
    // The trial's key expires within seconds.
    support::servers::until("an empty server", || async { Ok(server.run::<u64>("DBSIZE").await? == 0) }).await?;
    let now = SystemTime::now();
    // At the start, at expiry, and in the last second before the mark's end.
    for (after, left) in [(0, 780), (600, 180), (779, 1)] {
        let begun = now - Duration::from_secs(after);
        let mark = testing::mark(fresh_id(), [1; 8], now, begun + Duration::from_secs(600));
        ensure!(mark.keep_for().as_secs() == left, "{:?}", mark.keep_for());
        ensure!(guard.mark_used(&mark).await? == Marked::First, "a new id was used");
        let mut keys: Vec<String> = server.run("KEYS *").await?;
        let key = keys.pop().ok_or("no key")?;
        ensure!(keys.is_empty(), "more than one key for a claim: {keys:?}");
        ensure!(
            key.starts_with("shop:used:") && key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_graphic()),
            "{key}"
        );
        let milliseconds: i64 = server.run(&format!("PTTL {key}")).await?;
        // A minute more, the longest budget: another claim may be sent that much after its time check.
        let most = i64::try_from((left + 60) * 1_000)?;
        ensure!(milliseconds <= most && milliseconds > (most - 5_000).max(0), "{milliseconds} ms to live, not {most}");
        server.run::<()>(&format!("DEL {key}")).await?;
    }
    // Expired: a mark could prove nothing.
    let begun = now - Duration::from_secs(780);
    let over = testing::mark(fresh_id(), [1; 8], now, begun + Duration::from_secs(600));
    let error = guard.mark_used(&over).await.err().ok_or("an expired state was marked")?;
    ensure!(error.kind() == GuardErrorKind::Unavailable, "{}", cause(&error));
    ensure!(server.run::<u64>("DBSIZE").await? == 0, "an expired state left a key");
    let before = memory().await?;
    let guard: Guard = Arc::new(RedisGuard::builder(server.url()).connect().await?);
    mark_new(&guard, 10_000).await?;
    let bytes = (memory().await?.saturating_sub(before)) / 10_000;
    Ok(format!("780 s, 180 s and 1 s to live, and a minute more; about {bytes} bytes a mark"))
}

/// A rolling upgrade, or a managed service that fails over to an older node.
pub async fn replaced_by_an_older_one() -> Outcome {
    let mut server = RedisServer::start(Engine::Redis70, &[]).await?;
    let guard = RedisGuard::builder(server.url()).connect().await?;
    let shared: Guard = Arc::new(guard.clone());
    let mut versions = Vec::new();
    for engine in [Engine::Redis62, Engine::Redis70] {
        server.kill()?;
        server.restart_as(engine).await?;
        wait_for(&shared).await?;
        let marks = mark_new(&shared, 100).await?;
        ensure!(first_again(&shared, &marks).await? == 0, "first twice on {}", engine.name());
        versions.push(guard.server().and_then(|server| server.version).unwrap_or_default());
    }
    ensure!(versions.join(" ").starts_with("redis 6.2"), "{versions:?}");
    Ok(format!("{}, without a restart of ours", versions.join(", then ")))
}

pub async fn policy_changed() -> Outcome {
    let server = RedisServer::start(Engine::Redis70, &[]).await?;
    let guard: Guard = Arc::new(RedisGuard::builder(server.url()).connect().await?);
    server.run::<()>("CONFIG SET maxmemory-policy volatile-lru").await?;
    server.run::<()>("CLIENT KILL TYPE normal").await?;
    support::servers::until("a refusal", || async {
        let error = guard.mark_used(&mark_of(fresh_id(), 1)).await.err();
        Ok(error.is_some_and(|error| {
            error.kind() == GuardErrorKind::Misconfigured && cause(&error).contains("volatile-lru")
        }))
    })
    .await?;
    server.run::<()>("CONFIG SET maxmemory-policy noeviction").await?;
    wait_for(&guard).await?;
    Ok("refused after the reconnection, served again once the policy was fixed".to_owned())
}

pub async fn refused() -> Outcome {
    let primary = RedisServer::start(Engine::Redis70, &[]).await?;
    let port = primary.port.to_string();
    let replica = RedisServer::start(Engine::Redis70, &["--replicaof", "127.0.0.1", &port]).await?;
    primary
        .run::<()>(&format!(
            "ACL SETUSER guard on >{PASSWORD} resetkeys ~oauth-state:* resetchannels -@all +get +ping +info"
        ))
        .await?;
    let builder = || RedisGuard::builder(primary.url());
    let cases = [
        ("a replica", RedisGuard::builder(replica.url()), "the server is a replica"),
        ("a user without +set", builder().credentials("guard", PASSWORD), "NoPerm"),
        ("another prefix than the user's", builder().credentials("guard", PASSWORD).prefix("other:"), "NoPerm"),
        ("a wrong password", builder().credentials("guard", "wrong"), "Password authentication failed"),
        (
            "a database without +select",
            RedisGuard::builder(format!("{}/1", primary.url())).credentials("guard", PASSWORD),
            "'select' command",
        ),
        ("a database that is not there", RedisGuard::builder(format!("{}/99", primary.url())), "out of range"),
        ("no such server", RedisGuard::builder("redis://127.0.0.1:1"), "refused"),
        (
            "no server of Redis",
            RedisGuard::builder(format!("redis://127.0.0.1:{}", not_redis().await?)),
            "did not answer",
        ),
    ];
    let count = cases.len();
    for (what, builder, said) in cases {
        let error = builder.connect().await.err().ok_or_else(|| format!("{what} was taken"))?;
        ensure!(cause(&error).contains(said), "{what}: {}", cause(&error));
        let expected = if ["no such server", "no server of Redis"].contains(&what) {
            GuardErrorKind::Unavailable
        } else {
            GuardErrorKind::Misconfigured
        };
        ensure!(error.kind() == expected, "{what}: {}", cause(&error));
    }
    // Started before its store: refused until the store is up.
    let port = support::servers::free_port()?;
    let early: Guard = Arc::new(RedisGuard::builder(format!("redis://127.0.0.1:{port}")).connect_lazily()?);
    let error = early.mark_used(&mark_of(fresh_id(), 1)).await.err().ok_or("nobody listens")?;
    ensure!(error.kind() == GuardErrorKind::Unavailable, "{}", cause(&error));
    let _late = RedisServer::start_with(Engine::Redis70, port, &[], None).await?;
    wait_for(&early).await?;
    Ok(format!("{count} refused, each with its reason; a guard that started first serves later"))
}

/// Listens and never answers.
async fn not_redis() -> Result<u16, Failure> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            kept.push(connection);
        }
    });
    Ok(port)
}

pub async fn cached() -> Outcome {
    let server = RedisServer::start(Engine::Redis70, &[]).await?;
    let guard = KnownUsedCache::new(RedisGuard::builder(server.url()).connect().await?, 1_000);
    let elsewhere = RedisGuard::builder(server.url()).connect().await?;
    let sets = || async {
        let statistics: String = server.run("INFO commandstats").await?;
        let line = statistics.lines().find_map(|line| line.strip_prefix("cmdstat_set:calls=")).ok_or("no SET")?;
        Ok::<u64, Failure>(line.split(',').next().unwrap_or_default().parse()?)
    };
    let mark = mark_of(fresh_id(), 1);
    ensure!(elsewhere.mark_used(&mark).await? == Marked::First, "a new id was used");
    let before = sets().await?;
    for claimant in 2..=u8::MAX {
        ensure!(guard.mark_used(&replay_of(&mark, claimant)).await? != Marked::First, "first twice");
    }
    let trips = sets().await? - before;
    ensure!(trips == 1, "{trips} round trips for one duplicate");
    ensure!(guard.mark_used(&mark).await? == Marked::First, "the first claimant's own retry was answered by the cache");
    Ok(format!("254 duplicates, {trips} round trip; the first claimant's own retry reaches the server"))
}

pub async fn fails_open() -> Outcome {
    let mut server = RedisServer::start(Engine::Redis70, &[]).await?;
    let closed = RedisGuard::builder(server.url()).connect().await?;
    let open = DangerouslyFailOpen::new(closed.clone());
    let mark = mark_of(fresh_id(), 1);
    ensure!(open.mark_used(&mark).await? == Marked::First, "a new id was used");
    ensure!(open.mark_used(&replay_of(&mark, 2)).await? != Marked::First, "first twice while the server is up");
    server.kill()?;
    for claimant in 2..12 {
        ensure!(closed.mark_used(&replay_of(&mark, claimant)).await.is_err(), "let through without an answer");
        ensure!(open.mark_used(&replay_of(&mark, claimant)).await? == Marked::First, "it was to fail open");
    }
    ensure!(open.let_through() == 10, "counted {}", open.let_through());
    Ok("10 of 10 refused by default, 10 of 10 let through and counted where asked".to_owned())
}
