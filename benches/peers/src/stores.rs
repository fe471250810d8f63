//! The stores in which services keep a login, compared with a sealed state and a mark: one login after the other, in
//! wall-clock time, because most of it is waiting.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use oauth_state::{
    App, Callback, Expect, Flow, Login, Provider, ReplayGuard, ReturnTo, SingleProcessGuard, Tenant, testing,
};
use oauth_state_postgres::PostgresGuard;
use oauth_state_redis::RedisGuard;
use redis::AsyncCommands;
use serde_json::{Value, json};
use support::bench::rounds::quantile;
use support::bench::shapes::{PROVIDER, REDIRECT, RETURN_TO, TENANT, session};
use support::servers::Failure;
use support::servers::postgres::PostgresServer;
use support::servers::redis::{Engine, RedisServer};

use crate::login::{self, Carried, encode, random};

type Answer<'a, R> = Pin<Box<dyn Future<Output = R> + Send + 'a>>;

/// Keeps a login between login start and callback.
trait Keeper: Send + Sync {
    /// Returns the state.
    fn begin(&self) -> Answer<'_, String>;
    fn finish<'a>(&'a self, state: &'a str) -> Answer<'a, bool>;
}

fn random_state() -> String {
    let mut bytes = [0; 32];
    random(&mut bytes);
    encode(&bytes)
}

fn json_of(login: &Carried) -> String {
    serde_json::to_string(login).unwrap()
}

fn taken(json: Option<String>) -> bool {
    json.and_then(|json| serde_json::from_str(&json).ok()).and_then(login::finish).is_some()
}

struct Map(RwLock<HashMap<String, Carried>>);

impl Keeper for Map {
    fn begin(&self) -> Answer<'_, String> {
        let state = random_state();
        self.0.write().unwrap().insert(state.clone(), login::begin().0);
        Box::pin(async { state })
    }

    fn finish<'a>(&'a self, state: &'a str) -> Answer<'a, bool> {
        let taken = self.0.write().unwrap().remove(state);
        Box::pin(async { taken.and_then(login::finish).is_some() })
    }
}

struct Moka(moka::sync::Cache<String, Arc<Carried>>);

impl Keeper for Moka {
    fn begin(&self) -> Answer<'_, String> {
        let state = random_state();
        self.0.insert(state.clone(), Arc::new(login::begin().0));
        Box::pin(async { state })
    }

    fn finish<'a>(&'a self, state: &'a str) -> Answer<'a, bool> {
        let taken = self.0.remove(state);
        Box::pin(async { taken.and_then(|login| login::finish((*login).clone())).is_some() })
    }
}

struct Redis(redis::aio::MultiplexedConnection);

impl Keeper for Redis {
    fn begin(&self) -> Answer<'_, String> {
        let mut connection = self.0.clone();
        Box::pin(async move {
            let state = random_state();
            let () = connection.set_ex(&state, json_of(&login::begin().0), 600).await.unwrap();
            state
        })
    }

    fn finish<'a>(&'a self, state: &'a str) -> Answer<'a, bool> {
        let mut connection = self.0.clone();
        Box::pin(async move { taken(connection.get_del(state).await.unwrap()) })
    }
}

struct Postgres {
    client: tokio_postgres::Client,
    insert: tokio_postgres::Statement,
    delete: tokio_postgres::Statement,
}

impl Postgres {
    async fn new(server: &PostgresServer) -> Result<Self, Failure> {
        let client = server.connection().await?;
        client
            .batch_execute(
                "CREATE TABLE logins (state text PRIMARY KEY, login text NOT NULL, expires_at timestamptz NOT NULL)",
            )
            .await?;
        let insert = "INSERT INTO logins VALUES ($1, $2, now() + interval '10 minutes')";
        let delete = "DELETE FROM logins WHERE state = $1 AND expires_at > now() RETURNING login";
        Ok(Self { insert: client.prepare(insert).await?, delete: client.prepare(delete).await?, client })
    }
}

impl Keeper for Postgres {
    fn begin(&self) -> Answer<'_, String> {
        Box::pin(async move {
            let (state, login) = (random_state(), json_of(&login::begin().0));
            self.client.execute(&self.insert, &[&state, &login]).await.unwrap();
            state
        })
    }

    fn finish<'a>(&'a self, state: &'a str) -> Answer<'a, bool> {
        Box::pin(async move {
            let row = self.client.query_opt(&self.delete, &[&state]).await.unwrap();
            taken(row.map(|row| row.get(0)))
        })
    }
}

struct Sealed(Flow);

impl Sealed {
    fn new(guard: impl ReplayGuard) -> Self {
        let provider = Provider::github().named_redirect_uri(REDIRECT, "https://shop.example/auth/github/callback");
        let app = App::new("shop", "test").unwrap();
        Self(Flow::builder(app, testing::ring(), guard).provider(provider).build().unwrap())
    }
}

impl Keeper for Sealed {
    fn begin(&self) -> Answer<'_, String> {
        let path = RETURN_TO.parse::<ReturnTo>().unwrap();
        let login = Login::with(PROVIDER).tenant(TENANT).redirect(REDIRECT).return_to(path);
        let state = self.0.begin(session(), login).unwrap().state;
        Box::pin(async { state })
    }

    fn finish<'a>(&'a self, state: &'a str) -> Answer<'a, bool> {
        Box::pin(async move {
            let tenant = Tenant::from(TENANT);
            let expect = Expect::provider(PROVIDER).tenant(&tenant).redirect(REDIRECT);
            let callback = Callback::from_pairs([("code", "code"), ("state", state)]).unwrap();
            self.0.finish(session(), expect, callback).await.is_ok()
        })
    }
}

struct Entrant {
    name: &'static str,
    keeper: Box<dyn Keeper>,
    /// Commands that are waited for, at login start and callback, as in the code above.
    round_trips: (u32, u32),
    /// Bytes that a server, or the process, holds for each login in flight.
    held: f64,
}

/// Starts logins, and returns the growth of `bytes` for each of them.
async fn held<F: Future<Output = Result<f64, Failure>>>(
    keeper: &dyn Keeper,
    logins: usize,
    bytes: impl Fn() -> F,
) -> Result<f64, Failure> {
    let before = bytes().await?;
    for _ in 0..logins {
        keeper.begin().await;
    }
    Ok((bytes().await? - before) / logins as f64)
}

/// The resident memory of this process, in whole pages of the allocator.
async fn resident() -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/statm")?;
    let pages: f64 = status.split(' ').nth(1).ok_or("statm")?.parse()?;
    Ok(pages * 4096.0)
}

pub async fn measure(quick: bool) -> Result<Value, Failure> {
    let redis = RedisServer::start(Engine::Redis70, &[]).await?;
    let postgres = PostgresServer::start(&[]).await?;
    let connection = redis.connection().await?;
    let used = || async {
        let mut connection = connection.clone();
        let info: String = redis::cmd("INFO").arg("memory").query_async(&mut connection).await?;
        let line = info.lines().find_map(|line| line.strip_prefix("used_memory:")).ok_or("used_memory")?;
        Ok(line.trim().parse::<f64>()?)
    };
    let budget = Duration::from_secs(5);
    let redis_guard = RedisGuard::builder(redis.url()).budget(budget).connect().await?;
    let postgres_guard = PostgresGuard::builder(postgres.url()).budget(budget).create_tables().connect().await?;
    let in_postgres = Postgres::new(&postgres).await?;
    let size = || async {
        let row = in_postgres.client.query_one("SELECT pg_total_relation_size('logins')::float8", &[]).await?;
        Ok(row.get::<_, f64>(0))
    };
    let many = if quick { 20_000 } else { 200_000 };
    let (map, moka) =
        (Map(RwLock::default()), Moka(moka::sync::Cache::builder().time_to_live(Duration::from_secs(600)).build()));
    let in_redis = Redis(connection.clone());
    let held_by_map = held(&map, many, resident).await?;
    let held_by_moka = held(&moka, many, resident).await?;
    let held_by_redis = held(&in_redis, many / 10, used).await?;
    let held_by_postgres = held(&in_postgres, many / 10, size).await?;
    let sealed = Sealed::new(SingleProcessGuard::with_capacity(10_000_000));
    let held_by_sealed = held(&sealed, many, resident).await?;
    let entrant = |name, keeper: Box<dyn Keeper>, round_trips, held| Entrant { name, keeper, round_trips, held };
    let entrants = [
        entrant("sealed, `SingleProcessGuard`", Box::new(sealed), (0, 0), held_by_sealed),
        entrant("sealed, `RedisGuard`", Box::new(Sealed::new(redis_guard)), (0, 1), held_by_sealed),
        entrant("sealed, `PostgresGuard`", Box::new(Sealed::new(postgres_guard)), (0, 1), held_by_sealed),
        entrant("`RwLock<HashMap>`", Box::new(map), (0, 0), held_by_map),
        entrant("moka", Box::new(moka), (0, 0), held_by_moka),
        entrant("Redis `SETEX` and `GETDEL`", Box::new(in_redis), (1, 1), held_by_redis),
        entrant("Postgres `INSERT` and `DELETE`", Box::new(in_postgres), (1, 1), held_by_postgres),
    ];
    let (turns, logins) = if quick { (7, 200) } else { (21, 500) };
    let mut times = vec![(Vec::new(), Vec::new()); entrants.len()];
    for turn in 0..=turns {
        for position in 0..entrants.len() {
            let number = (position + turn) % entrants.len();
            let round = one_round(&*entrants[number].keeper, logins).await;
            // The first turn warms up.
            if turn > 0 {
                times[number].0.push(round.0);
                times[number].1.push(round.1);
            }
        }
    }
    println!("\nstores: begin and finish with its guard, microseconds; round trips; bytes held for a login in flight");
    let rows = entrants.iter().zip(&times).map(|(entrant, (begin, finish))| {
        let (begin, finish) = (quantile(begin, 0.5), quantile(finish, 0.5));
        let Entrant { name, round_trips, held, .. } = entrant;
        println!("{name:<34} {begin:>8.2} {finish:>8.2}   {} + {}   {held:>6.0}", round_trips.0, round_trips.1);
        json!({ "name": name, "begin": begin, "finish": finish, "round_trips": round_trips, "held": held })
    });
    Ok(rows.collect())
}

/// Microseconds of a login start and of a callback.
async fn one_round(keeper: &dyn Keeper, logins: usize) -> (f64, f64) {
    let mut states = Vec::with_capacity(logins);
    let start = Instant::now();
    for _ in 0..logins {
        states.push(keeper.begin().await);
    }
    let begun = start.elapsed();
    let start = Instant::now();
    for state in &states {
        assert!(keeper.finish(state).await, "a login is lost");
    }
    let each = |time: Duration| time.as_secs_f64() * 1e6 / logins as f64;
    (each(begun), each(start.elapsed()))
}
