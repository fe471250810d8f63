//! The store or the guard is down at the login start or the callback: the error, and the losses.

use std::sync::Arc;

use oauth_state::{BeginError, LiveKeyRing, ReplayGuard};
use oauth_state_postgres::PostgresGuard;
use oauth_state_postgres::PostgresPayloadStore;
use oauth_state_redis::RedisGuard;
use oauth_state_redis::RedisPayloadStore;
use oauth_state_store::PayloadStore;
use support::ensure;
use support::harness::Outcome;
use support::servers::{Failure, until};

use crate::stores::{Fleet, Kind, Server, Servers, server};
use crate::suite::{Basket, basket};

/// The stores of a service's marks and rows, and which of the two goes down.
#[derive(Clone, Copy)]
pub struct Outage {
    marks: Place,
    rows: Option<Place>,
    down: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Redis,
    Postgres,
}

use Place::{Postgres, Redis};

pub const ALL: [(&str, &str, Outage); 5] = [
    ("sealed", "its guard is down", Outage { marks: Redis, rows: None, down: Redis }),
    ("redis", "guard and rows are down together", Outage { marks: Redis, rows: Some(Redis), down: Redis }),
    ("redis", "the rows are down, the guard is not", Outage { marks: Postgres, rows: Some(Redis), down: Redis }),
    ("postgres", "guard and rows are down together", Outage { marks: Postgres, rows: Some(Postgres), down: Postgres }),
    ("postgres", "the rows are down, the guard is not", Outage { marks: Redis, rows: Some(Postgres), down: Postgres }),
];

pub async fn run(outage: Outage, _: Arc<Servers>) -> Outcome {
    let Outage { marks, rows, down } = outage;
    // A separate server, to be killed.
    let servers = Arc::new(Servers::start().await?);
    let fleet = Fleet::new(Kind::Memory, Arc::clone(&servers))?;
    // With the default budget, because no answer comes anyway.
    let redis = RedisGuard::builder(servers.redis.url()).connect().await?;
    let postgres = PostgresGuard::builder(servers.postgres.url()).connect().await?;
    let guard: Arc<dyn ReplayGuard> = match marks {
        Redis => Arc::new(redis.clone()),
        Postgres => Arc::new(postgres.clone()),
    };
    let rows_there: Option<Arc<dyn PayloadStore>> = match rows {
        None => None,
        Some(Redis) => Some(Arc::new(RedisPayloadStore::from_guard(&redis))),
        Some(Postgres) => Some(Arc::new(PostgresPayloadStore::from_guard(&postgres).await?)),
    };
    let keys = LiveKeyRing::from(fleet.document.ring().clone());
    let server: Server<Basket> = server(keys, fleet.clock.clone(), guard, rows_there)?;
    drop((redis, postgres, fleet));
    let mut states = Vec::new();
    for number in 0..12 {
        states.push(server.state(basket(number)).await?);
    }
    let mut servers = Arc::into_inner(servers).ok_or("the servers are still in use")?;
    match down {
        Redis => servers.redis.kill()?,
        Postgres => servers.postgres.kill()?,
    }

    // At the login start.
    let begun = server.begin(basket(100)).await;
    let at_begin = match (rows, begun) {
        (None, Ok(_)) => "logins still start",
        (Some(_), Err(BeginError::Store(_))) => "starts no login and redirects no user",
        (_, other) => return Err(format!("at begin: {:?}", other.err()).into()),
    };
    // At the callback. The first one may use a connection that is not known to be broken yet.
    let guard_is_down = marks == down;
    let code = if guard_is_down { "guard_unavailable" } else { "store_unavailable" };
    let mut lost = 0;
    while server.answer(&states[lost]).await != code {
        lost += 1;
        ensure!(lost < 4, "the callback is not refused with {code}");
    }
    let under_test = &states[lost + 1..];
    for state in under_test {
        let error = server.finish(state).await.err().ok_or("finished without its store")?;
        ensure!(error.code() == code && error.status() == 503, "{} with {}", error.code(), error.status());
        ensure!(error.retry_after().is_some() == guard_is_down, "a reload is offered where it cannot help, or not");
        ensure!(error.restart().is_some_and(|restart| !restart.is_automatic()), "a restart onto a store in trouble");
    }
    match down {
        Redis => servers.redis.restart().await?,
        Postgres => servers.postgres.restart().await?,
    }
    let probe = || async {
        let Ok(state) = server.state(basket(1)).await else { return Ok::<_, Failure>(false) };
        Ok(server.finish(&state).await.is_ok())
    };
    until("a store that is back", probe).await?;
    let then = if guard_is_down { "finished" } else { "already_used" };
    for state in under_test {
        server.expect(state, then, "after the outage").await?;
    }
    let told = if guard_is_down { "nothing is lost: the same callbacks finish later" } else { "those logins are lost" };
    Ok(format!("{at_begin}; at the callback `{code}`, {told}"))
}
