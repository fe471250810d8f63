//! Two servers with one key document and one Redis: either one finishes the other's logins, but only once in total.

use std::time::Duration;

use oauth_state::ring::{KeyRingDocument, RingTiming};
use oauth_state::{Expect, FinishError, Flow, KeyRing, Login, LoginOutcome, Provider};
use oauth_state_redis::RedisGuard;
use support::servers::Failure;
use support::servers::redis::{Engine, RedisServer};
use support::shop::{app, callback, session};

/// One server, with its own copy of the document and its own connections.
async fn server(document: &str, redis: &RedisServer) -> Result<Flow, Failure> {
    let guard = RedisGuard::builder(redis.url()).budget(Duration::from_secs(5)).connect().await?;
    Ok(Flow::builder(app(), document.parse::<KeyRing>()?, guard).provider(Provider::github()).build()?)
}

async fn finish(server: &Flow, state: &str) -> Result<LoginOutcome<()>, FinishError> {
    server.finish(session(), Expect::provider("github"), callback(state)).await
}

/// A server that does not know a login, or two servers that both accept one state.
#[test]
fn a_login_is_finished_by_either_server_and_by_one_alone() {
    if std::process::Command::new("redis-server").arg("--version").output().is_err() {
        println!("skipped: redis-server not found; `scripts/test unit` installs it");
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let redis = RedisServer::start(Engine::Redis70, &[]).await.unwrap();
        let document = KeyRingDocument::first(RingTiming::default(), std::time::SystemTime::now()).unwrap();
        let text = document.to_secret_text();
        let (one, other) = (server(text.expose(), &redis).await.unwrap(), server(text.expose(), &redis).await.unwrap());

        let begun = one.begin(session(), Login::with("github")).unwrap();
        assert!(finish(&other, &begun.state).await.is_ok(), "started on one, finished on the other");
        for server in [&one, &other] {
            assert_eq!(finish(server, &begun.state).await.unwrap_err().code(), "already_used");
        }
        for _ in 0..50 {
            let begun = other.begin(session(), Login::with("github")).unwrap();
            let (here, there) = tokio::join!(finish(&one, &begun.state), finish(&other, &begun.state));
            let refused: Vec<_> = [here, there].into_iter().filter_map(Result::err).collect();
            assert_eq!(refused.iter().map(FinishError::code).collect::<Vec<_>>(), ["already_used"], "one alone");
        }
    });
}
